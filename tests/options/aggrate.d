//@ run: -q -x aggrate=1h
tick-300ms { @ = count(); i++; printa("%@d\n", @); }

tick-300ms
/i == 4/
{
	exit(0);
}

END { printa("%@d at the end\n", @); }
