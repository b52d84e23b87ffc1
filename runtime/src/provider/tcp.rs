//! `tcp`: segments, and connections that are asked for, accepted, refused, or change state.
//!
//! Segments are made like `ip`'s packets, of which these are some. Connections are told by
//! the states of their sockets; there is no segment at hand then, so what is known of it is
//! its direction and the socket's addresses. A refused request is told by the reset that
//! answers it.

use super::derived::{Arg, Derived, Entry, Source, translated};
use super::ip::{HEADER, PACKET, SOCKET, received};
use super::stability::Promise;

const STATE: Arg = translated(3, "struct tcp_sock *", "tcpsinfo_t *");

const SEGMENT: [Arg; 5] =
    [PACKET, SOCKET, HEADER, STATE, translated(4, "struct tcphdr *", "tcpinfo_t *")];

/// Of a segment that the socket sends.
const OUTBOUND: [Arg; 5] = [
    PACKET,
    SOCKET,
    translated(1, "struct _sender *", "ipinfo_t *"),
    STATE,
    translated(1, "struct _sender *", "tcpinfo_t *"),
];

/// Of a segment that the socket was sent.
const INBOUND: [Arg; 5] = [
    PACKET,
    SOCKET,
    translated(1, "struct _receiver *", "ipinfo_t *"),
    STATE,
    translated(1, "struct _receiver *", "tcpinfo_t *"),
];

/// Of the reset that answers a segment.
const ANSWER: [Arg; 5] = [
    PACKET,
    SOCKET,
    translated(2, "struct _answered *", "ipinfo_t *"),
    STATE,
    translated(2, "struct _answered *", "tcpinfo_t *"),
];

const STATE_CHANGE: [Arg; 6] = {
    let [packet, socket, ip, state, tcp] = OUTBOUND;
    [packet, socket, ip, state, tcp, translated(5, "int", "tcplsinfo_t *")]
};

/// `inet_sock_set_state`: socket, state before, state from now on.
const fn change(when: &'static str) -> Source {
    Source::tracepoint("inet_sock_set_state")
        .args(&["0", "arg0", "0", "arg0", "0", "(int)arg1", "(int)arg2", "0"])
        .when(when)
}

/// A connection goes on as a small socket of its own, and the tracepoint tells only that the
/// large one is closed.
const TIME_WAIT: Source = Source::function("tcp_time_wait")
    .args(&[
        "0",
        "arg0",
        "0",
        "arg0",
        "0",
        "(int)((struct sock *)arg0)->__sk_common.skc_state",
        "(int)arg1",
        "0",
    ])
    .when("(int)arg1 == 6");

/// The provider.
pub static TCP: Derived = Derived {
    name: "tcp",
    first: 310,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "accept-established",
            args: &INBOUND,
            alternatives: &[&[change(
                "((struct sock *)arg0)->sk_protocol == 6 && (int)arg1 == 3 && (int)arg2 == 1",
            )]],
        },
        Entry {
            name: "accept-refused",
            args: &ANSWER,
            alternatives: &[&[Source::tracepoint("tcp_send_reset")
                .args(&[
                    "arg1",
                    "arg0",
                    "_sent_ip[(struct sk_buff *)arg1]",
                    "0",
                    "_ip_payload[_sent_ip[(struct sk_buff *)arg1]]",
                    "0",
                    "7",
                    "1",
                ])
                // It had asked for a connection, and nothing else.
                .when(
                    "arg1 != 0 && \
                     (((uint8_t *)_ip_payload[_sent_ip[(struct sk_buff *)arg1]])[13] & 0x12) == 2",
                )]],
        },
        Entry {
            name: "connect-established",
            args: &INBOUND,
            alternatives: &[&[change(
                "((struct sock *)arg0)->sk_protocol == 6 && (int)arg1 == 2 && (int)arg2 == 1",
            )]],
        },
        Entry {
            name: "connect-refused",
            args: &INBOUND,
            alternatives: &[&[change(
                "((struct sock *)arg0)->sk_protocol == 6 && (int)arg1 == 2 && \
                 (int)arg2 == 7 && ((struct sock *)arg0)->sk_err == 111",
            )]],
        },
        Entry {
            name: "connect-request",
            args: &OUTBOUND,
            alternatives: &[&[change(
                "((struct sock *)arg0)->sk_protocol == 6 && (int)arg1 == 7 && (int)arg2 == 2",
            )]],
        },
        Entry {
            name: "receive",
            args: &SEGMENT,
            alternatives: &[&[received(
                "_is_ip[(struct sk_buff *)arg0] && ((struct sk_buff *)arg0)->pkt_type != 3 && \
                 _ip_protocol[_got_ip[(struct sk_buff *)arg0]] == 6",
            )]],
        },
        Entry {
            name: "send",
            args: &SEGMENT,
            alternatives: &[&[Source::tracepoint("net_dev_queue")
                .args(&[
                    "arg0",
                    "_skb_sock[(struct sk_buff *)arg0]",
                    "_sent_ip[(struct sk_buff *)arg0]",
                    "_skb_sock[(struct sk_buff *)arg0]",
                    "_ip_payload[_sent_ip[(struct sk_buff *)arg0]]",
                    "0",
                    "_skb_sock[(struct sk_buff *)arg0] == 0 ? 0 : \
                     ((struct sk_buff *)arg0)->sk->__sk_common.skc_state",
                    "0",
                ])
                .when(
                    "_is_ip[(struct sk_buff *)arg0] && \
                     _ip_protocol[_sent_ip[(struct sk_buff *)arg0]] == 6",
                )]],
        },
        Entry {
            name: "state-change",
            args: &STATE_CHANGE,
            alternatives: &[&[change("((struct sock *)arg0)->sk_protocol == 6"), TIME_WAIT]],
        },
    ],
};
