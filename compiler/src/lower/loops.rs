//! `for` and `while`: bpf_loop over a callback.
//!
//! In: condition, step and body. Out: a subprogram that runs one turn, and the call that
//! runs it until it says stop. The verifier checks the turn once, however many there are.
//!
//! The turn is another function, so what it shares with the clause around it lies in a
//! frame on the clause's stack, whose address bpf_loop passes on:
//!
//! ```text
//!   0  the BPF context            40  speculation
//!   8  the clause-locals          48  how it ended (u64, see [`Ended`])
//!  16  the loop area              56  fault site (u32), fault kind (u32)
//!  24  timestamp                  64  fault value, 128  its instruction
//!  32  index of the probe         72  arg0 … arg5 of ERROR
//! 120  the clause's own memory
//! ```
//!
//! Clause-locals are in scratch memory whenever a clause loops: what the verifier follows
//! (stack and registers) would differ on every turn, and it would walk each of them.
//! Larger temporaries of the turn come from the loop area, a part of the program's
//! scratch memory, since only programs have such memory.
//!
//! A loop that is not over after `loopmax` turns is a fault, not an end.

use super::context::{Context, Env, Firing};
use super::fault::{FaultTarget, Raised};
use super::scratch::Scratch;
use crate::ir::build::Builder;
use crate::ir::{BlockId, Cond, FunctionKind, Helper, Place, SlotId, Type, Value, Width};
use crate::manifest::Fault;
use crate::typed::{Expr, Statement};
use rustc_hash::FxHashMap;
use strand_grammar::source::Span;

/// Offsets in the frame.
mod at {
    pub const BPF: i32 = 0;
    pub const LOCALS: i32 = 8;
    pub const AREA: i32 = 16;
    pub const TIMESTAMP: i32 = 24;
    pub const PROBE: i32 = 32;
    pub const SPECULATION: i32 = 40;
    pub const ENDED: i32 = 48;
    pub const SITE: i32 = 56;
    pub const KIND: i32 = 60;
    pub const VALUE: i32 = 64;
    pub const ERROR_ARGS: i32 = 72;
    pub const SCRATCH: i32 = 120;
    pub const PC: i32 = 128;
    pub const SIZE: u32 = 136;
}

/// How a loop ended.
#[derive(Clone, Copy)]
enum Ended {
    /// The condition was false, or `break`.
    Done = 1,
    /// The clause is over.
    Clause = 2,
    /// A fault, which is in the frame.
    Fault = 3,
}

/// In a turn: its frame and the place that ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    at: Value,
    /// Where `continue` goes: the step.
    next: BlockId,
}

/// The memory that turns take larger temporaries from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Area {
    /// Its address in this function.
    base: Option<Value>,
    /// The program's slot (programs only).
    slot: Option<SlotId>,
    /// Bytes in use.
    used: u32,
}

impl Context<'_, '_> {
    /// A temporary of a turn.
    pub(crate) fn area_memory(&mut self, size: u32) -> Value {
        let offset = self.area.used;
        self.area.used += size;
        match self.area.base {
            Some(base) => self.b.add_imm(base, i64::from(offset)),
            None => unreachable!("a turn has an area"),
        }
    }

