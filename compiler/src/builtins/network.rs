//! Networks: byte order, and addresses as text.
//!
//! Text is made in a buffer whose first word says where it ends. What has been found out
//! about an address is kept in the buffer's other words and never in registers across a
//! branch: the verifier doesn't follow what memory holds, so all ways through one group of
//! an address look the same to it before the next.

use super::{Call, Context, Operand, Param, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::build::Builder;
use crate::ir::{
    BinOp, Cond, Function, FunctionId, FunctionKind, Helper, Type, UnOp, Value, Width,
};
use crate::lower::Text;
use crate::manifest::Fault;

const ADDRESS: &[Param] = &[required(ParamKind::Address)];

pub(super) const SUBROUTINES: &[Subroutine] = &[
    order("htons", "uint16_t", U16, UnOp::Bswap16, "a number of 16 bits in network order"),
    order("htonl", "uint32_t", U32, UnOp::Bswap32, "a number of 32 bits in network order"),
    order("htonll", "uint64_t", U64, UnOp::Bswap64, "a number of 64 bits in network order"),
    order("ntohs", "uint16_t", U16, UnOp::Bswap16, "the number that 16 bits of a packet are"),
    order("ntohl", "uint32_t", U32, UnOp::Bswap32, "the number that 32 bits of a packet are"),
    order("ntohll", "uint64_t", U64, UnOp::Bswap64, "the number that 64 bits of a packet are"),
    Subroutine {
        name: "inet_ntoa",
        result: ResultType::D("string"),
        params: ADDRESS,
        doc: "the text of an IPv4 address",
        allocates: false,
        lower: inet_ntoa,
    },
    Subroutine {
        name: "inet_ntoa6",
        result: ResultType::D("string"),
        params: &[required(ParamKind::To("struct in6_addr *")), optional(ParamKind::Constant)],
        doc: "the text of an IPv6 address; if not 0 follows, IPv4 addresses in it keep their `::`",
        allocates: false,
        lower: inet_ntoa6,
    },
    Subroutine {
        name: "inet_ntop",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Integer("int")), required(ParamKind::Address)],
        doc: "the text of an address of the family AF_INET or AF_INET6",
        allocates: false,
        lower: inet_ntop,
    },
    Subroutine {
        name: "link_ntop",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Integer("int")), required(ParamKind::Address)],
        doc: "the text of a device's address, of the kind ARPHRD_ETHER or ARPHRD_INFINIBAND",
        allocates: false,
        lower: link_ntop,
    },
];

const U16: &[Param] = &[required(ParamKind::Integer("uint16_t"))];
const U32: &[Param] = &[required(ParamKind::Integer("uint32_t"))];
const U64: &[Param] = &[required(ParamKind::Integer("uint64_t"))];

/// Networks are big-endian, all our machines little-endian.
const fn order(
    name: &'static str,
    result: &'static str,
    params: &'static [Param],
    op: UnOp,
    doc: &'static str,
) -> Subroutine {
    let lower = match op {
        UnOp::Bswap16 => swap16,
        UnOp::Bswap32 => swap32,
        _ => swap64,
    };
    Subroutine { name, result: ResultType::D(result), params, doc, allocates: false, lower }
}

fn swap16(cx: &mut Context, call: &Call) -> Operand {
    swap(cx, call, UnOp::Bswap16)
}

fn swap32(cx: &mut Context, call: &Call) -> Operand {
    swap(cx, call, UnOp::Bswap32)
}

fn swap64(cx: &mut Context, call: &Call) -> Operand {
    swap(cx, call, UnOp::Bswap64)
}

fn swap(cx: &mut Context, call: &Call, op: UnOp) -> Operand {
    let n = cx.scalar(&call.args[0]);
    Operand::Number(cx.b.unary(op, n))
}

// -------------------------------------------------------------------- the buffer

