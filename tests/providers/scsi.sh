# Reads from a disk that is only memory: two blocks; one that the host is first too busy for;
# one whose command is lost.
set -e
debug=/sys/bus/pseudo/drivers/scsi_debug
disk=$(ls -d $debug/adapter0/host*/target*/*/block/*)
disk=${disk##*/}
read_blocks() { dd if=/dev/$disk of=/dev/null bs=4k count=$1 iflag=direct status=none; }
read_blocks 2
echo 0x8000 >$debug/opts
echo 1 >$debug/every_nth
(sleep 0.3; echo 0 >$debug/every_nth) &
read_blocks 1
wait
echo 1 >/sys/block/$disk/device/timeout
echo 4 >$debug/opts
echo 1 >$debug/every_nth
(sleep 0.5; echo 0 >$debug/every_nth) &
read_blocks 1
wait
echo 0 >$debug/opts
echo 30 >/sys/block/$disk/device/timeout
