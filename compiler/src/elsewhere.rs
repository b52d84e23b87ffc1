//! Names of other systems: what scripts written for Solaris, illumos, FreeBSD or macOS say, and
//! what there is on Linux.
//!
//! In: a name that nothing here has. Out: a hint. Decides nothing; it only knows what such
//! scripts use most.

use crate::kernel::ProbePattern;

/// Members of the structs that `curthread` points to there.
const OF_THREAD: &[(&str, &str)] = &[
    ("t_procp", PROCESS),
    ("td_proc", PROCESS),
    ("t_cpu", "`cpu` is its number, and `curcpu` says more"),
    ("td_oncpu", "`cpu` is its number, and `curcpu` says more"),
    ("t_pri", "`curlwpsinfo->pr_pri` is its priority"),
    ("td_priority", "`curlwpsinfo->pr_pri` is its priority"),
    ("t_tid", "`tid` is its number"),
    ("t_did", "`tid` is its number"),
    ("td_tid", "`tid` is its number"),
    ("t_lwp", "`curlwpsinfo` says what is known of it"),
    ("t_state", "`curlwpsinfo->pr_state` is its state"),
    ("t_cred", CREDENTIALS),
    ("td_ucred", CREDENTIALS),
    ("td_name", "`execname` is its name"),
];

const PROCESS: &str =
    "a process is its first thread, `curthread->group_leader`; `curpsinfo` says more of it";
const CREDENTIALS: &str = "`uid` and `gid` are whose it is, and `curthread->cred` says more";

/// Types of the kernel.
const TYPES: &[(&str, &str)] = &[
    ("kthread_t", "struct task_struct"),
    ("proc_t", "struct task_struct"),
    ("cred_t", "struct cred"),
    ("cpu_t", "cpuinfo_t"),
    ("vnode_t", "struct inode"),
    ("file_t", "struct file"),
    ("uf_entry_t", "struct fdtable"),
    ("vfs_t", "struct super_block"),
    ("buf_t", "struct bio"),
    ("page_t", "struct page"),
    ("mblk_t", "struct sk_buff"),
    ("conn_t", "struct sock"),
    ("tcp_t", "struct tcp_sock"),
    ("ipha_t", "struct iphdr"),
    ("ip6_t", "struct ipv6hdr"),
    ("tcph_t", "struct tcphdr"),
    ("dev_info_t", "struct device"),
    ("taskq_t", "struct workqueue_struct"),
    ("taskq_ent_t", "struct work_struct"),
    ("kmutex_t", "struct mutex"),
    ("krwlock_t", "struct rw_semaphore"),
];

/// Variables of the kernel.
const VARIABLES: &[(&str, &str)] = &[
    ("hp_avenrun", "`` `avenrun `` has the load averages, in 1/2048"),
    ("utsname", "`curthread->nsproxy->uts_ns->name` has the system's names"),
    ("lbolt", "`` `jiffies `` counts the clock's ticks"),
    ("freemem", "`` `vm_zone_stat `` begins with the number of free pages"),
    ("physmem", "`` `_totalram_pages `` is the number of pages"),
    ("ncpus", "`` `nr_cpu_ids `` is the number of processors"),
];

