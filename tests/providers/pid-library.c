/* A library whose code runs before main. */
__attribute__((noinline, noclone, used)) int early(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

__attribute__((constructor)) static void start(void)
{
	early(6);
}
