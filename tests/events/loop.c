/*
 * A loop of a cheap system call on one processor.
 *
 *     loop CPU CALLS OUT
 *
 * Writes to the file OUT when it began (CLOCK_MONOTONIC, ns) and the nanoseconds of a call. The
 * call is getpriority(0, "a name"): it fails early, and has a number and a string to look at.
 */
#define _GNU_SOURCE
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
	long long begin = now(), start;
	long calls;
	cpu_set_t cpus;
	FILE *out;

	if (argc != 4)
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[1]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	calls = atol(argv[2]);
	start = now();
	for (long i = 0; i < calls; i++)
		syscall(SYS_getpriority, 9, name, i);
	start = now() - start;
	out = fopen(argv[3], "w");
	if (!out)
		return 1;
	fprintf(out, "%lld %.2f\n", begin, (double)start / calls);
	return fclose(out);
}
