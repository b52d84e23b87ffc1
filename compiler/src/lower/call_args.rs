//! What a system call is given.
//!
//! In: clauses of a system call's entry. Out: the values of `arg0` …, which 32-bit programs pass
//! in other registers than 64-bit ones. Decides which are read once for several uses: for each
//! reading the program branches on the kind of caller, and where the kernel's verifier has
//! followed one way, it goes on to follow it alone through all clauses behind.

use super::args::REGISTERS;
use super::context::{Context, Firing};
use super::program::Uses;
use crate::ir::{Cond, Type, Value, Width};
use crate::kernel::Attach;
use crate::typed::Clause;

/// Parameters that a call can have.
const MOST: usize = REGISTERS.syscall.len();

/// How often each is mentioned.
pub(super) type Mentions = [usize; MOST];

impl Context<'_, '_> {
    /// Reads what several of these clauses look at.
    pub(super) fn read_shared_args(&mut self, clauses: &[Clause]) {
        if !matches!(self.attach(), Attach::SyscallEntry { .. }) || clauses.len() < 2 {
            return;
        }
        let types = self.unit.types();
        let all: Vec<Mentions> = clauses.iter().map(|c| Uses::of(c, types).args).collect();
        self.read_args(|n| all.iter().filter(|mentions| mentions[n] > 0).count() > 1);
    }

    /// How many a call has; any call may be one with more than `args`.
    pub(super) fn args_of_call(&self, args: u8) -> usize {
        match self.env.firing {
            Firing::Table { .. } => MOST,
            Firing::One => usize::from(args).min(MOST),
        }
    }

    /// Reads those of which this is true, unless they were read already.
    pub(super) fn read_args(&mut self, is_wanted: impl Fn(usize) -> bool) {
        let Attach::SyscallEntry { args, .. } = &self.env.site.attach else { return };
        let known = self.args_of_call(*args);
        let is_new = |n: &usize| self.env.call_args.iter().all(|(m, _)| m != n);
        let numbers: Vec<usize> = (0..known).filter(|n| is_wanted(*n) && is_new(n)).collect();
        if !numbers.is_empty() {
            let values = self.call_args(&numbers);
            self.env.call_args.extend(numbers.into_iter().zip(values));
        }
    }

    /// What the call is given as its n-th parameter, from 0.
    pub(super) fn call_arg(&mut self, n: usize) -> Value {
        match self.env.call_args.iter().find(|(m, _)| *m == n) {
            Some((_, value)) => *value,
            None => self.call_args(&[n])[0],
        }
    }

    /// The values of these parameters.
    fn call_args(&mut self, numbers: &[usize]) -> Vec<Value> {
        let bpf = self.env.bpf;
        let regs = self.b.load_ptr(bpf, 0);
        let Some(compat) = self.is_compat() else {
            let load = |n: &usize| self.b.load(Width::W64, false, regs, REGISTERS.syscall[*n]);
            return numbers.iter().map(load).collect();
        };
        let (own, other) = (self.b.block(&[]), self.b.block(&[]));
        let done = self.b.block(&vec![Type::I64; numbers.len()]);
        self.b.branch_imm(Cond::Eq, compat, 0, own, other);
        for (block, width, registers) in
            [(own, Width::W64, REGISTERS.syscall), (other, Width::W32, REGISTERS.compat)]
        {
            self.b.switch_to(block);
            let load = |n: &usize| self.b.load(width, false, regs, registers[*n]);
            let values: Vec<Value> = numbers.iter().map(load).collect();
            self.b.jump(done, &values);
        }
        self.b.switch_to(done);
        (0..numbers.len()).map(|i| self.b.block_param(done, i)).collect()
    }
}
