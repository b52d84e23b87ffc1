//! Where markers keep their arguments.
//!
//! In: the text that the compiler left in the marker's note, in the assembler's notation:
//! `-4@%edi 8@16(%rsp,%rax,8) 1@$7`. Out: registers, memory operands, constants, as the
//! compiler of D takes them. What a BPF program can't look at (vector registers, thread
//! segments) is kept as text, so that a script that wants it can be told.

use object::Architecture;
use strand_compiler::kernel::{MarkerArg, MarkerPlace};

/// A processor whose notation we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// x86-64
    X86,
    /// 64-bit Arm
    Arm,
}

impl Machine {
    /// The one that we run on.
    pub const HOST: Machine =
        if cfg!(target_arch = "aarch64") { Machine::Arm } else { Machine::X86 };

    /// Of a file, if it can run here.
    pub fn of(architecture: Architecture) -> Option<Machine> {
        let machine = match architecture {
            Architecture::X86_64 => Machine::X86,
            Architecture::Aarch64 => Machine::Arm,
            _ => return None,
        };
        (machine == Machine::HOST).then_some(machine)
    }
}

/// What operands refer to.
pub struct Around<'a> {
    /// Whose notation it is.
    pub machine: Machine,
    /// The marker's own address.
    pub address: u64,
    /// Addresses of data.
    pub symbol: &'a dyn Fn(&str) -> Option<u64>,
}

/// All arguments of a marker.
pub fn parse(text: &str, around: &Around<'_>) -> Vec<MarkerArg> {
    operands(text).into_iter().map(|operand| argument(operand, around)).collect()
}

/// Splits at blanks that aren't within brackets.
fn operands(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    let words = text.split(|c: char| {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ => {}
        }
        c.is_whitespace() && depth <= 0
    });
    words.filter(|w| !w.is_empty()).collect()
}

/// `[-]SIZE[f]@OPERAND`; the oldest notes have operands alone, which are words.
fn argument(text: &str, around: &Around<'_>) -> MarkerArg {
    let elsewhere =
        || MarkerArg { size: 8, signed: false, at: MarkerPlace::Elsewhere(text.to_owned()) };
    let (size, operand) = text.split_once('@').unwrap_or(("8", text));
    let (signed, size) = match size.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, size),
    };
    let Some(size @ (1 | 2 | 4 | 8)) = size.parse().ok() else { return elsewhere() };
    let at = match around.machine {
        Machine::X86 => x86_operand(operand, around),
        Machine::Arm => arm_operand(operand),
    };
    at.map_or_else(elsewhere, |at| MarkerArg { size, signed, at })
}

/// A number as the assembler writes it.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { (value as i64).wrapping_neg() } else { value as i64 })
}

// ------------------------------------------------------------------ x86-64

/// The general registers in the order of `struct pt_regs`, with their names for 8, 4, 2 and
/// 1 bytes.
const X86: [[&str; 4]; 15] = [
    ["r15", "r15d", "r15w", "r15b"],
    ["r14", "r14d", "r14w", "r14b"],
    ["r13", "r13d", "r13w", "r13b"],
    ["r12", "r12d", "r12w", "r12b"],
    ["rbp", "ebp", "bp", "bpl"],
    ["rbx", "ebx", "bx", "bl"],
    ["r11", "r11d", "r11w", "r11b"],
    ["r10", "r10d", "r10w", "r10b"],
    ["r9", "r9d", "r9w", "r9b"],
    ["r8", "r8d", "r8w", "r8b"],
    ["rax", "eax", "ax", "al"],
    ["rcx", "ecx", "cx", "cl"],
    ["rdx", "edx", "dx", "dl"],
    ["rsi", "esi", "si", "sil"],
    ["rdi", "edi", "di", "dil"],
];

/// Where `struct pt_regs` has what isn't in order.
const X86_IP: u16 = 128;
const X86_SP: u16 = 152;