    /// `for` and `while`.
    pub(crate) fn bpf_loop(
        &mut self,
        condition: Option<&Expr>,
        step: Option<&Expr>,
        body: &[Statement],
        span: Span,
    ) {
        let frame = self.fill_frame();
        let turn = self.turn(condition, step, body);
        let limit = self.int(i64::from(self.unit.options.loopmax));
        let callback = self.b.function_addr(turn);
        let flags = self.int(0);
        let turns = self.helper(Helper::LOOP, &[limit, callback, frame, flags]);
        let ended = self.b.load(Width::W64, false, frame, at::ENDED);
        let (not_done, done) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Eq, ended, Ended::Done as i64, done, not_done);
        self.b.switch_to(not_done);
        let clause_over = self.b.block(&[]);
        let fault = self.b.block(&[]);
        let endless = self.b.block(&[]);
        let other = self.b.block(&[]);
        self.b.branch_imm(Cond::Eq, ended, Ended::Clause as i64, clause_over, other);
        self.b.switch_to(clause_over);
        self.end_clause();
        self.b.switch_to(other);
        self.b.branch_imm(Cond::Eq, ended, Ended::Fault as i64, fault, endless);
        self.b.switch_to(fault);
        let site = self.b.load(Width::W32, false, frame, at::SITE);
        let kind = self.b.load(Width::W32, false, frame, at::KIND);
        let value = self.b.load(Width::W64, false, frame, at::VALUE);
        let pc = self.b.load(Width::W64, false, frame, at::PC);
        self.raise_at(Raised { site, pc, kind, value });
        self.b.switch_to(endless);
        self.raise(Fault::LoopBound, turns, span);
        self.b.switch_to(done);
    }

    fn fill_frame(&mut self) -> Value {
        let slot = self.b.slot(at::SIZE, 8, Place::Stack);
        let frame = self.b.slot_addr(slot);
        let zero = self.int(0);
        let area = match (self.area.base, self.area.slot) {
            // A turn lends what it doesn't use itself.
            (Some(base), _) => self.b.add_imm(base, i64::from(self.area.used)),
            (None, Some(slot)) => self.b.slot_addr(slot),
            (None, None) => {
                let slot = self.b.slot(8, 8, Place::Scratch);
                self.area.slot = Some(slot);
                self.b.slot_addr(slot)
            }
        };
        let locals = self.env.locals.unwrap_or(area);
        let timestamp = self.env.timestamp.unwrap_or(zero);
        let speculation = self.env.speculation.unwrap_or(zero);
        let probe = match self.env.firing {
            Firing::One => self.env.compat.unwrap_or(zero),
            Firing::Table { index, .. } => index,
        };
        for (offset, value) in [
            (at::BPF, self.env.bpf),
            (at::LOCALS, locals),
            (at::AREA, area),
            (at::TIMESTAMP, timestamp),
            (at::PROBE, probe),
            (at::SPECULATION, speculation),
            (at::ENDED, zero),
            (at::SITE, zero),
            (at::VALUE, zero),
            (at::PC, zero),
        ] {
            self.b.store(Width::W64, frame, offset, value);
        }
        if self.scratch.is_some() {
            let scratch = self.scratch_base();
            self.b.store(Width::W64, frame, at::SCRATCH, scratch);
        }
        let args = self.env.error_args.unwrap_or([zero; 6]);
        for (i, arg) in args.into_iter().enumerate() {
            self.b.store(Width::W64, frame, at::ERROR_ARGS + 8 * i as i32, arg);
        }
        frame
    }

    /// Lowers one turn as a function of its own: `long turn(u64 n, frame *)`, 0 to go on.
    fn turn(
        &mut self,
        condition: Option<&Expr>,
        step: Option<&Expr>,
        body: &[Statement],
    ) -> crate::ir::FunctionId {
        let id = self.unit.reserve_function();
        let name = format!("turn_{}", id.0);
        let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::I64, Type::Ptr]);
        let frame = b.param(1);
        let next = b.block(&[]);
        let env = Env {
            bpf: b.load_ptr(frame, at::BPF),
            locals: self.env.locals.map(|_| b.load_ptr(frame, at::LOCALS)),
            timestamp: self.env.timestamp.map(|_| b.load(Width::W64, false, frame, at::TIMESTAMP)),
            speculation: self
                .env
                .speculation
                .map(|_| b.load(Width::W64, false, frame, at::SPECULATION)),
            firing: match self.env.firing.clone() {
                Firing::One => Firing::One,
                Firing::Table { len, ids, fields, .. } => {
                    let index = b.load(Width::W64, false, frame, at::PROBE);
                    Firing::Table { index, len, ids, fields }
                }
            },
            compat: self.env.compat.map(|_| b.load(Width::W64, false, frame, at::PROBE)),
            error_args: self.env.error_args.map(|_| {
                [0, 1, 2, 3, 4, 5].map(|i| b.load(Width::W64, false, frame, at::ERROR_ARGS + 8 * i))
            }),
            fault: FaultTarget::Frame,
            record: None,
            call_args: Vec::new(),
            frame: Some(Frame { at: frame, next }),
            ..self.env.clone()
        };
        let area = Area { base: Some(b.load_ptr(frame, at::AREA)), slot: None, used: 0 };
        let scratch = self.scratch.map(|_| Scratch::Address(b.load_ptr(frame, at::SCRATCH)));
        let mut turn = Context {
            scratch,
            unit: self.unit,
            b,
            env,
            lets: FxHashMap::default(),
            faults: super::fault::FaultBlock::default(),
            key_slots: FxHashMap::default(),
            area,
        };
        if let Some(condition) = condition {
            let (go, stop) = (turn.b.block(&[]), turn.b.block(&[]));
            turn.branch_on(condition, go, stop);
            turn.b.switch_to(stop);
            turn.end_turn(Ended::Done);
            turn.b.switch_to(go);
        }
        turn.statements(body);
        turn.b.jump(next, &[]);
        turn.b.switch_to(next);
        if let Some(step) = step {
            turn.expr(step);
        }
        let zero = turn.int(0);
        turn.b.ret(Some(zero));
        let used = turn.area.used;
        let function = turn.b.finish();
        self.unit.set_function(id, function);
        // What the turn took, this function must lend.
        match self.area.slot {
            Some(slot) if self.area.base.is_none() => self.b.grow_slot(slot, used.max(8)),
            _ => self.area.used += used,
        }
        id
    }

    fn end_turn(&mut self, how: Ended) {
        let Some(frame) = self.env.frame else { return };
        self.b.store_imm(Width::W64, frame.at, at::ENDED, how as i64);
        let one = self.int(1);
        self.b.ret(Some(one));
    }

    /// `break`
    pub(crate) fn leave_loop(&mut self) {
        self.end_turn(Ended::Done);
        let unreachable = self.b.block(&[]);
        self.b.switch_to(unreachable);
    }

    /// `continue`
    pub(crate) fn next_turn(&mut self) {
        if let Some(frame) = self.env.frame {
            self.b.jump(frame.next, &[]);
        }
        let unreachable = self.b.block(&[]);
        self.b.switch_to(unreachable);
    }

    pub(crate) fn end_clause_in_frame(&mut self) {
        self.end_turn(Ended::Clause);
    }

    pub(crate) fn raise_in_frame(&mut self, Raised { site, pc, kind, value }: Raised) {
        if let Some(frame) = self.env.frame {
            self.b.store(Width::W32, frame.at, at::SITE, site);
            self.b.store(Width::W32, frame.at, at::KIND, kind);
            self.b.store(Width::W64, frame.at, at::VALUE, value);
            self.b.store(Width::W64, frame.at, at::PC, pc);
        }
        self.end_turn(Ended::Fault);
    }
}
