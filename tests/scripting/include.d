//@ run: -q -C -I .
//@ needs: test -f /usr/include/netinet/in.h # there are no headers of the C library
#include <netinet/in.h>
#include <linux/tcp.h>
#include "include.h"

#define SHOW(fmt, ...) printf(fmt "\n", ##__VA_ARGS__)
#define TEXT(x) #x
#define PASTE(a, b) a ## b

BEGIN
{
	printf("%d %d %s\n", IPPROTO_TCP, (int)sizeof(struct sockaddr_in), TEXT(a b));
	printf("%d line %d\n", DOUBLE(PASTE(1, 2)),
	    __LINE__);
	exit(0);
}
