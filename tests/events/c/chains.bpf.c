#include "common.h"

struct tuple {
	__u64 parent, namespaces;
};
MAP(BPF_MAP_TYPE_PERCPU_HASH, counts, struct tuple, __u64);

ENTRY
{
	struct task_struct *task;
	struct tuple key;

	if (number != GETPRIORITY)
		return 0;
	task = bpf_get_current_task_btf();
	key.parent = task->real_parent->tgid;
	key.namespaces = task->nsproxy->uts_ns->ns.inum;
	count(&counts, &key);
	return 0;
}
