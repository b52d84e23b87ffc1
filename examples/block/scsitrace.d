#!/usr/bin/env -S strand -qC
/*
 * scsitrace.d - one block I/O from its bio to the interrupt that ends it
 *
 *     scsitrace.d                              all disks
 *     scsitrace.d $(stat -c %r /dev/sda)       this one
 *
 * A bio gets a request or is merged into one; the request waits in a scheduler, becomes a
 * command where the disk is a SCSI one, and ends in an interrupt on any processor. What is
 * said of it is kept in a speculation of the request, and printed in one piece when its
 * last bio has ended.
 *
 * Probes: of blk:::, bio-queue (the bio is born), request-get, bio-backmerge, bio-frontmerge
 * and request-merge (how it comes to a request), request-insert (the scheduler has it),
 * request-issue and request-requeue (the driver), request-complete; of scsi:::, dispatch-start,
 * -done, -error and -timeout, on kernels that have SCSI.
 *
 * Output: each stage with the bio, its request, the processor and the nanoseconds since the
 * bio was queued. Who did it stands where the bio comes to its request; a merged bio has a
 * block of its own there. An example is in scsitrace.out.
 */
#pragma D option nspec=16384
#pragma D option dynvarsize=64m
#pragma D option bufsize=16m
#pragma D option defaultargs
#pragma D option zdefs

/* What is known of a bio before it is known which request it is in. */
struct joins {
	uint64_t when;
	int pid;
	int tid;
	int cpu;
};

int specs[uint64_t];		/* by request: its speculation, */
int rqs[uint64_t];		/* how many bios it has */
uint64_t bio2rq[uint64_t];
uint64_t times[uint64_t];	/* by bio: when it was queued, */
struct joins joins[uint64_t];	/* when it came to a request, */
string how[uint64_t];		/* in which way */
string names[uint64_t];		/* and who brought it */

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

/*
 * A write that is to be durable may be done in steps, and its bio ends with the last. Bit 0
 * is that of the flush before it, bit 1 that of the data.
 */
inline int in_steps[struct request *R] = R->end_io != NULL && (R->flush.seq & 3) == 1;

/* The state of a SCSI device, SDEV_RUNNING where the kernel has SCSI. */
inline int RUNNING = 2;

/* The inode whose page the bio begins with: the device's own, a file's, or none. */
inline struct page *page[struct bio *B] = B->bi_io_vec == NULL ? NULL : B->bi_io_vec->bv_page;
inline struct address_space *mapping[struct page *P] =
    P == NULL ? NULL : folio_mapping[page_folio[P]];
inline uint64_t ino[struct bio *B] =
    mapping[page[B]] == NULL ? 0 : mapping[page[B]]->host->i_ino;

#define DISK(bio)	(bio)->bi_bdev->bd_disk->part0->bd_dev
#define WRITES(opf)	((opf) & 1)

#define RQ_PROBE_PRINT(name, rq, bio)					\
	printf("%-24s %p %p cpu%d %+lld\n", name, bio, rq, cpu,		\
	    (long long)(timestamp - times[(uint64_t)(bio)]))

#define HANDLE_BIO2RQ(bio, rq)						\
	printf("%-24s %p %p cpu%d %+lld\n", how[(uint64_t)(bio)], bio, rq, \
	    joins[(uint64_t)(bio)].cpu, (long long)			\
	    (joins[(uint64_t)(bio)].when - times[(uint64_t)(bio)]));	\
	printf("\tPROC: %d/%d %s\n", joins[(uint64_t)(bio)].pid,		\
	    joins[(uint64_t)(bio)].tid, names[(uint64_t)(bio)]);		\
	printf("\tBUF flags: %s %x count: %d blkno: %d comp: ",		\
	    WRITES((bio)->bi_opf) ? "W" : "R", (bio)->bi_opf,		\
	    (bio)->bi_iter.bi_size, (bio)->bi_iter.bi_sector);		\
	sym((uintptr_t)(bio)->bi_end_io);				\
	printf("\n\tDEV %d,%d\tINO %d\n", DISK(bio) >> 20,		\
	    DISK(bio) & 0xfffff, ino[bio])

blk:::bio-queue
/args[0]->bi_bdev != NULL && ($1 == 0 || device[DISK(args[0])] == $1)/
{
	times[arg0] = timestamp;
	bio2rq[arg0] = 0;
}

/* The first part of a large one has a bio of its own, which leads to the whole. */
blk:::bio-split
{
	times[arg0] = times[(uint64_t)args[0]->bi_private];
}

/* The disk has no requests. */
blk:::bio-complete
{
	times[arg0] = 0;
}

