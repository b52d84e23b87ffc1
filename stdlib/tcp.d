/*
 * TCP: segments, connections and their states.
 *
 * Where a probe has no socket (a segment that has just come in), what can be told from the
 * headers is: arg2 and arg4 are those, arg6 the state, arg7 the direction.
 */
inline int TH_FIN = 0x01;
inline int TH_SYN = 0x02;
inline int TH_RST = 0x04;
inline int TH_PSH = 0x08;
inline int TH_PUSH = 0x08;
inline int TH_ACK = 0x10;
inline int TH_URG = 0x20;
inline int TH_ECE = 0x40;
inline int TH_CWR = 0x80;

inline int TCP_MIN_HEADER_LENGTH = 20;

inline int TCP_STATE_IDLE = 0;
inline int TCP_STATE_ESTABLISHED = 1;
inline int TCP_STATE_SYN_SENT = 2;
inline int TCP_STATE_SYN_RECEIVED = 3;
inline int TCP_STATE_FIN_WAIT_1 = 4;
inline int TCP_STATE_FIN_WAIT_2 = 5;
inline int TCP_STATE_TIME_WAIT = 6;
inline int TCP_STATE_CLOSED = 7;
inline int TCP_STATE_CLOSE_WAIT = 8;
inline int TCP_STATE_LAST_ACK = 9;
inline int TCP_STATE_LISTEN = 10;
inline int TCP_STATE_CLOSING = 11;

inline string tcp_state_string[int S] =
    S == TCP_STATE_CLOSED ? "state-closed" : S == TCP_STATE_IDLE ? "state-idle" :
    S == TCP_STATE_LISTEN ? "state-listen" : S == TCP_STATE_SYN_SENT ? "state-syn-sent" :
    S == TCP_STATE_SYN_RECEIVED ? "state-syn-received" :
    S == TCP_STATE_ESTABLISHED ? "state-established" :
    S == TCP_STATE_CLOSE_WAIT ? "state-close-wait" :
    S == TCP_STATE_FIN_WAIT_1 ? "state-fin-wait-1" :
    S == TCP_STATE_CLOSING ? "state-closing" : S == TCP_STATE_LAST_ACK ? "state-last-ack" :
    S == TCP_STATE_FIN_WAIT_2 ? "state-fin-wait-2" :
    S == TCP_STATE_TIME_WAIT ? "state-time-wait" : "<unknown>";

typedef struct tcpinfo {
	uint16_t tcp_sport;
	uint16_t tcp_dport;
	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint8_t tcp_offset;
	uint8_t tcp_flags;
	uint16_t tcp_window;
	uint16_t tcp_checksum;
	uint16_t tcp_urgent;
	uintptr_t tcp_hdr;
} tcpinfo_t;

typedef struct tcpsinfo {
	uintptr_t tcps_addr;
	int tcps_local;
	uint16_t tcps_lport;
	uint16_t tcps_rport;
	string tcps_laddr;
	string tcps_raddr;
	int tcps_state;
	uint32_t tcps_iss;
	uint32_t tcps_suna;
	uint32_t tcps_snxt;
	uint32_t tcps_rnxt;
	uint32_t tcps_swnd;
	int32_t tcps_snd_ws;
	uint32_t tcps_rwnd;
	int32_t tcps_rcv_ws;
	uint32_t tcps_cwnd;
	uint32_t tcps_cwnd_ssthresh;
	uint32_t tcps_rto;
	uint32_t tcps_mss;
	uint32_t tcps_rtt;
	uint32_t tcps_rtt_sd;
	uint32_t tcps_irs;
} tcpsinfo_t;

typedef struct tcplsinfo {
	int tcps_state;
} tcplsinfo_t;

translator tcpinfo_t < struct tcphdr *T > {
	tcp_sport = T == NULL ? 0 : ntohs(T->source);
	tcp_dport = T == NULL ? 0 : ntohs(T->dest);
	tcp_seq = T == NULL ? 0 : ntohl(T->seq);
	tcp_ack = T == NULL ? 0 : ntohl(T->ack_seq);
	tcp_offset = T == NULL ? 0 : (((uint8_t *)T)[12] & 0xf0) >> 2;
	tcp_flags = T == NULL ? 0 : ((uint8_t *)T)[13];
	tcp_window = T == NULL ? 0 : ntohs(T->window);
	tcp_checksum = T == NULL ? 0 : ntohs(T->check);
	tcp_urgent = T == NULL ? 0 : ntohs(T->urg_ptr);
	tcp_hdr = (uintptr_t)T;
};

