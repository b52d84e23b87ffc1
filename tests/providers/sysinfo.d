//@ run: -q -c 'sh -c "/bin/true; /bin/true; echo 12345 >/dev/null; read line </proc/version"'
/* The calls of a shell and its two children, as the system counts them. */
sysinfo:::sysexec
/pid == $target || ppid == $target/
{
	execs += arg0;
}

sysinfo:::sysfork
/pid == $target/
{
	forks += arg0;
}

sysinfo:::writech
/pid == $target/
{
	written += args[0];
}

sysinfo:::syswrite
/pid == $target/
{
	writes += arg0;
}

sysinfo:::sysread, syscall::read:entry, syscall::pread64:entry
/pid == $target/
{
	reads[probeprov] += probeprov == "sysinfo" ? arg0 : 1;
}

sysinfo:::readch
/pid == $target/
{
	gotten += arg0;
}

sysinfo:::pswitch
/pid == $target/
{
	switches++;
}

vminfo:::as_fault
/pid == $target/
{
	faults += arg0;
}

END
{
	printf("%d %d %d %d\n", execs, forks, writes, written);
	printf("%d %d\n", reads["sysinfo"] == reads["syscall"], gotten > 0);
	printf("%d %d\n", switches > 0, faults > 0);
}