fn x86_register(text: &str) -> Option<u16> {
    let name = text.trim().strip_prefix('%')?;
    match name {
        "rip" | "eip" => return Some(X86_IP),
        "rsp" | "esp" | "sp" | "spl" => return Some(X86_SP),
        _ => {}
    }
    // The second bytes of the first four: `%ah`.
    if let Some(letter) = name.strip_suffix('h') {
        let low = format!("{letter}l");
        let of = X86.iter().position(|names| names[3] == low && letter.len() == 1)?;
        return Some(8 * of as u16 + 1);
    }
    let of = X86.iter().position(|names| names.contains(&name))?;
    Some(8 * of as u16)
}

/// `$7`, `%rdi`, `8(%rbp,%rax,4)`, `counter(%rip)`
fn x86_operand(text: &str, around: &Around<'_>) -> Option<MarkerPlace> {
    if let Some(constant) = text.strip_prefix('$') {
        return Some(MarkerPlace::Constant(number(constant)?));
    }
    if text.starts_with('%') && !text.contains(['(', ':']) {
        return Some(MarkerPlace::Register(x86_register(text)?));
    }
    if text.contains(':') {
        // Relative to a thread's segment, whose base BPF doesn't know.
        return None;
    }
    let (displacement, inside) = match text.split_once('(') {
        Some((displacement, rest)) => (displacement, rest.strip_suffix(')')?),
        None => (text, ""),
    };
    let mut parts = inside.split(',').map(str::trim);
    let register = |part: Option<&str>| match part {
        None | Some("") => Some(None),
        Some(name) => x86_register(name).map(Some),
    };
    let (base, index) = (register(parts.next())?, register(parts.next())?);
    let shift = match parts.next() {
        None | Some("" | "1") => 0,
        Some("2") => 1,
        Some("4") => 2,
        Some("8") => 3,
        Some(_) => return None,
    };
    let (symbol, displacement) = sum(displacement, around)?;
    let index = index.map(|register| (register, shift));
    match (symbol, base, index) {
        (None, base, index) => Some(MarkerPlace::Memory { base, index, displacement }),
        // The code may be loaded anywhere, but its data at the same distance.
        (Some(symbol), None | Some(X86_IP), None) => {
            let distance = symbol.wrapping_sub(around.address) as i64;
            let displacement = displacement.wrapping_add(distance);
            Some(MarkerPlace::Memory { base: Some(X86_IP), index, displacement })
        }
        _ => None,
    }
}

/// `counter+8-4`: a symbol's address and a number.
fn sum(text: &str, around: &Around<'_>) -> Option<(Option<u64>, i64)> {
    let (mut symbol, mut total) = (None, 0i64);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest[1..].find(['+', '-']).map_or(rest.len(), |at| at + 1);
        let (term, after) = rest.split_at(end);
        match number(term) {
            Some(n) => total = total.wrapping_add(n),
            None if symbol.is_none() => {
                let name = term.strip_prefix('+').unwrap_or(term);
                symbol = Some((around.symbol)(name)?);
            }
            None => return None,
        }
        rest = after;
    }
    Some((symbol, total))
}

// ----------------------------------------------------------------- aarch64

/// `x0` to `x30` come first, then the stack pointer.
const ARM_SP: u16 = 8 * 31;

fn arm_register(text: &str) -> Option<u16> {
    let name = text.trim();
    if matches!(name, "sp" | "wsp") {
        return Some(ARM_SP);
    }
    let n: u16 = name.strip_prefix(['x', 'w'])?.parse().ok()?;
    (n <= 30).then_some(8 * n)
}

