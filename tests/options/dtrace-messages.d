//@ name: dtrace
//@ run: -x errtags -s
//@ args: one
//@ status: 1
#pragma D option nspec=-72
#pragma D option ldpath=/nowhere
#pragma D option nothing
#pragma D attributes Stable/Wrong/Common x
#pragma D depends_on library net.d
#pragma D error "no more"
BEGIN { exit(0); }
