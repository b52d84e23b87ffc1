#!/usr/bin/env -S strand -q
/*
 * pthread.d - threads made, waited for and let go, condition variables waited on, with the
 * program's own stack.
 *
 * Probes (Needs: pid): functions of the C library in process $target.
 */
#pragma D option switchrate=100hz
#pragma D option zdefs

pid$target::pthread_create:entry
{
	self->id = arg0;
	self->function = arg2;
	self->argument = arg3;
}

pid$target::pthread_create:return
/self->id/
{
	printf("[%d] pthread_create %x ", tid, *(uint64_t *)copyin(self->id, sizeof (uint64_t)));
	usym(self->function);
	printf("(%x)\n", self->argument);
	self->id = 0;
}

pid$target::pthread_join:entry
{
	self->joined = arg0;
	printf("[%d] pthread_join %x\n", tid, self->joined);
}

pid$target::pthread_join:return
{
	printf("[%d] pthread_join:return %x -> %d\n", tid, self->joined, arg1);
}

pid$target::pthread_cond_*wait*:entry, pid$target::pthread_cond_*wait*:return,
pid$target::pthread_cond_signal:entry, pid$target::pthread_cond_broadcast:entry
{
	printf("[%d] %s:%s [%p]\n", tid, probefunc, probename, arg0);
	ustack(6);
}
