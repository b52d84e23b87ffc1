//@ status: 1
BEGIN
{
	copyout((void *)curthread, 0, 8);
	copyoutstr("text", 0, 4);
}
