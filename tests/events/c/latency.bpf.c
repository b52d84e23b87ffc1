#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} since SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slots);
} times SEC(".maps");

ENTRY
{
	__u64 *t;

	if (number != GETPRIORITY)
		return 0;
	t = bpf_task_storage_get(&since, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t)
		*t = bpf_ktime_get_ns();
	return 0;
}

RETURN
{
	struct slots *slots;
	__u32 zero = 0;
	__u64 *t;

	if (regs->orig_ax != GETPRIORITY)
		return 0;
	t = bpf_task_storage_get(&since, bpf_get_current_task_btf(), 0, 0);
	if (!t || !*t)
		return 0;
	slots = bpf_map_lookup_elem(&times, &zero);
	if (slots)
		slots->of[slot_of(bpf_ktime_get_ns() - *t) & 63]++;
	*t = 0;
	return 0;
}
