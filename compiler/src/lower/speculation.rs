//! Speculations: taking one, recording for it, ending it.
//!
//! In: ids, as scripts know them: from 1 to `nspec`. Out: changes of an id's state, and serial
//! numbers, which tell the speculations apart that had one id after the other. Records carry
//! the serial number, so that the runtime knows by itself what is of a speculation that is over:
//! to discard one, nothing has to be sent.
//!
//! Ids that were given back wait in a queue; where that is empty, the next that nobody has had
//! yet is taken. So taking one is a helper call or an addition, however many there are, and
//! nothing has to be filled before tracing begins. Of few, as there are if nobody asks for more,
//! the first is taken whose state says that it is free.

use super::context::Context;
use super::unit::Speculations;
use crate::ir::{BinOp, BlockId, Cond, Helper, MapId, Type, Value, Width};
use crate::manifest::{Drops, Fault};
use crate::typed::Expr;

/// Set in the state of an id while it is taken.
const ACTIVE: i64 = 1;

impl Context<'_, '_> {
    /// `speculation()`: a free id, 0 if there is none.
    pub(crate) fn take_speculation(&mut self) -> Value {
        let done = self.b.block(&[Type::I64]);
        match self.unit.speculations() {
            Speculations::Few(states) => self.take_of_few(states, done),
            Speculations::Many { states, queue } => self.take_of_many(states, queue, done),
        }
        self.count_drop(Drops::SpeculationUnavailable);
        let none = self.int(0);
        self.b.jump(done, &[none]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// Goes to `done` with the first that is free, or on if there is none.
    fn take_of_few(&mut self, states: u32, done: BlockId) {
        for id in 1..=self.unit.options.nspec {
            let state = self.b.bss(states + 8 * id);
            let next = self.b.block(&[]);
            let before = self.b.load(Width::W64, false, state, 0);
            let active = self.b.binary_imm(BinOp::And, before, ACTIVE);
            let zero = self.int(0);
            self.go_on_if(Cond::Eq, active, zero, next);
            self.change(state, before, next);
            let id = self.int(i64::from(id));
            self.b.jump(done, &[id]);
            self.b.switch_to(next);
        }
    }

    /// The same, where ids wait in a queue.
    fn take_of_many(&mut self, states: MapId, queue: MapId, done: BlockId) {
        let at = self.memory(8);
        self.b.store_imm(Width::W64, at, 0, 0);
        let queue = self.b.map(queue);
        let result = self.helper(Helper::MAP_POP_ELEM, &[queue, at]);
        let [unused, fresh, none, some] = [(); 4].map(|()| self.b.block(&[]));
        let zero = self.int(0);
        // Older kernels return an error in the lower half only.
        self.b.branch(Cond::Ne, result, zero, unused, some);
        self.b.switch_to(unused);
        let counter = self.unit.speculation_counter();
        let counter = self.b.bss(counter);
        let one = self.int(1);
        let before = self.b.atomic_fetch_add(Width::W64, counter, 0, one);
        let most = i64::from(self.unit.options.nspec);
        self.b.branch_imm(Cond::ULt, before, most, fresh, none);
        self.b.switch_to(fresh);
        let id = self.b.binary_imm(BinOp::Add, before, 1);
        self.b.store(Width::W32, at, 0, id);
        self.b.jump(some, &[]);
        self.b.switch_to(some);
        let id = self.b.load(Width::W32, false, at, 0);
        let (state, missing) = self.lookup(states, at);
        // Nobody else has this id.
        let before = self.b.load(Width::W64, false, state, 0);
        let after = self.b.binary_imm(BinOp::Add, before, 1);
        self.b.store(Width::W64, state, 0, after);
        self.b.jump(done, &[id]);
        self.b.switch_to(missing);
        let zero = self.int(0);
        self.b.jump(done, &[zero]);
        self.b.switch_to(none);
    }

    /// What is recorded from here goes to the speculation; without one, nothing more of
    /// the clause happens.
    pub(crate) fn speculate(&mut self, id: &Expr) {
        let id = self.scalar(id);
        let none = self.b.block(&[]);
        let state = self.speculation_state(id, none);
        let state = self.b.load(Width::W64, false, state, 0);
        self.go_on_if_active(state, none);
        let here = self.b.current();
        self.b.switch_to(none);
        self.end_clause();
        self.b.switch_to(here);
        let serial = self.serial(state, id);
        self.env.speculation = Some(serial);
    }

    /// `commit` and `discard`: the speculation is over and its id free, once. Gives its serial
    /// number, or 0 if it was none. An id that was never given out is a fault; 0 is what
    /// `speculation()` gives when there is none.
    pub(crate) fn end_speculation(&mut self, id: &Expr) -> Value {
        let span = self.b.span().unwrap_or(id.span);
        let id = self.scalar(id);
        let (some, none, done) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[Type::I64]));
        self.b.branch_imm(Cond::Ne, id, 0, some, none);
        self.b.switch_to(some);
        let most = self.int(i64::from(self.unit.options.nspec));
        self.fault_if(Cond::UGt, id, most, Fault::IllegalOp, id, span);
        let state = self.speculation_state(id, none);
        let before = self.b.load(Width::W64, false, state, 0);
        self.go_on_if_active(before, none);
        self.change(state, before, none);
        if let Speculations::Many { queue, .. } = self.unit.speculations() {
            let at = self.memory(8);
            self.b.store(Width::W32, at, 0, id);
            let (queue, any) = (self.b.map(queue), self.int(0));
            self.helper(Helper::MAP_PUSH_ELEM, &[queue, at, any]);
        }
        let serial = self.serial(before, id);
        self.b.jump(done, &[serial]);
        self.b.switch_to(none);
        let zero = self.int(0);
        self.b.jump(done, &[zero]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// The address of an id's state; goes to `none` if there is no such id.
    fn speculation_state(&mut self, id: Value, none: BlockId) -> Value {
        match self.unit.speculations() {
            Speculations::Few(states) => {
                let most = self.int(i64::from(self.unit.options.nspec));
                self.go_on_if(Cond::ULe, id, most, none);
                let offset = self.b.binary_imm(BinOp::Shl, id, 3);
                let states = self.b.bss(states);
                self.b.binary(BinOp::Add, states, offset)
            }
            Speculations::Many { states, .. } => {
                let key = self.key_memory(states.0, 8);
                self.b.store(Width::W32, key, 0, id);
                let (state, missing) = self.lookup(states, key);
                let here = self.b.current();
                self.b.switch_to(missing);
                self.b.jump(none, &[]);
                self.b.switch_to(here);
                state
            }
        }
    }

    fn go_on_if_active(&mut self, state: Value, none: BlockId) {
        let active = self.b.binary_imm(BinOp::And, state, ACTIVE);
        let zero = self.int(0);
        self.go_on_if(Cond::Ne, active, zero, none);
    }

    /// Takes an id or gives it back; goes to `late` if somebody was faster.
    fn change(&mut self, state: Value, before: Value, late: BlockId) {
        let after = self.b.binary_imm(BinOp::Add, before, 1);
        let found = self.b.atomic_compare_exchange(Width::W64, state, 0, before, after);
        self.go_on_if(Cond::Eq, found, before, late);
    }

    /// The serial number of an active speculation.
    fn serial(&mut self, state: Value, id: Value) -> Value {
        let bits = self.unit.manifest.speculation_bits;
        let taken = self.b.binary_imm(BinOp::Shl, state, i64::from(bits));
        self.b.binary(BinOp::Add, taken, id)
    }
}
