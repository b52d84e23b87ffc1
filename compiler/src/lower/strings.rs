//! Text: copying, comparing, and how long it can be.
//!
//! In: [`Text`] operands, which are where the text already is. Out: copies where somebody
//! keeps it (a record, a key, a variable), comparisons. Text is at most `strsize` bytes
//! with its NUL, and what comes after the NUL is zero only where it is part of a key.

use super::context::{COMM, Context, Operand, Text};
use crate::builtins;
use crate::ir::{BinOp, Cond, Helper, Type, Value, Width};
use crate::kernel::Feature;
use crate::manifest::Fault;
use crate::typed::walk::{self, Node};
use crate::typed::{
    AggregationId, Expr, ExprKind, PlaceBase, Program, Statement, StatementKind, Target, VariableId,
};
use crate::types::{Type as DType, TypeId};
use rustc_hash::FxHashMap;
use strand_grammar::ast::BinaryOp;
use strand_grammar::source::Span;

/// Bytes that are copied word by word; more take longer than a helper does.
const MOST_COPIED: u32 = 64;

impl Context<'_, '_> {
    /// An expression that is a string.
    pub fn text(&mut self, e: &Expr) -> Text {
        match self.expr(e) {
            Operand::Text(text) => text,
            // An integer or pointer where text is wanted: the text at that address.
            other => Text::Kernel(self.raw(&other), None),
        }
    }

    /// Whether there is text: 1 unless it is NULL.
    pub(crate) fn text_is_set(&mut self, text: &Text) -> Value {
        match text {
            Text::Literal(_) | Text::Memory(..) | Text::Padded(..) | Text::Comm => self.int(1),
            Text::Null => self.int(0),
            Text::Stored(at, _) => {
                let start = self.start_of_text(*at);
                let zero = self.int(0);
                self.b.compare(Cond::Ne, start, zero)
            }
            Text::Kernel(address, _) | Text::User(address, _) => {
                let address = self.launder(*address);
                let zero = self.int(0);
                self.b.compare(Cond::Ne, address, zero)
            }
        }
    }

    /// 0 if what a variable keeps at this address is NULL.
    pub(crate) fn start_of_text(&mut self, at: Value) -> Value {
        // Two loads: text in a struct may lie at an odd offset.
        let first = self.b.load(Width::W8, false, at, 0);
        let second = self.b.load(Width::W8, false, at, 1);
        self.b.binary(BinOp::Or, first, second)
    }

    /// The most bytes that the text can take, with its NUL.
    pub fn text_size(&self, text: &Text) -> u32 {
        let strsize = self.unit.options.strsize;
        match text {
            Text::Literal(bytes) => (bytes.len() as u32 + 1).min(strsize),
            Text::Memory(_, size) | Text::Padded(_, size) | Text::Stored(_, size) => {
                (*size).min(strsize)
            }
            Text::Null => 1,
            Text::Comm => COMM.min(strsize),
            Text::Kernel(_, limit) | Text::User(_, limit) => {
                limit.map_or(strsize, |n| (n + 1).min(strsize))
            }
        }
    }

