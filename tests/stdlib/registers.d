//@ needs: test "$(uname -m)" = x86_64 # the registers are those of x86-64
//@ run: -q -c 'sh -c "read line </dev/null"'
/* A system call's registers are its arguments and its stack; its number is R_ERR. */
syscall::read:entry
/pid == $target && arg0 == 0/
{
	printf("%d %d %d %d\n", uregs[R_RDI] == arg0, uregs[R_RSI] == arg1, uregs[R_RDX] == arg2,
	    uregs[R_ERR]);
	printf("%d %d\n", uregs[R_PC] != 0, uregs[R_SP] > uregs[R_PC]);
	printf("%x %x %d\n", uregs[R_CS], uregs[R_SS], uregs[R_TRAPNO] == curthread->thread.trap_nr);
	exit(0);
}
