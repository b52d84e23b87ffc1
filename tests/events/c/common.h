/* What an expert's programs share: system calls by the raw tracepoint, with a test of the number. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define GETPRIORITY 140
#define ENTRY SEC("tp_btf/sys_enter") int BPF_PROG(entry, struct pt_regs *regs, long number)
#define RETURN SEC("tp_btf/sys_exit") int BPF_PROG(ret, struct pt_regs *regs, long result)
#define MAP(KIND, NAME, KEY, VALUE)            \
	struct {                               \
		__uint(type, KIND);            \
		__uint(max_entries, 10240);    \
		__type(key, KEY);              \
		__type(value, VALUE);          \
	} NAME SEC(".maps")

/* A value for each processor. */
#define ONE(NAME, VALUE)                                 \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, __u32);                      \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")
#define OF_THREAD(NAME, VALUE)                            \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);  \
		__uint(map_flags, BPF_F_NO_PREALLOC);     \
		__type(key, int);                         \
		__type(value, VALUE);                     \
	} NAME SEC(".maps")

char _license[] SEC("license") = "GPL";

static __always_inline void count(void *map, const void *key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(map, key);

	if (n)
		*n += 1;
	else
		bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
}

static __always_inline int slot_of(__u64 v)
{
	int slot = 0;

	if (v >> 32) { v >>= 32; slot += 32; }
	if (v >> 16) { v >>= 16; slot += 16; }
	if (v >> 8) { v >>= 8; slot += 8; }
	if (v >> 4) { v >>= 4; slot += 4; }
	if (v >> 2) { v >>= 2; slot += 2; }
	return slot + (v >> 1);
}

struct slots {
	__u64 of[64];
};

/* Too large for a stack that others need, too. */
static const struct slots empty;

static __always_inline void quantize(void *map, const void *key, __u64 value)
{
	struct slots *slots = bpf_map_lookup_elem(map, key);

	if (!slots) {
		bpf_map_update_elem(map, key, &empty, BPF_NOEXIST);
		slots = bpf_map_lookup_elem(map, key);
		if (!slots)
			return;
	}
	slots->of[slot_of(value) & 63]++;
}
