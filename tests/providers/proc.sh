trap : USR1
/bin/true one two
(exec /no/such/program) 2>/dev/null
kill -USR1 $$
kill -WINCH $$
/bin/sh -c 'kill -KILL $$' 2>/dev/null
exit 0
