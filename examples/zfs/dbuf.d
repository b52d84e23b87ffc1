#!/usr/bin/env -S strand
/*
 * dbuf.d - who has dirtied the buffers that OpenZFS's own threads write
 *
 *     dbuf.d       all pools, until Ctrl-C
 *
 * The book's one-liner for Solaris, to the letter, on OpenZFS on Linux. A process only makes
 * a buffer of a dnode (dbuf) dirty; some seconds later, when the transaction group is
 * synced, a thread of the pool's writes it. The address of the dbuf is the same in both.
 *
 * Probes: fbt:zfs:dbuf_dirty:entry (somebody dirties a dbuf), fbt:zfs:dbuf_write:entry
 * (its dirty record is written).
 * Needs: fbt, zfs.ko
 *
 * Output: a line for each, with DTrace's own columns before it. "pid" is who does it, "real
 * pid" who has dirtied the buffer last. The pool's own metadata are dirtied by its threads.
 * An example is in dbuf.out. The types of args[] are those of the module's BTF, which it has
 * if pahole was there when it was built.
 */
dbuf_dirty:entry {
    pids[(uintptr_t) arg0] = pid;
    printf("I/O initiated pid: %d dbuf: %p %d",
        pid, arg0, timestamp);
}

dbuf_write:entry {
    this->db = args[0]->dr_dbuf;
    printf("I/O started pid: %d real pid: %d dbuf: %p %d",
        pid, pids[(uintptr_t) this->db], this->db,
        timestamp);
}
