#include "common.h"

struct tuple {
	char name[32];
	__u32 write;
};
MAP(BPF_MAP_TYPE_PERCPU_HASH, sums, struct tuple, __u64);

SEC("tp_btf/block_bio_queue") int BPF_PROG(start, struct bio *bio)
{
	__u64 size, *n;
	struct tuple key = {};

	if (bio->bi_bdev->bd_dev != DEVICE)
		return 0;
	bpf_probe_read_kernel_str(key.name, sizeof(key.name), bio->bi_bdev->bd_disk->disk_name);
	key.write = bio->bi_opf & 1;
	size = bio->bi_iter.bi_size;
	n = bpf_map_lookup_elem(&sums, &key);
	if (n)
		*n += size;
	else
		bpf_map_update_elem(&sums, &key, &size, BPF_NOEXIST);
	return 0;
}
