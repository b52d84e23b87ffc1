//@ check
#pragma D attributes Stable/Stable/Common nothing
#pragma D depends_on library net.d
#pragma D depends_on provider nowhere
inline int x = 3;
enum { LATE };
#pragma D binding "1.0" x
#pragma D binding "1.0" LATE
BEGIN { exit(x); }
