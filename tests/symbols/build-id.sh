# Starts a stripped program that finds what it was stripped of under /usr/lib/debug, where nobody
# else has it; its id is in $1/pid.
id=$(readelf -n "$1/stripped" | sed -n 's/.*Build ID: //p')
first=$(echo "$id" | cut -c 1-2)
rest=$(echo "$id" | cut -c 3-)
unshare -m sh -c "mount -t tmpfs none /usr/lib/debug && mkdir -p /usr/lib/debug/.build-id/$first &&
    mv $1/debug /usr/lib/debug/.build-id/$first/$rest.debug && exec $1/stripped 4006 1500" \
    >"$1/log" 2>&1 &
pid=$!
echo $pid >"$1/pid"
until [ "$(cat /proc/$pid/comm)" = stripped ]; do sleep 0.05; done