    /// Copies text into `size` bytes at `at + offset`, cut to fit, always with a NUL.
    /// With `pad`, what comes after it is zero. Gives the length with the NUL.
    pub fn copy_text(
        &mut self,
        at: Value,
        offset: u32,
        size: u32,
        text: &Text,
        pad: bool,
        span: Span,
    ) -> Value {
        match text {
            Text::Comm => {
                let (from, n) = self.text_memory(text, span);
                return self.copy_text(at, offset, size, &Text::Memory(from, n), pad, span);
            }
            Text::Literal(bytes) => return self.copy_literal(at, offset, size, bytes, pad),
            // As a key, NULL is no text.
            Text::Null if pad => return self.copy_literal(at, offset, size, &[], pad),
            Text::Null | Text::Stored(..) if !pad => self.not_null(text, span),
            _ => {}
        }
        if pad {
            self.clear(at, offset, size);
        }
        let to = self.b.add_imm(at, i64::from(offset));
        let (helper, from, most) = match text {
            Text::Memory(p, n) | Text::Padded(p, n) | Text::Stored(p, n) => {
                (Helper::PROBE_READ_KERNEL_STR, *p, (*n).min(size))
            }
            Text::Kernel(a, limit) => {
                (Helper::PROBE_READ_KERNEL_STR, *a, limit.map_or(size, |n| size.min(n + 1)))
            }
            Text::User(a, limit) => {
                (Helper::PROBE_READ_USER_STR, *a, limit.map_or(size, |n| size.min(n + 1)))
            }
            Text::Literal(_) | Text::Null | Text::Comm => {
                self.b.store_imm(Width::W8, at, offset as i32, 0);
                return self.int(1);
            }
        };
        let n = self.int(i64::from(most.max(1)));
        let length = self.helper(helper, &[to, n, from]);
        if matches!(text, Text::Kernel(..) | Text::User(..)) {
            self.fault_if_negative(length, Fault::BadAddress, from, span);
        }
        length
    }

    /// Text as a record or, with `pad`, a key has it: as [`Context::copy_text`], but nobody wants
    /// its length.
    pub(crate) fn place_text(
        &mut self,
        at: Value,
        offset: u32,
        size: u32,
        text: &Text,
        pad: bool,
        span: Span,
    ) {
        match text {
            Text::Comm if size >= COMM => self.write_name(at, offset, size, pad),
            // All that may be there has room in so many words.
            Text::Padded(from, n) if (offset | size).is_multiple_of(8) && size <= MOST_COPIED => {
                let words = size.min(*n) / 8;
                for word in (0..words as i32).map(|i| 8 * i) {
                    let text = self.b.load(Width::W64, false, *from, word);
                    self.b.store(Width::W64, at, offset as i32 + word, text);
                }
                if pad && size > 8 * words {
                    self.clear(at, offset + 8 * words, size - 8 * words);
                }
            }
            _ => {
                self.copy_text(at, offset, size, text, pad, span);
            }
        }
    }

    /// Faults if the text is NULL.
    pub fn not_null(&mut self, text: &Text, span: Span) {
        let zero = self.int(0);
        let set = self.text_is_set(text);
        self.fault_if(Cond::Eq, set, zero, Fault::BadAddress, zero, span);
    }

