//! What happens when a clause faults: a bad address, a division by zero, a bad index.
//!
//! In: tests at the places that can fail. Out: one block at the end of the function that
//! reports the fault, runs ERROR's clauses and goes on with the next clause. It exists
//! once for a function, however many places can fail; which place it was, and where to
//! go on, are its parameters. A fault in ERROR itself is only counted, and a fault in a
//! loop's body travels in the loop's frame to the clause around it.

use super::context::Context;
use crate::ir::{BinOp, BlockId, Cond, Helper, Target, Type, Value, Width};
use crate::kernel::Attach;
use crate::manifest::{self, Drops, Fault, State};
use strand_grammar::source::Span;

/// Where a fault goes.
#[derive(Clone, Debug)]
pub(crate) enum FaultTarget {
    /// To the function's fault block, to go on with this clause (by ordinal) afterwards.
    Block(u32),
    /// Into the loop's frame.
    Frame,
    /// Nowhere: counted, and ERROR ends.
    Double(BlockId),
}

/// A fault: all that is known of it when it is raised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    /// Index into [`manifest::Manifest::faults`].
    pub site: Value,
    /// The instruction.
    pub pc: Value,
    /// [`Fault`].
    pub kind: Value,
    /// The address, index or size that is bad.
    pub value: Value,
}

/// The fault block of a function, made when it is first needed.
#[derive(Default, Debug)]
pub(crate) struct FaultBlock {
    /// Parameters: site, instruction, kind, value, clause, ordinal to go on with.
    pub block: Option<BlockId>,
    /// Ordinals that are gone on with.
    pub resumes: Vec<u32>,
}

impl Context<'_, '_> {
    /// Faults if the comparison holds.
    pub fn fault_if(
        &mut self,
        cond: Cond,
        a: Value,
        b: Value,
        kind: Fault,
        value: Value,
        span: Span,
    ) {
        let bad = self.b.block(&[]);
        let good = self.b.block(&[]);
        self.b.branch(cond, a, b, bad, good);
        self.b.switch_to(bad);
        self.raise(kind, value, span);
        self.b.switch_to(good);
    }

    /// Faults if a helper's result is negative.
    pub fn fault_if_negative(&mut self, result: Value, kind: Fault, value: Value, span: Span) {
        let zero = self.int(0);
        self.fault_if(Cond::SLt, result, zero, kind, value, span);
    }

    /// Faults; ends the current block.
    pub fn raise(&mut self, kind: Fault, value: Value, span: Span) {
        let site = self.unit.fault_site(self.env.clause, span);
        let pc = self.b.fault_pc(site);
        let site = self.int(i64::from(site));
        let kind = self.int(kind as i64);
        let value = self.launder(value);
        self.raise_at(Raised { site, pc, kind, value });
    }

    /// Faults with a site and kind that are only known at run time.
    pub(crate) fn raise_at(&mut self, raised: Raised) {
        if let Some(record) = self.env.record {
            let flags = self.int(0);
            self.helper(Helper::RINGBUF_DISCARD, &[record, flags]);
        }
        match self.env.fault.clone() {
            FaultTarget::Block(resume) => {
                let block = match self.faults.block {
                    Some(block) => block,
                    None => *self.faults.block.insert(self.b.block(&[Type::I64; 6])),
                };
                if !self.faults.resumes.contains(&resume) {
                    self.faults.resumes.push(resume);
                }
                let resume = self.int(i64::from(resume));
                let Raised { site, pc, kind, value } = raised;
                let clause = self.int(i64::from(self.env.clause));
                self.b.jump(block, &[site, pc, kind, value, clause, resume]);
            }
            FaultTarget::Frame => self.raise_in_frame(raised),
            FaultTarget::Double(end) => {
                self.count_drop(Drops::DoubleFaults);
                self.b.jump(end, &[]);
            }
        }
    }

    /// Emits the fault block if anything faults. `resume` gives the block to go on with
    /// for each ordinal, `last` is where there is none left.
    pub(crate) fn finish_faults(&mut self, resume: impl Fn(u32) -> BlockId, last: BlockId) {
        let Some(block) = self.faults.block else { return };
        self.b.switch_to(block);
        let [site, pc, kind, value, clause, ordinal] =
            [0, 1, 2, 3, 4, 5].map(|n| self.b.block_param(block, n));
        let raised = Raised { site, pc, kind, value };
        self.record_fault(raised);
        self.error_clauses(raised, clause);
        // After exit() the probe's later clauses don't run.
        if self.error_exits() {
            match self.env.site.attach {
                Attach::End => {}
                Attach::Begin => self.go_on_in_state(State::Starting, last),
                _ => self.go_on_in_state(State::Active, last),
            }
        }
        for ordinal_n in self.faults.resumes.clone() {
            let next = self.b.block(&[]);
            let wanted = self.int(i64::from(ordinal_n));
            let target = |block| Target { block, args: Vec::new() };
            self.b.branch_with(Cond::Eq, ordinal, wanted, target(resume(ordinal_n)), target(next));
            self.b.switch_to(next);
        }
        self.b.jump(last, &[]);
    }

