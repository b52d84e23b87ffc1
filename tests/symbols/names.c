/* Passes places of its own to write(2), which refuses the descriptor. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Names as compilers of C++ and of Rust make them. */
long of_cxx(int n) __asm__("_ZN3net7connectEi");
long of_rust(int n) __asm__("_RNvNtCs1234_3net3tcp6listen");

__attribute__((noinline)) long of_cxx(int n)
{
	return n + 1L;
}

__attribute__((noinline)) long of_rust(int n)
{
	return n + 2L;
}

/* Only the symbol table, or what stands for it, has this name. */
__attribute__((noinline)) static long hidden(int n)
{
	return n + 3L;
}

/* What has been compiled at run time, and the list of it. */
static void generated(void)
{
	char path[64];
	char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *list;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	list = fopen(path, "w");
	if (list == NULL || code == MAP_FAILED)
		return;
	fprintf(list, "%lx 40 interpreter::main_loop\n", (unsigned long)code);
	fclose(list);
	write(-1, code + 8, 1);
	usleep(500000);
	unlink(path);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "generated") == 0) {
		generated();
		return 0;
	}
	write(-1, (char *)of_cxx, 1);
	write(-1, (char *)of_rust, 1);
	write(-1, (char *)hidden + 1, 1);
	return hidden(1) + of_cxx(1) + of_rust(1) == 0;
}
