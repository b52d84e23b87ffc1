//@ needs: command -v python3 # there is no python3
//@ run: -q -c 'python3 udp.py 47821'
/* Three datagrams to a port of ours by IPv4, three by IPv6: each sent once, received once. */
BEGIN
{
	port = 47821;
}

udp:::send
/args[4]->udp_dport == port/
{
	@[probename, args[2]->ip_daddr, args[4]->udp_length] = count();
	@bytes[probename] = sum(args[4]->udp_length);
	from = args[4]->udp_sport;
}

udp:::receive
/args[4]->udp_dport == port/
{
	@[probename, args[2]->ip_daddr, args[4]->udp_length] = count();
	@bytes[probename] = sum(args[4]->udp_length);
	@replies[args[3]->udps_lport, args[3]->udps_laddr, args[4]->udp_sport == from] = count();
}

END
{
	setopt("aggsortkey");
	printa("%s to %s, %d bytes: %@d\n", @);
	printa("%s of %@d bytes\n", @bytes);
	printa("port %d of %s, from the sender's %d: %@d\n", @replies);
}
