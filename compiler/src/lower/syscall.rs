//! System calls: one program at `sys_enter` and one at `sys_exit` for all that are enabled.
//!
//! In: enablings of system calls. Out: programs that find out which call fires, and go to its
//! clauses: by comparing where there are few numbers, else by tables in read-only data. Decides
//! which enablings share a program, and which calls are 32-bit programs'.

use super::context::{Column, Context, Firing};
use super::current::asks_for_thread;
use super::program::{start, symbol};
use super::unit::Unit;
use crate::ir::{BinOp, BlockId, Cond, Helper, Type, Value, Width};
use crate::kernel::Attach;
use crate::manifest::{self, State};
use crate::typed::{EnabledSite, Enabling};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// Lowers the enablings of entries and returns.
pub(super) fn lower(unit: &mut Unit, entries: &[&Enabling], returns: &[&Enabling]) {
    for (name, enablings) in [("sys_enter", entries), ("sys_exit", returns)] {
        for layer in layers(enablings) {
            lower_dispatch(unit, name, &layer);
        }
    }
}

/// Puts together as many enablings as have no system call in common: a table has one
/// group of clauses for each. More than one layer is needed where probes of several
/// providers share a call.
pub(super) fn layers<'e>(enablings: &[&'e Enabling]) -> Vec<Vec<&'e Enabling>> {
    let mut layers: Vec<(FxHashSet<u32>, Vec<&Enabling>)> = Vec::new();
    for enabling in enablings {
        let numbers: Vec<u32> = enabling.sites.iter().map(call_of).collect();
        let free =
            |(taken, _): &&mut (FxHashSet<u32>, _)| numbers.iter().all(|n| !taken.contains(n));
        match layers.iter_mut().find(free) {
            Some((taken, layer)) => {
                taken.extend(numbers);
                layer.push(enabling);
            }
            None => layers.push((numbers.into_iter().collect(), vec![enabling])),
        }
    }
    layers.into_iter().map(|(_, layer)| layer).collect()
}

/// The number of a site's system call.
fn call_of(site: &EnabledSite) -> u32 {
    match site.attach {
        Attach::SyscallEntry { number, .. } | Attach::SyscallReturn { number, .. } => number,
        _ => CALLS,
    }
}

/// Numbers that calls may have; those beyond aren't any kernel's.
const CALLS: u32 = 512;
/// Length of the tables: behind the calls by their numbers, calls of 32-bit programs by theirs.
const INDEXES: u32 = 2 * CALLS;
/// What the kernel notes in `thread_info.status` while such a call runs (TS_COMPAT).
const COMPAT: i64 = 2;
/// Where it notes that.
const STATUS: [&str; 2] = ["thread_info", "status"];
/// Bytes of a call's name with its NUL.
const NAME: u32 = 32;

/// Where a site's system call is in the tables: nowhere if its number is none.
fn indexes(site: &EnabledSite) -> Vec<usize> {
    let (Attach::SyscallEntry { number, compat, .. } | Attach::SyscallReturn { number, compat }) =
        &site.attach
    else {
        return Vec::new();
    };
    let own = (*number < CALLS).then_some(*number);
    let others = compat.iter().filter(|n| **n < CALLS).map(|n| n + CALLS);
    own.into_iter().chain(others).map(|n| n as usize).collect()
}

/// With more numbers a table finds out what a system call is.
const FEW_CALLS: usize = 8;

/// One program for all system calls that are enabled.
fn lower_dispatch(unit: &mut Unit, event: &str, enablings: &[&Enabling]) {
    let numbers = |e: &&Enabling| e.sites.iter().map(|s| indexes(s).len()).sum::<usize>();
    let alone = enablings.iter().all(|e| e.sites.len() == 1 && numbers(e) > 0);
    if alone && enablings.iter().map(numbers).sum::<usize>() <= FEW_CALLS {
        lower_few(unit, event, enablings);
    } else {
        lower_table(unit, event, enablings);
    }
}

