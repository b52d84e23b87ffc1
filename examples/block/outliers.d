#!/usr/bin/env -S strand -qC
/*
 * outliers.d - the whole life of slow I/O, and of nothing else
 *
 *     outliers.d 20000                              what takes longer than 20 ms
 *     outliers.d 20000 $(stat -c %r /dev/sda)       on this disk
 *
 * Whether an I/O is slow is known when it ends, and then it's too late to ask what happened.
 * Here each stage of every request goes into a speculation, which is shown if the request
 * took longer than so many microseconds, and forgotten if not.
 *
 * Probes: of blk:::, bio-queue, bio-split, request-merge, request-insert, request-issue,
 * request-requeue and request-complete; scsi:::dispatch-start, -done, -error and -timeout
 * where the kernel has SCSI.
 *
 * Output: for each slow request what it is and for whom; then the stages, with processor,
 * microseconds since the one before and since the start, and how many requests the device
 * had then. At the end, how many were slow. An example is in outliers.out.
 */
#pragma D option nspec=16384
#pragma D option dynvarsize=64m
#pragma D option bufsize=16m
#pragma D option defaultargs
#pragma D option zdefs

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

/*
 * A write that is to be durable may be done in steps, and its bio ends with the last. Bit 0
 * is that of the flush before it, bit 1 that of the data.
 */
inline int in_steps[struct request *R] = R->end_io != NULL && (R->flush.seq & 3) == 1;

uint64_t times[uint64_t];	/* by bio: when it was queued, */
int pids[uint64_t];		/* and by whom */
string names[uint64_t];

int specs[uint64_t];		/* by request: its speculation, */
uint64_t born[uint64_t];	/* when its first bio was queued, */
uint64_t last[uint64_t];	/* and when it was seen last */
uint64_t depth[struct gendisk *];

#define SLOW(rq)	(timestamp - born[rq] > $1 * 1000)
#define STAGE(rq)							\
	printf("\t%-18s cpu%-3d %+9d %9d us, %d at the device\n", probename, cpu, \
	    (timestamp - last[(uint64_t)(rq)]) / 1000,			\
	    (timestamp - born[(uint64_t)(rq)]) / 1000, depth[(rq)->q->disk]); \
	last[(uint64_t)(rq)] = timestamp

blk:::bio-queue
/args[0]->bi_bdev != NULL &&
    ($2 == 0 || device[args[0]->bi_bdev->bd_disk->part0->bd_dev] == $2)/
{
	times[arg0] = timestamp;
	pids[arg0] = pid;
	names[arg0] = execname;
}

/* The first part of a large one has a bio of its own, which leads to the whole. */
blk:::bio-split
/times[(uint64_t)args[0]->bi_private]/
{
	times[arg0] = times[(uint64_t)args[0]->bi_private];
	pids[arg0] = pids[(uint64_t)args[0]->bi_private];
	names[arg0] = names[(uint64_t)args[0]->bi_private];
}

/* The disk has no requests. */
blk:::bio-complete
/times[arg0]/
{
	times[arg0] = 0;
	pids[arg0] = 0;
	names[arg0] = 0;
}

/* The request that takes it in goes on. */
blk:::request-merge
/specs[arg0]/
{
	discard(specs[arg0]);
	specs[arg0] = 0;
	born[arg0] = 0;
	last[arg0] = 0;
}

blk:::request-insert, blk:::request-issue
/specs[arg0] == 0 && times[(uint64_t)args[0]->bio]/
{
	specs[arg0] = speculation();
	born[arg0] = times[(uint64_t)args[0]->bio];
	last[arg0] = born[arg0];
}

blk:::request-insert, blk:::request-issue
/specs[arg0] && last[arg0] == born[arg0]/
{
	speculate(specs[arg0]);
	this->first = (uint64_t)args[0]->bio;
	printf("%s %s of %d bytes at sector %d by %s, pid %d\n", args[1]->dev_statname,
	    args[0]->cmd_flags & 1 ? "write" : "read", args[0]->__data_len,
	    args[0]->__sector, names[this->first], pids[this->first]);
}

blk:::request-issue
/specs[arg0]/
{
	depth[args[0]->q->disk]++;
}

blk:::request-insert, blk:::request-issue, blk:::request-requeue
/specs[arg0]/
{
	speculate(specs[arg0]);
	STAGE(args[0]);
}

blk:::request-requeue
/specs[arg0]/
{
	depth[args[0]->q->disk]--;
}

scsi:::dispatch-start, scsi:::dispatch-done, scsi:::dispatch-error, scsi:::dispatch-timeout
/specs[arg2]/
{
	speculate(specs[arg2]);
	STAGE(args[2]);
}

blk:::request-complete
/specs[arg0]/
{
	speculate(specs[arg0]);
	STAGE(args[0]);
}

blk:::request-complete
{
	this->ends = 0;
}

/* The last part of it, where it ends in parts. */
blk:::request-complete
/specs[arg0] && args[3] >= args[0]->__data_len && (args[3] == 0 || !in_steps[args[0]])/
{
	this->ends = 1;
	depth[args[0]->q->disk]--;
	requests++;
}

blk:::request-complete
/this->ends && SLOW(arg0)/
{
	slow++;
	commit(specs[arg0]);
}

blk:::request-complete
/this->ends && !SLOW(arg0)/
{
	discard(specs[arg0]);
}

blk:::request-complete
/this->ends/
{
	specs[arg0] = 0;
	born[arg0] = 0;
	last[arg0] = 0;
}

/* What ends gives its bios back. */
blk:::request-complete
/args[3] == 0 || !in_steps[args[0]]/
{
	this->bytes = (uint64_t)args[3];
	for (this->bio = args[0]->bio; this->bio != NULL &&
	    this->bio->bi_iter.bi_size <= this->bytes; this->bio = this->bio->bi_next) {
		this->bytes -= this->bio->bi_iter.bi_size;
		times[(uint64_t)this->bio] = 0;
		pids[(uint64_t)this->bio] = 0;
		names[(uint64_t)this->bio] = 0;
	}
}

END
{
	printf("%d of %d requests took longer than %d us\n", slow, requests, $1);
}
