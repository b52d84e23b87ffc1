//! What a file says of how its frames are left.
//!
//! In: an ELF file. Out: for a place in it, where a caller's registers are. A place is looked up in
//! the sorted list that linkers make (`.eh_frame_hdr`); where there is none, as in `.debug_frame`,
//! one is made when it is first needed. Nothing in a file is believed: what can't be is as if it
//! weren't there.

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EhFrameHdr, Encoding, EndianSlice,
    Expression, NativeEndian, Pointer, Register, RegisterRule, UnwindContext, UnwindExpression,
    UnwindOffset, UnwindSection, Vendor,
};
use object::elf;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{CompressionFormat, Endianness, Object, ObjectSection, ReadCache, ReadRef};
use rustc_hash::FxHashMap;
use std::cell::{OnceCell, RefCell};
use std::fs::File;
use std::rc::Rc;

/// Places of a file that are remembered.
const PLACES: usize = 1 << 16;

/// Whose own rules files may have.
const VENDOR: Vendor =
    if cfg!(target_arch = "aarch64") { Vendor::AArch64 } else { Vendor::Default };

type Bytes<'a> = EndianSlice<'a, NativeEndian>;

/// A section that is there.
struct Section {
    /// As linked.
    address: u64,
    bytes: Vec<u8>,
}

/// Loaded code.
#[derive(Clone, Copy)]
struct Segment {
    address: u64,
    offset: u64,
    size: u64,
}

/// What a section has of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    start: u64,
    end: u64,
    /// In the section.
    offset: usize,
}

/// Which of the sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    EhFrame,
    DebugFrame,
}

/// The place in the section of what it has about an address.
fn entry_at(entries: &[Entry], address: u64) -> Option<usize> {
    let i = entries.partition_point(|e| e.start <= address).checked_sub(1)?;
    (address < entries[i].end).then_some(entries[i].offset)
}

/// How a frame is left at a place.
#[derive(Debug)]
pub(super) struct Step {
    /// Where the frame is.
    pub(super) frame: CfaRule<usize>,
    /// Where those of the caller's registers are that aren't where they were.
    pub(super) registers: Vec<(Register, RegisterRule<usize>)>,
    /// The caller didn't call, but a signal came.
    pub(super) interrupted: bool,
    /// Of expressions.
    pub(super) encoding: Encoding,
    source: Source,
}

/// A file's.
pub(super) struct Tables {
    segments: Vec<Segment>,
    eh_frame: Option<Section>,
    eh_frame_hdr: Option<Section>,
    debug_frame: Option<Section>,
    bases: BaseAddresses,
    eh_entries: OnceCell<Vec<Entry>>,
    debug_entries: OnceCell<Vec<Entry>>,
    /// By address as linked.
    steps: RefCell<FxHashMap<u64, Option<Rc<Step>>>>,
}

impl Tables {
    /// Of a file; `None` if it is none that a 64-bit process could run.
    pub(super) fn read(file: File) -> Option<Tables> {
        Tables::of(&ReadCache::new(file))
    }

    /// Of the bytes of one.
    pub(super) fn of<'d, R: ReadRef<'d>>(data: R) -> Option<Tables> {
        let elf = ElfFile64::<Endianness, R>::parse(data).ok()?;
        let endian = elf.endian();
        let code = elf
            .elf_program_headers()
            .iter()
            .filter(|p| p.p_type(endian) == elf::PT_LOAD && p.p_flags(endian).0 & elf::PF_X.0 != 0);
        let segments = code.map(|p| Segment {
            address: p.p_vaddr(endian),
            offset: p.p_offset(endian),
            size: p.p_filesz(endian),
        });
        let section = |name: &str| {
            let section = elf.section_by_name(name)?;
            let plain = section.compressed_file_range().ok()?.format == CompressionFormat::None;
            let bytes = section.data().ok().filter(|bytes| plain && !bytes.is_empty())?;
            Some(Section { address: section.address(), bytes: bytes.to_vec() })
        };
        let mut bases = BaseAddresses::default();
        for (name, set) in [
            (".eh_frame", BaseAddresses::set_eh_frame as fn(BaseAddresses, u64) -> BaseAddresses),
            (".eh_frame_hdr", BaseAddresses::set_eh_frame_hdr),
            (".text", BaseAddresses::set_text),
            (".got", BaseAddresses::set_got),
        ] {
            if let Some(section) = elf.section_by_name(name) {
                bases = set(bases, section.address());
            }
        }
        Some(Tables {
            segments: segments.collect(),
            eh_frame: section(".eh_frame"),
            eh_frame_hdr: section(".eh_frame_hdr"),
            debug_frame: section(".debug_frame"),
            bases,
            eh_entries: OnceCell::new(),
            debug_entries: OnceCell::new(),
            steps: RefCell::default(),
        })
    }

