//! Whether what options say is possible at all.
//!
//! In: a compiled program, options. Out: nothing, or the option that names a processor that
//! isn't there, or leaves no room for one record or one element. What doesn't fit later is a drop; this is what never could.

use crate::error::Error;
use crate::options::Options;
use crate::process::online_cpus;
use strand_compiler::Compiled;
use strand_compiler::ir::{Map, MapKind};

/// What the ring buffer puts before a record.
const RECORD_HEADER: u64 = 8;

/// The smallest buffer: a record of ERROR with its five arguments, as dtrace(1) has it.
const SMALLEST_BUFFER: u64 = 64;

/// What the kernel spends on an element besides its key and value, at least.
const ELEMENT_HEADER: u64 = 8;

/// Looks at all of them.
pub fn check(compiled: &Compiled, options: &Options) -> Result<(), Error> {
    if let Some(cpu) = options.number("cpu")
        && !online_cpus().iter().any(|n| u64::from(*n) == cpu)
    {
        return Err(Error::NoProcessor(cpu));
    }
    let records = compiled.manifest.records.iter().map(|r| u64::from(r.size) + RECORD_HEADER);
    let of_kind = |wanted: fn(&Map) -> bool| {
        compiled.ir.maps.iter().filter(move |m| wanted(m)).map(element).max().unwrap_or(0)
    };
    let needs = [
        ("bufsize", records.max().unwrap_or(0).max(SMALLEST_BUFFER)),
        ("aggsize", of_kind(|m| m.name.starts_with("agg_"))),
        ("dynvarsize", of_kind(|m| m.kind == MapKind::Hash && !m.name.starts_with("agg_"))),
    ];
    for (option, needs) in needs {
        let given = options.number(option).unwrap_or(0);
        if given < needs {
            return Err(Error::NoRoom { option, given, needs });
        }
    }
    Ok(())
}

/// Bytes of one element.
fn element(map: &Map) -> u64 {
    let size = |layout: &Option<strand_compiler::ir::Layout>| {
        layout.as_ref().map_or(0, |l| u64::from(l.size))
    };
    size(&map.key) + size(&map.value) + ELEMENT_HEADER
}
