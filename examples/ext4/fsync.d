#!/usr/bin/env -S strand -q
/*
 * fsync.d - where the time of fsync goes: data, journal, the device's flush
 *
 *     fsync.d                          all of ext4, until Ctrl-C
 *     fsync.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * fsync writes the file's dirty pages, then has the journal's thread commit what the file's
 * metadata need, and sees to it that the device's cache is flushed: by the commit's last
 * block, or, where nothing had to be committed, by a flush of its own. Whoever calls it
 * sleeps meanwhile, again and again. Each of these sleeps is told by who ends it: the
 * journal's thread, or the interrupt of data or a flush.
 *
 * Probes: sdt:ext4::ext4_sync_file_enter and _exit (fsync, fdatasync, msync, O_SYNC),
 * sched:::off-cpu and on-cpu (it sleeps, and goes on), sdt:sched::sched_waking (somebody
 * wakes it), blk:::bio-queue and request-complete (a flush begins and ends).
 *
 * Output: by process and file, how many calls, and mean microseconds of one call: in all,
 * waiting for data, for the journal, for the device's flush (that of the journal's commit
 * included), and the rest, which is work of its own. Then the longest of all these by
 * process. An example is in fsync.out.
 */
#pragma D option defaultargs

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

/* A thread that sleeps, and isn't only kept from running. */
inline int asleep = curthread->__state & 3;

/*
 * A write that is to be durable may be done in steps, and its bio ends with the last. Bit 0
 * is that of the flush before it, bit 1 that of the data.
 */
inline int in_steps[struct request *R] = R->end_io != NULL && (R->flush.seq & 3) == 1;

int inside[int];		/* by thread */
int journal_woke[int];

uint64_t begun[uint64_t];	/* the commit's last block, by bio: since when, where */
uint64_t where[uint64_t];
uint64_t flush_began[uint64_t];	/* the last such of a device */
uint64_t flush_ended[uint64_t];

sdt:ext4::ext4_sync_file_enter
/wanted[args[0]->f_inode->i_sb->s_dev]/
{
	self->began = timestamp;
	self->device = args[0]->f_inode->i_sb->s_dev;
	self->file = xlate <fileinfo_t> (args[0]).fi_pathname;
	self->data = 0;
	self->journal = 0;
	self->flush = 0;
	self->flushes = 0;
	inside[tid] = 1;
}

/* A bio of no bytes is nothing but a flush. */
blk:::bio-queue
/self->began && args[0]->bi_opf & 1 << __REQ_PREFLUSH && !args[0]->bi_iter.bi_size/
{
	self->flushes = 1;
}

sched:::off-cpu
/self->began && asleep/
{
	self->slept = timestamp;
	journal_woke[tid] = 0;
}

sdt:sched::sched_waking
/inside[args[0]->pid]/
{
	journal_woke[args[0]->pid] = strtok(execname, "/") == "jbd2";
}

sched:::on-cpu
/self->slept && journal_woke[tid]/
{
	/* So much of the commit's flush was after this sleep's begin. */
	this->from = flush_began[self->device] > self->slept ? flush_began[self->device] : self->slept;
	this->flush = flush_ended[self->device] > this->from ? flush_ended[self->device] - this->from : 0;
	self->flush += this->flush;
	self->journal += timestamp - self->slept - this->flush;
	self->slept = 0;
}

sched:::on-cpu
/self->slept && self->flushes/
{
	self->flush += timestamp - self->slept;
	self->slept = 0;
}

sched:::on-cpu
/self->slept/
{
	self->data += timestamp - self->slept;
	self->slept = 0;
}

blk:::bio-queue
/args[0]->bi_opf & 1 << __REQ_PREFLUSH && strtok(execname, "/") == "jbd2"/
{
	begun[arg0] = timestamp;
	where[arg0] = args[0]->bi_bdev->bd_dev;
}

blk:::request-complete
/begun[(uint64_t)args[0]->bio] && (args[3] == 0 || !in_steps[args[0]])/
{
	this->bio = (uint64_t)args[0]->bio;
	flush_began[where[this->bio]] = begun[this->bio];
	flush_ended[where[this->bio]] = timestamp;
	begun[this->bio] = 0;
	where[this->bio] = 0;
}

sdt:ext4::ext4_sync_file_exit
/self->began/
{
	this->all = timestamp - self->began;
	@calls[execname, pid, self->file] = count();
	@all[execname, pid, self->file] = avg(this->all / 1000);
	@data[execname, pid, self->file] = avg(self->data / 1000);
	@journal[execname, pid, self->file] = avg(self->journal / 1000);
	@flush[execname, pid, self->file] = avg(self->flush / 1000);
	@rest[execname, pid, self->file] =
	    avg((this->all - self->data - self->journal - self->flush) / 1000);
	@longest[execname, "data"] = max(self->data / 1000);
	@longest[execname, "journal"] = max(self->journal / 1000);
	@longest[execname, "flush"] = max(self->flush / 1000);
	@longest[execname, "all"] = max(this->all / 1000);
	self->began = 0;
	self->file = 0;
	inside[tid] = 0;
	journal_woke[tid] = 0;
}

END
{
	printf("%-16s %7s %7s %9s %9s %9s %9s %9s  %s\n", "PROCESS", "PID", "CALLS", "ALL us",
	    "DATA us", "JOURNAL", "FLUSH us", "REST us", "FILE");
	printa("%-16s %7d %@7d %@9d %@9d %@9d %@9d %@9d  %s\n", @calls, @all, @data, @journal, @flush,
	    @rest);
	printf("\n%-16s %-9s %9s\n", "PROCESS", "", "MAX us");
	printa("%-16s %-9s %@9d\n", @longest);
}
