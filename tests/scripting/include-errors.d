//@ run: -q -C
//@ status: 1
#include <not/there.h>
#if defined
#endif
#else
BEGIN { exit(0); }
#if 1
