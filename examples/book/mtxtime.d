#!/usr/bin/env -S strand -q
/*
 * mtxtime.d - how long threads wait for mutexes, by where they ask for them.
 *
 * A mutex that is free never enters the kernel; one that isn't waits in futex(2), whose
 * probes need nothing of the program.
 *
 * Probes: syscall::futex. $target is the process.
 */
inline int FUTEX_WAIT = 0;
inline int FUTEX_WAIT_BITSET = 9;
/* FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME don't matter here. */
inline int FUTEX_CMD_MASK = ~(128 | 256);

syscall::futex:entry
/pid == $target && ((arg1 & FUTEX_CMD_MASK) == FUTEX_WAIT ||
    (arg1 & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)/
{
	self->asked = timestamp;
}

syscall::futex:return
/self->asked/
{
	@waits[ustack(5)] = quantize(timestamp - self->asked);
	self->asked = 0;
}

END
{
	printa("%k%@d\n", @waits);
}
