/* Calls the kernel from a function of its own, again and again: `build-id NUMBER COUNT`. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __attribute__((noinline)) long known_elsewhere(int number)
{
	long result;

	__asm__ volatile("syscall"
	    : "=a"(result)
	    : "0"(SYS_close), "D"(number)
	    : "rcx", "r11", "memory");
	return result;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, 10000000 };

	if (argc != 3)
		return 1;
	for (int rounds = atoi(argv[2]); rounds > 0; rounds--) {
		known_elsewhere(atoi(argv[1]));
		nanosleep(&pause, NULL);
	}
	return 0;
}
