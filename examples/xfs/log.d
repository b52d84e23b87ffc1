#!/usr/bin/env -S strand -q
/*
 * log.d - who forces xfs's log to disk, from where, and how long each waits for what
 *
 *     log.d                          all of xfs, until Ctrl-C
 *     log.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * Whoever needs a change to be durable forces the log: fsync, but also who takes a block
 * that was just freed, and the thread that writes metadata back. A worker formats what
 * transactions have committed (the CIL) into buffers (iclogs), it or who forces the log
 * writes them, and the disk's interrupt ends that. This script joins them by thread, iclog
 * and bio.
 *
 * Probes: sdt:xfs::xfs_log_force (somebody forces the log), sdt:xfs::xlog_iclog_wait_on (and
 * finds a buffer that isn't written yet), sched:::off-cpu and on-cpu (sleeps, and goes on),
 * sdt:xfs::xlog_iclog_sync, blk:::bio-queue and sdt:xfs::xlog_iclog_sync_done (a buffer is
 * being written, is I/O, has been written), sdt:xfs::xfs_log_grant_sleep and _wake (there
 * is no space left in the log).
 *
 * Output: by process and by the function that forces, how often, and how often that meant to
 * wait; mean microseconds of waiting for the CIL's worker, for the write, and the longest
 * wait for a write. Then who wrote the log: buffers, kB, microseconds for each. At last,
 * if there was any, the wait for space in the log. An example is in log.out.
 */
#pragma D option defaultargs

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[struct xfs_mount *M] = $1 == 0 || device[M->m_super->s_dev] == $1;

/* A thread that sleeps until it is woken, and isn't only kept from running. */
inline int asleep = curthread->__state & 2;

inline uintptr_t iclog_of_bio[uintptr_t B] = B - offsetof(struct xlog_in_core, ic_bio);

uint64_t since[uintptr_t];	/* by iclog: when its write began, */
string writer[uintptr_t];	/* and who began it */
uint64_t space;			/* how often there was no space */

self int forces;
self uint64_t number;

/* It fires once more within, for the CIL: with the same number, where there was one. */
sdt:xfs::xfs_log_force
/wanted[args[0]]/
{
	self->within = self->forces && (self->number == 0 || self->number == arg1);
	self->forces = !self->within;
	self->number = arg1;
}

sdt:xfs::xfs_log_force
/self->forces && wanted[args[0]]/
{
	@forces[execname, pid, arg2] = count();
	@waits[execname, pid, arg2] = sum(0);
	self->caller = arg2;
	self->waits = 0;
	self->worker = 0;
}

/*
 * What it has slept since has been for the worker. The lock is held: the state is the one by
 * which it decides whether to wait. The worker itself waits where a checkpoint needs more than
 * one buffer: for those before the last.
 */
sdt:xfs::xlog_iclog_wait_on
/wanted[args[0]->ic_log->l_mp] &&
    args[0]->ic_state != XLOG_STATE_ACTIVE && args[0]->ic_state != XLOG_STATE_DIRTY/
{
	self->caller = self->caller ? self->caller : arg1;
	@waits[execname, pid, self->caller] = sum(1);
	self->waits = 1;
}

sched:::off-cpu
/self->caller && asleep/
{
	self->slept = timestamp;
}

sched:::on-cpu
/self->slept && !self->waits/
{
	self->worker += timestamp - self->slept;
	self->slept = 0;
}

sched:::on-cpu
/self->slept/
{
	this->us = (timestamp - self->slept) / 1000;
	@worker[execname, pid, self->caller] = avg(self->worker / 1000);
	@write[execname, pid, self->caller] = avg(this->us);
	@longest[execname, pid, self->caller] = max(this->us);
	self->slept = 0;
	self->waits = 0;
	self->caller = 0;
	self->worker = 0;
}

sdt:xfs::xlog_iclog_sync
/wanted[args[0]->ic_log->l_mp]/
{
	since[arg0] = timestamp;
	/* Without a worker's number: kworker/u8:1 */
	writer[arg0] = strtok(execname, "/");
	@buffers[writer[arg0]] = count();
}

blk:::bio-queue
/since[iclog_of_bio[arg0]]/
{
	@kb[writer[iclog_of_bio[arg0]]] = sum(args[0]->bi_iter.bi_size);
}

sdt:xfs::xlog_iclog_sync_done
/since[arg0]/
{
	this->us = (timestamp - since[arg0]) / 1000;
	@mean[writer[arg0]] = avg(this->us);
	@max[writer[arg0]] = max(this->us);
	since[arg0] = 0;
	writer[arg0] = 0;
}

sdt:xfs::xfs_log_grant_sleep
/wanted[args[0]->l_mp]/
{
	self->grant = timestamp;
}

sdt:xfs::xfs_log_grant_wake
/self->grant/
{
	space++;
	@space[execname, pid] = quantize((timestamp - self->grant) / 1000);
	self->grant = 0;
}

END
{
	normalize(@kb, 1024);
	printf("%-16s %7s %7s %7s %9s %9s %9s  %s\n", "PROCESS", "PID", "FORCES", "WAITS",
	    "CIL us", "WRITE us", "MAX us", "FORCED BY");
	printa("%-16s %7d %@7d %@7d %@9d %@9d %@9d  %a\n", @forces, @waits, @worker, @write, @longest);
	printf("\n%-16s %7s %7s %9s %9s\n", "LOG WRITTEN BY", "BUFFERS", "KB", "MEAN us", "MAX us");
	printa("%-16s %@7d %@7d %@9d %@9d\n", @buffers, @kb, @mean, @max);
}

END
/space/
{
	printf("\nmicroseconds of waiting for space in the log:\n");
	printa(@space);
}
