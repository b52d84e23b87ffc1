//@ run: -q -c 'sh -c "echo abcdefgh >/dev/null"'
/* What was copied stays while other temporaries come and go. */
syscall::write:entry
/pid == $target && arg2 == 9/
{
	this->p = (char *)copyin(arg1, 8);
	this->s = strjoin(probefunc, strjoin("-", execname));
	this->t = inet_ntoa(&curthread->pid);
	this->u = strjoin(this->s, this->t);
	printf("%c%c%c %s\n", this->p[0], this->p[1], this->p[7], this->s);
}
