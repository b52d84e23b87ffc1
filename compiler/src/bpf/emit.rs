//! Writes the final instructions.
//!
//! In: machine instructions, the registers assigned to them and the frame. Out: a
//! function's [`Insn`]s with jumps resolved, relocations and D spans. Decides only
//! what falls through: blocks that do nothing but jump vanish.

use super::frame::{Frame, Home};
use super::insn::{FRAME, Insn, alu, pseudo};
use super::mach::{Address, Kind, MachFunction, MachInst, Source};
use super::regalloc::View;
use super::{Error, Relocation, RelocationTarget};
use crate::ir::{Cond, SlotId, Width};
use regalloc2::{Allocation, Block, Edit, InstOrEdit, Output};
use strand_grammar::source::Span;

/// Instructions of one function.
#[derive(Debug, Default)]
pub struct Emitted {
    /// With jumps resolved.
    pub insns: Vec<Insn>,
    /// In order of instruction.
    pub relocations: Vec<Relocation>,
    /// From which instruction on which D text applies.
    pub spans: Vec<(u32, Span)>,
}

/// Encodes a function.
pub fn emit(
    name: &str,
    mach: &MachFunction,
    output: &Output,
    frame: &Frame,
) -> Result<Emitted, Error> {
    let mut emitter = Emitter {
        mach,
        output,
        frame,
        name,
        out: Emitted::default(),
        starts: vec![None; mach.blocks.len()],
        in_cycle: Vec::new(),
        jumps: Vec::new(),
        settled: 0,
    };
    emitter.blocks()?;
    emitter.resolve()?;
    Ok(emitter.out)
}

struct Emitter<'a> {
    mach: &'a MachFunction,
    output: &'a Output,
    frame: &'a Frame,
    name: &'a str,
    out: Emitted,
    /// By block: its first instruction, once it is written.
    starts: Vec<Option<u32>>,
    /// By block: whether it is part of a cycle.
    in_cycle: Vec<bool>,
    /// Instructions whose jump distance is open, in order.
    jumps: Vec<Jump>,
    /// How many of the first jumps go to what is written already.
    settled: usize,
}

/// A jump whose distance is open.
#[derive(Clone, Copy)]
struct Jump {
    /// The instruction.
    at: u32,
    to: Destination,
}

#[derive(Clone, Copy)]
enum Destination {
    Block(usize),
    /// An island on the way there.
    Insn(u32),
}

/// A forward jump that is so long, with its target still to come, gets an island.
/// Tests make them early, so that random programs have some.
const LONG: u32 = if cfg!(test) { 64 } else { 24 << 10 };
/// When islands are made, those that are so long get one too.
const HALF: u32 = LONG / 2;