/// Bytes of text that the buffer takes before indices wrap around, a power of two: more
/// than any address needs.
const ROOM: u32 = 64;
/// The most bytes that are written in one go.
const SLACK: u32 = 8;

/// The buffer's words: how long the text is; for the groups of an IPv6 address how many
/// were 0 up to here, the longest such run, where it ends and begins. Then the text.
const RUN: i32 = 8;
const BEST: i32 = 16;
const END: i32 = 24;
const START: i32 = 32;
const TEXT: i32 = 40;

/// An empty buffer.
fn buffer(cx: &mut Context) -> Value {
    let buffer = cx.scratch(TEXT as u32 + ROOM + SLACK);
    cx.b.store_imm(Width::W64, buffer, 0, 0);
    buffer
}

/// The buffer's text, ended.
fn finished(cx: &mut Context, buffer: Value) -> Operand {
    let end = end_of(&mut cx.b, buffer);
    cx.b.store_imm(Width::W8, end, TEXT, 0);
    let room = cx.strsize().min(ROOM);
    // Longer than any string: cut off.
    cx.b.store_imm(Width::W8, buffer, TEXT + room as i32 - 1, 0);
    let text = cx.b.add_imm(buffer, i64::from(TEXT));
    Operand::Text(Text::Memory(text, room))
}

/// Where the next byte goes, less [`TEXT`].
fn end_of(b: &mut Builder, buffer: Value) -> Value {
    let used = b.load(Width::W64, false, buffer, 0);
    let used = b.binary_imm(BinOp::And, used, i64::from(ROOM) - 1);
    b.binary(BinOp::Add, buffer, used)
}

/// Appends one byte.
fn append(b: &mut Builder, buffer: Value, byte: Value) {
    let end = end_of(b, buffer);
    b.store(Width::W8, end, TEXT, byte);
    let used = b.load(Width::W64, false, buffer, 0);
    let used = b.binary_imm(BinOp::Add, used, 1);
    b.store(Width::W64, buffer, 0, used);
}

fn append_char(b: &mut Builder, buffer: Value, c: u8) {
    let c = b.iconst(c.into());
    append(b, buffer, c);
}

/// Does something if the comparison with a constant holds.
fn only_if(b: &mut Builder, cond: Cond, a: Value, n: i64, then: impl FnOnce(&mut Builder)) {
    let (yes, after) = (b.block(&[]), b.block(&[]));
    b.branch_imm(cond, a, n, yes, after);
    b.switch_to(yes);
    then(b);
    b.jump(after, &[]);
    b.switch_to(after);
}

/// The character of a digit; from ten on they are letters.
fn character(b: &mut Builder, digit: Value) -> Value {
    let ten = b.iconst(10);
    let letter = b.compare(Cond::UGe, digit, ten);
    let gap = b.binary_imm(BinOp::Mul, letter, i64::from(b'a' - b'0') - 10);
    let c = b.binary_imm(BinOp::Add, digit, i64::from(b'0'));
    b.binary(BinOp::Add, c, gap)
}

/// `strand_number(buffer, n, base)`: appends a number below 65536, without leading zeros.
fn number_function(cx: &mut Context, name: &'static str, base: i64) -> FunctionId {
    cx.subprogram(name, |name| number(name, base))
}

fn number(name: &str, base: i64) -> Function {
    let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::Ptr, Type::I64]);
    let (buffer, n) = (b.param(0), b.param(1));
    let mut unit = base;
    while unit * base <= 0xffff {
        unit *= base;
    }
    while unit >= 1 {
        let digit = b.binary_imm(BinOp::UDiv, n, unit);
        let digit = b.binary_imm(BinOp::URem, digit, base);
        let c = character(&mut b, digit);
        match unit {
            1 => append(&mut b, buffer, c),
            _ => only_if(&mut b, Cond::UGe, n, unit, |b| append(b, buffer, c)),
        }
        unit /= base;
    }
    returning(b)
}

// ---------------------------------------------------------------------- addresses

