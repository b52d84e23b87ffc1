"""writeback-fbt.d: each page that ext4 writes is joined to the process that wrote to it."""
from joined import prove

prove("ext4/writeback-fbt.d", "ext4", "fbt:ext4:ext4_*_write_end:entry")
