//! Walks over text: one turn for each byte, as a callback of bpf_loop.
//!
//! In: what a turn does with its byte. Out: a function, and calls that run it until it says
//! stop. All that changes from turn to turn lies in memory whose content the verifier
//! doesn't follow, so that it checks a turn once however long text can be. (Whatever was in
//! a register, or on the stack, would make every byte of the text a state of its own.)
//!
//! A turn reaches memory by pointers that its frame on the caller's stack holds. The first
//! of them leads to the walk's words, by convention.

use crate::ir::build::Builder;
use crate::ir::{BinOp, Cond, FunctionId, FunctionKind, Helper, Place, Type, Value, Width};
use crate::lower::Context;

/// Words that a walk may have.
const WORDS: u32 = 12;

/// One turn in the making.
pub(super) struct Turn {
    pub b: Builder,
    /// Its number.
    pub n: Value,
    pointers: Vec<Value>,
    room: i64,
}

/// The function `name` that runs one turn, which is made once. It reaches so many areas of
/// memory, each of `strsize` bytes but for the first.
pub(super) fn turn(
    cx: &mut Context,
    name: &'static str,
    areas: usize,
    body: impl FnOnce(&mut Turn),
) -> FunctionId {
    let room = i64::from(cx.strsize());
    cx.subprogram(name, |name| {
        let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::I64, Type::Ptr]);
        let (n, frame) = (b.param(0), b.param(1));
        let pointers = (0..areas).map(|i| b.load_ptr(frame, 8 * i as i32)).collect();
        let mut turn = Turn { b, n, pointers, room };
        body(&mut turn);
        turn.next();
        turn.b.finish()
    })
}

/// Runs turns until one stops, at most `turns`.
pub(super) fn walk(b: &mut Builder, turn: FunctionId, turns: i64, areas: &[Value]) {
    let slot = b.slot(8 * areas.len() as u32, 8, Place::Stack);
    let frame = b.slot_addr(slot);
    for (i, area) in areas.iter().enumerate() {
        b.store(Width::W64, frame, 8 * i as i32, *area);
    }
    let turns = b.iconst(turns);
    let turn = b.function_addr(turn);
    let flags = b.iconst(0);
    b.helper(Helper::LOOP, &[turns, turn, frame, flags]);
}

/// A walk's words, with what they begin as.
pub(super) fn words(cx: &mut Context, initial: &[Value]) -> Value {
    let words = cx.scratch(8 * WORDS);
    for (i, value) in initial.iter().enumerate() {
        cx.b.store(Width::W64, words, 8 * i as i32, *value);
    }
    words
}

/// One of the words.
pub(super) fn word(cx: &mut Context, words: Value, i: usize) -> Value {
    cx.b.load(Width::W64, false, words, 8 * i as i32)
}

impl Turn {
    /// Goes on with the next turn.
    pub fn next(&mut self) {
        self.end(0);
    }

    /// The walk is over.
    pub fn stop(&mut self) {
        self.end(1);
    }

    fn end(&mut self, result: i64) {
        if !self.b.is_terminated() {
            let result = self.b.iconst(result);
            self.b.ret(Some(result));
        }
    }

    /// Bytes of an area, and so the most turns of a walk over it.
    pub fn room(&self) -> i64 {
        self.room
    }

    /// The pointer to an area.
    pub fn area(&self, i: usize) -> Value {
        self.pointers[i]
    }

    /// One of the words.
    pub fn word(&mut self, i: usize) -> Value {
        self.b.load(Width::W64, false, self.pointers[0], 8 * i as i32)
    }

    /// Changes one of the words.
    pub fn set(&mut self, i: usize, value: Value) {
        self.b.store(Width::W64, self.pointers[0], 8 * i as i32, value);
    }

    /// The same with a constant.
    pub fn set_imm(&mut self, i: usize, value: i64) {
        self.b.store_imm(Width::W64, self.pointers[0], 8 * i as i32, value);
    }

    /// Adds to one of the words.
    pub fn add(&mut self, i: usize, n: i64) {
        let value = self.word(i);
        let value = self.b.add_imm(value, n);
        self.set(i, value);
    }

    /// Where byte `index` of an area is; the walk is over if there is none.
    fn at(&mut self, area: usize, index: Value) -> Value {
        let (inside, outside) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::ULt, index, self.room, inside, outside);
        self.b.switch_to(outside);
        self.stop();
        self.b.switch_to(inside);
        self.b.binary(BinOp::Add, self.pointers[area], index)
    }

    /// A byte of an area.
    pub fn byte(&mut self, area: usize, index: Value) -> Value {
        let at = self.at(area, index);
        self.b.load(Width::W8, false, at, 0)
    }

    /// Changes a byte of an area.
    pub fn put(&mut self, area: usize, index: Value, byte: Value) {
        let at = self.at(area, index);
        self.b.store(Width::W8, at, 0, byte);
    }

    /// Writes a byte where a word says, which then says the next place.
    pub fn append(&mut self, area: usize, end: usize, byte: Value) {
        let index = self.word(end);
        self.put(area, index, byte);
        self.add(end, 1);
    }

    /// Does something if a comparison holds.
    pub fn when(&mut self, cond: Cond, a: Value, n: i64, then: impl FnOnce(&mut Self)) {
        let (yes, over) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(cond, a, n, yes, over);
        self.b.switch_to(yes);
        then(self);
        self.go_on(over);
    }

    /// Does something if two values compare so.
    pub fn when_both(&mut self, cond: Cond, a: Value, b: Value, then: impl FnOnce(&mut Self)) {
        let (yes, over) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch(cond, a, b, yes, over);
        self.b.switch_to(yes);
        then(self);
        self.go_on(over);
    }

    /// Does something if a number is in a range.
    pub fn when_in(&mut self, a: Value, range: (u8, u8), then: impl FnOnce(&mut Self)) {
        let (low, high) = (i64::from(range.0), i64::from(range.1));
        self.when(Cond::UGe, a, low, |t| t.when(Cond::ULe, a, high, then));
    }

    fn go_on(&mut self, over: crate::ir::BlockId) {
        if !self.b.is_terminated() {
            self.b.jump(over, &[]);
        }
        self.b.switch_to(over);
    }
}
