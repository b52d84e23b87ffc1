/*
 * A loop of a cheap system call on one processor.
 *
 *     loop CPU CALLS OUT [DEVICE]
 *
 * Writes to the file OUT when it began (CLOCK_MONOTONIC, ns) and the nanoseconds of a call. The
 * call is getpriority(0, "a name"): it fails early, and has a number and a string to look at. With
 * a device it is a read of its first block, past the page cache.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char name[] = "a name";
	static char block[4096] __attribute__((aligned(4096)));
	long long begin = now(), start;
	long calls;
	cpu_set_t cpus;
	FILE *out;
	int device = -1;

	if (argc != 4 && argc != 5)
		return 2;
	if (argc == 5 && (device = open(argv[4], O_RDONLY | O_DIRECT)) < 0)
		return 1;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[1]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	calls = atol(argv[2]);
	/* What nobody has looked at yet isn't in memory, and nothing but faults would be measured. */
	(void)*(const volatile char *)name;
	start = now();
	for (long i = 0; i < calls; i++)
		if (device < 0)
			syscall(SYS_getpriority, 9, name, i);
		else if (pread(device, block, sizeof(block), 0) != sizeof(block))
			return 1;
	start = now() - start;
	out = fopen(argv[3], "w");
	if (!out)
		return 1;
	fprintf(out, "%lld %.2f\n", begin, (double)start / calls);
	return fclose(out);
}
