//! `udp`: datagrams that are handed to a device, or come from one.
//!
//! Made like `ip`, of which these are some.

use super::derived::{Arg, Derived, Entry, Source, translated};
use super::ip::{HEADER, PACKET, SOCKET, received};
use super::stability::Promise;

const ARGS: [Arg; 5] = [
    PACKET,
    SOCKET,
    HEADER,
    translated(3, "struct udp_sock *", "udpsinfo_t *"),
    translated(4, "struct udphdr *", "udpinfo_t *"),
];

/// The provider.
pub static UDP: Derived = Derived {
    name: "udp",
    first: 330,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "receive",
            args: &ARGS,
            alternatives: &[&[received(
                "_is_ip[(struct sk_buff *)arg0] && ((struct sk_buff *)arg0)->pkt_type != 3 && \
                 _ip_protocol[_got_ip[(struct sk_buff *)arg0]] == 17",
            )]],
        },
        Entry {
            name: "send",
            args: &ARGS,
            alternatives: &[&[Source::tracepoint("net_dev_queue")
                .args(&[
                    "arg0",
                    "_skb_sock[(struct sk_buff *)arg0]",
                    "_sent_ip[(struct sk_buff *)arg0]",
                    "_skb_sock[(struct sk_buff *)arg0]",
                    "_ip_payload[_sent_ip[(struct sk_buff *)arg0]]",
                    "0",
                    "0",
                    "0",
                ])
                .when(
                    "_is_ip[(struct sk_buff *)arg0] && \
                     _ip_protocol[_sent_ip[(struct sk_buff *)arg0]] == 17",
                )]],
        },
    ],
};
