#include "common.h"

struct tuple {
	char comm[16];
};
MAP(BPF_MAP_TYPE_PERCPU_HASH, counts, struct tuple, __u64);

ENTRY
{
	struct tuple key;

	if (number != GETPRIORITY)
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count(&counts, &key);
	return 0;
}
