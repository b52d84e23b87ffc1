//@ needs: command -v python3 # there is no python3
//@ run: -q -c 'python3 tcp.py 47811'
/* A connection to a port of ours, one to a port where nobody listens, a datagram. */
BEGIN
{
	port = 47811;
	nobody = 47812;
}

tcp:::connect-request
/args[4]->tcp_dport == port/
{
	printf("connect-request %s to %s\n", args[2]->ip_saddr, args[2]->ip_daddr);
}

tcp:::connect-established
/args[4]->tcp_sport == port/
{
	printf("connect-established %s %d\n", args[3]->tcps_raddr, args[3]->tcps_rport == port);
}

tcp:::accept-established
/args[4]->tcp_dport == port/
{
	printf("accept-established %s %d\n", args[3]->tcps_laddr, args[3]->tcps_lport == port);
}

tcp:::connect-refused
/args[4]->tcp_sport == nobody/
{
	printf("connect-refused by %s\n", args[2]->ip_saddr);
}

/*
 * Before 6.18 the socket of a connection that begins to be accepted has no port yet. The last
 * state is seen only where functions can be traced.
 */
tcp:::state-change
/args[3]->tcps_lport == port && args[3]->tcps_rport != 0 &&
    args[3]->tcps_state != TCP_STATE_SYN_RECEIVED && args[3]->tcps_state != TCP_STATE_TIME_WAIT/
{
	printf("%s -> %s\n", tcp_state_string[args[5]->tcps_state],
	    tcp_state_string[args[3]->tcps_state]);
}

tcp:::send
/args[4]->tcp_dport == port/
{
	sent++;
	pushed += (args[4]->tcp_flags & TH_PSH) != 0;
	asked += args[4]->tcp_flags == TH_SYN;
	local += args[3]->tcps_rport == port && args[3]->tcps_raddr == "127.0.0.1";
	lengths += args[2]->ip_plength >= args[4]->tcp_offset;
}

tcp:::receive
/args[4]->tcp_dport == port/
{
	received++;
	there += args[3]->tcps_lport == port && args[3]->tcps_laddr == "127.0.0.1";
}

ip:::send
/args[2]->ip_daddr == "127.0.0.1" && args[4]->ipv4_protocol == IPPROTO_TCP && pid == $target/
{
	packets += args[3]->if_local && args[4]->ipv4_protostr == "TCP";
}

udp:::send, udp:::receive
/args[4]->udp_dport == port/
{
	printf("udp %s: %d bytes, local port %d, %s\n", probename, args[4]->udp_length,
	    probename == "receive" ? args[3]->udps_lport : 0, args[2]->ip_daddr);
}

END
{
	printf("%d %d %d %d\n", pushed == 1, asked == 1, sent == local, sent == lengths);
	printf("%d %d %d\n", sent == received, there == received, packets > sent);
}
