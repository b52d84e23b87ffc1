"""log.d: who forces the log and waits for it, and what is written, as xfs itself has counted.

A process makes 20 changes durable one by one; another changes as much and doesn't care.
"""
import re
from pathlib import Path

from proof import Witness, Workload, loop, rows, same, shell, trace

FSYNCS = 20
disk = loop(400)
mount = disk.mount("xfs")
workload = Workload(f"""
for name in ["careful", "careless"]:
    if process(name):
        file = os.open({str(mount)!r} + "/" + name, os.O_WRONLY | os.O_CREAT)
        for n in range({FSYNCS}):
            os.pwrite(file, bytes(4096), n << 16)
            if name == "careful":
                os.fsync(file)
        fact(name=name)
        os._exit(0)
""")


def stats():
    """What xfs has counted of its log."""
    for line in Path(f"/sys/fs/xfs/{disk.name}/stats/stats").read_text().splitlines():
        if line.startswith("log "):
            names = ["writes", "blocks", "noiclogs", "force", "force_sleep"]
            return dict(zip(names, map(int, line.split()[1:])))


shell(f"sync -f {mount}")
before = stats()
with Witness(disk, "xfs/xlog_iclog_wait_on") as witness:
    text = trace("xfs/log.d", workload.command, mount.stat().st_dev)
counted = {name: n - before[name] for name, n in stats().items()}

forced = [(row[0], int(row[1]), row[7], *map(int, row[2:7])) for row in rows(text, "PROCESS")]
[careful, careless] = [fact["pid"] for fact in workload.facts()]
same("forces", sum(row[3] for row in forced), counted["force"])
waits = sum(row[4] for row in forced)
if witness.there:
    seen = [line for line in witness.lines if not re.search("state XLOG_STATE_(ACTIVE|DIRTY)", line)]
    same("waits", waits, len(seen))
# xfs counts one more where a force lets the buffer before be written first, and has no tracepoint there.
assert waits <= counted["force_sleep"], (text, counted)
[(name, _, caller, forces, waits, worker, write, longest)] = [row for row in forced if row[1] == careful]
same("fsyncs", (name, forces), ("careful", FSYNCS))
assert "fsync" in caller, caller
assert FSYNCS / 2 <= waits <= FSYNCS and 0 < write <= longest, text
same("what the careless one forced", [row for row in forced if row[1] == careless], [])

written = [(row[0], *map(int, row[1:])) for row in rows(text, "LOG WRITTEN BY")]
same("buffers", sum(row[1] for row in written), counted["writes"])
# Rounded to kB for each writer.
assert 0 <= counted["blocks"] / 2 - sum(row[2] for row in written) < len(written), (text, counted)
assert all(0 < row[3] <= row[4] for row in written), text