    /// Tells the runtime of a fault, and counts it in any case.
    fn record_fault(&mut self, Raised { site, pc, kind, value }: Raised) {
        self.count_drop(Drops::Faults);
        const SIZE: u32 = manifest::HEADER + 24;
        let ring = self.unit.records();
        let ring = self.b.map(ring);
        let size = self.int(i64::from(SIZE));
        let flags = self.int(0);
        let record = self.helper(Helper::RINGBUF_RESERVE, &[ring, size, flags]);
        let (full, room, done) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Eq, record, 0, full, room);
        self.b.switch_to(room);
        self.record_header(record, manifest::FAULT_RECORD, None);
        self.b.store(Width::W32, record, 16, site);
        self.b.store(Width::W32, record, 20, kind);
        self.b.store(Width::W64, record, 24, pc);
        self.b.store(Width::W64, record, 32, value);
        self.submit(record, false);
        self.b.jump(done, &[]);
        self.b.switch_to(full);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    /// Whether a clause of ERROR may call `exit()`.
    fn error_exits(&self) -> bool {
        let mut enablings = self.unit.program.enablings.iter();
        enablings.any(|e| {
            e.sites.iter().any(|s| s.attach == Attach::Error)
                && e.clauses.iter().any(super::clause::exits)
        })
    }

    /// ERROR's clauses, inline: `arg1` the probe's id, `arg2` the clause, `arg3` the instruction,
    /// `arg4` fault, `arg5` value.
    fn error_clauses(&mut self, Raised { pc, kind, value, .. }: Raised, clause: Value) {
        let program = self.unit.program;
        let errors =
            program.enablings.iter().filter(|e| e.sites.iter().any(|s| s.attach == Attach::Error));
        for enabling in errors {
            let Some(site_of_error) = enabling.sites.first() else { continue };
            let zero = self.int(0);
            let probe = self.probe_id();
            let saved = self.env.clone();
            self.env.site = std::rc::Rc::new(site_of_error.clone());
            self.env.firing = super::context::Firing::One;
            self.env.error_args = Some([zero, probe, clause, pc, kind, value]);
            let end = self.b.block(&[]);
            self.env.fault = FaultTarget::Double(end);
            for clause in &enabling.clauses {
                self.clause(clause);
            }
            self.b.jump(end, &[]);
            self.b.switch_to(end);
            self.env = saved;
        }
    }

    /// Adds one to a counter of drops.
    pub fn count_drop(&mut self, what: Drops) {
        let counters = self.unit.drops();
        let one = self.int(1);
        if (what as u32) < manifest::DROPS_OF_CPU {
            let f = self.drop_function();
            let n = self.int(8 * what as i64);
            self.b.call(f, &[n]);
        } else {
            let counter = self.b.bss(counters + 8 * what as u32);
            self.b.atomic_add(Width::W64, counter, 0, one);
        }
    }

    /// `strand_drop(offset)`: adds one to a counter of this processor's.
    fn drop_function(&mut self) -> crate::ir::FunctionId {
        let counters = self.unit.drops();
        self.subprogram("strand_drop", |name| {
            let kind = crate::ir::FunctionKind::Subprogram;
            let mut b = crate::ir::build::Builder::new(name, kind, &[Type::I64]);
            let cpu = b.helper(Helper::GET_SMP_PROCESSOR_ID, &[]);
            let cpu = b.binary_imm(BinOp::And, cpu, i64::from(manifest::DROP_CPUS) - 1);
            let row = b.binary_imm(BinOp::Mul, cpu, i64::from(8 * manifest::DROPS_OF_CPU));
            let table = b.bss(counters + 8 * manifest::DROPS);
            let at = b.binary(BinOp::Add, table, row);
            let which = b.param(0);
            let at = b.binary(BinOp::Add, at, which);
            let one = b.iconst(1);
            b.atomic_add(Width::W64, at, 0, one);
            b.ret(Some(one));
            b.finish()
        })
    }
}
