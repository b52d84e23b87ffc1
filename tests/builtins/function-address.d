/* A kernel function's name is its address, with or without `&`. */
BEGIN
{
	printf("%a %a+1\n", `vfs_read, &vmlinux`vfs_read);
	printf("%d\n", (uintptr_t)`vfs_read == (uintptr_t)&`vfs_read);
	exit(0);
}
