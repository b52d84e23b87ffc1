#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} records SEC(".maps");

struct record {
	__u64 kind;
	char comm[16];
	__u64 arg0, arg1;
};

ENTRY
{
	struct record *r;

	if (number != GETPRIORITY)
		return 0;
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r)
		return 0;
	r->kind = 1;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->arg0 = regs->di;
	r->arg1 = regs->si;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}