    /// Copies text to where a variable keeps it, NULL or not.
    pub(crate) fn store_text(
        &mut self,
        at: Value,
        offset: u32,
        size: u32,
        text: &Text,
        span: Span,
    ) {
        // In the second byte: text that is empty isn't NULL.
        let set = |cx: &mut Self| {
            if size > 1 {
                cx.b.store_imm(Width::W8, at, offset as i32 + 1, 1);
            }
        };
        let maybe_null = matches!(text, Text::Stored(..) | Text::Kernel(..) | Text::User(..));
        match text {
            Text::Null => return self.clear(at, offset, size.min(2)),
            Text::Literal(bytes) => {
                self.copy_literal(at, offset, size, bytes, false);
                if bytes.first().is_none_or(|b| *b == 0) {
                    set(self);
                }
                return;
            }
            _ => {}
        }
        let done = self.b.block(&[]);
        if maybe_null {
            let (null, text_there) = (self.b.block(&[]), self.b.block(&[]));
            let is_set = self.text_is_set(text);
            self.b.branch_imm(Cond::Eq, is_set, 0, null, text_there);
            self.b.switch_to(null);
            self.clear(at, offset, size.min(2));
            self.b.jump(done, &[]);
            self.b.switch_to(text_there);
        }
        let plain = match text {
            Text::Stored(p, n) => Text::Memory(*p, *n),
            other => other.clone(),
        };
        let length = self.copy_text(at, offset, size, &plain, false, span);
        let empty = self.b.block(&[]);
        self.b.branch_imm(Cond::SLe, length, 1, empty, done);
        self.b.switch_to(empty);
        set(self);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    fn copy_literal(
        &mut self,
        at: Value,
        offset: u32,
        size: u32,
        bytes: &[u8],
        pad: bool,
    ) -> Value {
        // Room may be rounded up; a string isn't longer for that.
        let most = size.min(self.unit.options.strsize) as usize;
        let keep = bytes.len().min(most - 1);
        let mut image = bytes[..keep].to_vec();
        // Text ends at its first NUL.
        if let Some(nul) = image.iter().position(|b| *b == 0) {
            image.truncate(nul);
        }
        let length = image.len() as u32 + 1;
        let end = if pad { size } else { super::layout::round_up(length, 8).min(size) };
        image.resize(super::layout::round_up(length, 8).min(end) as usize, 0);
        let mut done = 0;
        while done < image.len() {
            let left = image.len() - done;
            let width = [Width::W64, Width::W32, Width::W16, Width::W8]
                .into_iter()
                .find(|w| {
                    w.bytes() as usize <= left && (offset + done as u32).is_multiple_of(w.bytes())
                })
                .unwrap_or(Width::W8);
            let n = width.bytes() as usize;
            let mut word = [0; 8];
            word[..n].copy_from_slice(&image[done..done + n]);
            let word = i64::from_le_bytes(word);
            self.b.store_imm(width, at, (offset as usize + done) as i32, word);
            done += n;
        }
        if end as usize > image.len() {
            self.clear(at, offset + image.len() as u32, end - image.len() as u32);
        }
        self.int(i64::from(length))
    }

    /// The text as memory that the program may read, with the bytes that are readable.
    pub fn text_memory(&mut self, text: &Text, span: Span) -> (Value, u32) {
        match text {
            Text::Memory(at, size) | Text::Padded(at, size) => (*at, *size),
            Text::Comm => {
                let at = self.memory(COMM);
                self.write_name(at, 0, COMM, false);
                (at, COMM)
            }
            Text::Stored(at, size) => {
                self.not_null(text, span);
                (*at, *size)
            }
            Text::Literal(bytes) => {
                let mut image = bytes.clone();
                image.push(0);
                let size = image.len() as u32;
                let at = self.unit.rodata(image);
                (self.b.rodata(at), size)
            }
            other => {
                let size = self.text_size(other);
                let at = self.memory(size);
                self.copy_text(at, 0, size, other, false, span);
                (at, size)
            }
        }
    }

    /// `a op b` lexically; 1 or 0.
    pub fn compare_texts(&mut self, op: BinaryOp, a: &Text, b: &Text, span: Span) -> Value {
        let nullable = |t: &Text| matches!(t, Text::Null | Text::Stored(..));
        let order = if nullable(a) || nullable(b) {
            self.order_with_nulls(op, a, b, span)
        } else {
            self.order(op, a, b, span)
        };
        let zero = self.int(0);
        let cond = match op {
            BinaryOp::Ne => Cond::Ne,
            BinaryOp::Lt => Cond::SLt,
            BinaryOp::Le => Cond::SLe,
            BinaryOp::Gt => Cond::SGt,
            BinaryOp::Ge => Cond::SGe,
            _ => Cond::Eq,
        };
        self.b.compare(cond, order, zero)
    }

    /// NULL comes before all text, and is equal to itself.
    fn order_with_nulls(&mut self, op: BinaryOp, a: &Text, b: &Text, span: Span) -> Value {
        let (x, y) = (self.text_is_set(a), self.text_is_set(b));
        let both = self.b.binary(BinOp::And, x, y);
        let difference = self.b.binary(BinOp::Sub, x, y);
        let (texts, done) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let zero = self.int(0);
        let to = |block, args: &[Value]| crate::ir::Target { block, args: args.to_vec() };
        self.b.branch_with(Cond::Ne, both, zero, to(texts, &[]), to(done, &[difference]));
        self.b.switch_to(texts);
        let plain = |t: &Text| match t {
            Text::Stored(p, n) => Text::Memory(*p, *n),
            Text::Null => Text::Literal(Vec::new()),
            other => other.clone(),
        };
        let order = self.order(op, &plain(a), &plain(b), span);
        self.b.jump(done, &[order]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// Below, equal to or above 0, as the first text comes before, is or comes after the
    /// second. For `==` and `!=` any other number than 0 will do.
    fn order(&mut self, op: BinaryOp, a: &Text, b: &Text, span: Span) -> Value {
        let equality = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
        if let (Text::Comm, Text::Literal(literal)) | (Text::Literal(literal), Text::Comm) = (a, b)
            && equality
            && let Some(difference) = self.name_differs(literal)
        {
            return difference;
        }
        match (a, b) {
            (Text::Literal(a), Text::Literal(b)) => self.int(a.cmp(b) as i64),
            (text, Text::Literal(literal)) | (Text::Literal(literal), text)
                if equality && (self.has(Feature::Strncmp) || literal.is_empty()) =>
            {
                self.equals_literal(text, literal, span)
            }
            _ => {
                let (a, a_size) = self.text_memory(a, span);
                let (b, b_size) = self.text_memory(b, span);
                let n = self.int(i64::from(a_size.min(b_size)));
                let f = self.compare_function();
                self.b.call(f, &[a, b, n])
            }
        }
    }

    /// 0 if the text is the literal. bpf_strncmp wants the constant to be the second
    /// operand; comparing one byte more than the literal's compares its NUL too.
    fn equals_literal(&mut self, text: &Text, literal: &[u8], span: Span) -> Value {
        let wanted = literal.len() as u32 + 1;
        let (at, size) = match text {
            Text::Memory(..) | Text::Padded(..) | Text::Comm => self.text_memory(text, span),
            other => {
                // Only so much is read that a longer text is seen to be longer.
                let size = self.text_size(other).min(wanted + 1);
                let at = self.memory(size);
                self.copy_text(at, 0, size, other, false, span);
                (at, size)
            }
        };
        if literal.is_empty() {
            return self.b.load(Width::W8, false, at, 0);
        }
        let mut image = literal.to_vec();
        image.push(0);
        let constant = self.unit.rodata(image);
        let constant = self.b.rodata(constant);
        let n = self.int(i64::from(size.min(wanted)));
        if size < wanted {
            // The text can't be that long.
            return self.int(1);
        }
        let r = self.helper(Helper::STRNCMP, &[at, n, constant]);
        self.b.unary(crate::ir::UnOp::Sext32, r)
    }

    /// `strand_strcmp(a, b, n)`: at most `n` bytes, a constant at every call.
    fn compare_function(&mut self) -> crate::ir::FunctionId {
        self.subprogram("strand_strcmp", |name| {
            let kind = crate::ir::FunctionKind::Subprogram;
            let params = [Type::Ptr, Type::Ptr, Type::I64];
            let mut b = crate::ir::build::Builder::new(name, kind, &params);
            let (pa, pb, n) = (b.param(0), b.param(1), b.param(2));
            let head = b.block(&[Type::I64]);
            let zero = b.iconst(0);
            b.jump(head, &[zero]);
            b.switch_to(head);
            let i = b.block_param(head, 0);
            let (body, same, out) = (b.block(&[]), b.block(&[]), b.block(&[Type::I64]));
            let target = |block, args: &[Value]| crate::ir::Target { block, args: args.to_vec() };
            let equal = b.iconst(0);
            b.branch_with(Cond::ULt, i, n, target(body, &[]), target(out, &[equal]));
            b.switch_to(body);
            let xa = b.binary(BinOp::Add, pa, i);
            let xb = b.binary(BinOp::Add, pb, i);
            let x = b.load(Width::W8, false, xa, 0);
            let y = b.load(Width::W8, false, xb, 0);
            let difference = b.binary(BinOp::Sub, x, y);
            b.branch_with(Cond::Ne, x, y, target(out, &[difference]), target(same, &[]));
            b.switch_to(same);
            let next = b.binary_imm(BinOp::Add, i, 1);
            let done = b.iconst(0);
            let nul = b.iconst(0);
            b.branch_with(Cond::Eq, x, nul, target(out, &[done]), target(head, &[next]));
            b.switch_to(out);
            let result = b.block_param(out, 0);
            b.ret(Some(result));
            b.finish()
        })
    }
}

// -------------------------------------------------------------- how long text is

/// For keys: the most bytes that text at each place of a tuple can take over all its
/// uses, so that a key of `execname` is 16 bytes and not `strsize`.
#[derive(Default)]
pub(crate) struct Bounds {
    variables: FxHashMap<VariableId, Vec<u32>>,
    aggregations: FxHashMap<AggregationId, Vec<u32>>,
}

impl Bounds {
    /// Looks at every tuple of the program.
    pub fn of(program: &Program) -> Self {
        let mut bounds = Bounds::default();
        for clause in program.enablings.iter().flat_map(|e| &e.clauses) {
            walk::clause(clause, &mut |node| match node {
                Node::Statement(s) => bounds.statement(program, s),
                Node::Expr(e) => bounds.expr(program, e),
                Node::Variable(_) => {}
            });
        }
        bounds
    }

    /// Of an associative array's keys.
    pub fn variable(&self, id: VariableId) -> &[u32] {
        self.variables.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Of an aggregation's keys.
    pub fn aggregation(&self, id: AggregationId) -> &[u32] {
        self.aggregations.get(&id).map_or(&[], Vec::as_slice)
    }

    fn tuple(program: &Program, known: &mut Vec<u32>, keys: &[Expr]) {
        known.resize(known.len().max(keys.len()), 0);
        for (bound, key) in known.iter_mut().zip(keys) {
            if is_text(program, key.ty) {
                *bound = (*bound).max(text_bound(program, key));
            }
        }
    }

    fn statement(&mut self, program: &Program, s: &Statement) {
        if let StatementKind::Aggregate { aggregation, keys, .. } = &s.kind {
            Self::tuple(program, self.aggregations.entry(*aggregation).or_default(), keys);
        }
    }

    fn expr(&mut self, program: &Program, e: &Expr) {
        let mut element = |id: &VariableId, keys: &[Expr]| {
            Self::tuple(program, self.variables.entry(*id).or_default(), keys);
        };
        let place = match &e.kind {
            ExprKind::Element(id, keys)
            | ExprKind::Assign { target: Target::Element(id, keys), .. }
            | ExprKind::Increment { target: Target::Element(id, keys), .. } => {
                return element(id, keys);
            }
            ExprKind::Read(place)
            | ExprKind::AddressOf(place)
            | ExprKind::Assign { target: Target::Part(place), .. }
            | ExprKind::Increment { target: Target::Part(place), .. } => place,
            _ => return,
        };
        if let PlaceBase::Element(id, keys) = &place.base {
            element(id, keys);
        }
    }
}

fn is_text(program: &Program, ty: TypeId) -> bool {
    matches!(program.types.resolved(ty), DType::String)
}

pub(crate) fn text_bound(program: &Program, e: &Expr) -> u32 {
    let strsize = program.types.strsize();
    match &e.kind {
        ExprKind::String(bytes) => (bytes.len() as u32 + 1).min(strsize),
        ExprKind::Builtin(v) => match builtins::field_of_probe(v.name) {
            Some(n) => program.probe_fields[n].min(strsize),
            None => v.text_bound.unwrap_or(strsize).min(strsize),
        },
        ExprKind::StringAt { limit: Some(n), .. } => (n + 1).min(strsize),
        ExprKind::Conditional(_, a, b) => text_bound(program, a).max(text_bound(program, b)),
        ExprKind::Comma(_, b) => text_bound(program, b),
        ExprKind::Let { body, .. } => text_bound(program, body),
        _ => strsize,
    }
}
