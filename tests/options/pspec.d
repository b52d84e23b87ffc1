//@ name: dtrace
//@ run: -e -x errtags -s
//@ status: 1
/* As dtrace(1) has it, this is a probe whose name begins with `int`. */
#pragma D option pspec

int*x { }
