#include "common.h"

struct tuple {
	__u64 pid, tid;
};
MAP(BPF_MAP_TYPE_HASH, since, struct tuple, __u64);

ONE(times, struct slots);

static __always_inline struct tuple me(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return (struct tuple){ id >> 32, (__u32)id };
}

ENTRY
{
	struct tuple key;
	__u64 now;

	if (number != GETPRIORITY)
		return 0;
	key = me();
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&since, &key, &now, BPF_ANY);
	return 0;
}

RETURN
{
	struct slots *slots;
	__u32 zero = 0;
	struct tuple key;
	__u64 *t;

	if (regs->orig_ax != GETPRIORITY)
		return 0;
	key = me();
	t = bpf_map_lookup_elem(&since, &key);
	if (!t)
		return 0;
	slots = bpf_map_lookup_elem(&times, &zero);
	if (slots)
		slots->of[slot_of(bpf_ktime_get_ns() - *t) & 63]++;
	bpf_map_delete_elem(&since, &key);
	return 0;
}
