//@ needs: [ "$(uname -r | cut -d. -f1)" -lt 7 ] # since 7.0 the kernel leaves out firings while another thread is in the program
//@ run: -q -c 'sh proc-storm.sh'
/* Of very many processes, each is seen whenever something becomes of it. */
proc:::create
/pid == $target/
{
	@[probename] = count();
	child[args[0]->pr_pid] = 1;
}

proc:::start, proc:::exec-success, proc:::exit
/child[pid]/
{
	@[probename] = count();
}

proc:::exit
/child[pid]/
{
	child[pid] = 0;
}

END
{
	setopt("aggsortkey");
	printa("%s %@d\n", @);
}