blk:::bio-backmerge, blk:::bio-frontmerge, blk:::request-get
/times[arg0]/
{
	how[arg0] = probename;
	names[arg0] = execname;
	joins[arg0].when = timestamp;
	joins[arg0].cpu = cpu;
	joins[arg0].pid = pid;
	joins[arg0].tid = tid;
}

/* What this request has told begins anew in that which takes it in. */
blk:::request-merge
/specs[arg0]/
{
	discard(specs[arg0]);
	specs[arg0] = 0;
	rqs[arg0] = 0;
}

/* None of its bios is known here: it is used anew, and the end of its former life was missed. */
blk:::request-insert, blk:::request-issue
/specs[arg0]/
{
	this->known = 0;
	for (this->bio = args[0]->bio; this->bio != NULL && !this->known;
	    this->bio = this->bio->bi_next)
		this->known = bio2rq[(uint64_t)this->bio] == arg0;
	if (!this->known) {
		discard(specs[arg0]);
		specs[arg0] = 0;
	}
}

blk:::request-insert, blk:::request-issue
/specs[arg0] == 0 && times[(uint64_t)args[0]->bio]/
{
	specs[arg0] = speculation();
	rqs[arg0] = 0;
}

/* A flush without data ends without having been at the driver under its own name. */
blk:::request-complete
/specs[arg0] == 0 && times[(uint64_t)args[0]->bio] && args[0]->bio->bi_iter.bi_size == 0/
{
	specs[arg0] = speculation();
	rqs[arg0] = 0;
}

blk:::request-insert, blk:::request-issue, blk:::request-complete
/specs[arg0]/
{
	speculate(specs[arg0]);
	for (this->bio = args[0]->bio; this->bio != NULL; this->bio = this->bio->bi_next) {
		if (bio2rq[(uint64_t)this->bio] != arg0) {
			bio2rq[(uint64_t)this->bio] = arg0;
			rqs[arg0]++;
			HANDLE_BIO2RQ(this->bio, args[0]);
		}
	}
}

blk:::request-insert, blk:::request-issue
/specs[arg0]/
{
	speculate(specs[arg0]);
	RQ_PROBE_PRINT(probename, args[0], args[0]->bio);
	printf("\tDEV %d,%d\n", args[1]->dev_major, args[1]->dev_minor);
}

blk:::request-requeue
/specs[arg0]/
{
	speculate(specs[arg0]);
	RQ_PROBE_PRINT(probename, args[0], args[0]->bio);
}

scsi:::dispatch-start
/specs[arg2]/
{
	speculate(specs[arg2]);
	RQ_PROBE_PRINT(probename, args[2], args[2]->bio);
	printf("\tSCSI DEV %d:%d:%d:%d %s\n", args[1]->host->host_no, args[1]->channel,
	    args[1]->id, args[1]->lun,
	    args[1]->sdev_state == RUNNING ? "RUNNING" : "NOT RUNNING");
	printf("\tSCSI PKT flags: %x comp: ", args[2]->cmd_flags);
	sym((uintptr_t)args[2]->end_io);
	printf("\n");
}

scsi:::dispatch-done, scsi:::dispatch-error, scsi:::dispatch-timeout
/specs[arg2]/
{
	speculate(specs[arg2]);
	RQ_PROBE_PRINT(probename, args[2], args[2]->bio);
}

/* So many bytes have ended, and the bios that are within them. */
blk:::request-complete
/specs[arg0]/
{
	speculate(specs[arg0]);
	RQ_PROBE_PRINT(probename, args[0], args[0]->bio);
	this->bytes = (uint64_t)args[3];
	if (this->bytes == 0 || !in_steps[args[0]]) {
		for (this->bio = args[0]->bio; this->bio != NULL &&
		    this->bio->bi_iter.bi_size <= this->bytes; this->bio = this->bio->bi_next) {
			this->bytes -= this->bio->bi_iter.bi_size;
			printf("%-24s %p cpu%d %+lld\n", "bio-done", this->bio, cpu,
			    (long long)(timestamp - times[(uint64_t)this->bio]));
			bio2rq[(uint64_t)this->bio] = 0;
			times[(uint64_t)this->bio] = 0;
			how[(uint64_t)this->bio] = 0;
			names[(uint64_t)this->bio] = 0;
			joins[(uint64_t)this->bio] = 0;
			rqs[arg0]--;
		}
		if (rqs[arg0] == 0)
			printf("----------\n");
	}
}

blk:::request-complete
/specs[arg0] && rqs[arg0] == 0/
{
	commit(specs[arg0]);
	specs[arg0] = 0;
}
