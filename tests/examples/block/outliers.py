"""outliers.d: slow I/O is shown, other I/O isn't, and all is counted.

On scsi_debug, whose delay is a parameter, three reads of 23 take 0.9 s; on a loop device all
take longer than 0 us, and none a minute.
"""
#@ case: scsi_debug
#@ case: loop

import re
import sys

from proof import Fio, loop, named, same, scsi_debug, trace

HEAD = re.compile(r"^(\w+) (read|write) of (\d+) bytes at sector (\d+) by (\S+), pid (\d+)$", re.M)
STAGE = re.compile(r"^\t([a-z-]+) +cpu\d+ +\+(\d+) +(\d+) us, (\d+) at the device$", re.M)
TOTAL = re.compile(r"^(\d+) of (\d+) requests took longer than (\d+) us$", re.M)


def blocks(text):
    """By request: its first line's words, its stages."""
    heads = list(HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [(head.groups(), STAGE.findall(text[head.end():end])) for head, end in zip(heads, ends)]


def slow_disk():
    disk = scsi_debug()
    parameters = "/sys/bus/pseudo/drivers/scsi_debug"
    read = "if={} of=/dev/null bs=4k count={} iflag=direct status=none"
    commands = [f"{named('proof-fast', 'dd')} {read.format(disk.path, 20)}",
                f"echo 900000000 >{parameters}/ndelay",
                f"{named('proof-slow', 'dd')} {read.format(disk.path, 3)}",
                f"echo 1 >{parameters}/delay"]
    with disk.counted() as counted:
        text = trace("block/outliers.d", f"sh -c '{'; '.join(commands)}'", 500000, disk.number)
    found = blocks(text)
    same("slow reads", [head[1:5] for head, _ in found],
         [("read", "4096", str(sector), "proof-slow") for sector in (0, 8, 16)])
    for _, stages in found:
        names = [name for name, *_ in stages if name != "request-insert"]
        same("stages", names, ["request-issue", "dispatch-start", "dispatch-done", "request-complete"])
        [inside] = [int(since) for name, since, *_ in stages if name == "dispatch-done"]
        assert 890000 <= inside <= 3000000, f"{inside} us at the device"
    same("counts", TOTAL.findall(text), [("3", str(counted["reads"]), "500000")])


def all_or_none():
    disk = loop()
    fio = Fio(disk, rw="randwrite", iodepth=32, size="1m")
    for least in [0, 60000000]:
        with disk.counted() as counted:
            text = trace("block/outliers.d", fio.command, least, disk.number)
        found = blocks(text)
        shown = counted["writes"] if least == 0 else 0
        same("requests shown", len(found), shown)
        same("counts", TOTAL.findall(text), [(str(shown), str(counted["writes"]), str(least))])
        for _, stages in found:
            same("stages", [stages[-2][0], stages[-1][0]], ["request-issue", "request-complete"])
            times = [int(time) for _, _, time, _ in stages]
            assert times == sorted(times), stages


slow_disk() if sys.argv[1] == "scsi_debug" else all_or_none()
