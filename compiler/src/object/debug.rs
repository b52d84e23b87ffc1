//! `.BTF.ext`: what the loader and the verifier know of single instructions.
//!
//! In: code with its D spans and CO-RE relocations. Out: the section's bytes: for each
//! section of code its functions with their types, the D line that instructions came
//! from (the verifier's log shows them), and the CO-RE relocation records.

use super::fields::LocalTypes;
use super::{ObjectError, Placement, Target, expected};
use crate::bpf::{Code, FunctionCode, Relocation, RelocationTarget};
use crate::btf::Btf;
use crate::btf::write::BtfBuilder;
use crate::ir::{FieldId, FieldInfo, Module};
use crate::kernel::Kernel;
use std::collections::BTreeSet;
use strand_grammar::source::{Sources, Span};

/// What the section describes.
pub(super) struct Info<'a> {
    pub module: &'a Module,
    pub code: &'a Code,
    pub placement: &'a Placement,
    /// BTF type of each function.
    pub functions: &'a [u32],
}

/// A record: words, the first of which is the byte offset of an instruction.
type Record = Vec<u32>;

impl Info<'_> {
    /// The bytes of the section, and the fields that can't be relocated; adds what it
    /// refers to to the object's BTF.
    pub fn write(
        &self,
        kernel: &dyn Kernel,
        sources: &Sources,
        btf: &mut BtfBuilder,
        target: Target,
    ) -> Result<(Vec<u8>, BTreeSet<String>), ObjectError> {
        let used: BTreeSet<_> = self
            .code
            .functions
            .iter()
            .flat_map(|f| target.relocated(f))
            .filter_map(|r| match r.target {
                RelocationTarget::Field(field, _) => Some(field),
                _ => None,
            })
            .collect();
        let mut types = LocalTypes::collect(&self.module.fields, used, kernel)?;
        let mut fixed = BTreeSet::new();
        let mut parts = [Part::new(8), Part::new(16), Part::new(16)];
        for (section, name) in self.placement.sections.iter().enumerate() {
            let mut records: [Vec<Record>; 3] = Default::default();
            for index in self.placement.inside(section) {
                let function = &self.code.functions[index];
                let (_, start) = self.placement.functions[index];
                records[0].push(vec![start, self.functions[index]]);
                records[1].extend(lines(function, start, sources, btf));
                for r in target.relocated(function) {
                    let RelocationTarget::Field(field, info) = r.target else { continue };
                    self.check(function, r, (field, info), types.btf(field))?;
                    let Some(core) = types.relocation(field, info, btf)? else {
                        fixed.insert(self.module.fields[field.index()].name.clone());
                        continue;
                    };
                    let at = start + 8 * r.insn;
                    records[2].push(vec![at, core.ty, core.access, core.kind]);
                }
            }
            let name = btf.string(name);
            for (part, records) in parts.iter_mut().zip(&records) {
                part.section(name, records);
            }
        }
        Ok((assemble(&parts), fixed))
    }

    /// Whether an instruction holds what the loader expects there.
    fn check(
        &self,
        function: &FunctionCode,
        relocation: &Relocation,
        (field, info): (FieldId, FieldInfo),
        btf: &Btf,
    ) -> Result<(), ObjectError> {
        let at = relocation.insn as usize;
        let unknown = || ObjectError::UnknownInstruction {
            function: function.name.clone(),
            insn: relocation.insn,
        };
        let insn = function.insns.get(at).ok_or_else(unknown)?;
        let held = expected::held(*insn, function.insns.get(at + 1).copied());
        let field = &self.module.fields[field.index()];
        let expected = expected::value(btf, field, info);
        if held.is_some() && held == expected {
            return Ok(());
        }
        Err(ObjectError::WrongValue {
            function: function.name.clone(),
            insn: relocation.insn,
            field: field.name.clone(),
            info,
            held,
            expected,
        })
    }
}

/// One of the three tables.
struct Part {
    record_size: u32,
    words: Vec<u32>,
}

impl Part {
    fn new(record_size: u32) -> Self {
        Part { record_size, words: Vec::new() }
    }

    /// Loaders take a section without records, and a table without sections, for damage.
    fn section(&mut self, name: u32, records: &[Record]) {
        if records.is_empty() {
            return;
        }
        if self.words.is_empty() {
            self.words.push(self.record_size);
        }
        self.words.extend([name, records.len() as u32]);
        self.words.extend(records.iter().flatten());
    }
}

/// The header, then the tables one after the other.
fn assemble(parts: &[Part; 3]) -> Vec<u8> {
    const HEADER: u32 = 32;
    let mut words = vec![0xeb9f | 1 << 16, HEADER];
    let mut offset = 0;
    for part in parts {
        let len = 4 * part.words.len() as u32;
        words.extend([offset, len]);
        offset += len;
    }
    words.extend(parts.iter().flat_map(|p| &p.words));
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Line records of a function. Its first instruction must have one: what comes before
/// the first span (the probe's own preparations) counts as that span's.
fn lines(
    function: &FunctionCode,
    start: u32,
    sources: &Sources,
    btf: &mut BtfBuilder,
) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for (insn, span) in &function.spans {
        let (file, text, position) = place(*span, sources);
        let place = [btf.string(file), btf.string(text), position];
        let at = if records.is_empty() { 0 } else { *insn };
        match records.last_mut() {
            Some(last) if last[1..] == place => {}
            // Nothing is between the two: the later one counts.
            Some(last) if last[0] == start + 8 * at => last[1..].copy_from_slice(&place),
            _ => records.push([&[start + 8 * at][..], &place].concat()),
        }
    }
    if records.is_empty() {
        records.push(vec![start, 0, 0, 0]);
    }
    records
}

/// File, line's text, and line and column in one word.
fn place(span: Span, sources: &Sources) -> (&str, &str, u32) {
    let source = sources.get(span.source);
    let (file, line) = source.place(span.start);
    let start = span.start as usize;
    let before = source.text.get(..start).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let text = source.text[line_start..].lines().next().unwrap_or("").trim();
    // Ten bits hold the column; those further right are shown as 0, "unknown".
    let column = start - line_start + 1;
    let column = if column < 1024 { column as u32 } else { 0 };
    (file, text, (line as u32) << 10 | column)
}
