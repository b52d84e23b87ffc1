//@ run: -q -w
//@ needs: grep -q '\[none\]' /sys/kernel/security/lockdown # lockdown forbids writing to processes
/* What is written is changed on its way: first some bytes of it, then the rest. */
BEGIN
{
	system("echo something | cat");
}

syscall::write:entry
/!done && arg2 == 10 && progenyof($pid) && pid != $pid/
{
	done = 1;
	this->bytes = (char *)alloca(4);
	this->bytes[0] = 'e';
	this->bytes[1] = 'v';
	this->bytes[2] = 'e';
	this->bytes[3] = 'r';
	copyout(this->bytes, arg1, 4);
	copyoutstr("ywhere, and more", arg1 + 4, 6);
	copyout(curthread->comm, 0, 1);
}

ERROR
{
	printf("fault %d\n", arg4);
	exit(0);
}
