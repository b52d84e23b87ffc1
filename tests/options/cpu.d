//@ run: -q -x cpu=0 -c "sh -c 'for i in 1 2 3 4 5 6 7 8; do cat /dev/null; done'"
syscall:::entry
/cpu != 0/
{
	elsewhere = 1;
}

syscall:::entry { calls++; }

END { printf("%d %d\n", elsewhere, calls > 0); }
