#include "common.h"

struct tuple {
	char name[64];
};
MAP(BPF_MAP_TYPE_PERCPU_HASH, counts, struct tuple, __u64);

ENTRY
{
	struct tuple key = {};

	if (number != GETPRIORITY)
		return 0;
	bpf_probe_read_user_str(key.name, sizeof(key.name), (void *)regs->si);
	count(&counts, &key);
	return 0;
}
