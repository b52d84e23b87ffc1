//@ check
#pragma D option cppargs=-H
#pragma D option strsize=1
#pragma D option version=7.7
#pragma D attributes Stable/Stable x
#pragma D binding "1.x" x
#pragma D depends_on class x
#pragma error stop here
BEGIN { exit(0); }
