# A thousand processes, fifty at a time.
round=0
while [ $round -lt 20 ]; do
    started=0
    while [ $started -lt 50 ]; do
        /bin/true &
        started=$((started + 1))
    done
    wait
    round=$((round + 1))
done
