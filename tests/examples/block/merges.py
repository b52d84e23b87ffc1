"""merges.d: small writes that are merged, and large ones that are split.

A device that takes 64 kB at once gets 256 neighbours of 4 kB, submitted 16 at a time, and one
write of 4 MB. The kernel has counted merges and requests.
"""
from proof import Fio, loop, named, rows, same, trace

disk = loop()
disk.scheduler("mq-deadline")
disk.set("queue/max_sectors_kb", 64)
fio = Fio(disk, rw="write", iodepth=32, iodepth_batch_submit=16, size="1m")
large = f"{named('proof-large', 'dd')} if=/dev/zero of={disk.path} bs=4M count=1 oflag=direct status=none"
with disk.counted() as counted:
    text = trace("block/merges.d", f"sh -c '{fio.command}; {large}'", disk.number)
first, second = text.split("DEVICE         JOINED")
table = {row[2]: list(map(int, row[3:])) for row in rows("DEVICE " + first.split("DEVICE ")[1], "DEVICE")}
[(name, joined, issued, mean)] = rows("DEVICE" + second, "DEVICE")
joined, issued, mean = int(joined), int(issued), int(mean)
same("processes", sorted(table), ["fio", "proof-large"])
bios, splits, merges, ratio = table["fio"]
same("bios of fio", (bios, splits), (fio.count("write"), 0))
assert merges > 0 and ratio == merges * 100 // bios, text
bios_large, splits_large, merges_large, _ = table["proof-large"]
# 64 parts, and what is left over of each bio.
assert 64 <= bios_large + splits_large <= 64 + bios_large, text
same("merges", merges + merges_large + joined, counted["write_merges"])
same("requests", issued, counted["writes"])
same("all bios", bios + bios_large + splits_large - merges - merges_large - joined, issued)
same("mean kB", mean, counted["write_sectors"] // 2 // issued)