/// Reads so many bytes at the address that is the call's first argument.
fn read(cx: &mut Context, call: &Call, size: u32) -> Value {
    let n = cx.int(i64::from(size));
    read_from(cx, call, 0, size, n)
}

/// Reads `n` bytes at the address that is one of the call's arguments; at most `size`.
fn read_from(cx: &mut Context, call: &Call, argument: usize, size: u32, n: Value) -> Value {
    let argument = &call.args[argument];
    let operand = cx.expr(argument);
    let address = cx.number(&operand);
    let helper = match cx.types().is_userland(argument.ty) {
        true => Helper::PROBE_READ_USER,
        false => Helper::PROBE_READ_KERNEL,
    };
    let at = cx.scratch(size);
    let result = cx.helper(helper, &[at, n, address]);
    cx.fault_if_negative(result, Fault::BadAddress, address, call.expr.span);
    at
}

fn inet_ntoa(cx: &mut Context, call: &Call) -> Operand {
    let at = read(cx, call, 4);
    let buffer = buffer(cx);
    let ipv4 = ipv4_function(cx);
    cx.b.call(ipv4, &[buffer, at]);
    finished(cx, buffer)
}

fn inet_ntoa6(cx: &mut Context, call: &Call) -> Operand {
    let strict = match call.args.get(1) {
        None => cx.int(0),
        Some(e) => {
            let strict = cx.scalar(e);
            let zero = cx.int(0);
            cx.b.compare(Cond::Ne, strict, zero)
        }
    };
    let at = read(cx, call, 16);
    let buffer = buffer(cx);
    let ipv6 = ipv6_function(cx);
    cx.b.call(ipv6, &[buffer, at, strict]);
    finished(cx, buffer)
}

const AF_INET: i64 = 2;
const AF_INET6: i64 = 10;

fn inet_ntop(cx: &mut Context, call: &Call) -> Operand {
    let family = one_of(cx, call, [AF_INET, AF_INET6]);
    let (ipv4, four, sixteen) = (cx.int(AF_INET), cx.int(4), cx.int(16));
    let size = cx.select(Cond::Eq, family, ipv4, four, sixteen);
    let at = read_from(cx, call, 1, 16, size);
    let buffer = buffer(cx);
    let (ipv4, ipv6) = (ipv4_function(cx), ipv6_function(cx));
    let (older, newer, done) = (cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::Eq, family, AF_INET, older, newer);
    cx.b.switch_to(older);
    cx.b.call(ipv4, &[buffer, at]);
    cx.b.jump(done, &[]);
    cx.b.switch_to(newer);
    let full = cx.int(FULL);
    cx.b.call(ipv6, &[buffer, at, full]);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    finished(cx, buffer)
}

const ETHERNET: i64 = 1;
const INFINIBAND: i64 = 32;

fn link_ntop(cx: &mut Context, call: &Call) -> Operand {
    let kind = one_of(cx, call, [ETHERNET, INFINIBAND]);
    let (ethernet, short, long) = (cx.int(ETHERNET), cx.int(6), cx.int(20));
    let size = cx.select(Cond::Eq, kind, ethernet, short, long);
    let at = read_from(cx, call, 1, 20, size);
    let buffer = buffer(cx);
    let link = cx.subprogram("strand_link_ntop", |name| {
        let params = [Type::Ptr, Type::Ptr, Type::I64];
        let mut b = Builder::new(name, FunctionKind::Subprogram, &params);
        let (buffer, at, size) = (b.param(0), b.param(1), b.param(2));
        for i in 0..20 {
            only_if(&mut b, Cond::UGt, size, i64::from(i), |b| {
                if i > 0 {
                    append_char(b, buffer, b':');
                }
                for shift in [4, 0] {
                    let byte = b.load(Width::W8, false, at, i);
                    let digit = b.binary_imm(BinOp::LShr, byte, shift);
                    let digit = b.binary_imm(BinOp::And, digit, 15);
                    let c = character(b, digit);
                    append(b, buffer, c);
                }
            });
        }
        returning(b)
    });
    cx.b.call(link, &[buffer, at, size]);
    finished(cx, buffer)
}

