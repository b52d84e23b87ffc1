#include "common.h"

OF_THREAD(since, __u64);

ONE(times, struct slots);

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
