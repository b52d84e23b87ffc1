/*
 * Networks: families of addresses, kinds of devices, connections.
 */
inline int AF_UNIX = 1;
inline int AF_INET = 2;
inline int AF_INET6 = 10;

inline int ARPHRD_ETHER = 1;
inline int ARPHRD_INFINIBAND = 32;

typedef struct conninfo {
	string ci_local;
	string ci_remote;
	string ci_protocol;
} conninfo_t;

/* Which way a packet goes, as arg7 of tcp's probes has it. */
inline int NET_PROBE_OUTBOUND = 0;
inline int NET_PROBE_INBOUND = 1;

/* Addresses of a socket, here and there. */
inline string _sock_laddr[struct sock *S] = S->__sk_common.skc_family == AF_INET6 ?
    inet_ntoa6(&S->__sk_common.skc_v6_rcv_saddr) : inet_ntoa(&S->__sk_common.skc_rcv_saddr);
inline string _sock_raddr[struct sock *S] = S->__sk_common.skc_family == AF_INET6 ?
    inet_ntoa6(&S->__sk_common.skc_v6_daddr) : inet_ntoa(&S->__sk_common.skc_daddr);

/* The headers of a packet that is sent, and of one that has just come in. */
inline uintptr_t _sent_ip[struct sk_buff *S] = (uintptr_t)S->head + S->network_header;
inline uintptr_t _got_ip[struct sk_buff *S] = (uintptr_t)S->data;

/* What the header of a packet says: 4 or 6, its protocol, and what comes after it. */
inline int _ip_version[uintptr_t H] = *(uint8_t *)H >> 4;
inline int _ip_protocol[uintptr_t H] = _ip_version[H] == 4 ?
    ((struct iphdr *)H)->protocol : ((struct ipv6hdr *)H)->nexthdr;
inline uintptr_t _ip_payload[uintptr_t H] = _ip_version[H] == 4 ?
    H + ((*(uint8_t *)H & 0xf) << 2) : H + sizeof(struct ipv6hdr);

/* Its addresses. */
inline string _ip_saddr[uintptr_t H] = _ip_version[H] == 4 ?
    inet_ntoa(&((struct iphdr *)H)->saddr) : inet_ntoa6(&((struct ipv6hdr *)H)->saddr);
inline string _ip_daddr[uintptr_t H] = _ip_version[H] == 4 ?
    inet_ntoa(&((struct iphdr *)H)->daddr) : inet_ntoa6(&((struct ipv6hdr *)H)->daddr);

/* The socket of a packet, unless what it has is less than a socket. */
inline uintptr_t _skb_sock[struct sk_buff *S] = S->sk == NULL ? 0 :
    S->sk->__sk_common.skc_state == 6 || S->sk->__sk_common.skc_state == 12 ? 0 :
    (uintptr_t)S->sk;

/* Protocols of packets, as they are in them. */
inline int _is_ip[struct sk_buff *S] = S->protocol == 0x0008 || S->protocol == 0xdd86;

/* Sockets that stand for a packet which isn't at hand: one that is sent, one that came. */
struct _sender;
struct _receiver;
/* The header of a packet that came, and is answered. */
struct _answered;