impl Emitter<'_> {
    fn blocks(&mut self) -> Result<(), Error> {
        let goes_to = self.skip_empty();
        let laid_out: Vec<usize> = (0..goes_to.len()).filter(|b| goes_to[*b] == *b).collect();
        self.in_cycle = self.cycles(&laid_out, &goes_to);
        for (i, block) in laid_out.iter().enumerate() {
            self.islands();
            self.starts[*block] = Some(self.out.insns.len() as u32);
            let next = laid_out.get(i + 1).copied();
            let succs: Vec<_> =
                self.mach.blocks[*block].succs.iter().map(|s| goes_to[s.index()]).collect();
            let (output, view) = (self.output, View(self.mach));
            for item in output.block_insts_and_edits(&view, Block::new(*block)) {
                match item {
                    InstOrEdit::Edit(Edit::Move { from, to }) => self.edit(*from, *to)?,
                    InstOrEdit::Inst(i) => {
                        let inst = &self.mach.insts[i.index()];
                        self.span(inst.span);
                        self.inst(inst, output.inst_allocs(i), &succs, next)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// By block: whether it can come after itself, as far as its place tells: it lies
    /// between a jump back and where that goes.
    fn cycles(&self, laid_out: &[usize], goes_to: &[usize]) -> Vec<bool> {
        let mut in_cycle = vec![false; goes_to.len()];
        let mut back = goes_to.len();
        for block in laid_out.iter().rev() {
            let succs = self.mach.blocks[*block].succs.iter().map(|s| goes_to[s.index()]);
            back = back.min(succs.filter(|to| to <= block).min().unwrap_or(back));
            in_cycle[*block] = back <= *block;
        }
        in_cycle
    }

    /// By block: where it really goes: itself, unless it is a jump and nothing else.
    fn skip_empty(&self) -> Vec<usize> {
        let blocks = &self.mach.blocks;
        let view = View(self.mach);
        let empty: Vec<bool> = (0..blocks.len())
            .map(|b| {
                let single = blocks[b].end - blocks[b].start == 1
                    && self.mach.insts[blocks[b].start as usize].kind == Kind::Jump;
                b != 0
                    && single
                    && self.output.block_insts_and_edits(&view, Block::new(b)).count() == 1
            })
            .collect();
        let mut goes_to: Vec<usize> = (0..blocks.len()).collect();
        // Forward jumps are final when seen from the end; a cycle of empty blocks has a
        // backward jump, where the walk stops.
        for b in (0..blocks.len()).rev().filter(|b| empty[*b]) {
            let to = blocks[b].succs[0].index();
            if to > b || !empty[to] {
                goes_to[b] = goes_to[to];
            }
        }
        goes_to
    }

    fn resolve(&mut self) -> Result<(), Error> {
        for jump in std::mem::take(&mut self.jumps) {
            let Some(to) = self.destination(jump.to) else {
                return Err(Error::NotSelectable("a jump to a block that isn't there".into()));
            };
            let distance = i64::from(to) - i64::from(jump.at) - 1;
            self.out.insns[jump.at as usize].off = i16::try_from(distance)
                .map_err(|_| Error::JumpTooFar { function: self.name.into(), distance })?;
        }
        Ok(())
    }

    fn destination(&self, to: Destination) -> Option<u32> {
        match to {
            Destination::Block(b) => self.starts[b],
            Destination::Insn(at) => Some(at),
        }
    }

    /// Jumps reach 32,767 instructions. Between two blocks, forward jumps that are long
    /// already are made to go to an island here, a jump that takes them on. (Only the
    /// way out that a thousand clauses share is ever so far away.)
    fn islands(&mut self) {
        let here = self.out.insns.len() as u32;
        let open = |e: &Self, j: &Jump| e.destination(j.to).is_none();
        while self.jumps.get(self.settled).is_some_and(|j| !open(self, j)) {
            self.settled += 1;
        }
        match self.jumps.get(self.settled) {
            Some(oldest) if here - oldest.at > LONG => {}
            _ => return,
        }
        let mut far: Vec<(usize, usize)> = Vec::new();
        for (i, jump) in self.jumps.iter().enumerate().skip(self.settled) {
            match jump.to {
                Destination::Block(b) if here - jump.at > HALF && open(self, jump) => {
                    far.push((b, i));
                }
                _ => {}
            }
        }
        far.sort_unstable();
        let islands = far.chunk_by(|a, b| a.0 == b.0).count();
        if self.out.insns.last().is_some_and(|i| i.falls_through()) {
            self.put(Insn::goto(islands as i16));
        }
        for group in far.chunk_by(|a, b| a.0 == b.0) {
            let island = self.out.insns.len() as u32;
            for (_, jump) in group {
                self.jumps[*jump].to = Destination::Insn(island);
            }
            self.jump(Insn::goto(0), group[0].0);
        }
    }

    fn span(&mut self, span: Option<Span>) {
        if let Some(span) = span
            && self.out.spans.last().is_none_or(|(_, last)| *last != span)
        {
            let at = self.out.insns.len() as u32;
            match self.out.spans.last_mut() {
                Some(last) if last.0 == at => last.1 = span,
                _ => self.out.spans.push((at, span)),
            }
        }
    }

    // -------------------------------------------------------------- pieces

    fn put(&mut self, insn: Insn) {
        self.out.insns.push(insn);
    }

    fn relocate(&mut self, target: RelocationTarget) {
        self.out.relocations.push(Relocation { insn: self.out.insns.len() as u32, target });
    }

    fn jump(&mut self, insn: Insn, block: usize) {
        let at = self.out.insns.len() as u32;
        self.jumps.push(Jump { at, to: Destination::Block(block) });
        self.put(insn);
    }

    fn register(&self, a: Allocation) -> Result<u8, Error> {
        match a.as_reg() {
            Some(r) => Ok(r.hw_enc() as u8),
            None => Err(Error::Allocation(format!("{a} where a register is needed"))),
        }
    }

    fn edit(&mut self, from: Allocation, to: Allocation) -> Result<(), Error> {
        let insn = match (from.as_stack(), to.as_stack()) {
            (None, None) => Insn::mov(self.register(to)?, self.register(from)?),
            (Some(s), None) => Insn::load(Width::W64, self.register(to)?, FRAME, self.spill(s)?),
            (None, Some(s)) => Insn::store(Width::W64, FRAME, self.spill(s)?, self.register(from)?),
            (Some(_), Some(_)) => {
                return Err(Error::Allocation("a move from stack to stack".into()));
            }
        };
        self.put(insn);
        Ok(())
    }

    /// Spilled registers lie below the slots.
    fn spill(&self, slot: regalloc2::SpillSlot) -> Result<i16, Error> {
        self.offset(-(i64::from(self.frame.stack) + 8 * (slot.index() as i64 + 1)))
    }

    fn offset(&self, off: i64) -> Result<i16, Error> {
        off.try_into()
            .map_err(|_| Error::OffsetTooLarge { function: self.name.into(), offset: off })
    }

    fn frame_offset(&self, slot: SlotId, off: i32) -> Result<i32, Error> {
        match self.frame.places[slot.index()] {
            Home::Stack(at) => Ok(at.saturating_add(off)),
            home => Err(Error::NotSelectable(format!("an address of {slot:?}, which is {home:?}"))),
        }
    }

    /// Base register and offset of an access, and the operands behind the base.
    fn address<'b>(
        &self,
        a: Address,
        regs: &'b [Allocation],
    ) -> Result<(u8, i16, &'b [Allocation]), Error> {
        match a.slot {
            Some(s) => Ok((FRAME, self.offset(self.frame_offset(s, a.off)?.into())?, regs)),
            None => Ok((self.register(regs[0])?, self.offset(a.off.into())?, &regs[1..])),
        }
    }

    /// Jumps to `block` unless it comes next.
    fn goto(&mut self, block: usize, next: Option<usize>) {
        // Kernels before 6.8 let no cycle be closed but by a jump, and it depends on their
        // way through the program which edge closes it. They drop jumps to what comes
        // next once the program is loaded.
        let after_jump = || self.out.insns.last().is_some_and(|i| i.is_jump());
        if next != Some(block) || (self.in_cycle[block] && !after_jump()) {
            self.jump(Insn::goto(0), block);
        }
    }

    fn compare(&self, cond: Cond, source: Source, regs: &[Allocation]) -> Result<Insn, Error> {
        let a = self.register(regs[0])?;
        Ok(match source {
            Source::Reg => Insn::jump_reg(cond, a, self.register(regs[1])?, 0),
            Source::Imm(n) | Source::Relocated(n, _) => Insn::jump_imm(cond, a, n, 0),
        })
    }

    // -------------------------------------------------------- instructions

    fn inst(
        &mut self,
        inst: &MachInst,
        regs: &[Allocation],
        succs: &[usize],
        next: Option<usize>,
    ) -> Result<(), Error> {
        match inst.kind {
            Kind::Params => {}
            Kind::Jump => self.goto(succs[0], next),
            Kind::Return => self.put(Insn::exit()),
            Kind::Branch(cond, source) => {
                let (cond, far, near) = match next {
                    Some(n) if n == succs[0] => (cond.negate(), succs[1], succs[0]),
                    _ => (cond, succs[0], succs[1]),
                };
                let insn = self.compare(cond, source, regs)?;
                self.jump(insn, far);
                self.goto(near, next);
            }
            Kind::SetIf(cond, source) => {
                let r = self.last(regs)?;
                let compare = self.compare(cond, source, regs)?;
                self.put(Insn::alu_imm(alu::MOV, r, 1));
                self.put(Insn { off: 1, ..compare });
                self.put(Insn::alu_imm(alu::MOV, r, 0));
            }
            Kind::CallHelper(n) => self.put(Insn::call_helper(n)),
            Kind::CallFunction(target) => {
                self.relocate(target);
                self.put(Insn::call_function());
            }
            Kind::Load(..)
            | Kind::Store(..)
            | Kind::StoreImm(..)
            | Kind::AtomicAdd(..)
            | Kind::AtomicFetchAdd(..)
            | Kind::AtomicCompareExchange(..) => self.memory(inst.kind, regs)?,
            _ => self.arithmetic(inst.kind, regs)?,
        }
        Ok(())
    }

    fn last(&self, regs: &[Allocation]) -> Result<u8, Error> {
        self.register(regs[regs.len() - 1])
    }

    fn memory(&mut self, kind: Kind, regs: &[Allocation]) -> Result<(), Error> {
        let insn = match kind {
            Kind::Load(width, address, relocation) => {
                let (base, off, _) = self.address(address, regs)?;
                if let Some(target) = relocation {
                    self.relocate(target);
                }
                Insn::load(width, self.last(regs)?, base, off)
            }
            Kind::Store(width, address) => {
                let (base, off, rest) = self.address(address, regs)?;
                Insn::store(width, base, off, self.register(rest[0])?)
            }
            Kind::StoreImm(width, address, n) => {
                let (base, off, _) = self.address(address, regs)?;
                Insn::store_imm(width, base, off, n)
            }
            Kind::AtomicAdd(width, address) => {
                let (base, off, rest) = self.address(address, regs)?;
                Insn::atomic(super::insn::atomic::ADD, width, base, off, self.register(rest[0])?)
            }
            Kind::AtomicFetchAdd(width, address) => {
                let (base, off, rest) = self.address(address, regs)?;
                let op = super::insn::atomic::ADD | super::insn::atomic::FETCH;
                Insn::atomic(op, width, base, off, self.register(rest[0])?)
            }
            Kind::AtomicCompareExchange(width, address) => {
                let (base, off, rest) = self.address(address, regs)?;
                let new = self.register(rest[0])?;
                Insn::atomic(super::insn::atomic::CMPXCHG, width, base, off, new)
            }
            _ => return Err(Error::NotSelectable(format!("{kind:?} as a memory access"))),
        };
        self.put(insn);
        Ok(())
    }

    fn arithmetic(&mut self, kind: Kind, regs: &[Allocation]) -> Result<(), Error> {
        let r = self.last(regs)?;
        match kind {
            Kind::Move => {
                let a = self.register(regs[0])?;
                if a != r {
                    self.put(Insn::mov(r, a));
                }
            }
            Kind::Move32 => self.put(Insn::mov32(r, self.register(regs[0])?)),
            Kind::Number(n) => match (i32::try_from(n), u32::try_from(n)) {
                (Ok(n), _) => self.put(Insn::alu_imm(alu::MOV, r, n)),
                (_, Ok(n)) => self.put(Insn::mov32_imm(r, n as i32)),
                _ => Insn::load_imm64(r, 0, n).into_iter().for_each(|i| self.put(i)),
            },
            Kind::FaultPc(_) => {
                let here = self.out.insns.len() as i32;
                self.put(Insn::alu_imm(alu::MOV, r, here));
            }
            Kind::Relocated(n, target) => {
                self.relocate(target);
                self.put(Insn::alu_imm(alu::MOV, r, n));
            }
            Kind::Symbol(target) => {
                let (src, n) = match target {
                    RelocationTarget::Map(_) => (pseudo::MAP_FD, 0),
                    RelocationTarget::Rodata(n) | RelocationTarget::Bss(n) => {
                        (pseudo::MAP_VALUE, n)
                    }
                    _ => (pseudo::FUNC, 0),
                };
                self.relocate(target);
                Insn::load_imm64(r, src, n.into()).into_iter().for_each(|i| self.put(i));
            }
            Kind::FrameAddress(slot, off) => {
                let off = self.frame_offset(slot, off)?;
                self.put(Insn::mov(r, FRAME));
                self.put(Insn::alu_imm(alu::ADD, r, off));
            }
            Kind::Negate => self.put(Insn::alu_imm(alu::NEG, r, 0)),
            Kind::ByteSwap(bits) => self.put(Insn::to_big_endian(r, bits)),
            Kind::Alu(op, source) => {
                let insn = match source {
                    Source::Reg => Insn::alu_reg(op, r, self.register(regs[1])?),
                    Source::Imm(n) => Insn::alu_imm(op, r, n),
                    Source::Relocated(n, target) => {
                        self.relocate(target);
                        Insn::alu_imm(op, r, n)
                    }
                };
                self.put(insn);
            }
            _ => return Err(Error::NotSelectable(format!("{kind:?} as arithmetic"))),
        }
        Ok(())
    }
}
