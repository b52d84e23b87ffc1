# Writes to a loop device of its own: 4 blocks, one by one; then 4 blocks at once, of which the
# device takes only one at a time.
set -e
file=$(mktemp)
device=
trap '[ -z "$device" ] || losetup -d "$device"; rm -f "$file"' EXIT
truncate -s 1M "$file"
device=$(losetup -f --show "$file")
queue=/sys/block/${device#/dev/}/queue
# With a scheduler all requests are inserted, without one only those that have to wait.
modprobe mq-deadline 2>/dev/null || true
echo mq-deadline >"$queue/scheduler"
dd if=/dev/zero of="$device" bs=4k count=4 oflag=direct status=none
echo 4 >"$queue/max_sectors_kb"
dd if=/dev/zero of="$device" bs=16k count=1 oflag=direct status=none
