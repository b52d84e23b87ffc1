#!/usr/bin/env -S strand -q
/*
 * latency.d - how long I/O takes, by the process that it is done for
 *
 *     latency.d                              all disks, until Ctrl-C
 *     latency.d $(stat -c %r /dev/sda)       this one
 *
 * What a process writes to a file goes to the disk later, from a kernel worker or from
 * whoever calls sync(2), so tools that look at the I/O alone blame those. This script notes
 * who made each page of the page cache dirty, and joins by inode and index when the page is
 * written. What has no such page (reads, direct I/O) is its own process's.
 *
 * Probes: sdt:writeback::writeback_dirty_folio (somebody dirties a folio), blk:::bio-queue
 * (somebody starts the I/O), blk:::bio-split, blk:::request-complete (it has ended).
 *
 * Output: a row for each process, whether it read or wrote, and who started the I/O for it;
 * the number of bios and kB, and the time from bio to end, mean and longest. Then all times
 * of each process. An example is in latency.out.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=64m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

/*
 * A write that is to be durable may be done in steps, and its bio ends with the last. Bit 0
 * is that of the flush before it, bit 1 that of the data.
 */
inline int in_steps[struct request *R] = R->end_io != NULL && (R->flush.seq & 3) == 1;

inline struct page *page[struct bio *B] = B->bi_io_vec == NULL ? NULL : B->bi_io_vec->bv_page;
inline struct address_space *mapping[struct page *P] =
    P == NULL ? NULL : folio_mapping[page_folio[P]];

int dirtier[struct inode *, uint64_t];
string dirtiername[struct inode *, uint64_t];

uint64_t times[uint64_t];	/* by bio: when it was queued, */
int pids[uint64_t];		/* for whom */
string names[uint64_t];
uint64_t bytes[uint64_t];	/* how much, */
string starters[uint64_t];	/* and by whom */

sdt:writeback::writeback_dirty_folio
/args[1] != NULL/
{
	dirtier[args[1]->host, args[0]->index] = pid;
	dirtiername[args[1]->host, args[0]->index] = execname;
}

blk:::bio-queue
/args[0]->bi_bdev != NULL &&
    ($1 == 0 || device[args[0]->bi_bdev->bd_disk->part0->bd_dev] == $1)/
{
	times[arg0] = timestamp;
	bytes[arg0] = args[0]->bi_iter.bi_size;
	pids[arg0] = pid;
	names[arg0] = execname;
	/* Without a worker's number: kworker/u8:1 */
	starters[arg0] = strtok(execname, "/");
}

blk:::bio-queue
/times[arg0] && args[0]->bi_opf & 1 && mapping[page[args[0]]] != NULL/
{
	this->inode = mapping[page[args[0]]]->host;
	this->index = (uint64_t)page_folio[page[args[0]]]->index;
	if (dirtier[this->inode, this->index]) {
		pids[arg0] = dirtier[this->inode, this->index];
		names[arg0] = dirtiername[this->inode, this->index];
	}
}

/* The first part of a large one has a bio of its own, which leads to the whole. */
blk:::bio-split
/times[(uint64_t)args[0]->bi_private]/
{
	this->whole = (uint64_t)args[0]->bi_private;
	times[arg0] = times[this->whole];
	bytes[arg0] = args[0]->bi_iter.bi_size;
	bytes[this->whole] -= bytes[arg0];
	pids[arg0] = pids[this->whole];
	names[arg0] = names[this->whole];
	starters[arg0] = starters[this->whole];
}

/* So many bytes have ended, and the bios that are within them. */
blk:::request-complete
/times[(uint64_t)args[0]->bio] && (args[3] == 0 || !in_steps[args[0]])/
{
	this->bytes = (uint64_t)args[3];
	for (this->bio = args[0]->bio; this->bio != NULL &&
	    this->bio->bi_iter.bi_size <= this->bytes; this->bio = this->bio->bi_next) {
		this->bytes -= this->bio->bi_iter.bi_size;
		this->key = (uint64_t)this->bio;
		this->us = (timestamp - times[this->key]) / 1000;
		this->what = this->bio->bi_opf & 1 ? "write" : "read";
		if (times[this->key]) {
			@ios[names[this->key], pids[this->key], this->what, starters[this->key]] = count();
			@kb[names[this->key], pids[this->key], this->what, starters[this->key]] =
			    sum(bytes[this->key] / 1024);
			@mean[names[this->key], pids[this->key], this->what, starters[this->key]] =
			    avg(this->us);
			@longest[names[this->key], pids[this->key], this->what, starters[this->key]] =
			    max(this->us);
			@times[names[this->key], this->what] = quantize(this->us);
		}
		times[this->key] = 0;
		bytes[this->key] = 0;
		pids[this->key] = 0;
		names[this->key] = 0;
		starters[this->key] = 0;
	}
}

END
{
	printf("%-16s %7s %-6s %-16s %7s %9s %9s %9s\n", "PROCESS", "PID", "", "STARTED BY",
	    "I/OS", "KB", "MEAN us", "MAX us");
	printa("%-16s %7d %-6s %-16s %@7d %@9d %@9d %@9d\n", @ios, @kb, @mean, @longest);
	printf("\nmicroseconds from bio to end:\n");
	printa(@times);
}
