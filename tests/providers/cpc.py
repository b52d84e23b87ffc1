# Touches 1,000 fresh pages one by one.
import mmap

area = mmap.mmap(-1, 4096 * 1000)
area.madvise(mmap.MADV_NOHUGEPAGE)
for page in range(1000):
    area[page * 4096] = 1
