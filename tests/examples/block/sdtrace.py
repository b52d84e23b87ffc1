"""sdtrace.d: every I/O of a workload has one life, with all stages in order.

Two fio jobs, each on a processor of its own, 32 I/Os at a time, 1024 in all, with the
1024 speculations of the book's script. What was merged has no end of its own; /sys/block
has counted how many.
"""
#@ case: loop none
#@ case: loop mq-deadline
#@ case: scsi_debug none
#@ case: scsi_debug mq-deadline
#@ case: virtio none
#@ case: null_blk mq-deadline
#@ built: scsi_debug mq-deadline

import re
import sys

from proof import DISKS, Fio, same, trace

STAGE = re.compile(r"^([a-z-]+) +([0-9a-f]+) cpu(\d+) (\d+)$", re.M)


def main(kind, scheduler):
    disk = DISKS[kind]()
    disk.scheduler(scheduler)
    fio = Fio(disk, rw="randrw", iodepth=32, numjobs=2, cpus_allowed="0,1",
              cpus_allowed_policy="split", size="2m")
    with disk.counted() as counted:
        text = trace("block/sdtrace.d", fio.command)
    device = f"\tDEV {disk.major},{disk.minor} {disk.name}\n"
    lives = [life for life in text.split("---------------------\n")[1:] if device in life]
    merged = 0
    for life in lives:
        stages = STAGE.findall(life)
        names = [name for name, *_ in stages]
        times = [int(time) for *_, time in stages]
        assert len({bio for _, bio, *_ in stages}) == 1 and times == sorted(times), life
        assert "\tPROC: " in life and " fio\n" in life and "count: 4096 " in life, life
        if "io-done" not in names:
            merged += 1
            assert names[0] == "io-start" and "request-issue" not in names, life
            continue
        # One that was merged before all others of its request has no request-get of its own.
        front = "bio-frontmerge" in names
        names = [name for name in names if name not in ("request-insert", "bio-frontmerge")]
        scsi = ["dispatch-start", "dispatch-done"] if kind == "scsi_debug" else []
        same("stages", names, ["io-start", *["request-get"] * (not front), "request-issue", *scsi, "io-done"])
    for what, flag in [("read", "R"), ("write", "W")]:
        begun = [life for life in lives if f"BUF flags: {flag} " in life]
        same(f"I/Os that {what}", len(begun), fio.count(what))
    same("requests", len(lives) - merged, counted["reads"] + counted["writes"])
    same("merges", merged, counted["read_merges"] + counted["write_merges"])


main(*sys.argv[1:])
