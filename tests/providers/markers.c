/* A program with markers. `markers COUNT [MILLISECONDS]`: so many rounds, waiting between. */
#include "markers.h"
#include <stdlib.h>
#include <time.h>

#ifndef ORDER
#define ORDER "order"
#endif

#define KEPT __attribute__((noinline, noclone, used))

/* More than 0 while somebody traces the marker. */
unsigned short costly_semaphore __attribute__((section(".probes"), used));
static int nobody_asked;
static const char *volatile name = "Ada";

static KEPT void round_of(int i, long small)
{
	signed char narrow = -3;
	unsigned short half = 65535;
	int local = -i;

	MARKER(ORDER, "start", "0", "-4@%0 -8@%1", "r"(i), "r"(small));
	MARKER(ORDER, "types__of", "0", "-1@%0 2@%1 -4@%2 4@%3 8@%4", "q"(narrow), "r"(half),
	       "m"(local), "r"(local), "n"(12345678901));
	if (__builtin_expect(costly_semaphore, 0)) {
		const char *text = name;
		/* So that its page is there to be read. */
		(void)*(const volatile char *)text;
		MARKER(ORDER, "costly", "costly_semaphore", "8@%0", "r"(text));
	} else {
		nobody_asked++;
	}
	MARKER(ORDER, "done", "0", "");
}

/* The same marker again, with its argument elsewhere. */
static KEPT void again(void)
{
	static volatile int where = 77;

	MARKER(ORDER, "start", "0", "-4@%0 8@%1", "n"(7), "m"(where));
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	struct timespec pause = { 0, argc > 2 ? 1000000L * atoi(argv[2]) : 0 };

	for (int i = 0; i < rounds; i++) {
		round_of(i, -5 * i);
		if (pause.tv_nsec > 0)
			nanosleep(&pause, NULL);
	}
	again();
	return nobody_asked;
}