/// `7`, `x0`, `[sp, 16]`, `[x1, x2, lsl #3]`
fn arm_operand(text: &str) -> Option<MarkerPlace> {
    let constant = |text: &str| number(text.trim().trim_start_matches('#'));
    if let Some(n) = constant(text) {
        return Some(MarkerPlace::Constant(n));
    }
    // Always 0.
    if matches!(text, "xzr" | "wzr") {
        return Some(MarkerPlace::Constant(0));
    }
    let Some(inside) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else {
        return arm_register(text).map(MarkerPlace::Register);
    };
    let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
    let base = Some(arm_register(parts.first()?)?);
    let (index, displacement) = match parts[1..] {
        [] => (None, 0),
        [second] => match constant(second) {
            Some(n) => (None, n),
            None if second.starts_with('x') => (Some((arm_register(second)?, 0)), 0),
            None => return None,
        },
        [index, shift] if index.starts_with('x') => {
            let shift = constant(shift.strip_prefix("lsl")?)?;
            let shift = u8::try_from(shift).ok().filter(|s| *s < 64)?;
            (Some((arm_register(index)?, shift)), 0)
        }
        _ => return None,
    };
    Some(MarkerPlace::Memory { base, index, displacement })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, machine: Machine) -> String {
        let symbol = |name: &str| (name == "counter").then_some(0x4010);
        let around = Around { machine, address: 0x1000, symbol: &symbol };
        let register = |offset: &u16| match machine {
            Machine::X86 => match *offset {
                X86_IP => "rip".to_owned(),
                X86_SP => "rsp".to_owned(),
                n => {
                    format!("{}{}", X86[usize::from(n / 8)][0], if n % 8 == 1 { ">>8" } else { "" })
                }
            },
            Machine::Arm => format!("r{}", offset / 8),
        };
        let one = |arg: &MarkerArg| {
            let at = match &arg.at {
                MarkerPlace::Constant(n) => n.to_string(),
                MarkerPlace::Register(r) => register(r),
                MarkerPlace::Elsewhere(text) => format!("?{text}"),
                MarkerPlace::Memory { base, index, displacement } => {
                    let base = base.as_ref().map_or("0".to_owned(), register);
                    let index = index.as_ref().map_or(String::new(), |(r, shift)| {
                        format!(" + {} << {shift}", register(r))
                    });
                    format!("[{base}{index} + {displacement:#x}]")
                }
            };
            format!("{}{}: {at}", if arg.signed { "s" } else { "u" }, 8 * arg.size)
        };
        parse(text, &around).iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn x86_operands() {
        let text = "-4@%edi 8@%r12 1@%ah 2@$65535 -8@$-7 4@-20(%rbp) 8@(%rax) \
                    8@16(%rsp,%rax,8) 4@(,%rbx,4) -2@counter(%rip) 8@counter+8(%rip) \
                    4@counter 8@0x10(%rdx,%rcx) %rsi 1@%dil";
        insta::assert_snapshot!(show(text, Machine::X86), @"
        s32: rdi
        u64: r12
        u8: rax>>8
        u16: 65535
        s64: -7
        u32: [rbp + 0xffffffffffffffec]
        u64: [rax + 0x0]
        u64: [rsp + rax << 3 + 0x10]
        u32: [0 + rbx << 2 + 0x0]
        s16: [rip + 0x3010]
        u64: [rip + 0x3018]
        u32: [rip + 0x3010]
        u64: [rdx + rcx << 0 + 0x10]
        u64: rsi
        u8: rdi
        ");
    }

    #[test]
    fn what_can_not_be_read_is_kept_as_text() {
        let text = "8f@%xmm0 16@%rax 8@%fs:16(%rax) 4@nowhere(%rip) 8@counter(%rax) 8@%zmm99";
        insta::assert_snapshot!(show(text, Machine::X86), @"
        u64: ?8f@%xmm0
        u64: ?16@%rax
        u64: ?8@%fs:16(%rax)
        u64: ?4@nowhere(%rip)
        u64: ?8@counter(%rax)
        u64: ?8@%zmm99
        ");
    }

    #[test]
    fn arm_operands() {
        let text = "-4@w0 8@x30 8@[sp, 60] 4@[x1] 8@[x1, #-8] 8@[x1, x2, lsl #3] 4@[x1, x2] \
                    -4@-3 8@xzr 8@d0 8@x31";
        insta::assert_snapshot!(show(text, Machine::Arm), @"
        s32: r0
        u64: r30
        u64: [r31 + 0x3c]
        u32: [r1 + 0x0]
        u64: [r1 + 0xfffffffffffffff8]
        u64: [r1 + r2 << 3 + 0x0]
        u32: [r1 + r2 << 0 + 0x0]
        s32: -3
        u64: 0
        u64: ?8@d0
        u64: ?8@x31
        ");
    }
}
