struct address {
	uint32_t word[4];
} a;

BEGIN
{
	printf("%x %x %x\n", htons(0x1234), htonl(0x12345678), htonll(0x1122334455667788));
	printf("%x %x %x\n", ntohs(0x3412), ntohl(htonl(42)), ntohll(htonll(43)));
	a.word[0] = htonl(0xc0a80a64);
	printf("%s\n", inet_ntoa(&a.word[0]));
	a.word[0] = htonl(0x20010db8);
	a.word[3] = htonl(0x00010a0b);
	printf("%s\n", inet_ntoa6((struct in6_addr *)&a.word[0]));
	a.word[1] = htonl(0x00010000);
	printf("%s\n", inet_ntoa6((struct in6_addr *)&a.word[0]));
	a.word[0] = 0;
	a.word[1] = 0;
	a.word[3] = htonl(1);
	printf("%s\n", inet_ntoa6((struct in6_addr *)&a.word[0]));
	a.word[2] = htonl(0xffff);
	a.word[3] = htonl(0x7f000001);
	printf("%s ", inet_ntoa6((struct in6_addr *)&a.word[0]));
	printf("%s\n", inet_ntoa6((struct in6_addr *)&a.word[0], 1));
	printf("%s %s\n", inet_ntop(AF_INET6, &a.word[0]), inet_ntop(AF_INET, &a.word[3]));
	a.word[2] = 0;
	printf("%s\n", inet_ntop(AF_INET6, &a.word[0]));
	a.word[0] = htonl(0x02ff0010);
	printf("%s\n", link_ntop(ARPHRD_ETHER, &a.word[0]));
	exit(0);
}
