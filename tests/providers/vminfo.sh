# Writes four blocks to a loop device of its own and reads them again; then touches the first
# of them in memory, and 64 pages of nothing.
set -e
file=$(mktemp)
device=
trap '[ -z "$device" ] || losetup -d "$device"; rm -f "$file"' EXIT
truncate -s 1M "$file"
device=$(losetup -f --show "$file")
dd if=/dev/zero of="$device" bs=8k count=4 oflag=direct status=none
dd if="$device" of=/dev/null bs=8k count=4 iflag=direct status=none
blockdev --flushbufs "$device"
python3 vminfo.py "$device"
