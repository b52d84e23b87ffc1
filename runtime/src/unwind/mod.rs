//! Stacks of programs without frame pointers, from copies of them.
//!
//! In: the registers at a firing, a copy of the stack from its pointer up, and who knows what the
//! process had mapped. Out: the addresses of the frames, innermost first, and why there are no
//! more. Decides how a frame is left: as the file says that its code is in (`.eh_frame`, else
//! `.debug_frame`), and where no file says anything, as code of compilers at run time, by the
//! frame pointer.
//!
//! What a file says is read when the first frame in it is left, and kept; so is what it says of
//! each place, as there are few of them: the calls on the way to what is traced.

mod machine;
mod tables;

use crate::mappings::{Mapping, UPROBES, VDSO};
use crate::record::Copied;
use machine::{Memory, Registers};
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::rc::Rc;
use tables::Tables;

/// Processes and files that are remembered.
const PROCESSES: usize = 1024;
const FILES: usize = 256;

/// Frames of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwound {
    /// Innermost first.
    pub frames: Vec<u64>,
    /// It goes no further, or no more frames were asked for.
    pub complete: bool,
    /// If it isn't complete, what kept it from going on, to be said behind its last frame.
    pub why: Option<String>,
}

impl Unwound {
    /// What frame pointers gave, if it is more. Where a chain of these breaks, its last addresses
    /// are what happened to be in the register: in no file.
    pub fn or_longer(&mut self, mut frames: Vec<u64>, mut in_file: impl FnMut(u64) -> bool) {
        while frames.len() > self.frames.len() && frames.last().is_some_and(|last| !in_file(*last))
        {
            frames.pop();
        }
        if frames.len() > self.frames.len() {
            *self = Unwound { frames, complete: false, why: None };
        }
    }
}

/// Why a stack ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// This is where it began.
    Outermost,
    /// No more frames were asked for.
    Enough,
    /// The copy has no more of it: so many bytes were asked for.
    Beyond(usize),
    /// It couldn't be copied.
    Unreadable,
    /// The code is in a file that doesn't say how to leave it.
    Untold(String),
    /// The code is in no file.
    NoFile,
    /// What the file says can't be.
    Wrong(String),
    /// The kernel has put its own address in place of the caller's.
    Probed,
    /// A 32-bit program.
    Narrow,
}

impl End {
    fn why(&self) -> Option<String> {
        Some(match self {
            End::Outermost | End::Enough => return None,
            End::Beyond(size) => format!("the stack goes on beyond the {size} bytes of ustackcopy"),
            End::Unreadable => "the stack couldn't be read there".to_owned(),
            End::Untold(file) => format!("{file} doesn't say how to unwind it"),
            End::NoFile => "it is in no file that says how to unwind it".to_owned(),
            End::Wrong(file) => format!("what {file} says of its stack can't be"),
            End::Probed => "a probe of its return hides where it returns to".to_owned(),
            End::Narrow => "only 64-bit programs are unwound".to_owned(),
        })
    }
}

/// A file of several names, or another of the same name.
type FileId = (u64, u64);

/// What files say, as far as it was asked for.
#[derive(Default)]
pub struct Unwinder {
    /// By process and path.
    named: FxHashMap<u32, FxHashMap<String, Option<Rc<Tables>>>>,
    files: FxHashMap<FileId, Option<Rc<Tables>>>,
    /// Of the kernel's own code in processes, which is the same in ours.
    vdso: Option<Option<Rc<Tables>>>,
}

impl Unwinder {
    /// At most so many frames of a copied stack; `find` knows the mapping that an address is in.
    pub fn unwind(
        &mut self,
        pid: u32,
        copied: &Copied<'_>,
        most: usize,
        find: &mut dyn FnMut(u64) -> Option<Mapping>,
    ) -> Unwound {
        let mut frames = Vec::new();
        let end = self.walk(pid, copied, most, &mut frames, find);
        let complete = matches!(end, End::Outermost | End::Enough);
        Unwound { frames, complete, why: end.why() }
    }

