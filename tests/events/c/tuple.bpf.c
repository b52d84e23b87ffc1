#include "common.h"

struct tuple {
	char comm[16];
	__u64 arg0;
	__u64 pid;
};
MAP(BPF_MAP_TYPE_PERCPU_HASH, counts, struct tuple, __u64);

ENTRY
{
	struct tuple key;

	if (number != GETPRIORITY)
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.pid = bpf_get_current_pid_tgid() >> 32;
	key.arg0 = regs->di;
	count(&counts, &key);
	return 0;
}
