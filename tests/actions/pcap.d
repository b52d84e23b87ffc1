//@ run: -q -w -x pcapsize=32
//@ needs: bash -c 'echo > /dev/udp/127.0.0.1/9' # there is no UDP
/* A packet of the loopback device, in a capture file and as bytes. */
int n;
BEGIN
{
	system("rm -f /tmp/strand-pcap-test; (sleep 0.2; bash -c 'echo ok > /dev/udp/127.0.0.1/9') &");
}
rawtp:::netif_receive_skb
/n == 0/
{
	freopen("/tmp/strand-pcap-test");
	pcap((struct sk_buff *)arg0, PCAP_IP);
	freopen("");
}
rawtp:::netif_receive_skb
/n++ == 0/
{
	pcap((struct sk_buff *)arg0, PCAP_IP);
	pcap(NULL, PCAP_IP);
	system("od -An -tx4 -N24 /tmp/strand-pcap-test; od -An -tu4 -j32 -N8 /tmp/strand-pcap-test");
	system("rm /tmp/strand-pcap-test");
	exit(0);
}
