#!/usr/bin/env -S strand -qC
/*
 * merges.d - what the block layer makes of bios: which it splits, merges, and in how many
 * requests of which size the device gets them
 *
 *     merges.d                              all disks, until Ctrl-C
 *     merges.d $(stat -c %r /dev/sda)       this one
 *
 * Counters of merges tell how often, not whose. Here each is joined to the process that
 * queued the bio: small neighbours that are never merged come from somebody who doesn't let
 * them wait for each other, large ones that are split from somebody who asks for more than
 * the device takes at once (queue/max_sectors_kb).
 *
 * Probes: of blk:::, bio-queue, bio-split, bio-backmerge, bio-frontmerge, request-merge and
 * request-issue.
 *
 * Output: by device, direction and process, bios queued, parts split off, bios merged, and
 * of a hundred so many merged; by device, requests that joined another, requests issued
 * and their mean size; and all sizes of bios and requests. An example is in merges.out.
 */
#pragma D option defaultargs

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;
inline int wanted[struct gendisk *D] =
    D == NULL ? 0 : $1 == 0 || device[D->part0->bd_dev] == $1;

#define BIO_DISK	args[0]->bi_bdev->bd_disk
#define WANTED_BIO	(args[0]->bi_bdev != NULL && wanted[BIO_DISK] && args[0]->bi_iter.bi_size)
#define BIO_KEY		args[1]->dev_statname, args[0]->bi_opf & 1 ? "write" : "read", execname

blk:::bio-queue
/WANTED_BIO/
{
	@bios[BIO_KEY] = count();
	@splits[BIO_KEY] = sum(0);
	@merges[BIO_KEY] = sum(0);
	@sizes[args[1]->dev_statname, "bios, bytes"] = quantize(args[0]->bi_iter.bi_size);
}

blk:::bio-split
/WANTED_BIO/
{
	@splits[BIO_KEY] = sum(1);
}

/* Each bio, and each part of one, gets a request or is merged into one. */
blk:::request-get
/WANTED_BIO/
{
	@ratio[BIO_KEY] = avg(0);
}

blk:::bio-backmerge, blk:::bio-frontmerge
/WANTED_BIO/
{
	@merges[BIO_KEY] = sum(1);
	@ratio[BIO_KEY] = avg(100);
}

blk:::request-merge
/wanted[args[0]->q->disk]/
{
	@joined[args[1]->dev_statname] = sum(1);
}

blk:::request-issue
/wanted[args[0]->q->disk] && args[0]->__data_len/
{
	@joined[args[1]->dev_statname] = sum(0);
	@issued[args[1]->dev_statname] = count();
	@mean[args[1]->dev_statname] = avg(args[0]->__data_len / 1024);
	@sizes[args[1]->dev_statname, "requests, bytes"] = quantize(args[0]->__data_len);
}

END
{
	printa(@sizes);
	printf("%-12s %-6s %-16s %8s %8s %8s %8s\n", "DEVICE", "", "PROCESS", "BIOS", "SPLITS",
	    "MERGES", "MERGED %");
	printa("%-12s %-6s %-16s %@8d %@8d %@8d %@8d\n", @bios, @splits, @merges, @ratio);
	printf("\n%-12s %8s %8s %8s\n", "DEVICE", "JOINED", "REQUESTS", "MEAN KB");
	printa("%-12s %@8d %@8d %@8d\n", @joined, @issued, @mean);
}
