/* Functions to trace. `user COUNT [MILLISECONDS]`: so many rounds, waiting between them. */
#include <stdlib.h>
#include <time.h>

#define KEPT __attribute__((noinline, noclone, used))

KEPT int add(int a, long b)
{
	__asm__ volatile("" : "+r"(a));
	return a + (int)b;
}

KEPT long eight(long a, long b, long c, long d, long e, long f, long g, long h)
{
	__asm__ volatile("" : "+r"(a));
	return a + b + c + d + e + f + g + h;
}

KEPT int factorial(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n < 2 ? 1 : n * factorial(n - 1);
}

/* Found by symbols only; nobody outside of this file knows it. */
static KEPT int hidden(const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
	return text[0];
}

int main(int argc, char **argv)
{
	char greeting[] = "good morning";
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	struct timespec pause = { 0, argc > 2 ? 1000000L * atoi(argv[2]) : 0 };

	for (int i = 0; i < rounds; i++) {
		add(i, 40);
		hidden(greeting);
		if (pause.tv_nsec > 0)
			nanosleep(&pause, NULL);
	}
	eight(1, 2, 3, 4, 5, 6, 7, 8);
	factorial(4);
	return 0;
}