/// The call's first argument, which has to be one of these.
fn one_of(cx: &mut Context, call: &Call, known: [i64; 2]) -> Value {
    let n = cx.scalar(&call.args[0]);
    let [first, second] = known.map(|k| {
        let k = cx.int(k);
        cx.b.compare(Cond::Ne, n, k)
    });
    let neither = cx.b.binary(BinOp::And, first, second);
    let zero = cx.int(0);
    cx.fault_if(Cond::Ne, neither, zero, Fault::IllegalOp, n, call.expr.span);
    n
}

fn ipv4_function(cx: &mut Context) -> FunctionId {
    let number = number_function(cx, "strand_decimal", 10);
    cx.subprogram("strand_inet_ntoa", |name| {
        let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::Ptr, Type::Ptr]);
        let (buffer, at) = (b.param(0), b.param(1));
        dotted(&mut b, buffer, (at, 0), number);
        returning(b)
    })
}

fn ipv6_function(cx: &mut Context) -> FunctionId {
    let decimal = number_function(cx, "strand_decimal", 10);
    let hexadecimal = number_function(cx, "strand_hexadecimal", 16);
    cx.subprogram("strand_inet_ntoa6", |name| ipv6(name, decimal, hexadecimal))
}

fn returning(mut b: Builder) -> Function {
    let zero = b.iconst(0);
    b.ret(Some(zero));
    b.finish()
}

/// Four bytes as decimal numbers.
fn dotted(b: &mut Builder, buffer: Value, (at, offset): (Value, i32), number: FunctionId) {
    for i in 0..4 {
        if i > 0 {
            append_char(b, buffer, b'.');
        }
        let byte = b.load(Width::W8, false, at, offset + i);
        b.call(number, &[buffer, byte]);
    }
}

/// How an IPv4 address within is shown: 0 alone, 1 behind `::`, or this: behind all that
/// is before it.
const FULL: i64 = 2;

/// `strand_inet_ntoa6(buffer, address, how)`
fn ipv6(name: &str, decimal: FunctionId, hexa: FunctionId) -> Function {
    let params = [Type::Ptr, Type::Ptr, Type::I64];
    let mut b = Builder::new(name, FunctionKind::Subprogram, &params);
    let (buffer, at, how) = (b.param(0), b.param(1), b.param(2));
    let (mapped, plain, done) = (b.block(&[]), b.block(&[]), b.block(&[]));
    let holds_ipv4 = holds_ipv4(&mut b, at);
    b.branch_imm(Cond::Ne, holds_ipv4, 0, mapped, plain);
    b.switch_to(mapped);
    only_if(&mut b, Cond::Ne, how, 0, |b| {
        append_char(b, buffer, b':');
        append_char(b, buffer, b':');
    });
    only_if(&mut b, Cond::Eq, how, FULL, |b| {
        let mark = b.load(Width::W16, false, at, 10);
        only_if(b, Cond::Ne, mark, 0, |b| {
            for c in *b"ffff:" {
                append_char(b, buffer, c);
            }
        });
    });
    dotted(&mut b, buffer, (at, 12), decimal);
    b.jump(done, &[]);
    b.switch_to(plain);
    find_run(&mut b, buffer, at);
    hexadecimal(&mut b, buffer, at, hexa);
    b.jump(done, &[]);
    b.switch_to(done);
    returning(b)
}

/// One of the eight groups.
fn group(b: &mut Builder, at: Value, i: i32) -> Value {
    let group = b.load(Width::W16, false, at, 2 * i);
    b.unary(UnOp::Bswap16, group)
}

