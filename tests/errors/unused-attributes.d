//@ check
#pragma D attributes Stable/Stable/Common known
#pragma D attributes Stable/Stable/Common unknown
inline int known = 1;
BEGIN { exit(known); }
