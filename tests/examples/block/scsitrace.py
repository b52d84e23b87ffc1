"""scsitrace.d: all bios of a workload appear once, whole, their stages in order.

Two fio jobs, each on a processor of its own, 32 I/Os at a time. /sys/block, fio and the
kernel's tracepoints have counted the same.
"""
#@ case: loop none
#@ case: loop mq-deadline
#@ case: loop bfq
#@ case: loop kyber
#@ case: scsi_debug none
#@ case: scsi_debug mq-deadline
#@ case: scsi_debug bfq
#@ case: scsi_debug kyber
#@ case: virtio none
#@ case: virtio mq-deadline
#@ case: virtio bfq
#@ case: virtio kyber
#@ case: null_blk none
#@ case: null_blk mq-deadline
#@ case: null_blk bfq
#@ case: null_blk kyber
#@ case: loop merge
#@ case: loop fsync
#@ case: loop dsync
#@ case: scsi_debug fsync
#@ built: scsi_debug mq-deadline
#@ built: loop dsync

import re
import sys

from proof import DISKS, Fio, Witness, same, trace

LINE = re.compile(r"([a-z-]+) +([0-9a-f]+) (?:([0-9a-f]+) )?cpu(\d+) \+(\d+)$")
JOINS = {"request-get", "bio-backmerge", "bio-frontmerge", "request-merge"}


class Life:
    """One request's block of output."""

    def __init__(self, text):
        self.text = text
        self.stages = [m.groups() for m in map(LINE.match, text.splitlines()) if m]
        self.bios = [bio for name, bio, *_ in self.stages if name in JOINS]
        self.bytes = sum(map(int, re.findall(r"count: (\d+)", text)))

    def check(self, scsi, steps):
        names = [stage[0] for stage in self.stages]
        ended = [bio for name, bio, *_ in self.stages if name == "bio-done"]
        assert self.bios and sorted(self.bios) == sorted(ended), self.text
        assert len({stage[2] for stage in self.stages if stage[2]}) == 1, self.text
        assert self.text.count("\tPROC: ") == self.text.count("\tBUF ") == len(self.bios), self.text
        if self.bytes == 0:
            same("stages of a flush", names, ["request-get", "request-complete", "bio-done"])
            return
        stages = ["request-issue"] + ["dispatch-start", "dispatch-done"] * scsi + ["request-complete"] * steps
        assert [name for name in names if name in stages] == stages, self.text
        if "request-insert" in names:
            assert names.index("request-insert") < names.index("request-issue"), self.text
        # Each time is since its own bio's birth; that of the first goes through all stages.
        for bio in self.bios:
            times = [int(time) for _, its, _, _, time in self.stages if its == bio]
            assert times == sorted(times), self.text


def lives(text):
    blocks = text.split("----------\n")
    assert not blocks.pop().strip(), "something follows the last request"
    return [Life(block) for block in blocks]


# Neighbours that one call submits are merged while its plug holds them; what is to be durable
# is followed by flushes, of its own bios or as a second step of its request.
SHAPES = {
    "merge": {"rw": "write", "iodepth_batch_submit": 16},
    "fsync": {"rw": "write", "fsync": 4, "size": "256k"},
    "dsync": {"rw": "write", "sync": "dsync", "size": "256k"},
}
JOBS = {"rw": "randrw", "numjobs": 2, "cpus_allowed": "0,1", "cpus_allowed_policy": "split"}


def main(kind, case):
    disk = DISKS[kind]()
    disk.scheduler("mq-deadline" if case in SHAPES else case)
    fio = Fio(disk, **{"iodepth": 32, "size": "4m", **SHAPES.get(case, JOBS)})
    events = ["block/block_bio_queue", "block/block_rq_issue", "block/block_rq_complete"]
    with disk.counted() as counted, Witness(disk, *events) as witness:
        text = trace("block/scsitrace.d", fio.command, disk.number)
    found = lives(text)
    for life in found:
        life.check(kind == "scsi_debug", 2 if case == "dsync" else 1)
    ios = fio.count("read") + fio.count("write") + fio.count("sync")
    ours = {"bios that read": text.count("BUF flags: R "), "bios that write": text.count("BUF flags: W "),
            "flushes": text.count(" count: 0 "), "bytes": sum(life.bytes for life in found),
            "requests": len(found), "merged bios": ios - len(found)}
    # All at once: what is missing where tells what has been lost.
    same("counts", ours, {
        "bios that read": fio.count("read"), "bios that write": ios - fio.count("read"),
        "flushes": fio.count("sync"), "bytes": fio.count("read", "io_bytes") + fio.count("write", "io_bytes"),
        "requests": counted["reads"] + counted["writes"],
        "merged bios": counted["read_merges"] + counted["write_merges"]})
    assert case != "merge" or len(found) < ios, "nothing was merged"
    assert case != "fsync" or fio.count("sync") > 0, "nothing was flushed"
    if witness.there:
        same("bios queued", ios, witness.count("block_bio_queue"))
    if witness.there and case not in ("fsync", "dsync"):
        same("requests issued", len(found), witness.count("block_rq_issue"))
        same("requests completed", len(found), witness.count("block_rq_complete"))


main(*sys.argv[1:])
