/*
 * Keys of which most are shorter than they could be have a map of their own. Text of just the
 * length where that ends (63 bytes and a NUL) and of those around it, as a process has it and as
 * the program has made it; it is printed, cleared and removed wherever it is.
 */
//@ run: -q -c 'sh -c "exec 2>/dev/null; for i in 1 2; do for n in 62 63 64 65 200; do true <$(printf %0${n}d 0); done; done; true"'
syscall::openat:entry
/pid == $target && arg2 == 0/
{
	this->name = copyinstr(arg1);
	@user[copyinstr(arg1)] = count();
	@made[substr(this->name, 0)] = count();
	@both[strlen(this->name), copyinstr(arg1), execname] = sum(2);
	@kinds[stack(8), copyinstr(arg1), 7] = count();
	@stacks[stack(64), 8] = count();
}

END
{
	printa("%5@d %s\n", @user);
	printa("%5@d %s\n", @made);
	printa("%d %5@d %s %s\n", @both);
	trunc(@both, 2);
	clear(@user);
	trunc(@made);
	printf("\n");
	printa("%d %5@d %s %s\n", @both);
	printa("%5@d %s\n", @user);
	printa("%5@d %s\n", @made);
	trunc(@both);
	printa("%d %5@d %s %s\n", @both);
	printa("%k%s %d %@d\n", @kinds);
	printa("%k%d %@d\n", @stacks);
}