/// A program that compares with the numbers of a few system calls: one for each enabling.
fn lower_few(unit: &mut Unit, event: &str, enablings: &[&Enabling]) {
    let Some(first) = enablings.first() else { return };
    let name = symbol(unit, event);
    let mut cx = start(unit, &name, first, &first.sites[0]);
    let out = cx.b.block(&[]);
    let group = cx.find_few(enablings, out);
    cx.go_on_in_state(State::Active, out);
    cx.locals(enablings);
    let mut ordinals = Vec::new();
    for (n, enabling) in enablings.iter().enumerate() {
        if n + 1 < enablings.len() {
            let (this, next) = (cx.b.block(&[]), cx.b.block(&[]));
            cx.b.branch_imm(Cond::Eq, group, n as i64, this, next);
            cx.b.switch_to(this);
            cx.call(enabling, &mut ordinals, out);
            cx.b.switch_to(next);
        } else {
            cx.call(enabling, &mut ordinals, out);
        }
    }
    cx.finish(&ordinals, out);
    let function = cx.b.finish();
    unit.add_function(function);
    unit.manifest.programs.push(manifest::Program::new(
        name,
        enablings.iter().map(|e| e.sites[0].attach.clone()).collect(),
        enablings.iter().map(|e| e.sites[0].probe.id).collect(),
    ));
}

/// A program that looks up in tables what is to be done for a system call.
fn lower_table(unit: &mut Unit, event: &str, enablings: &[&Enabling]) {
    let mut groups = vec![0u8; 2 * INDEXES as usize];
    let mut ids = vec![0u8; 4 * INDEXES as usize];
    let mut names = vec![0u8; (NAME * INDEXES) as usize];
    let mut attach = Vec::new();
    let mut probes = Vec::new();
    for (group, enabling) in enablings.iter().enumerate() {
        for site in &enabling.sites {
            let indexes = indexes(site);
            if indexes.is_empty() {
                continue;
            }
            for n in indexes {
                groups[2 * n..2 * n + 2].copy_from_slice(&(group as u16 + 1).to_le_bytes());
                ids[4 * n..4 * n + 4].copy_from_slice(&site.probe.id.to_le_bytes());
                let name = site.probe.function.as_bytes();
                let len = name.len().min(NAME as usize - 1);
                let at = n * NAME as usize;
                names[at..at + len].copy_from_slice(&name[..len]);
            }
            attach.push(site.attach.clone());
            probes.push(site.probe.id);
        }
    }
    let (groups, ids) = (unit.rodata(groups), unit.rodata(ids));
    let functions = Column { at: unit.rodata(names), stride: NAME };
    let Some((first, site)) = enablings.first().and_then(|e| Some((*e, e.sites.first()?))) else {
        return;
    };
    let name = symbol(unit, event);
    let mut cx = start(unit, &name, first, site);
    let out = cx.b.block(&[]);
    let index = cx.call_index(enablings, out);
    let offset = cx.b.binary_imm(BinOp::Shl, index, 1);
    let table = cx.b.rodata(groups);
    let at = cx.b.binary(BinOp::Add, table, offset);
    let group = cx.b.load(Width::W16, false, at, 0);
    let zero = cx.int(0);
    cx.go_on_if(Cond::Ne, group, zero, out);
    cx.go_on_in_state(State::Active, out);
    cx.locals(enablings);
    let mut ordinals = Vec::new();
    let fields = [None, None, Some(functions), None];
    cx.env.firing = Firing::Table { index, len: INDEXES, ids, fields };
    for (n, enabling) in enablings.iter().enumerate() {
        // It is one of them, so it is the last if it is none before.
        if n + 1 < enablings.len() {
            let (mine, next) = (cx.b.block(&[]), cx.b.block(&[]));
            cx.b.branch_imm(Cond::Eq, group, n as i64 + 1, mine, next);
            cx.b.switch_to(mine);
            cx.call(enabling, &mut ordinals, out);
            cx.b.switch_to(next);
        } else {
            cx.call(enabling, &mut ordinals, out);
        }
    }
    cx.finish(&ordinals, out);
    let function = cx.b.finish();
    unit.add_function(function);
    unit.manifest.programs.push(manifest::Program::new(name, attach, probes));
}

