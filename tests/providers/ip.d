//@ needs: command -v python3 # there is no python3
//@ run: -q -c 'python3 udp.py 47822'
/* The packets of three datagrams by IPv4 and of three by IPv6, over the loopback device. */
ip:::send, ip:::receive
/args[3]->if_name == "lo" && args[4]->ipv4_hdr != NULL && args[4]->ipv4_protocol == IPPROTO_UDP &&
    *(uint16_t *)((uintptr_t)args[4]->ipv4_hdr + 22) == htons(47822)/
{
	printf("%s %d: %s to %s, %d bytes behind %d, %s, %d left, local: %d\n", probename,
	    args[2]->ip_ver, args[2]->ip_saddr, args[2]->ip_daddr, args[2]->ip_plength,
	    args[4]->ipv4_ihl, args[4]->ipv4_protostr, args[4]->ipv4_ttl, args[3]->if_local);
}

ip:::send, ip:::receive
/args[3]->if_name == "lo" && args[5]->ipv6_hdr != NULL && args[5]->ipv6_nexthdr == IPPROTO_UDP &&
    *(uint16_t *)((uintptr_t)args[5]->ipv6_hdr + 42) == htons(47822)/
{
	printf("%s %d: %s to %s, %d bytes, %s, %d left, local: %d\n", probename,
	    args[2]->ip_ver, args[2]->ip_saddr, args[2]->ip_daddr, args[2]->ip_plength,
	    args[5]->ipv6_nextstr, args[5]->ipv6_hlim, args[3]->if_local);
}
