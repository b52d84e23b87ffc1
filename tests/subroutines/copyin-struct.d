//@ run: -q -o /dev/stdout -c 'sh -c "echo abcdefgh >/dev/null"'
struct words { char first[4]; char second[4]; };

syscall::write:entry
/pid == $target && arg2 >= 8/
{
	this->w = (struct words *)copyin(arg1, sizeof(struct words));
	printf("%c%c %c\n", this->w->first[0], this->w->first[3], this->w->second[0]);
}
