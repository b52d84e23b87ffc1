#!/usr/bin/env -S strand -q
/*
 * stat.d - each stat(2) of a file with the size that it gave.
 *
 * Shows a translator of one's own: it reads what the kernel has written into the memory of
 * the process.
 *
 * Probes: syscall::newfstatat. The size is 48 bytes into struct stat on x86-64.
 */
struct stat_info {
	long long st_size;
};

translator struct stat_info < uintptr_t s > {
	st_size = *(long long *)copyin(s + 48, sizeof (long long));
};

syscall::newfstatat:entry
/$target == 0 || pid == $target/
{
	self->filename = arg1;
	self->statptr = arg2;
}

syscall::newfstatat:return
/self->statptr && arg1 == 0/
{
	printf("STAT %s size: %d\n", copyinstr(self->filename),
	    xlate < struct stat_info * > (self->statptr)->st_size);
}

syscall::newfstatat:return
{
	self->filename = 0;
	self->statptr = 0;
}
