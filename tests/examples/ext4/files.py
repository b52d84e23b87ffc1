"""files.d: kB by process and file are what each process wrote and read, whoever did the I/O.

Two processes change the same file, one makes another, a fourth reads a file that isn't in the
page cache. All is written a second later by a fifth. The kernel has counted sectors by disk,
and bytes dirtied and read by process.
"""
#@ case: ext4
#@ case: xfs

import os
import sys

from proof import Workload, loop, rows, same, shell, trace

disk = loop(400)
mount = disk.mount(sys.argv[1])
workload = Workload(f"""
mount = {str(mount)!r}
def write(name, file, at, size, step):
    if process(name):
        with open(mount + "/" + file, "r+b", 0) as file:
            for offset in range(at, at + size, step):
                os.pwrite(file.fileno(), bytes(step), offset)
        fact(name=name)
        os._exit(0)
for name in ["one", "two"]:
    open(mount + "/" + name, "w").close()
write("first", "one", 0, 1 << 20, 65536)
write("second", "one", 1 << 20, 200 << 10, 4096)
write("third", "two", 0, 60 << 10, 4096)
time.sleep(1)
if process("syncer"):
    syncfs(mount)
    os._exit(0)
if process("reader"):
    file = os.open(mount + "/there", 0)
    while os.read(file, 65536):
        pass
    fact(name="reader")
    os._exit(0)
""")
there = mount / "there"
there.write_bytes(bytes(512 << 10))
with there.open("rb") as file:
    os.fsync(file.fileno())
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
shell(f"sync -f {mount}")
with disk.counted() as counted:
    text = trace("ext4/files.d", workload.command, mount.stat().st_dev)

table = {}
for process, pid, what, *numbers, file in rows(text, "PROCESS"):
    table[process, file.rpartition("/")[2]] = (int(pid), what, *map(int, numbers))
truth = {"first": ("one", 1024), "second": ("one", 200), "third": ("two", 60), "reader": ("there", 512)}
for fact in workload.facts():
    name, reads = fact["name"], fact["name"] == "reader"
    file, kb = truth[name]
    row = table.pop((name, file))
    same(name, row[:3], (fact["pid"], "read" if reads else "write", kb))
    same(f"{name}'s bytes", fact["io"]["read_bytes" if reads else "write_bytes"], kb * 1024)
    assert reads or 1000 <= row[4] <= 30000, f"{name} had its data in the cache for {row[4]} ms"
    assert row[5] <= row[6] and (row[3] == 0) == (row[6] == 0), f"{name}: {row}"
    if reads:
        same("bios read", row[3], counted["reads"] + counted["read_merges"])
        same("sectors read", row[2] * 2, counted["read_sectors"])
    table[name, file] = row
# What is left is metadata: in no file, by whoever wrote it.
assert all(file == "-" for name, file in table if name not in truth), text
writes = [row for row in table.values() if row[1] == "write"]
# A flush may be counted as a write of nothing.
empty = counted["writes"] + counted["write_merges"] - sum(row[3] for row in writes)
assert 0 <= empty <= counted["flushes"], f"{empty} writes more than bios\n{text}{counted}"
less = counted["write_sectors"] / 2 - sum(row[2] for row in writes)
assert 0 <= less < len(writes), f"{less} kB were written more than the example has\n{text}"
