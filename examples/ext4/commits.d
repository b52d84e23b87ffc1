#!/usr/bin/env -S strand -q
/*
 * commits.d - what the journal's commits wait for, and who waits for them
 *
 *     commits.d                          all journals, until Ctrl-C
 *     commits.d $(stat -c %d /mnt)       that of the file system on /mnt
 *
 * A thread of the journal's (jbd2) commits all that ext4 has changed since the last time. It
 * lets nobody begin a change until those that have begun have ended (locked), has data written
 * that must be there first (flushing), and writes the log (logging). fsync waits for its end,
 * others that it lets them go on. Who they are is seen when that thread wakes them.
 *
 * Probes: sdt:jbd2::jbd2_start_commit, jbd2_commit_locking, jbd2_commit_flushing,
 * jbd2_commit_logging, jbd2_end_commit and jbd2_run_stats (the commit goes on), sched:::off-cpu
 * and on-cpu (somebody sleeps, and goes on), sdt:sched::sched_waking (somebody is woken).
 *
 * Output: by journal, commits, changes (handles) and blocks logged; the mean and the longest
 * time of each of its stages, and of a commit. Then by process how often it was woken by the
 * journal's thread, at which stage, and how long it had slept: at "flushing" it has waited to
 * begin a change, at "end" for the commit. At last, all times of these. An example is in
 * commits.out.
 */
#pragma D option defaultargs

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[struct journal_s *J] = $1 == 0 || device[J->j_fs_dev->bd_dev] == $1;

/* Threads that wait for something, and not those that wait for work to do (TASK_NOLOAD). */
inline int waits[unsigned int S] = (S & 0x402) == 2;

self string stage;		/* of the journal's thread */
self string journal;
string woken[int];		/* by thread: at which stage */

sdt:jbd2::jbd2_start_commit
/wanted[args[0]]/
{
	self->journal = stringof(args[0]->j_devname);
	self->began = timestamp;
	self->since = timestamp;
	self->stage = "locked";
	@commits[self->journal] = count();
}

sdt:jbd2::jbd2_commit_flushing, sdt:jbd2::jbd2_commit_logging, sdt:jbd2::jbd2_end_commit
/self->began/
{
	@mean[self->journal, self->stage] = avg((timestamp - self->since) / 1000);
	@longest[self->journal, self->stage] = max((timestamp - self->since) / 1000);
	self->since = timestamp;
	self->stage = probename == "jbd2_commit_flushing" ? "flushing" :
	    probename == "jbd2_commit_logging" ? "logging" : "end";
}

sdt:jbd2::jbd2_run_stats
/self->began/
{
	@handles[self->journal] = sum(args[2]->rs_handle_count);
	@blocks[self->journal] = sum(args[2]->rs_blocks_logged);
}

sdt:jbd2::jbd2_end_commit
/self->began/
{
	@mean[self->journal, "all"] = avg((timestamp - self->began) / 1000);
	@longest[self->journal, "all"] = max((timestamp - self->began) / 1000);
	self->began = 0;
}

sdt:sched::sched_waking
/self->stage != NULL && waits[args[0]->__state]/
{
	woken[args[0]->pid] = self->stage;
}

/* The journal's thread goes to sleep until the next commit. */
sched:::off-cpu
/self->stage == "end"/
{
	self->stage = 0;
	self->journal = 0;
}

sched:::off-cpu
/waits[curthread->__state]/
{
	self->slept = timestamp;
	woken[tid] = 0;
}

sched:::on-cpu
/self->slept && woken[tid] != NULL/
{
	this->us = (timestamp - self->slept) / 1000;
	@waits[execname, pid, woken[tid]] = count();
	@wait[execname, pid, woken[tid]] = avg(this->us);
	@stall[execname, pid, woken[tid]] = max(this->us);
	@all[execname, woken[tid]] = quantize(this->us);
	woken[tid] = 0;
}

sched:::on-cpu
/self->slept/
{
	self->slept = 0;
}

END
{
	printf("%-16s %9s %9s %9s\n", "JOURNAL", "COMMITS", "HANDLES", "BLOCKS");
	printa("%-16s %@9d %@9d %@9d\n", @commits, @handles, @blocks);
	printf("\n%-16s %-9s %9s %9s\n", "JOURNAL", "STAGE", "MEAN us", "MAX us");
	printa("%-16s %-9s %@9d %@9d\n", @mean, @longest);
	printf("\n%-16s %7s %-9s %9s %9s %9s\n", "PROCESS", "PID", "UNTIL", "WAITS", "MEAN us", "MAX us");
	printa("%-16s %7d %-9s %@9d %@9d %@9d\n", @waits, @wait, @stall);
	printf("\nmicroseconds of waiting:\n");
	printa(@all);
}
