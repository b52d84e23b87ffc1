"""commits.d: commits of the journal, and who has waited for which.

A process makes 15 changes durable one by one, another changes as much and doesn't care. The
journal says itself how often it has committed, the disk how much was written.
"""
import os
from pathlib import Path

from proof import Workload, loop, rows, same, shell, trace

FSYNCS = 15
disk = loop(400)
mount = disk.mount("ext4")
workload = Workload(f"""
for name in ["careless", "careful"]:
    if process(name):
        file = os.open({str(mount)!r} + "/" + name, os.O_WRONLY | os.O_CREAT)
        for n in range({FSYNCS}):
            os.pwrite(file, bytes(4096), n << 12)
            before = time.monotonic()
            if name == "careful":
                os.fsync(file)
        fact(name=name)
        os._exit(0)
""")


def journal():
    [info] = Path("/proc/fs/jbd2").glob(f"{disk.name}-*/info")
    return int(info.read_text().split()[0])


shell(f"sync -f {mount}")
before = journal()
with disk.counted() as counted:
    text = trace("ext4/commits.d", workload.command, mount.stat().st_dev)
commits = journal() - before
same("commits", commits, FSYNCS)
[(name, ours, handles, blocks)] = [(row[0], *map(int, row[1:])) for row in rows(text, f"{'JOURNAL':16}   COMMITS")]
assert name.startswith(f"{disk.name}-"), name
same("commits seen", ours, commits)
# Each write to a file is at least one change, and that of its inode's time another.
assert handles >= 2 * FSYNCS, text
# Beside what was logged, the disk got the careful one's data, and the journal's own head.
kb = counted["write_sectors"] // 2 - blocks * os.statvfs(mount).f_bsize // 1024
assert 4 * FSYNCS <= kb <= 4 * FSYNCS + 8, f"{kb} kB\n{text}{counted}"

stages = {row[1]: list(map(int, row[2:])) for row in rows(text, f"{'JOURNAL':16} STAGE")}
same("stages", sorted(stages), ["all", "flushing", "locked", "logging"])
mean = {stage: us for stage, (us, _) in stages.items()}
# But for the moments that the script itself takes between them.
parts = sum(us for stage, us in mean.items() if stage != "all")
assert parts <= mean["all"] <= parts * 1.2 + 10, text
assert all(us <= longest for us, longest in stages.values()), text

[careless, careful] = [fact["pid"] for fact in workload.facts()]
waits = {(int(row[1]), row[2]): list(map(int, row[3:])) for row in rows(text, f"{'PROCESS':16}     PID UNTIL")}
count, us, longest = waits[careful, "end"]
same("waits for a commit", count, FSYNCS)
assert mean["logging"] / 2 <= us <= longest, text
assert (careless, "end") not in waits, text