    /// The same without the linker's list.
    #[cfg(test)]
    pub(super) fn without_list(self) -> Tables {
        Tables { eh_frame_hdr: None, ..self }
    }

    /// How a frame is left whose code is at a place in the file; `None` if it doesn't say.
    pub(super) fn step(&self, offset: u64) -> Option<Rc<Step>> {
        let inside = |s: &&Segment| offset >= s.offset && offset - s.offset < s.size;
        let segment = self.segments.iter().find(inside)?;
        let address = segment.address.checked_add(offset - segment.offset)?;
        if let Some(known) = self.steps.borrow().get(&address) {
            return known.clone();
        }
        let step = self.find_in_eh_frame(address).or_else(|| self.find_in_debug_frame(address));
        let step = step.map(Rc::new);
        let mut steps = self.steps.borrow_mut();
        if steps.len() >= PLACES {
            steps.clear();
        }
        steps.insert(address, step.clone());
        step
    }

    fn find_in_eh_frame(&self, address: u64) -> Option<Step> {
        let frames = self.eh_frame()?;
        let offset = match self.listed(address) {
            Some(offset) => offset,
            None => {
                let entries = self.eh_entries.get_or_init(|| self.entries(&frames));
                entry_at(entries, address)?
            }
        };
        self.step_of(&frames, offset.into(), address, Source::EhFrame)
    }

    fn find_in_debug_frame(&self, address: u64) -> Option<Step> {
        let frames = self.debug_frame()?;
        let entries = self.debug_entries.get_or_init(|| self.entries(&frames));
        let offset = entry_at(entries, address)?;
        self.step_of(&frames, offset.into(), address, Source::DebugFrame)
    }

    fn eh_frame(&self) -> Option<EhFrame<Bytes<'_>>> {
        let mut frames = EhFrame::new(&self.eh_frame.as_ref()?.bytes, NativeEndian);
        frames.set_address_size(8);
        frames.set_vendor(VENDOR);
        Some(frames)
    }

    fn debug_frame(&self) -> Option<DebugFrame<Bytes<'_>>> {
        let mut frames = DebugFrame::new(&self.debug_frame.as_ref()?.bytes, NativeEndian);
        frames.set_address_size(8);
        frames.set_vendor(VENDOR);
        Some(frames)
    }

    /// Where in `.eh_frame` the linker's list says that there is something about an address, if
    /// it has made one.
    fn listed(&self, address: u64) -> Option<usize> {
        let header = EhFrameHdr::new(&self.eh_frame_hdr.as_ref()?.bytes, NativeEndian);
        let header = header.parse(&self.bases, 8).ok()?;
        let Pointer::Direct(found) = header.table()?.lookup(address, &self.bases).ok()? else {
            return None;
        };
        usize::try_from(found.checked_sub(self.eh_frame.as_ref()?.address)?).ok()
    }

    /// All of a section's entries, in order.
    fn entries<'a, S: UnwindSection<Bytes<'a>>>(&self, section: &S) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut all = section.entries(&self.bases);
        while let Ok(Some(entry)) = all.next() {
            if let CieOrFde::Fde(partial) = entry
                && let Ok(fde) = partial.parse(S::cie_from_offset)
            {
                let (start, end) = (fde.initial_address(), fde.end_address());
                entries.push(Entry { start, end, offset: fde.offset() });
            }
        }
        entries.sort_unstable();
        entries
    }

    fn step_of<'a, S>(
        &self,
        section: &S,
        offset: S::Offset,
        address: u64,
        source: Source,
    ) -> Option<Step>
    where
        S: UnwindSection<Bytes<'a>>,
        S::Offset: UnwindOffset<usize>,
    {
        let fde = section.fde_from_offset(&self.bases, offset, S::cie_from_offset);
        let fde = fde.ok().filter(|fde| fde.contains(address))?;
        let mut context = UnwindContext::new();
        let row = fde.unwind_info_for_address(section, &self.bases, &mut context, address).ok()?;
        Some(Step {
            frame: row.cfa().clone(),
            registers: row.registers().cloned().collect(),
            interrupted: fde.is_signal_trampoline(),
            encoding: fde.cie().encoding(),
            source,
        })
    }

    /// The expression of a step.
    pub(super) fn expression(
        &self,
        step: &Step,
        expression: UnwindExpression<usize>,
    ) -> Result<Expression<Bytes<'_>>, gimli::Error> {
        match (step.source, self.eh_frame(), self.debug_frame()) {
            (Source::EhFrame, Some(frames), _) => expression.get(&frames),
            (Source::DebugFrame, _, Some(frames)) => expression.get(&frames),
            _ => Err(gimli::Error::NoUnwindInfoForAddress),
        }
    }
}
