#include "common.h"

/* The least that can be done: a record that is made and thrown away in the return. */
struct record {
	char comm[16];
	__u64 arg0;
};

OF_THREAD(kept, struct record);

ENTRY
{
	struct record *r;

	if (number != GETPRIORITY)
		return 0;
	r = bpf_task_storage_get(&kept, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r)
		return 0;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->arg0 = regs->di;
	return 0;
}

RETURN
{
	struct record *r;

	if (regs->orig_ax != GETPRIORITY)
		return 0;
	r = bpf_task_storage_get(&kept, bpf_get_current_task_btf(), 0, 0);
	if (r)
		r->comm[0] = 0;
	return 0;
}
