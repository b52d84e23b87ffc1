#include "common.h"

ONE(counts, __u64);

ENTRY
{
	__u32 zero = 0;
	__u64 *n;

	if (number != GETPRIORITY || bpf_get_current_pid_tgid() >> 32 != 1)
		return 0;
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		*n += 1;
	return 0;
}
