//@ needs: command -v python3 # there is no python3
//@ needs: "$STRAND" check -e 'fbt::tcp_time_wait:entry { }' # functions can't be traced
//@ run: -q -c 'python3 tcp.py 47813'
/* Who ends a connection first waits; the socket itself is closed with that. */
inline int PORT = 47813;

tcp:::state-change
/args[3]->tcps_lport == PORT && args[3]->tcps_rport != 0 &&
    (args[5]->tcps_state == TCP_STATE_FIN_WAIT_2 || args[3]->tcps_state == TCP_STATE_TIME_WAIT)/
{
	printf("%s -> %s by %s\n", tcp_state_string[args[5]->tcps_state],
	    tcp_state_string[args[3]->tcps_state], args[3]->tcps_laddr);
}
