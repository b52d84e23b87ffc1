# Starts $1/user where it is called /run/inside, for that process alone; its id is in $1/pid.
cp "$1/user" "$1/inside"
unshare -m sh -c "mount -t tmpfs none /run && mv $1/inside /run/inside && exec /run/inside 1500 10" \
    >"$1/log" 2>&1 &
pid=$!
echo $pid >"$1/pid"
until [ "$(cat /proc/$pid/comm)" = inside ]; do sleep 0.05; done
