//! Instructions as text, in the syntax of the kernel's verifier.
//!
//! In: a function's code, the module for names, and, if at hand, the D texts. Out: its
//! name, then one line for each instruction, with what it is relocated by behind it and
//! the D text that it stands for above it.

use super::insn::{Insn, SOURCE_REG, alu, atomic, class, jump, pseudo};
use super::{FunctionCode, RelocationTarget};
use crate::ir::{Helper, Module};
use std::fmt::Write;
use strand_grammar::source::{Sources, Span};

/// The annotated text of a function.
pub fn listing(code: &FunctionCode, module: &Module, sources: Option<&Sources>) -> String {
    let mut out = format!("{}:\n", code.name);
    let mut relocations = code.relocations.iter().peekable();
    let mut spans = code.spans.iter().peekable();
    let mut at = 0;
    while let Some(insn) = code.insns.get(at) {
        if let (Some((_, span)), Some(sources)) =
            (spans.next_if(|(first, _)| *first == at as u32), sources)
        {
            source_line(&mut out, *span, sources);
        }
        let text = match code.insns.get(at + 1) {
            Some(high) if insn.is_wide() => wide(*insn, *high),
            _ => text(*insn),
        };
        let relocation = relocations.next_if(|r| r.insn == at as u32);
        let note = relocation.map(|r| target(r.target, module));
        // Writing to a String can't fail.
        let _ = match note {
            Some(note) => writeln!(out, "{at:4}: {text:<36} ; {note}"),
            None => writeln!(out, "{at:4}: {text}"),
        };
        at += if insn.is_wide() { 2 } else { 1 };
    }
    out
}

/// The first line of the D text, with where it is.
fn source_line(out: &mut String, span: Span, sources: &Sources) {
    let (file, line) = sources.get(span.source).place(span.start);
    let first = sources.text(span).lines().next().unwrap_or("").trim();
    let _ = writeln!(out, "; {file}:{line}: {first}");
}

fn target(target: RelocationTarget, module: &Module) -> String {
    let function = |f: crate::ir::FunctionId| match module.functions.get(f.index()) {
        Some(f) => f.name.clone(),
        None => format!("function {}", f.0),
    };
    match target {
        RelocationTarget::Map(m) => match module.maps.get(m.index()) {
            Some(map) => format!("map {}", map.name),
            None => format!("map {}", m.0),
        },
        RelocationTarget::Rodata(n) => format!("rodata + {n}"),
        RelocationTarget::Bss(n) => format!("bss + {n}"),
        RelocationTarget::FunctionAddress(f) => format!("address of {}", function(f)),
        RelocationTarget::Call(f) => function(f),
        RelocationTarget::KernelAddress(k) => format!("address of {}", k.name()),
        RelocationTarget::KernelCall(k) => k.name().to_owned(),
        RelocationTarget::Field(f, info) => match module.fields.get(f.index()) {
            Some(field) => format!("{} of {}", info.name(), field.name),
            None => format!("{} of field {}", info.name(), f.0),
        },
    }
}

/// A 64-bit immediate load.
fn wide(low: Insn, high: Insn) -> String {
    let n = u64::from(high.imm as u32) << 32 | u64::from(low.imm as u32);
    match low.src {
        pseudo::MAP_FD => format!("r{} = map[fd {}]", low.dst, low.imm),
        pseudo::MAP_VALUE => format!("r{} = map_value[fd {}] + {}", low.dst, low.imm, high.imm),
        pseudo::FUNC => format!("r{} = func[pc{:+}]", low.dst, low.imm),
        _ => format!("r{} = {n:#x} ll", low.dst),
    }
}

/// One instruction; of a 64-bit immediate load only the low half.
pub fn text(insn: Insn) -> String {
    match insn.code & 0x07 {
        class::LD => format!("r{} = {:#x} ll", insn.dst, insn.imm),
        class::LDX => {
            format!("r{} = {}", insn.dst, memory(insn, insn.src))
        }
        class::ST => format!("{} = {}", memory(insn, insn.dst), insn.imm),
        class::STX => store(insn),
        class::ALU => arithmetic(insn, 'w'),
        class::ALU64 => arithmetic(insn, 'r'),
        class::JMP32 => branch(insn, 'w'),
        _ => branch(insn, 'r'),
    }
}

fn width(insn: Insn) -> u32 {
    match insn.code & 0x18 {
        0x00 => 32,
        0x08 => 16,
        0x10 => 8,
        _ => 64,
    }
}

fn memory(insn: Insn, base: u8) -> String {
    format!("*(u{} *)(r{base} {:+})", width(insn), insn.off)
}

fn store(insn: Insn) -> String {
    let Insn { dst, src, off, imm, .. } = insn;
    let bits = width(insn);
    let is_atomic = insn.code & 0xe0 == 0xc0;
    match imm {
        _ if !is_atomic => format!("{} = r{src}", memory(insn, dst)),
        atomic::ADD => format!("lock {} += r{src}", memory(insn, dst)),
        atomic::CMPXCHG => {
            format!("r0 = atomic{bits}_cmpxchg((u{bits} *)(r{dst} {off:+}), r0, r{src})")
        }
        _ => format!("r{src} = atomic{bits}_fetch_add((u{bits} *)(r{dst} {off:+}), r{src})"),
    }
}

fn arithmetic(insn: Insn, r: char) -> String {
    let Insn { dst, imm, .. } = insn;
    let source =
        if insn.code & SOURCE_REG != 0 { format!("{r}{}", insn.src) } else { imm.to_string() };
    let sign = match insn.code & 0xf0 {
        alu::MOV => "=",
        alu::ADD => "+=",
        alu::SUB => "-=",
        alu::MUL => "*=",
        alu::DIV => "/=",
        alu::MOD => "%=",
        alu::OR => "|=",
        alu::AND => "&=",
        alu::XOR => "^=",
        alu::LSH => "<<=",
        alu::RSH => ">>=",
        alu::ARSH => "s>>=",
        alu::NEG => return format!("{r}{dst} = -{r}{dst}"),
        alu::END => return format!("r{dst} = be{imm} r{dst}"),
        code => return format!("alu {code:#x} {r}{dst}, {source}"),
    };
    format!("{r}{dst} {sign} {source}")
}

fn branch(insn: Insn, r: char) -> String {
    let Insn { dst, imm, off, .. } = insn;
    let source =
        if insn.code & SOURCE_REG != 0 { format!("{r}{}", insn.src) } else { imm.to_string() };
    let sign = match insn.code & 0xf0 {
        jump::JA => return format!("goto pc{off:+}"),
        jump::EXIT => return "exit".into(),
        jump::CALL if insn.src == pseudo::CALL => return format!("call pc{imm:+}"),
        jump::CALL => {
            return match Helper(imm as u32).name() {
                Some(name) => format!("call bpf_{name}"),
                None => format!("call #{imm}"),
            };
        }
        jump::EQ => "==",
        jump::NE => "!=",
        jump::SET => "&",
        jump::GT => ">",
        jump::GE => ">=",
        jump::LT => "<",
        jump::LE => "<=",
        jump::SGT => "s>",
        jump::SGE => "s>=",
        jump::SLT => "s<",
        _ => "s<=",
    };
    format!("if {r}{dst} {sign} {source} goto pc{off:+}")
}
