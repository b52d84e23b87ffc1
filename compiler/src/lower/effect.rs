//! Actions that do something where the probe fires: signals, waiting, a function's return,
//! and the capture of packets.
//!
//! In: typed actions. Out: calls of helpers. A helper that refuses is an illegal operation.

use super::context::{Context, Operand};
use super::layout::round_up;
use super::record::Row;
use crate::ir::build::Builder;
use crate::ir::{BinOp, Cond, FunctionId, FunctionKind, Helper, Type, Value, Width};
use crate::manifest::{Action as Recorded, Datum, DatumKind, Fault};
use crate::typed::{Expr, LocalId};
use strand_grammar::source::Span;

/// The longest that a processor is made to wait at a time, in nanoseconds. A lock that is
/// held for seconds is taken for a bug by the kernel.
const LONGEST_WAIT: i64 = 500_000_000;

/// Looks at the clock in one turn of the wait.
const LOOKS: usize = 4;

/// The most turns that bpf_loop takes.
const TURNS: i64 = 1 << 23;

/// A packet in the making.
pub(crate) struct Packet<'e> {
    time: Datum,
    length: Datum,
    bytes: Datum,
    local: LocalId,
    skb: &'e Expr,
    length_of: &'e Expr,
    data: &'e Expr,
}

impl Context<'_, '_> {
    /// `raise(signal)`: to the process, not the thread.
    pub(crate) fn send_signal(&mut self, signal: &Expr, span: Span) {
        let signal = self.scalar(signal);
        let result = self.helper(Helper::SEND_SIGNAL, &[signal]);
        self.fault_if_negative(result, Fault::IllegalOp, signal, span);
    }

    /// `return(value)`
    pub(crate) fn override_return(&mut self, value: &Expr) {
        let value = self.scalar(value);
        let bpf = self.bpf_context();
        self.helper(Helper::OVERRIDE_RETURN, &[bpf, value]);
    }

    /// `chill(nanoseconds)`: looks at the clock until it is over.
    pub(crate) fn wait(&mut self, time: &Expr, span: Span) {
        let time = self.scalar(time);
        let longest = self.int(LONGEST_WAIT);
        // What is negative is large too.
        self.fault_if(Cond::UGt, time, longest, Fault::IllegalOp, time, span);
        let now = self.helper(Helper::KTIME_GET_NS, &[]);
        let end = self.b.binary(BinOp::Add, now, time);
        let at = self.memory(8);
        self.b.store(Width::W64, at, 0, end);
        let turn = self.wait_turn();
        let (turns, turn) = (self.int(TURNS), self.b.function_addr(turn));
        let flags = self.int(0);
        self.helper(Helper::LOOP, &[turns, turn, at, flags]);
    }

    /// `long strand_wait(u64 n, u64 *end)`: 1 once the time has come.
    fn wait_turn(&mut self) -> FunctionId {
        self.subprogram("strand_wait", |name| {
            let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::I64, Type::Ptr]);
            let at = b.param(1);
            let end = b.load(Width::W64, false, at, 0);
            let over = b.block(&[]);
            for _ in 0..LOOKS {
                let next = b.block(&[]);
                let now = b.helper(Helper::KTIME_GET_NS, &[]);
                b.branch(Cond::ULt, now, end, next, over);
                b.switch_to(next);
            }
            let zero = b.iconst(0);
            b.ret(Some(zero));
            b.switch_to(over);
            let one = b.iconst(1);
            b.ret(Some(one));
            b.finish()
        })
    }

    /// Takes room for a packet.
    pub(crate) fn plan_packet<'e>(
        &mut self,
        row: &mut Row,
        protocol: Datum,
        (local, skb): (LocalId, &'e Expr),
        length_of: &'e Expr,
        data: &'e Expr,
    ) -> (Recorded, Packet<'e>) {
        let number = DatumKind::Int { signed: false };
        let time = self.take_room(row, 8, number);
        let length = self.take_room(row, 4, number);
        let most = round_up(self.unit.options.pcapsize.max(8), 8);
        let bytes = self.take_room(row, most, DatumKind::Bytes);
        let recorded = Recorded::Pcap {
            time: time.clone(),
            protocol,
            length: length.clone(),
            bytes: bytes.clone(),
        };
        (recorded, Packet { time, length, bytes, local, skb, length_of, data })
    }

    /// Stores a packet: when, how long, and as much of it as there is room for.
    pub(crate) fn store_packet(&mut self, record: Value, packet: &Packet) {
        let skb = self.expr(packet.skb);
        // Not trusted: what is behind it is read by helpers, whatever the verifier knows.
        let skb = self.number(&skb);
        self.lets.insert(packet.local, Operand::Number(skb));
        let now = self.helper(Helper::KTIME_GET_NS, &[]);
        self.b.store(Width::W64, record, packet.time.offset as i32, now);
        let length = self.scalar(packet.length_of);
        let from = self.scalar(packet.data);
        self.b.store(Width::W32, record, packet.length.offset as i32, length);
        let most = self.int(i64::from(packet.bytes.size));
        let size = self.select(Cond::ULt, length, most, length, most);
        let to = self.b.add_imm(record, i64::from(packet.bytes.offset));
        let result = self.helper(Helper::PROBE_READ_KERNEL, &[to, size, from]);
        let (some, done) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Ne, length, 0, some, done);
        self.b.switch_to(some);
        self.fault_if_negative(result, Fault::BadAddress, from, packet.data.span);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}