impl Context<'_, '_> {
    /// Which of these enablings fires, by comparing; goes to `out` if none does. Other calls are
    /// told by their number alone; what kind of program calls is asked afterwards.
    fn find_few(&mut self, enablings: &[&Enabling], out: BlockId) -> Value {
        let number = self.call_number(&enablings[0].sites[0].attach);
        let all: Vec<(usize, usize)> = (0..)
            .zip(enablings)
            .flat_map(|(group, e)| indexes(&e.sites[0]).into_iter().map(move |n| (n, group)))
            .collect();
        let maybe = self.b.block(&[]);
        let mut numbers: Vec<_> = all.iter().map(|(n, _)| n % CALLS as usize).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for n in numbers {
            let next = self.b.block(&[]);
            self.b.branch_imm(Cond::Eq, number, n as i64, maybe, next);
            self.b.switch_to(next);
        }
        self.b.jump(out, &[]);
        self.b.switch_to(maybe);
        self.ask_ahead(enablings, out);
        if let [(own, _), (other, _)] = all[..]
            && enablings.len() == 1
            && own < CALLS as usize
            && other >= CALLS as usize
            && self.go_on_if_kind_agrees(number, own, other - CALLS as usize, enablings, out)
        {
            return self.int(0);
        }
        let index = match self.running_compat(enablings) {
            Some(compat) => {
                if all.iter().any(|(n, _)| *n >= CALLS as usize) {
                    self.env.compat = Some(compat);
                }
                self.index_of(number, compat)
            }
            None => number,
        };
        let mine = self.b.block(&[Type::I64]);
        for (n, group) in all {
            let group = self.int(group as i64);
            let next = self.b.block(&[]);
            let wanted = self.int(n as i64);
            let (to_mine, to_next) = (Self::to(mine, &[group]), Self::to(next, &[]));
            self.b.branch_with(Cond::Eq, index, wanted, to_mine, to_next);
            self.b.switch_to(next);
        }
        self.b.jump(out, &[]);
        self.b.switch_to(mine);
        self.b.block_param(mine, 0)
    }

    /// A system call by its two numbers, one of which it is: goes on if a program of the kind
    /// calls whose number it is. A bit in which the numbers differ tells whose that is, and has
    /// to be as the kind has it. False, and nothing done, if there is but one number or kind.
    fn go_on_if_kind_agrees(
        &mut self,
        number: Value,
        own: usize,
        other: usize,
        enablings: &[&Enabling],
        out: BlockId,
    ) -> bool {
        let (own, other) = (own as i64, other as i64);
        let difference = own ^ other;
        if difference == 0 {
            return false;
        }
        let Some(compat) = self.running_compat(enablings) else { return false };
        self.env.compat = Some(compat);
        let (bit, wanted) = (difference.trailing_zeros(), COMPAT.trailing_zeros());
        let moved = match bit.checked_sub(wanted) {
            Some(down) => self.b.binary_imm(BinOp::LShr, number, down.into()),
            None => self.b.binary_imm(BinOp::Shl, number, (wanted - bit).into()),
        };
        let both = self.b.binary(BinOp::Xor, moved, compat);
        let both = self.b.binary_imm(BinOp::And, both, COMPAT);
        let of_own = self.int((own >> bit & 1) << wanted);
        self.go_on_if(Cond::Eq, both, of_own, out);
        true
    }

    /// Where in the tables the call of this number is, by what [`Context::running_compat`] says.
    fn index_of(&mut self, number: Value, compat: Value) -> Value {
        let behind = self.b.binary_imm(BinOp::Mul, compat, i64::from(CALLS) / COMPAT);
        self.b.binary(BinOp::Add, number, behind)
    }

    /// Where in the tables this system call is.
    fn call_index(&mut self, enablings: &[&Enabling], out: BlockId) -> Value {
        let nr = self.call_number(&enablings[0].sites[0].attach);
        let limit = self.int(i64::from(CALLS));
        self.go_on_if(Cond::ULt, nr, limit, out);
        let index = match self.running_compat(enablings) {
            None => nr,
            Some(compat) => self.index_of(nr, compat),
        };
        self.bounded(index, INDEXES)
    }

