"""dbuf.d: the buffers that pool threads write are joined to the process that dirtied them.

Processes overwrite records of files that are there already, one 8, another 24; what these two
dirty beside them (dnode, mtime, the tree's one node) is the same. OpenZFS has counted bytes.
"""
import atexit
import os
import re
from pathlib import Path

from proof import Workload, needs, same, shell, skip, trace_lossy

INITIATED = re.compile(r"I/O initiated pid: (\d+) dbuf: ([0-9a-f]+) (\d+)$", re.M)
STARTED = re.compile(r"I/O started pid: (\d+) real pid: (\d+) dbuf: ([0-9a-f]+) (\d+)$", re.M)
RECORD = 128 << 10
POOL = f"strand-{os.getpid()}"

if shell("modprobe zfs") is None:
    skip(f"there is no zfs.ko for {os.uname().release}; tests/vm/zfs builds it for a machine's kernel")
needs("zpool")
# Files in memory over another file system can't be a pool's.
image, mount = f"/dev/{POOL}", Path(f"/run/{POOL}")
with open(image, "wb") as file:
    file.truncate(256 << 20)
atexit.register(os.unlink, image)
assert shell(f"zpool create -o cachefile=none -O atime=off -m {mount} {POOL} {image}") is not None
atexit.register(shell, f"zpool destroy {POOL}")
# The first of a transaction group dirties also what they share; all are to be of one group.
records = {"first": 1, "few": 8, "many": 24}
Path("/sys/module/zfs/parameters/zfs_txg_timeout").write_text("60")
for name, count in records.items():
    (mount / name).write_bytes(os.urandom(RECORD * count))
shell(f"zpool sync {POOL}")


def written():
    """Bytes that processes have written to the pool's file system, as OpenZFS has it."""
    [stat] = Path(f"/proc/spl/kstat/zfs/{POOL}").glob("objset-*")
    return int(re.search(r"^nwritten +\d+ +(\d+)$", stat.read_text(), re.M)[1])


workload = Workload(f"""
for name, count in {records!r}.items():
    if process(name):
        file = os.open({str(mount)!r} + "/" + name, os.O_WRONLY)
        for _ in range(count):
            os.write(file, os.urandom({RECORD}))
        fact(name=name)
        os._exit(0)
os.system("zpool sync {POOL}")
""")
before = written()
text, complaints = trace_lossy("zfs/dbuf.d", workload.command)
assert re.fullmatch(r"[\w-]+: script '.*' matched 2 probes\s*", complaints), complaints
same("bytes", written() - before, RECORD * sum(records.values()))

pids = {fact["name"]: fact["pid"] for fact in workload.facts()}
dirtied = {name: set() for name in pids}
last = {}
for pid, dbuf, when in INITIATED.findall(text):
    for name in pids:
        if int(pid) == pids[name]:
            dirtied[name].add(dbuf)
    last.setdefault(dbuf, []).append((int(when), int(pid)))
ours = {name: set() for name in pids}
for pid, real, dbuf, when in STARTED.findall(text):
    earlier = [dirtier for at, dirtier in sorted(last.get(dbuf, [])) if at <= int(when)]
    same(f"who dirtied {dbuf} last", int(real), earlier[-1] if earlier else 0)
    for name in pids:
        if int(real) == pids[name]:
            assert int(pid) not in pids.values(), f"a writer wrote {dbuf} itself"
            ours[name].add(dbuf)
same("records that one has more", len(dirtied["many"]) - len(dirtied["few"]), 16)
for name, count in records.items():
    assert count <= len(ours[name]) <= len(dirtied[name]), (name, ours, dirtied)
    assert ours[name] <= dirtied[name], name
    # Beside its records, a file has a handful of buffers.
    assert len(dirtied[name]) - count < 12, (name, len(dirtied[name]))