/* The ports of a socket, here and there. One that is closed has kept what it sent from. */
inline uint16_t _sock_lport[struct sock *S] = S->__sk_common.skc_num ?
    S->__sk_common.skc_num : ntohs(((struct inet_sock *)S)->inet_sport);
inline uint16_t _sock_rport[struct sock *S] = ntohs(S->__sk_common.skc_dport);

translator tcpinfo_t < struct _sender *S > {
	tcp_sport = _sock_lport[(struct sock *)S];
	tcp_dport = _sock_rport[(struct sock *)S];
	tcp_seq = 0;
	tcp_ack = 0;
	tcp_offset = 0;
	tcp_flags = 0;
	tcp_window = 0;
	tcp_checksum = 0;
	tcp_urgent = 0;
	tcp_hdr = 0;
};

translator tcpinfo_t < struct _receiver *S > {
	tcp_sport = _sock_rport[(struct sock *)S];
	tcp_dport = _sock_lport[(struct sock *)S];
	tcp_seq = 0;
	tcp_ack = 0;
	tcp_offset = 0;
	tcp_flags = 0;
	tcp_window = 0;
	tcp_checksum = 0;
	tcp_urgent = 0;
	tcp_hdr = 0;
};

translator tcpsinfo_t < struct tcp_sock *T > {
	tcps_addr = (uintptr_t)T;
	tcps_local = T == NULL ? 0 : ((struct sock *)T)->__sk_common.skc_family == AF_INET ?
	    ((struct sock *)T)->__sk_common.skc_rcv_saddr ==
	    ((struct sock *)T)->__sk_common.skc_daddr :
	    _sock_laddr[(struct sock *)T] == _sock_raddr[(struct sock *)T];
	tcps_lport = T != NULL ? _sock_lport[(struct sock *)T] : arg4 == 0 ? 0 :
	    ntohs(arg7 ? ((struct tcphdr *)arg4)->dest : ((struct tcphdr *)arg4)->source);
	tcps_rport = T != NULL ? _sock_rport[(struct sock *)T] : arg4 == 0 ? 0 :
	    ntohs(arg7 ? ((struct tcphdr *)arg4)->source : ((struct tcphdr *)arg4)->dest);
	tcps_laddr = T != NULL ? _sock_laddr[(struct sock *)T] : arg2 == 0 ? "<unknown>" :
	    arg7 ? _ip_daddr[arg2] : _ip_saddr[arg2];
	tcps_raddr = T != NULL ? _sock_raddr[(struct sock *)T] : arg2 == 0 ? "<unknown>" :
	    arg7 ? _ip_saddr[arg2] : _ip_daddr[arg2];
	tcps_state = arg6;
	tcps_iss = T == NULL ? 0 : T->snd_una - (uint32_t)T->bytes_acked;
	tcps_suna = T == NULL ? 0 : T->snd_una;
	tcps_snxt = T == NULL ? 0 : T->snd_nxt;
	tcps_rnxt = T == NULL ? 0 : T->rcv_nxt;
	tcps_swnd = T == NULL ? 0 : T->snd_wnd;
	tcps_snd_ws = T == NULL ? 0 : T->rx_opt.snd_wscale;
	tcps_rwnd = T == NULL ? 0 : T->rcv_wnd;
	tcps_rcv_ws = T == NULL ? 0 : T->rx_opt.rcv_wscale;
	tcps_cwnd = T == NULL ? 0 : T->snd_cwnd;
	tcps_cwnd_ssthresh = T == NULL ? 0 : T->snd_ssthresh;
	tcps_rto = T == NULL ? 0 : T->inet_conn.icsk_rto;
	tcps_mss = T == NULL ? 0 : T->mss_cache;
	tcps_rtt = T == NULL ? 0 : (T->srtt_us >> 3) / 1000;
	tcps_rtt_sd = T == NULL ? 0 : (T->mdev_us >> 2) / 1000;
	tcps_irs = T == NULL || T->bytes_received == 0 ? 0 :
	    T->rcv_nxt - (uint32_t)T->bytes_received;
};

translator tcplsinfo_t < int I > {
	tcps_state = I;
};

/* The answer is a reset. */
translator tcpinfo_t < struct _answered *H > {
	tcp_sport = ntohs(((struct tcphdr *)_ip_payload[(uintptr_t)H])->dest);
	tcp_dport = ntohs(((struct tcphdr *)_ip_payload[(uintptr_t)H])->source);
	tcp_seq = 0;
	tcp_ack = 0;
	tcp_offset = 0;
	tcp_flags = TH_RST;
	tcp_window = 0;
	tcp_checksum = 0;
	tcp_urgent = 0;
	tcp_hdr = 0;
};
