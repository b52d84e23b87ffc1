//! Records: what a clause sends to the runtime.
//!
//! In: recording actions in a row. Out: one record in the ring buffer, reserved when the
//! first of them is reached and submitted after the last, so that data is written where
//! the reader will find it. A clause that faults in between discards its record.
//!
//! Nothing else separates a row: control flow ends it, since both of its ways would have
//! to keep the same record. What the layouts look like is documented at
//! [`crate::manifest::Record`].

use super::context::{Context, Operand};
use super::layout::{datum, round_up};
use crate::ir::{Cond, Helper, Value, Width};
use crate::manifest::{self, Action as Recorded, Datum, DatumKind, Drops};
use crate::typed::{Action, Expr, ExprKind, Statement, StatementKind};
use crate::types::Type as DType;
use strand_grammar::source::Span;

/// What `print()` takes at least: `setopt()` may ask for more than the option did.
const PRINTED: u32 = 8192;

const BPF_RB_NO_WAKEUP: i64 = 1;
const BPF_RB_FORCE_WAKEUP: i64 = 2;

/// A record in the making.
pub(crate) struct Row {
    /// Its size so far.
    end: u32,
    actions: Vec<Recorded>,
}

/// What an action stores in its record.
pub(crate) enum Part<'e> {
    /// A value.
    Value(Datum, &'e Expr),
    /// A value that is read somewhere, and where that is.
    Addressed {
        /// Of the address.
        address: Datum,
        /// Of the value.
        value: Datum,
        /// A read.
        e: &'e Expr,
    },
    /// The serial number of a speculation, by its id.
    Committed(Datum, &'e Expr),
    /// A network packet.
    Packet(super::effect::Packet<'e>),
}

impl Row {
    pub fn new() -> Self {
        Row { end: manifest::HEADER, actions: Vec::new() }
    }
}

/// Whether an action records something.
pub(crate) fn records(s: &Statement) -> bool {
    let silent = |a: &Action| matches!(a, Action::Speculate(_) | Action::Discard(_));
    matches!(&s.kind, StatementKind::Action(a) if !silent(a))
}

/// Whether it does, or anything inside it.
pub(crate) fn records_within(all: &[Statement]) -> bool {
    let mut found = false;
    crate::typed::walk::statements(all, &mut |node| {
        if let crate::typed::walk::Node::Statement(s) = node {
            found |= records(s);
        }
    });
    found
}

impl Context<'_, '_> {
    /// Takes room in the row for a value of this expression.
    fn plan(&mut self, row: &mut Row, e: &Expr) -> Datum {
        let (size, align, kind) = datum(self.unit.types(), e.ty, self.text_bound(e));
        let (size, kind) = match kind {
            DatumKind::UserStack => self.recorded_stack(size),
            _ => (size, kind),
        };
        let offset = round_up(row.end, align);
        row.end = offset + size;
        Datum { offset, size, kind }
    }

    fn text_bound(&self, e: &Expr) -> u32 {
        match self.unit.types().resolved(e.ty) {
            DType::String => super::strings::text_bound(self.unit.program, e),
            _ => 0,
        }
    }

    /// Lays out an action; what is to be stored, in order.
    pub(crate) fn plan_action<'e>(&mut self, row: &mut Row, action: &'e Action) -> Vec<Part<'e>> {
        let mut parts = Vec::new();
        let mut take = |cx: &mut Self, e: &'e Expr| {
            let datum = cx.plan(row, e);
            parts.push(Part::Value(datum.clone(), e));
            datum
        };
        let recorded = match action {
            Action::Trace(e) => Recorded::Trace(take(self, e)),
            Action::Show(e) => Recorded::Show(take(self, e)),
            Action::Printf { format, args } => {
                let args = args.iter().map(|e| take(self, e)).collect();
                Recorded::Printf { format: format.clone(), args }
            }
            Action::System { format, args } => {
                let args = args.iter().map(|e| take(self, e)).collect();
                Recorded::System { format: format.clone(), args }
            }
            Action::Freopen { format, args } => {
                let args = args.iter().map(|e| take(self, e)).collect();
                Recorded::Freopen { format: format.clone(), args }
            }
            Action::Printa { format, aggregations } => Recorded::Printa {
                format: format.clone(),
                aggregations: aggregations.iter().map(|a| a.0).collect(),
            },
            Action::Clear(a) => Recorded::Clear(a.0),
            Action::Trunc(a, n) => Recorded::Trunc(a.0, n.as_ref().map(|e| take(self, e))),
            Action::Normalize(a, e) => Recorded::Normalize(a.0, take(self, e)),
            Action::Denormalize(a) => Recorded::Denormalize(a.0),
            Action::Exit(e) => Recorded::Exit(take(self, e)),
            Action::Commit(id) => {
                let serial = self.take_room(row, 4, DatumKind::Int { signed: false });
                parts.push(Part::Committed(serial.clone(), id));
                Recorded::Commit(serial)
            }
            Action::Speculate(_) | Action::Discard(_) => return parts,
            Action::Tracemem { bytes, used } => {
                let bytes = take(self, bytes);
                Recorded::Tracemem(bytes, used.as_ref().map(|e| take(self, e)))
            }
            Action::Print { value, pointer } => {
                let (recorded, part) = self.plan_print(row, value, *pointer);
                parts.push(part);
                recorded
            }
            Action::Ftruncate => Recorded::Ftruncate,
            Action::Setopt(name, value) => {
                let name = take(self, name);
                Recorded::Setopt(name, value.as_ref().map(|e| take(self, e)))
            }
            Action::Pcap { local, skb, length, data, protocol } => {
                let protocol = take(self, protocol);
                let (recorded, packet) =
                    self.plan_packet(row, protocol, (*local, skb), length, data);
                parts.push(Part::Packet(packet));
                recorded
            }
            Action::Raise(_) | Action::Chill(_) | Action::Return(_) => Recorded::Done,
        };
        row.actions.push(recorded);
        parts
    }

    /// Takes room in the row for so many bytes of this kind.
    pub(crate) fn take_room(&mut self, row: &mut Row, size: u32, kind: DatumKind) -> Datum {
        let offset = round_up(row.end, size.min(8).next_power_of_two());
        row.end = offset + size;
        Datum { offset, size, kind }
    }

    /// `print()`: as much of the value as may be shown.
    fn plan_print<'e>(
        &mut self,
        row: &mut Row,
        e: &'e Expr,
        pointer: bool,
    ) -> (Recorded, Part<'e>) {
        let ty = self.unit.type_layout(e.ty);
        let address = pointer.then(|| self.take_room(row, 8, DatumKind::Int { signed: false }));
        let in_memory = |e: &Expr| matches!(e.kind, ExprKind::Read(_));
        let value = if pointer && in_memory(super::print::innermost(e)) {
            let size = self.unit.size(e.ty).min(self.unit.options.printsize.max(PRINTED));
            self.take_room(row, size, DatumKind::Bytes)
        } else {
            self.plan(row, e)
        };
        let part = match &address {
            Some(address) => Part::Addressed { address: address.clone(), value: value.clone(), e },
            None => Part::Value(value.clone(), e),
        };
        (Recorded::Print { address, value, ty }, part)
    }

    /// Stores what was planned where the record wants it.
    pub(crate) fn record_part(&mut self, part: &Part) {
        // What an expression does besides, it does all the same.
        let record = self.env.record;
        match part {
            Part::Value(datum, e) => {
                if let (DatumKind::Bytes, Some(record)) = (datum.kind, record)
                    && self.read_into(record, None, datum, e)
                {
                    return;
                }
                let value = self.expr(e);
                if let Some(record) = record {
                    self.store_datum(record, datum, &value, false, e.span);
                }
            }
            Part::Addressed { address, value, e } => {
                if let Some(record) = record {
                    self.read_into(record, Some(address), value, e);
                }
            }
            Part::Committed(datum, id) => {
                let serial = self.end_speculation(id);
                if let Some(record) = record {
                    self.b.store(Width::W32, record, datum.offset as i32, serial);
                }
            }
            Part::Packet(packet) => {
                if let Some(record) = record {
                    self.store_packet(record, packet);
                }
            }
        }
    }

    /// Finishes the layout; its index.
    pub(crate) fn close_layout(&mut self, row: Row, first: bool, last: bool) -> (u32, u32) {
        let size = round_up(row.end, 8);
        let record = manifest::Record {
            clause: self.env.clause,
            size,
            first: first || self.env.whole,
            last: last || self.env.whole,
            actions: row.actions,
        };
        self.unit.manifest.records.push(record);
        (self.unit.manifest.records.len() as u32 - 1, size)
    }

    /// Reserves a record; if the buffer is full, counts a drop and ends the clause.
    pub(crate) fn reserve(&mut self, layout: u32, size: u32) -> Value {
        let ring = self.unit.records();
        let ring = self.b.map(ring);
        let n = self.int(i64::from(size));
        let flags = self.int(0);
        let record = self.helper(Helper::RINGBUF_RESERVE, &[ring, n, flags]);
        let (full, room) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Eq, record, 0, full, room);
        self.b.switch_to(full);
        self.count_drop(Drops::Principal);
        self.end_clause();
        self.b.switch_to(room);
        self.record_header(record, layout, self.env.speculation);
        record
    }

    /// Writes a record's header.
    pub(crate) fn record_header(&mut self, record: Value, layout: u32, speculation: Option<Value>) {
        self.b.store_imm(Width::W32, record, 0, i64::from(layout as i32));
        let probe = self.probe_id();
        self.b.store(Width::W32, record, 4, probe);
        let cpu = self.helper(Helper::GET_SMP_PROCESSOR_ID, &[]);
        match speculation {
            Some(serial) => {
                self.b.store(Width::W32, record, 8, cpu);
                self.b.store(Width::W32, record, 12, serial);
            }
            // Its upper half is the speculation: none.
            None => self.b.store(Width::W64, record, 8, cpu),
        }
    }

    /// Hands a record over.
    pub(crate) fn submit(&mut self, record: Value, wake: bool) {
        let flags = self.int(if wake { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP });
        self.helper(Helper::RINGBUF_SUBMIT, &[record, flags]);
    }

    /// Stores a value where a record or key wants it.
    pub(crate) fn store_datum(
        &mut self,
        at: Value,
        datum: &Datum,
        value: &Operand,
        pad: bool,
        span: Span,
    ) {
        let offset = datum.offset;
        match (datum.kind, value) {
            (DatumKind::String, Operand::Text(text)) => {
                self.place_text(at, offset, datum.size, text, pad, span);
            }
            (DatumKind::String, other) => {
                let address = self.raw(other);
                let text = super::context::Text::Kernel(address, None);
                self.place_text(at, offset, datum.size, &text, pad, span);
            }
            (DatumKind::Stack | DatumKind::UserStack, _) => {
                self.store_stack(at, datum, pad);
            }
            (DatumKind::CopiedStack { frames, returns }, _) => {
                self.store_copied_stack(at, datum, (frames, returns));
            }
            (_, Operand::Words(words)) => {
                for (i, word) in words.clone().into_iter().enumerate() {
                    self.b.store(Width::W64, at, offset as i32 + 8 * i as i32, word);
                }
            }
            (DatumKind::Bytes | DatumKind::Float, Operand::Bytes(from, size)) => {
                let size = datum.size.min(*size);
                self.copy_bytes(at, offset, *from, size);
            }
            (DatumKind::Bytes, other) => {
                // An array or struct in memory: its address.
                let from = self.raw(other);
                let to = self.b.add_imm(at, i64::from(offset));
                let n = self.int(i64::from(datum.size));
                let result = self.helper(Helper::PROBE_READ_KERNEL, &[to, n, from]);
                self.fault_if_negative(result, manifest::Fault::BadAddress, from, span);
            }
            (_, other) => {
                let v = if datum.size == 8 { self.raw(other) } else { self.number(other) };
                let width = Width::of(datum.size).unwrap_or(Width::W64);
                self.b.store(width, at, offset as i32, v);
            }
        }
    }
}
