# Writes four pages of a file on a file system of its own, and waits until they are on disk.
set -e
folder=$(mktemp -d)
trap 'umount "$folder/mounted" 2>/dev/null; rm -rf "$folder"' EXIT
truncate -s 8M "$folder/image"
mke2fs -q -t ext4 "$folder/image" 2>/dev/null
mkdir "$folder/mounted"
mount -o loop "$folder/image" "$folder/mounted"
dd if=/dev/zero of="$folder/mounted/four" bs=4k count=4 status=none
sync -f "$folder/mounted"
