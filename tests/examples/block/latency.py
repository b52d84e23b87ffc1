"""latency.d: what two processes have written is theirs, though others started the I/O.

Both are over when `sync` begins. The kernel has counted all bytes of the disk.
"""
from proof import loop, named, rows, same, trace

disk = loop()
folder = disk.mount("ext4")
writers = {"proof-a": (64, 100), "proof-b": (8, 100)}
commands = [f"{named(name, 'dd')} if=/dev/zero of={folder}/{name} bs={size}k count={count} status=none"
            for name, (size, count) in writers.items()]
with disk.counted() as counted:
    text = trace("block/latency.d", f"sh -c '{'; '.join(commands)}; sync -f {folder}'", disk.number)
table = rows(text, "PROCESS")
assert all(len(row) == 8 for row in table), text
for name, (size, count) in writers.items():
    own = [row for row in table if row[0] == name and row[2] == "write"]
    same(f"kB of {name}", sum(int(row[5]) for row in own), size * count)
    assert all(row[3] != name for row in own), f"{name} has started its I/O itself:\n{text}"
    assert len({row[1] for row in own}) == 1, text
    assert all(0 < int(row[6]) <= int(row[7]) for row in own), text
kilobytes = sum(int(row[5]) for row in table if row[2] == "write")
same("kB written", kilobytes * 2, counted["write_sectors"])
