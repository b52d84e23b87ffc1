/*
 * UDP: datagrams and sockets. What is local is told by arg7, the direction.
 */
typedef struct udpinfo {
	uint16_t udp_sport;
	uint16_t udp_dport;
	uint16_t udp_length;
	uint16_t udp_checksum;
	struct udphdr *udp_hdr;
} udpinfo_t;

typedef struct udpsinfo {
	uintptr_t udps_addr;
	uint16_t udps_lport;
	uint16_t udps_rport;
	string udps_laddr;
	string udps_raddr;
} udpsinfo_t;

translator udpinfo_t < struct udphdr *U > {
	udp_sport = U == NULL ? 0 : ntohs(U->source);
	udp_dport = U == NULL ? 0 : ntohs(U->dest);
	udp_length = U == NULL ? 0 : ntohs(U->len);
	udp_checksum = U == NULL ? 0 : ntohs(U->check);
	udp_hdr = U;
};

translator udpsinfo_t < struct udp_sock *S > {
	udps_addr = (uintptr_t)S;
	udps_lport = arg4 == 0 ? 0 :
	    ntohs(arg7 ? ((struct udphdr *)arg4)->dest : ((struct udphdr *)arg4)->source);
	udps_rport = arg4 == 0 ? 0 :
	    ntohs(arg7 ? ((struct udphdr *)arg4)->source : ((struct udphdr *)arg4)->dest);
	udps_laddr = arg2 == 0 ? "<unknown>" : arg7 ? _ip_daddr[arg2] : _ip_saddr[arg2];
	udps_raddr = arg2 == 0 ? "<unknown>" : arg7 ? _ip_saddr[arg2] : _ip_daddr[arg2];
};
