"""queue.d: how many requests, how many at the device, and where their time went.

fio has kept 32 I/Os going. The kernel has counted requests and milliseconds. A SCSI disk that
takes one command at a time has them wait much longer than they take.
"""
#@ case: loop mq-deadline
#@ case: scsi_debug mq-deadline

import sys

from proof import DISKS, Fio, rows, same, trace


def main(kind, scheduler):
    disk = DISKS[kind]()
    disk.scheduler(scheduler)
    single = kind == "scsi_debug"
    if single:
        before = (disk.sys / "device/queue_depth").read_text().strip()
        disk.set("device/queue_depth", 1)
    fio = Fio(disk, rw="randread", iodepth=32, size="2m")
    try:
        with disk.counted() as counted:
            text = trace("block/queue.d", fio.command, disk.number)
    finally:
        if single:
            disk.set("device/queue_depth", before)
    [(name, what, requests, wait, takes, depth, deepest)] = rows(text, "DEVICE")
    requests, wait, takes, depth, deepest = map(int, (requests, wait, takes, depth, deepest))
    same("device", (name, what), (disk.name, "read"))
    same("requests", requests, counted["reads"])
    same("bios", requests + counted["read_merges"], fio.count("read"))
    # The kernel's time begins with the request, a little later than the bio.
    ours, theirs = (wait + takes) * requests / 1000, counted["read_ms"]
    assert abs(ours - theirs) <= 5 + 0.3 * theirs, f"{ours} ms, the kernel has {theirs}"
    assert 1 <= depth <= deepest <= 32, text
    if single:
        # The next may be given to it a moment before the end of the last is told.
        same("queue", depth, 1)
        assert deepest <= 2, text
        assert wait > 5 * takes, text
    else:
        assert deepest > 4, text


main(*sys.argv[1:])
