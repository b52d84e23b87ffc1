"""writeback.d: each page that xfs writes is joined to the process that wrote to it."""
from joined import prove

prove("xfs/writeback.d", "xfs", "fbt::iomap_write_end:entry")
