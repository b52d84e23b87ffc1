//@ run: -q -c 'sleep 0.05'
sdt:sched::sched_switch
/args[1]->tgid == $target/
{
	@["switched off"] = count();
	@same = sum(args[1] == curthread ? 0 : 1);
}

END { printa("%@d\n", @same); trunc(@); }
