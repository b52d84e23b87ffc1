"""readahead.d: pages read in, and what became of them, against what is in the page cache.

One process reads a file from its beginning and stops in the middle; another reads a page here
and there of a second file, and a third later what was read ahead of it. mincore(2) tells what
is in the page cache, /proc and /sys how much was read.
"""
import os

from proof import BUILT, Workload, loop, rows, same, shell, skip, trace

MB = 1 << 20
disk = loop(400)
mount = disk.mount("ext4")
for name in ["front", "there"]:
    (mount / name).write_bytes(bytes(4 * MB))
    with (mount / name).open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
workload = Workload(f"""
def resident(file):
    size = os.fstat(file).st_size
    memory = mmap.mmap(file, size, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE)
    pages = (ctypes.c_ubyte * (size // 4096))()
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), pages) == 0
    return {{n for n, page in enumerate(pages) if page & 1}}
def read(name, file, offsets):
    if process(name):
        file = os.open({str(mount)!r} + "/" + file, os.O_RDONLY)
        before = resident(file)
        for offset in offsets:
            os.pread(file, 4096, offset)
        # What is still being read isn't there yet.
        now = None
        while now != (now := resident(file)) or open("{disk.sys}/inflight").read().split() != ["0", "0"]:
            time.sleep(0.3)
        fact(name=name, came=len(now - before),
             wanted=len({{offset // 4096 for offset in offsets}} - before))
        os._exit(0)
read("front", "front", range(0, {MB}, 4096))
read("random", "there", [3 << 20, 1 << 20, 2 << 20])
read("later", "there", range(1 << 20, (1 << 20) + 32768, 4096))
os.posix_fadvise(os.open({str(mount)!r} + "/there", os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
""")
with disk.counted() as counted:
    text = trace("ext4/readahead.d", workload.command, mount.stat().st_dev)
if BUILT and "this kernel doesn't tell" in text:
    skip("this kernel has none of the probes that the one had where it was built")
table = {row[0]: list(map(int, row[1:7])) for row in rows(text, "PROCESS")}
for fact in workload.facts():
    came, asked, hits, dropped, left, ratio = table[fact["name"]]
    same(f"bytes that {fact['name']} had read", came * 4096, fact["io"]["read_bytes"])
    same(f"pages that {fact['name']} brought to the page cache", came, fact["came"])
    same(f"pages of these that {fact['name']} wanted", asked + hits, fact["wanted"])
    same("the rest", dropped + left, came - asked - hits)
    same("percent", ratio, 100 * hits // (hits + dropped) if hits + dropped else 0)
same("all", sum(row[0] for row in table.values()) * 8, counted["read_sectors"])
# One miss, and what is read ahead is hit; beyond where it stops, it is left.
assert table["front"][1] <= 4 and table["front"][3] == 0 < table["front"][4], text
# Nothing is read ahead of single pages.
same("random", table["random"][1:], [3, 0, 0, 0, 0])
assert table["later"][2] > 0 == table["later"][4] and table["later"][3] > 0, text
assert "tell" not in text, text