    /// All clauses of a system call.
    fn call(&mut self, enabling: &Enabling, ordinals: &mut Vec<BlockId>, out: BlockId) {
        self.env.site = Rc::new(enabling.sites[0].clone());
        self.clauses(enabling, ordinals, out);
        self.b.jump(out, &[]);
    }

    /// COMPAT if the thread is in a system call of a 32-bit program, else 0; none if there are no
    /// such.
    ///
    /// The thread's status says it, but to ask for the thread takes longer than all else that is
    /// done for a call. Its registers nearly say it: the instruction by which 64-bit code makes a
    /// call leaves two of them alike, so that only where they aren't the status is looked at. (To
    /// make a 32-bit call look like another, a program has to mean it.)
    fn running_compat(&mut self, enablings: &[&Enabling]) -> Option<Value> {
        self.field_of("task_struct", &STATUS)?;
        let program = self.unit.program;
        if enablings.iter().any(|e| asks_for_thread(program, &e.clauses)) {
            return Some(self.compat_of_thread());
        }
        let done = self.b.block(&[Type::I64]);
        let slow = self.b.block(&[]);
        let bpf = self.env.bpf;
        let regs = self.b.load_ptr(bpf, 0);
        let (segment, native) = super::args::CODE_SEGMENT;
        let segment = self.b.load(Width::W16, false, regs, segment);
        let native = self.int(native);
        self.go_on_if(Cond::Eq, segment, native, slow);
        let [a, b] = super::args::ALIKE_IN_CALLS.map(|at| self.b.load(Width::W64, false, regs, at));
        self.go_on_if(Cond::Eq, a, b, slow);
        let none = self.int(0);
        self.b.jump(done, &[none]);
        self.b.switch_to(slow);
        let compat = self.compat_of_thread();
        self.b.jump(done, &[compat]);
        self.b.switch_to(done);
        Some(self.b.block_param(done, 0))
    }

    /// The same, by the thread's status.
    fn compat_of_thread(&mut self) -> Value {
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let status = self.task_field(task, &STATUS);
        let status = self.number(&status);
        self.b.binary_imm(BinOp::And, status, COMPAT)
    }

    /// Not 0 if the system call that fires is a 32-bit program's; none if there are no such.
    pub(super) fn is_compat(&mut self) -> Option<Value> {
        self.field_of("task_struct", &STATUS)?;
        let Firing::Table { index, .. } = self.env.firing else { return self.env.compat };
        Some(self.b.binary_imm(BinOp::And, index, i64::from(CALLS)))
    }

    /// Which system call this is: the second word of `sys_enter`, and for `sys_exit` what
    /// the registers kept of it.
    fn call_number(&mut self, attach: &Attach) -> Value {
        let bpf = self.env.bpf;
        match attach {
            Attach::SyscallReturn { .. } => {
                let regs = self.b.load_ptr(bpf, 0);
                self.b.load(Width::W64, false, regs, super::args::SYSCALL_NUMBER)
            }
            _ => self.b.load(Width::W64, false, bpf, 8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Probe;

    fn enabling(numbers: &[u32]) -> Enabling {
        let site = |number: &u32| EnabledSite {
            probe: Probe { id: *number, ..Probe::default() },
            attach: Attach::SyscallReturn { number: *number, compat: Vec::new() },
        };
        Enabling { sites: numbers.iter().map(site).collect(), clauses: Vec::new() }
    }

    /// No call is twice in a layer, and the first layer takes all that it can.
    #[test]
    fn calls_that_are_shared_are_in_layers() {
        let all = [enabling(&[1, 2]), enabling(&[2, 3]), enabling(&[4]), enabling(&[2])];
        let numbers: Vec<Vec<Vec<u32>>> = layers(&all.iter().collect::<Vec<_>>())
            .iter()
            .map(|layer| layer.iter().map(|e| e.sites.iter().map(call_of).collect()).collect())
            .collect();
        assert_eq!(numbers, [vec![vec![1, 2], vec![4]], vec![vec![2, 3]], vec![vec![2]]]);
    }
}
