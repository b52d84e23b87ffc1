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

    def check(self, scsi):
        names = [stage[0] for stage in self.stages]
        ended = [bio for name, bio, *_ in self.stages if name == "bio-done"]
        assert self.bios and sorted(self.bios) == sorted(ended), self.text
        assert len({stage[2] for stage in self.stages if stage[2]}) == 1, self.text
        assert self.text.count("\tPROC: ") == self.text.count("\tBUF ") == len(self.bios), self.text
        stages = ["request-issue"] + ["dispatch-start", "dispatch-done"] * scsi + ["request-complete"]
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


def main(kind, scheduler):
    disk = DISKS[kind]()
    merge = scheduler == "merge"
    disk.scheduler("mq-deadline" if merge else scheduler)
    # Neighbours that one call submits are merged while its plug holds them.
    shape = ({"rw": "write", "iodepth_batch_submit": 16} if merge else
             {"rw": "randrw", "numjobs": 2, "cpus_allowed": "0,1", "cpus_allowed_policy": "split"})
    fio = Fio(disk, iodepth=32, size="4m", **shape)
    events = ["block/block_bio_queue", "block/block_rq_issue", "block/block_rq_complete"]
    with disk.counted() as counted, Witness(disk, *events) as witness:
        text = trace("block/scsitrace.d", fio.command, disk.number)
    found = lives(text)
    for life in found:
        life.check(kind == "scsi_debug")
    ios = fio.count("read") + fio.count("write")
    for what, flags in [("read", "R"), ("write", "W")]:
        same(f"bios that {what}", text.count(f"BUF flags: {flags} "), fio.count(what))
    same("bytes", sum(life.bytes for life in found),
         fio.count("read", "io_bytes") + fio.count("write", "io_bytes"))
    same("requests", len(found), counted["reads"] + counted["writes"])
    same("merged bios", ios - len(found), counted["read_merges"] + counted["write_merges"])
    assert not merge or len(found) < ios, "nothing was merged"
    if witness.there:
        same("bios queued", ios, witness.count("block_bio_queue"))
        same("requests issued", len(found), witness.count("block_rq_issue"))
        same("requests completed", len(found), witness.count("block_rq_complete"))


main(*sys.argv[1:])
