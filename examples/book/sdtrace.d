#!/usr/bin/env -S strand -qC
/*
 * sdtrace.d - the life of a block I/O, from its start through the driver to its end, printed
 * in one piece when it is over.
 *
 * Shows speculations: each stage adds to what is kept for its I/O, the last one commits it.
 * Device and sector stay the same all the way, whichever thread or interrupt goes it.
 *
 * Probes: io:::start, the tracepoints block_rq_insert and block_rq_issue, io:::done.
 */
#pragma D option nspec=1024
#pragma D option dynvarsize=4m

int specs[uint64_t, uint64_t];
uint64_t begun[uint64_t, uint64_t];

#define IO		(uint64_t)args[0]->b_edev, (uint64_t)args[0]->b_blkno
#define RQ		(uint64_t)args[0]->q->disk->part0->bd_dev, (uint64_t)args[0]->__sector

#define PROBE_PRINT(name, key)						\
	printf("%-24s cpu%d %+lld ns\n", name, cpu, (long long)(timestamp - begun[key]))

io:::start
{
	specs[IO] = speculation();
	begun[IO] = timestamp;
}

io:::start
/specs[IO]/
{
	speculate(specs[IO]);
	printf("---------------------\n");
	PROBE_PRINT("io-start", IO);
	printf("\tPROC: %d/%d %s\n", pid, tid, execname);
	printf("\tBUF flags: %s %x count: %d blkno: %d\n",
	    args[0]->b_flags & B_WRITE ? "W" : "R", args[0]->b_flags, args[0]->b_bcount,
	    args[0]->b_blkno);
	printf("\tDEV %d,%d %s\n", args[1]->dev_major, args[1]->dev_minor, args[1]->dev_statname);
	printf("\tFILE %s+%d\n", args[2]->fi_pathname, args[2]->fi_offset);
}

sdt:block::block_rq_insert, sdt:block::block_rq_issue
/specs[RQ]/
{
	speculate(specs[RQ]);
	PROBE_PRINT(probename, RQ);
}

io:::done
/specs[IO]/
{
	speculate(specs[IO]);
	PROBE_PRINT("io-done", IO);
}

io:::done
/specs[IO]/
{
	commit(specs[IO]);
	specs[IO] = 0;
	begun[IO] = 0;
}