    fn walk(
        &mut self,
        pid: u32,
        copied: &Copied<'_>,
        most: usize,
        frames: &mut Vec<u64>,
        find: &mut dyn FnMut(u64) -> Option<Mapping>,
    ) -> End {
        let mut registers = Registers::of_user(copied.registers);
        let memory = Memory::new(registers.sp(), copied.memory, copied.room);
        // The instruction pointer is at what runs next, and a caller's behind the call, which may
        // have been the last that the function has.
        let mut exact = true;
        while let Some(ip) = registers.ip().filter(|ip| *ip != 0) {
            frames.push(ip);
            if frames.len() >= most {
                return End::Enough;
            }
            if machine::is_narrow(copied.registers) {
                return End::Narrow;
            }
            let at = if exact { ip } else { ip - 1 };
            match self.caller(pid, &registers, at, &memory, find) {
                Ok(Some((mut caller, interrupted))) => {
                    if let Some(original) = copied.original_return(caller.stack_of_callee()) {
                        caller.go_on_at(original);
                    }
                    (registers, exact) = (caller, interrupted);
                }
                Ok(None) => return End::Outermost,
                Err(end) => return end,
            }
        }
        End::Outermost
    }

    /// The registers of a frame's caller, and whether it didn't call but was interrupted; `None` if
    /// it has none.
    fn caller(
        &mut self,
        pid: u32,
        registers: &Registers,
        at: u64,
        memory: &Memory<'_>,
        find: &mut dyn FnMut(u64) -> Option<Mapping>,
    ) -> Result<Option<(Registers, bool)>, End> {
        let mapping = find(at);
        let tables = mapping.as_ref().and_then(|mapping| self.tables(pid, mapping));
        if let (Some(mapping), Some(tables)) = (&mapping, &tables)
            && let Some(step) = tables.step(mapping.file_offset(at))
        {
            let left = registers.leave(&step, tables, memory);
            let caller = left.map_err(|end| match end {
                End::Wrong(_) => End::Wrong(mapping.base_name()),
                end => end,
            })?;
            return Ok(caller.map(|caller| (caller, step.interrupted)));
        }
        // What the frame pointer is there isn't the caller's. It was never called from there.
        let mapping = mapping.or_else(|| find(at + 1).filter(|mapping| mapping.path == UPROBES));
        if mapping.as_ref().is_some_and(|mapping| mapping.path == UPROBES) {
            return Err(End::Probed);
        }
        let none = mapping.map_or(End::NoFile, |mapping| End::Untold(mapping.base_name()));
        Ok(registers.leave_by_frame_pointer(memory, none)?.map(|caller| (caller, false)))
    }

    fn tables(&mut self, pid: u32, mapping: &Mapping) -> Option<Rc<Tables>> {
        if mapping.path == VDSO {
            return self.vdso.get_or_insert_with(|| own_vdso().map(Rc::new)).clone();
        }
        if let Some(known) = self.named.get(&pid).and_then(|files| files.get(&mapping.path)) {
            return known.clone();
        }
        if self.named.len() >= PROCESSES {
            self.named.clear();
        }
        let tables = self.open(pid, mapping);
        self.named.entry(pid).or_default().insert(mapping.path.clone(), tables.clone());
        tables
    }

    /// What a file says, which may be known under another name.
    fn open(&mut self, pid: u32, mapping: &Mapping) -> Option<Rc<Tables>> {
        let file = mapping.ways(pid).into_iter().find_map(|way| File::open(way).ok())?;
        let metadata = file.metadata().ok().filter(|m| m.is_file())?;
        if self.files.len() >= FILES {
            self.files.clear();
        }
        let read = || Some(Rc::new(Tables::read(file)?));
        self.files.entry((metadata.dev(), metadata.ino())).or_insert_with(read).clone()
    }
}

/// What the kernel has put into this process.
fn own_vdso() -> Option<Tables> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let mapping = maps.lines().filter_map(Mapping::parse).find(|m| m.path == VDSO)?;
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(mapping.size()).map_err(io::Error::other)?];
        File::open("/proc/self/mem")?.read_exact_at(&mut bytes, mapping.start())?;
        Ok(bytes)
    };
    Tables::of(&*read().ok()?)
}

#[cfg(test)]
mod tests;
