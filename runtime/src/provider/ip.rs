//! `ip`: packets of IPv4 and IPv6 that are handed to a device, or come from one.
//!
//! Made of the events between the stack and the devices, which all kernels have. A packet
//! that goes through several devices (a tunnel, a bridge) is seen at each.

use super::derived::{Arg, Derived, Entry, Source, translated};
use super::stability::Promise;

/// What the probes of `tcp` and `udp` have too.
pub(super) const PACKET: Arg = translated(0, "struct sk_buff *", "pktinfo_t *");
pub(super) const SOCKET: Arg = translated(1, "struct sock *", "csinfo_t *");
pub(super) const HEADER: Arg = translated(2, "void_ip_t *", "ipinfo_t *");

const ARGS: [Arg; 6] = [
    PACKET,
    SOCKET,
    HEADER,
    translated(3, "struct net_device *", "ifinfo_t *"),
    translated(4, "struct iphdr *", "ipv4info_t *"),
    translated(5, "struct ipv6hdr *", "ipv6info_t *"),
];

/// A packet whose payload is a segment or a datagram comes from a device; its socket isn't
/// known yet.
pub(super) const fn received(when: &'static str) -> Source {
    Source::tracepoint("netif_receive_skb")
        .args(&[
            "arg0",
            "0",
            "_got_ip[(struct sk_buff *)arg0]",
            "0",
            "_ip_payload[_got_ip[(struct sk_buff *)arg0]]",
            "0",
            "0",
            "1",
        ])
        .when(when)
}

/// The provider.
pub static IP: Derived = Derived {
    name: "ip",
    first: 300,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "receive",
            args: &ARGS,
            // Type 3 is for somebody else, and only seen because the device is promiscuous.
            alternatives: &[&[Source::tracepoint("netif_receive_skb")
                .args(&[
                    "arg0",
                    "0",
                    "_got_ip[(struct sk_buff *)arg0]",
                    "(uintptr_t)((struct sk_buff *)arg0)->dev",
                    "((struct sk_buff *)arg0)->protocol == 0x0008 ? \
                     _got_ip[(struct sk_buff *)arg0] : 0",
                    "((struct sk_buff *)arg0)->protocol == 0xdd86 ? \
                     _got_ip[(struct sk_buff *)arg0] : 0",
                ])
                .when(
                    "_is_ip[(struct sk_buff *)arg0] && ((struct sk_buff *)arg0)->pkt_type != 3",
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
                    "(uintptr_t)((struct sk_buff *)arg0)->dev",
                    "((struct sk_buff *)arg0)->protocol == 0x0008 ? \
                     _sent_ip[(struct sk_buff *)arg0] : 0",
                    "((struct sk_buff *)arg0)->protocol == 0xdd86 ? \
                     _sent_ip[(struct sk_buff *)arg0] : 0",
                ])
                .when("_is_ip[(struct sk_buff *)arg0]")]],
        },
    ],
};
