//@ run: -q -c 'sh -c "exec cat /dev/null a-file-that-is-not 2>/dev/null; true" one two'
/* What psinfo_t and lwpsinfo_t say of a process that was told its arguments. */
syscall::close:entry
/pid == $target && execname == "cat"/
{
	printf("%s: %s\n", curpsinfo->pr_fname, curpsinfo->pr_psargs);
	printf("%d arguments, the first is %s\n", curpsinfo->pr_argc,
	    copyinstr(*(uintptr_t *)copyin(curpsinfo->pr_argv, 8)));
	printf("%d %d %d\n", curpsinfo->pr_pid == pid, curpsinfo->pr_ppid == ppid,
	    curpsinfo->pr_pgid >= 0 && curpsinfo->pr_sid >= 0);
	printf("%d %d %d %d\n", curpsinfo->pr_uid == uid, curpsinfo->pr_euid == uid,
	    curpsinfo->pr_gid == gid, curpsinfo->pr_egid == gid);
	printf("%d %d\n", curpsinfo->pr_nlwp, curpsinfo->pr_dmodel == PR_MODEL_LP64);
	printf("%s %d %d %c\n", curlwpsinfo->pr_name, curlwpsinfo->pr_lwpid == tid,
	    curlwpsinfo->pr_onpro == cpu, curlwpsinfo->pr_sname);
	printf("%d %d\n", curlwpsinfo->pr_addr == (uintptr_t)curthread,
	    curlwpsinfo->pr_state == SRUN);
	exit(0);
}
