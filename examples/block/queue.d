#!/usr/bin/env -S strand -q
/*
 * queue.d - time in queue and time in device, and how deep each device's queue is
 *
 *     queue.d                              all disks, until Ctrl-C
 *     queue.d $(stat -c %r /dev/sda)       this one
 *
 * An I/O is slow because its device is, or because it had to wait for others before. The
 * tool that shows but the time from start to end can't tell the two; this one follows the
 * request from the thread that queued it to the interrupt that ends it, and splits its time
 * where the driver gets it.
 *
 * Probes: blk:::bio-queue, blk:::bio-split, blk:::request-issue, blk:::request-requeue,
 * blk:::request-complete.
 *
 * Output: for each device and direction all times that requests waited and that the device
 * had them, in microseconds, and how many it had whenever it got one; then a row for each
 * with the number of requests, the means, and the deepest queue. An example is in queue.out.
 *
 * A device at its limit has requests that wait much longer than it takes for one; one that is
 * slow but not busy, a short queue and long times.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=64m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

uint64_t times[uint64_t];	/* by bio: when it was queued */
uint64_t issued[uint64_t];	/* by request: when the driver got it, */
uint64_t waited[uint64_t];	/* and how long it had waited */
uint64_t depth[struct gendisk *];	/* how many the driver has */

blk:::bio-queue
/args[0]->bi_bdev != NULL &&
    ($1 == 0 || device[args[0]->bi_bdev->bd_disk->part0->bd_dev] == $1)/
{
	times[arg0] = timestamp;
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

blk:::request-issue
/times[(uint64_t)args[0]->bio]/
{
	issued[arg0] = timestamp;
	waited[arg0] = timestamp - times[(uint64_t)args[0]->bio];
	depth[args[0]->q->disk]++;
}

blk:::request-issue
/issued[arg0]/
{
	this->what = args[0]->cmd_flags & 1 ? "write" : "read";
	@depths[args[1]->dev_statname, this->what, "at the device"] =
	    lquantize(depth[args[0]->q->disk], 0, 64, 4);
	@deep[args[1]->dev_statname, this->what] = avg(depth[args[0]->q->disk]);
	@deepest[args[1]->dev_statname, this->what] = max(depth[args[0]->q->disk]);
}

/* It waits again. */
blk:::request-requeue
/issued[arg0]/
{
	issued[arg0] = 0;
	depth[args[0]->q->disk]--;
}

/* The last part of a request, where it ends in parts. */
blk:::request-complete
/issued[arg0] && args[3] >= args[0]->__data_len/
{
	this->disk = args[1]->dev_statname;
	this->what = args[0]->cmd_flags & 1 ? "write" : "read";
	this->inside = timestamp - issued[arg0];

	@waits[this->disk, this->what, "waits, us"] = quantize(waited[arg0] / 1000);
	@takes[this->disk, this->what, "is at the device, us"] = quantize(this->inside / 1000);
	@requests[this->disk, this->what] = count();
	@wait[this->disk, this->what] = avg(waited[arg0] / 1000);
	@take[this->disk, this->what] = avg(this->inside / 1000);
	depth[args[0]->q->disk]--;
	issued[arg0] = 0;
	waited[arg0] = 0;
}

/* What ends gives its bios back. */
blk:::request-complete
{
	this->bytes = (uint64_t)args[3];
	for (this->bio = args[0]->bio; this->bio != NULL &&
	    this->bio->bi_iter.bi_size <= this->bytes; this->bio = this->bio->bi_next) {
		this->bytes -= this->bio->bi_iter.bi_size;
		times[(uint64_t)this->bio] = 0;
	}
}

END
{
	printa(@waits);
	printa(@takes);
	printa(@depths);
	printf("%-12s %-6s %9s %9s %9s %9s %9s\n", "DEVICE", "", "REQUESTS", "WAIT us",
	    "DEVICE us", "DEPTH", "MAX DEPTH");
	printa("%-12s %-6s %@9d %@9d %@9d %@9d %@9d\n", @requests, @wait, @take, @deep, @deepest);
}