/// System calls, by what their probes' functions are called.
const CALLS: &[(&str, &str)] = &[
    ("rexit", "`exit_group` ends a process, `exit` a thread"),
    ("exece", "`execve` and `execveat` run a program"),
    ("forksys", FORK),
    ("fork1", FORK),
    ("forkall", FORK),
    ("vforkx", FORK),
    ("lwp_create", FORK),
    ("stat", "the kernel calls it `newstat`; programs mostly use `newfstatat` and `statx`"),
    ("lstat", "the kernel calls it `newlstat`; programs mostly use `newfstatat` and `statx`"),
    ("fstat", "the kernel calls it `newfstat`"),
    ("uname", "the kernel calls it `newuname`"),
    ("sendfile", "the kernel calls it `sendfile64`"),
    ("umount2", "the kernel calls it `umount`"),
    ("open64", OPEN),
    ("creat64", OPEN),
    ("open_nocancel", OPEN),
    ("stat64", STAT),
    ("lstat64", STAT),
    ("fstat64", STAT),
    ("fstatat64", STAT),
    ("read_nocancel", "`read` is all that there is of it"),
    ("write_nocancel", "`write` is all that there is of it"),
    ("mmap64", "`mmap` maps files of any size"),
    ("pollsys", "`poll` and `ppoll`, `select` and `epoll_wait` wait for files"),
    ("portfs", "`epoll_wait` waits for events"),
    ("kevent", "`epoll_wait` waits for events"),
    ("lwp_park", "`futex` is what threads wait with"),
    ("lwp_sigmask", "`rt_sigprocmask` sets which signals a thread takes"),
    ("sigaction", "`rt_sigaction` sets what signals do"),
    ("so_socket", "`socket` makes one"),
    ("yield", "`sched_yield` lets others run"),
];

const FORK: &str = "`fork`, `vfork`, `clone` and `clone3` make processes and threads; programs \
                    mostly use the last two";
const OPEN: &str = "`open`, `openat` and `openat2` open files; programs mostly use `openat`";
const STAT: &str = "`newstat`, `newlstat`, `newfstat`, `newfstatat` and `statx` ask for files; \
                    programs mostly use the last two";

/// Providers, and probes of `sdt`.
const PROBES: &[(&str, &str, &str)] = &[
    (
        "mib",
        "",
        "`tcp`, `udp` and `ip` have probes for packets, `sdt:tcp::` and `sdt:skb::` others",
    ),
    (
        "fsinfo",
        "",
        "`syscall`, `fs:::` and functions such as `fbt::vfs_read:` have probes for files",
    ),
    ("vfs", "", "functions such as `fbt::vfs_read:` have probes for files"),
    ("vnode", "", "functions such as `fbt::vfs_read:` have probes for files"),
    ("nfsv3", "", NFS),
    ("nfsv4", "", NFS),
    ("smb", "", "`sdt:cifs::` has a client's probes where the module is loaded"),
    ("iscsi", "", "`sdt:iscsi::` and `scsi:::` have such probes where the module is loaded"),
    ("fc", "", "`scsi:::` has probes for commands"),
    ("callout_execute", "", "`sdt:timer::` has probes for timers"),
    ("dtmalloc", "", "`sdt:kmem::` has probes for the kernel's memory"),
    ("sdt", "interrupt-start", "`sdt:irq::irq_handler_entry` is where a device's interrupt begins"),
    ("sdt", "interrupt-complete", "`sdt:irq::irq_handler_exit` is where a device's interrupt ends"),
];

const NFS: &str = "`sdt:nfsd::` has a server's probes, `sdt:nfs::` a client's, where the module is \
                   loaded";

fn find<'t>(table: &[(&str, &'t str)], name: &str) -> Option<&'t str> {
    table.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
}

/// For a member that a thread's struct doesn't have.
pub(crate) fn of_thread(member: &str) -> Option<String> {
    find(OF_THREAD, member).map(|ours| format!("on Linux, {ours}"))
}

/// For a name that would have to be a type.
pub(crate) fn type_named(name: &str) -> Option<String> {
    find(TYPES, name).map(|ours| format!("what is called so elsewhere is like `{ours}` on Linux"))
}

/// For a variable of the kernel.
pub(crate) fn kernel_variable(name: &str) -> Option<String> {
    find(VARIABLES, name).map(|ours| format!("on Linux, {ours}"))
}

/// For a description that matches no probe.
pub(crate) fn probe(pattern: &ProbePattern) -> Option<String> {
    let ours = if pattern.provider == "syscall" {
        find(CALLS, &pattern.function)
    } else {
        let found = PROBES.iter().find(|(provider, name, _)| {
            *provider == pattern.provider && (name.is_empty() || *name == pattern.name)
        });
        found.map(|(_, _, ours)| *ours)
    };
    ours.map(|ours| format!("on Linux, {ours}"))
}