/// 1 if the address is `::a.b.c.d` or `::ffff:a.b.c.d`, and neither `::` nor `::1`.
fn holds_ipv4(b: &mut Builder, at: Value) -> Value {
    let zero = b.iconst(0);
    // The first ten bytes, the two after them, and the last four.
    let high = b.load(Width::W64, false, at, 0);
    let next = b.load(Width::W16, false, at, 8);
    let high = b.binary(BinOp::Or, high, next);
    let high = b.compare(Cond::Eq, high, zero);
    let mark = b.load(Width::W16, false, at, 10);
    let all = b.iconst(0xffff);
    let is_mapped = b.compare(Cond::Eq, mark, all);
    let is_zero = b.compare(Cond::Eq, mark, zero);
    let low = b.load(Width::W32, false, at, 12);
    let low = b.unary(UnOp::Bswap32, low);
    let one = b.iconst(1);
    let address = b.compare(Cond::UGt, low, one);
    let compatible = b.binary(BinOp::And, is_zero, address);
    let either = b.binary(BinOp::Or, is_mapped, compatible);
    b.binary(BinOp::And, high, either)
}

/// Finds the longest run of at least two groups that are 0; without one it begins and
/// ends nowhere.
fn find_run(b: &mut Builder, buffer: Value, at: Value) {
    const NOWHERE: i64 = 99;
    for word in [RUN, BEST, END] {
        b.store_imm(Width::W64, buffer, word, 0);
    }
    for i in 0..8 {
        let here = group(b, at, i);
        let (zero, other, next) = (b.block(&[]), b.block(&[]), b.block(&[]));
        b.branch_imm(Cond::Eq, here, 0, zero, other);
        b.switch_to(other);
        b.store_imm(Width::W64, buffer, RUN, 0);
        b.jump(next, &[]);
        b.switch_to(zero);
        let run = b.load(Width::W64, false, buffer, RUN);
        let run = b.binary_imm(BinOp::Add, run, 1);
        b.store(Width::W64, buffer, RUN, run);
        let best = b.load(Width::W64, false, buffer, BEST);
        let better = b.block(&[]);
        b.branch(Cond::UGt, run, best, better, next);
        b.switch_to(better);
        b.store(Width::W64, buffer, BEST, run);
        b.store_imm(Width::W64, buffer, END, i64::from(i) + 1);
        b.jump(next, &[]);
        b.switch_to(next);
    }
    let best = b.load(Width::W64, false, buffer, BEST);
    let end = b.load(Width::W64, false, buffer, END);
    let start = b.binary(BinOp::Sub, end, best);
    b.store(Width::W64, buffer, START, start);
    only_if(b, Cond::ULt, best, 2, |b| {
        b.store_imm(Width::W64, buffer, START, NOWHERE);
        b.store_imm(Width::W64, buffer, END, NOWHERE);
    });
}

/// Eight groups, the run of zeros as `::`.
fn hexadecimal(b: &mut Builder, buffer: Value, at: Value, number: FunctionId) {
    for i in 0..8 {
        let n = i64::from(i);
        let (skip, after_start, show, next) =
            (b.block(&[]), b.block(&[]), b.block(&[]), b.block(&[]));
        let start = b.load(Width::W64, false, buffer, START);
        b.branch_imm(Cond::ULe, start, n, after_start, show);
        b.switch_to(after_start);
        let end = b.load(Width::W64, false, buffer, END);
        b.branch_imm(Cond::UGt, end, n, skip, show);
        b.switch_to(skip);
        let start = b.load(Width::W64, false, buffer, START);
        only_if(b, Cond::Eq, start, n, |b| {
            append_char(b, buffer, b':');
            append_char(b, buffer, b':');
        });
        b.jump(next, &[]);
        b.switch_to(show);
        if i > 0 {
            let end = b.load(Width::W64, false, buffer, END);
            only_if(b, Cond::Ne, end, n, |b| append_char(b, buffer, b':'));
        }
        let here = group(b, at, i);
        b.call(number, &[buffer, here]);
        b.jump(next, &[]);
        b.switch_to(next);
    }
}
