//@ run: -q -c 'dd if=/dev/zero of=/dev/null count=100 status=none'
syscall::read:entry
/pid == $target/
{
	self->start = timestamp;
}

syscall::read:return
/self->start/
{
	ns = timestamp - self->start;
	@ok = sum(ns > 0 && ns < 1000000000 ? 1 : 0);
	self->start = 0;
	n++;
}

END
{
	printa("%@d", @ok);
	printf(" of %d\n", n);
}
