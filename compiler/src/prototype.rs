//! What a program reads of its event's context, and of which types that is.
//!
//! In: how a program attaches, types of a kernel, the program's IR. Out: the types of the words
//! that a typed event passes, and which of them the program reads. A function keeps its name
//! while its parameters change, and no relocation notices: what was built on another kernel has
//! to be compared with the one that it runs on.

use crate::btf::{Btf, BtfKind, BtfType};
use crate::ir::{BinOp, Function, Offset, Op};
use crate::kernel::Attach;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Types of the kernel (`None`) or of a module.
pub type Types<'a> = &'a dyn Fn(Option<&str>) -> Option<Arc<Btf>>;

/// The words of a typed event's context: its parameters, and for fexit what it returns.
pub struct Words {
    /// Where the types are.
    pub btf: Arc<Btf>,
    /// Whose BTF that is; `None` for the kernel's own.
    pub module: Option<String>,
    /// The types.
    pub types: Vec<u32>,
}

impl Words {
    /// Those of an event; `None` if it is none with types, or the kernel hasn't got it.
    pub fn of(attach: &Attach, types: Types) -> Option<Words> {
        // What a system call passes is found in its registers.
        if matches!(attach, Attach::SyscallEntry { .. } | Attach::SyscallReturn { .. }) {
            return None;
        }
        let (module, name, kind) = attach.described()?;
        // The first parameter of a tracepoint is its own.
        let skip = usize::from(kind == BtfKind::Typedef);
        let btf = types(module)?;
        let id = btf.find(&name, |k| k == kind)?;
        let proto = match btf.ty(id) {
            BtfType::Typedef { to, .. } => match btf.ty(btf.resolve(to)) {
                BtfType::Pointer(proto) => btf.resolve(proto),
                _ => return None,
            },
            BtfType::Function { proto, .. } => proto,
            _ => return None,
        };
        let mut words: Vec<u32> = btf.params(proto).iter().skip(skip).map(|(_, ty)| *ty).collect();
        if let (Attach::Fexit { .. }, BtfType::FunctionProto { ret }) = (attach, btf.ty(proto)) {
            words.push(ret);
        }
        Some(Words { btf, module: module.map(str::to_owned), types: words })
    }

    /// The type of a word as a program meets it: numbers by size and sign, pointers by the record
    /// that they lead to. Kernels give one thing several names.
    pub fn name(&self, word: usize) -> Option<String> {
        let btf = &self.btf;
        let record = |name: &str, is_union: bool| {
            format!("{} {name}", if is_union { "union" } else { "struct" })
        };
        Some(match btf.ty(btf.resolve(*self.types.get(word)?)) {
            BtfType::Int { size, signed, .. } | BtfType::Enum { size, signed, .. } => {
                let name = match size {
                    1 => "char",
                    2 => "short",
                    4 => "int",
                    8 => "long",
                    _ => "number",
                };
                if signed { name.to_owned() } else { format!("unsigned {name}") }
            }
            BtfType::Record { name, is_union, .. } => record(name, is_union),
            BtfType::Pointer(to) => match btf.ty(btf.resolve(to)) {
                BtfType::Record { name, is_union, .. } | BtfType::Forward { name, is_union } => {
                    format!("{} *", record(name, is_union))
                }
                BtfType::Int { size: 1, .. } => "char *".to_owned(),
                _ => "void *".to_owned(),
            },
            BtfType::Void => "void".to_owned(),
            _ => "something".to_owned(),
        })
    }
}

/// Which words of its context a program reads. One that does something else with it, or hands it
/// on, is taken to read all.
pub fn words_read(program: &Function, all: usize) -> BTreeSet<usize> {
    let mut read = BTreeSet::new();
    let Some(context) = program.params.first() else { return read };
    let constants = program.constants();
    let word = |offset: i64| usize::try_from(offset / 8).ok();
    for inst in program.blocks.iter().flat_map(|block| &block.insts) {
        match &inst.op {
            Op::Load { base, offset: Offset::Bytes(offset), .. } if base == context => {
                read.extend(word(i64::from(*offset)));
            }
            Op::Binary(BinOp::Add, base, n)
                if base == context
                    && let Some(n) = constants[n.index()] =>
            {
                read.extend(word(n));
            }
            // They are told where the program is, and get nothing out of it.
            Op::Helper(..) => {}
            op => {
                let mut used = false;
                op.for_each_use(|v| used |= v == *context);
                read.extend((0..all).filter(|_| used));
            }
        }
    }
    for block in &program.blocks {
        let mut used = false;
        block.term.for_each_use(|v| used |= v == *context);
        read.extend((0..all).filter(|_| used));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    fn read(body: &str) -> Vec<usize> {
        let text = format!("program \"fentry/f\" @f(%0: ptr) {{\n{body}\n}}\n");
        let module = parse::parse(&text).expect("it is IR");
        words_read(&module.functions[0], 3).into_iter().collect()
    }

    #[test]
    fn words_are_those_that_are_loaded() {
        assert!(read("b0:\n  %1 = const 0\n  ret %1").is_empty());
        assert_eq!(read("b0:\n  %1 = load.u64 %0 + 16\n  ret %1"), [2]);
        assert_eq!(read("b0:\n  %1 = const 8\n  %2: ptr = add %0, %1\n  ret %1"), [1]);
        assert_eq!(
            read("b0:\n  jump b1(%0)\nb1(%1: ptr):\n  %2 = load.u64 %1\n  ret %2"),
            [0, 1, 2]
        );
    }
}
