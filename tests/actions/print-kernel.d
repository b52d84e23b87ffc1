/* What a pointer points to, with its address; types are the kernel's. */
BEGIN
{
	print(&curthread->cpus_mask);
	print(&curthread->pid);
	print(curthread->cred);
	exit(0);
}
