BEGIN
{
	printf("%d %d %d\n", DTRACEFLT_UNKNOWN, DTRACEFLT_DIVZERO, DTRACEFLT_BADSTACK);
	printf("%d %d %d\n", AF_INET, AF_INET6, ARPHRD_INFINIBAND);
	printf("%d %d %d\n", IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6);
	printf("%d %d\n", RW_WRITER, RW_READER);
	printf("%d %d\n", CLD_EXITED, CLD_CONTINUED);
	printf("%o %o %o\n", O_CREAT, O_TRUNC, O_SYNC);
	printf("%d %d\n", sizeof(ipaddr_t), sizeof(in6_addr_t));
	exit(0);
}
