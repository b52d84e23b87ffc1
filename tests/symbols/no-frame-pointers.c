/*
 * Calls of functions without frame pointers, through a library that has none either; and a signal
 * that comes in between. With an argument, it sorts until it is ended.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone, used))

static volatile int sink;

APART void leaf(int number)
{
	long result;

	__asm__ volatile("syscall"
	    : "=a"(result)
	    : "0"(SYS_close), "D"(number)
	    : "rcx", "r11", "memory");
	sink += (int)result;
}

/* More on its stack than it could do without. */
APART void middle(int number)
{
	char room[200];

	memset(room, number, sizeof(room));
	leaf(number);
	sink += room[number & 127];
}

APART int compare(const void *a, const void *b)
{
	if (sink == 0)
		middle(4010);
	sink++;
	return *(const int *)a - *(const int *)b;
}

APART void sorts(void)
{
	int numbers[3] = { 3, 1, 2 };

	qsort(numbers, 3, sizeof(int), compare);
	sink += numbers[1];
}

/* Its frame is as large as it is told, and aligned, so that its address is an expression. */
APART void aligned(int size)
{
	__attribute__((aligned(64))) char block[64];
	char *room = __builtin_alloca(size);

	memset(room, 1, size);
	memset(block, 1, sizeof(block));
	middle(4011);
	sink += room[size / 2] + block[sink & 63];
}

APART void handler(int signal)
{
	(void)signal;
	middle(4012);
	sink++;
}

APART void raises(void)
{
	raise(SIGUSR1);
	sink++;
}

APART void deep(int depth)
{
	if (depth == 0)
		middle(4013);
	else
		deep(depth - 1);
	sink++;
}

int main(int argc, char **argv)
{
	(void)argv;
	do {
		sorts();
	} while (argc > 1);
	signal(SIGUSR1, handler);
	aligned(300);
	raises();
	deep(60);
	return 0;
}
