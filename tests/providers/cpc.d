//@ run: -q -c 'python3 cpc.py'
/* Each page that is touched is a fault, in the program and not in the kernel; a count of 100
 * fires once for a hundred of them. Other processes' faults are among those hundred. */
cpc:::page_faults-user-1
/pid == $target/
{
	faults++;
	inside += arg0 != 0;
}

cpc:::minor_faults-all-100,
cpc:::faults-all-1000000
/pid == $target/
{
	hundreds += probename == "minor_faults-all-100";
	millions += probename == "faults-all-1000000";
}

END
{
	printf("at least 1000: %d\n", faults >= 1000);
	printf("from the kernel: %d\n", inside);
	printf("for each hundred: %d\n", hundreds >= 5 && hundreds <= 1 + faults / 50);
	printf("for a million: %d\n", millions);
}
