#!/usr/sbin/dtrace -qCs
/*
 * sdtrace.d - the life of each block I/O, from io:::start through the SCSI layer to io:::done
 *
 *     sdtrace.d -c 'dd if=/dev/sda of=/dev/null count=10 iflag=direct'
 *
 * What the stages say is kept in a speculation of the I/O and printed in one piece when it is
 * over, whichever threads, processors and interrupts it went through.
 *
 * Probes: io:::start and io:::done; of blk:::, request-get (the bio has a request), bio-backmerge
 * and bio-frontmerge (it has joined one), request-insert (it waits in a scheduler), request-issue
 * and request-complete; of scsi:::, dispatch-start, dispatch-error and dispatch-done,
 * where the kernel has SCSI.
 *
 * Output: name of the stage, address of the bio, processor, nanoseconds since the start. Where
 * several bios are one request, the first of them tells its stages; the others end as soon, and
 * what is said of them ends where they were merged. An example is in sdtrace.out.
 */

#pragma D option nspec=1024
#pragma D option dynvarsize=4m
#pragma D option zdefs

int specs[uint64_t];
uint64_t timestamps[uint64_t];

/* The block is no part of it, as it moves on where a bio is split. */
#define BUF_SPEC_INDEX(bp)                                       \
    ((uint64_t) bp)
#define BUF_SPECULATE(bp)                                        \
    speculate(specs[BUF_SPEC_INDEX(bp)])

#define PROBE_PRINT(probe, bp)                                   \
    printf("%-24s %p cpu%d %+llu\n", probe, bp, cpu,             \
           (unsigned long long) (timestamp -                     \
                                 timestamps[BUF_SPEC_INDEX(bp)]))

#define PROC_PRINT()                                             \
    printf("\tPROC: %d/%d %s\n", pid, tid, execname);

#define BUF_PRINT_INFO(buf)                                      \
    printf("\tBUF flags: %s %x count: %d blkno: %d comp: ",      \
           (buf->b_flags & B_WRITE)? "W" : "R",  buf->b_flags,   \
           buf->b_bcount, buf->b_blkno);                         \
           sym((uintptr_t) buf->b_iodone); printf("\n")

#define DEV_PRINT_INFO(dev)                                      \
    printf("\tDEV %d,%d %s\n", dev->dev_major, dev->dev_minor,   \
           dev->dev_name);

#define FILE_PRINT_INFO(file)                                    \
    printf("\tFILE %s+%d\n", file->fi_pathname, file->fi_offset);

#define SCSIPKT_TO_BP(rq)   ((uint64_t) rq->bio)

#define SCSIPKT_PRINT_INFO(pkt, rq)                              \
    printf("\tSCSI PKT flags: %x state: %x comp: ",              \
            pkt->flags, pkt->result);                            \
            sym((uintptr_t) rq->end_io); printf("\n")

#define SCSI_PRINT_PATH(rq)                                      \
    printf("\tDEV %s\n", stringof(rq->q->disk->disk_name))

io:::start {
    specs[BUF_SPEC_INDEX(arg0)] = speculation();
    timestamps[BUF_SPEC_INDEX(arg0)] = timestamp;
}

io:::start {
    BUF_SPECULATE(arg0);

    printf("---------------------\n");
    PROBE_PRINT("io-start", arg0);
    PROC_PRINT();
    BUF_PRINT_INFO(args[0]);
    DEV_PRINT_INFO(args[1]);
    FILE_PRINT_INFO(args[2]);
}

blk:::bio-backmerge,
blk:::bio-frontmerge {
    BUF_SPECULATE(arg0);
    PROBE_PRINT(probename, arg0);
}

blk:::request-get {
    BUF_SPECULATE(arg0);
    PROBE_PRINT(probename, arg0);
}

blk:::request-insert {
    this->bpp = SCSIPKT_TO_BP(args[0]);
}

blk:::request-insert {
    BUF_SPECULATE(this->bpp);
    PROBE_PRINT(probename, this->bpp);
    SCSI_PRINT_PATH(args[0]);
}

blk:::request-issue {
    BUF_SPECULATE(SCSIPKT_TO_BP(args[0]));
    PROBE_PRINT(probename, SCSIPKT_TO_BP(args[0]));
}

scsi:::dispatch-start {
    BUF_SPECULATE(SCSIPKT_TO_BP(args[2]));
    PROBE_PRINT(probename, SCSIPKT_TO_BP(args[2]));
    SCSIPKT_PRINT_INFO(args[0], args[2]);
}

scsi:::dispatch-error {
    BUF_SPECULATE(SCSIPKT_TO_BP(args[2]));
    PROBE_PRINT("DISPATCH FAILED", SCSIPKT_TO_BP(args[2]));
}

scsi:::dispatch-done {
    BUF_SPECULATE(SCSIPKT_TO_BP(args[2]));
    PROBE_PRINT(probename, SCSIPKT_TO_BP(args[2]));
    SCSIPKT_PRINT_INFO(args[0], args[2]);
}

io:::done {
    BUF_SPECULATE(arg0);
    PROBE_PRINT("io-done", arg0);
    BUF_PRINT_INFO(args[0]);
}

io:::done {
    commit(specs[BUF_SPEC_INDEX(arg0)]);
    specs[BUF_SPEC_INDEX(arg0)] = 0;
}

/* Of a request's bios only the first is done by name; those that were merged into it are, too. */
blk:::request-complete
/args[0]->bio != NULL/ {
    for (this->bio = args[0]->bio->bi_next; this->bio != NULL; this->bio = this->bio->bi_next) {
        commit(specs[BUF_SPEC_INDEX(this->bio)]);
        specs[BUF_SPEC_INDEX(this->bio)] = 0;
    }
}
