#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__uint(value_size, 20 * sizeof(__u64));
} stacks SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_HASH, counts, __u64, __u64);

ENTRY
{
	__u64 id;

	if (number != GETPRIORITY)
		return 0;
	id = bpf_get_stackid(ctx, &stacks, 0);
	count(&counts, &id);
	return 0;
}
