/*
 * Processes and threads as proc(5) of other systems shows them: psinfo_t, lwpsinfo_t.
 *
 * Both are made from a thread. The arguments are memory of the process itself, which is
 * only within reach while it runs: for any other process pr_psargs is its name, and
 * pr_argc, pr_argv and pr_envp are 0. What isn't listed in a translator isn't known.
 */

typedef long time_t;

typedef struct timestruc {
	time_t tv_sec;
	long tv_nsec;
} timestruc_t;

typedef id_t taskid_t;
typedef id_t dprojid_t;
typedef id_t poolid_t;

typedef struct lwpsinfo {
	int pr_flag;
	int pr_lwpid;
	uintptr_t pr_addr;
	uintptr_t pr_wchan;
	char pr_stype;
	char pr_state;
	char pr_sname;
	char pr_nice;
	short pr_syscall;
	char pr_oldpri;
	char pr_cpu;
	int pr_pri;
	ushort_t pr_pctcpu;
	timestruc_t pr_start;
	timestruc_t pr_time;
	char pr_clname[8];
	char pr_name[16];
	processorid_t pr_onpro;
	processorid_t pr_bindpro;
	int pr_bindpset;
	int pr_lgrp;
} lwpsinfo_t;

typedef struct psinfo {
	int pr_flag;
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	gid_t pr_gid;
	gid_t pr_egid;
	uintptr_t pr_addr;
	size_t pr_size;
	size_t pr_rssize;
	struct tty_struct *pr_ttydev;
	ushort_t pr_pctcpu;
	ushort_t pr_pctmem;
	timestruc_t pr_start;
	timestruc_t pr_time;
	timestruc_t pr_ctime;
	char pr_fname[16];
	char pr_psargs[80];
	int pr_wstat;
	int pr_argc;
	uintptr_t pr_argv;
	uintptr_t pr_envp;
	char pr_dmodel;
	taskid_t pr_taskid;
	dprojid_t pr_projid;
	int pr_nzomb;
	poolid_t pr_poolid;
	zoneid_t pr_zoneid;
	id_t pr_contract;
	lwpsinfo_t pr_lwp;
} psinfo_t;

inline char PR_MODEL_ILP32 = 1;
inline char PR_MODEL_LP64 = 2;

inline int PR_STOPPED = 0x00000001;
inline int PR_ISTOP = 0x00000002;
inline int PR_DSTOP = 0x00000004;
inline int PR_IDLE = 0x10000000;

inline char SSLEEP = 1;
inline char SRUN = 2;
inline char SZOMB = 3;
inline char SSTOP = 4;
inline char SIDL = 5;
inline char SONPROC = 6;
inline char SWAIT = 7;

inline int CLD_EXITED = 1;
inline int CLD_KILLED = 2;
inline int CLD_DUMPED = 3;
inline int CLD_TRAPPED = 4;
inline int CLD_STOPPED = 5;
inline int CLD_CONTINUED = 6;

/* Whether a thread's memory is the current one's. */
inline int _task_is_here[struct task_struct *T] =
    T->mm != NULL && T->mm == curthread->mm;

/* Where a process found its arguments: their number, then their addresses, then NULL. */
inline long _task_argc[struct task_struct *T] =
    _task_is_here[T] ? *(long *)copyin(T->mm->start_stack, sizeof(long)) : 0;

translator psinfo_t < struct task_struct *T > {
	pr_nlwp = T->signal->nr_threads;
	pr_pid = T->tgid;
	pr_ppid = T->real_parent->tgid;
	pr_pgid = T->signal->pids[PIDTYPE_PGID]->numbers[0].nr;
	pr_sid = T->signal->pids[PIDTYPE_SID]->numbers[0].nr;
	pr_uid = T->cred->uid.val;
	pr_euid = T->cred->euid.val;
	pr_gid = T->cred->gid.val;
	pr_egid = T->cred->egid.val;
	pr_addr = (uintptr_t)T;
	pr_ttydev = T->signal->tty != NULL ? T->signal->tty : (struct tty_struct *)-1;
	pr_fname = T->comm;
	pr_psargs = _task_is_here[T] ?
	    _psargs(T->mm->arg_start, T->mm->arg_end) : stringof(T->comm);
	pr_wstat = T->exit_code;
	pr_argc = _task_argc[T];
	pr_argv = _task_is_here[T] ? T->mm->start_stack + sizeof(long) : 0;
	pr_envp = _task_is_here[T] ?
	    T->mm->start_stack + sizeof(long) * (_task_argc[T] + 2) : 0;
	pr_dmodel = PR_MODEL_LP64;
	pr_taskid = 0;
	pr_projid = 0;
	pr_nzomb = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_contract = 0;
};

/* What a thread is waiting for (`state` before 5.14), and how far it has ended. */
inline unsigned int _task_state[struct task_struct *T] =
    (defined(T->__state) ? T->__state : T->state) | T->exit_state;

/* The processor that a thread runs on, or will. */
inline int _task_cpu[struct task_struct *T] =
    defined(T->thread_info.cpu) ? T->thread_info.cpu : defined(T->cpu) ? T->cpu : 0;

/*
 * The kernel's bits: 1 and 2 sleep, 4 stopped, 8 traced, 0x10 and 0x20 dead, 0x80 about to
 * be, 0x100 and 0x200 to be woken for one reason only.
 */
translator lwpsinfo_t < struct task_struct *T > {
	pr_flag = (_task_state[T] & 0x4 ? PR_STOPPED : 0) |
	    (T->flags & 0x2 ? PR_IDLE : 0);
	pr_lwpid = T->pid;
	pr_addr = (uintptr_t)T;
	pr_wchan = 0;
	pr_stype = 0;
	pr_state = _task_state[T] & 0xb0 ? SZOMB : _task_state[T] & 0xc ? SSTOP :
	    _task_state[T] & 0x3 ? SSLEEP : _task_state[T] & 0x300 ? SWAIT : SRUN;
	pr_sname = _task_state[T] & 0xb0 ? 'Z' : _task_state[T] & 0xc ? 'T' :
	    _task_state[T] & 0x3 ? 'S' : _task_state[T] & 0x300 ? 'W' : 'R';
	pr_pri = T->prio;
	pr_name = T->comm;
	pr_onpro = _task_cpu[T];
};

inline psinfo_t *curpsinfo = xlate <psinfo_t *> (curthread);
inline lwpsinfo_t *curlwpsinfo = xlate <lwpsinfo_t *> (curthread);

/* Where the current process is, and what it takes for the root of all files. */
inline string cwd = _path(curthread->fs->pwd.dentry, curthread->fs->pwd.mnt);
inline string root = _path(curthread->fs->root.dentry, curthread->fs->root.mnt);
