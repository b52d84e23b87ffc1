import mmap, sys

with open(sys.argv[1], "rb") as device:
    mapped = mmap.mmap(device.fileno(), 16384, prot=mmap.PROT_READ)
    first = mapped[0]
nothing = mmap.mmap(-1, 64 * 4096)
nothing.madvise(mmap.MADV_NOHUGEPAGE)
for page in range(64):
    nothing[4096 * page] = 1
