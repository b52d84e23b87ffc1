#!/usr/bin/env -S strand -qC
/*
 * dumptask.d - all that is to be known of a process, once a second and when it ends.
 *
 * Shows the ways from `curthread`: translators (psinfo_t, lwpsinfo_t) for what is the same on
 * every system, members of struct task_struct for what isn't.
 *
 * Probes: profile, proc:::exit. $target is the process (-p PID or -c COMMAND).
 */
#define PSINFO(t)	xlate<psinfo_t *>(t)
#define LWPSINFO(t)	xlate<lwpsinfo_t *>(t)
#define FDS(t)		((t)->files->fdt)

#define DUMP_TASK(t)							\
	printf("Task %d/%d on cpu%d %s\n", PSINFO(t)->pr_pid,		\
	    LWPSINFO(t)->pr_lwpid, cpu, (t)->comm);			\
	printf("\targs: %s\n", PSINFO(t)->pr_psargs);			\
	printf("\troot: %s\n\tcwd: %s\n", root, cwd);			\
	printf("\texe: %s\n", stringof((t)->mm->exe_file->f_path.dentry->d_name.name)); \
	printf("\tstart time: %u ms\n", (t)->start_time / 1000000);	\
	printf("\tuser: %d us kernel: %d us\n", (t)->utime / 1000, (t)->stime / 1000)

/* A file that is open, by its number. */
#define DUMP_FILE(n)							\
	if (n < FDS(curthread)->max_fds && FDS(curthread)->fd[n] != NULL) \
		printf("\tfile%d: %s\n", n, fds[n].fi_pathname)

profile-1
/pid == $target/
{
	DUMP_TASK(curthread);
}

proc:::exit
/pid == $target/
{
	DUMP_TASK(curthread);
	DUMP_FILE(0);
	DUMP_FILE(1);
	DUMP_FILE(2);
}
