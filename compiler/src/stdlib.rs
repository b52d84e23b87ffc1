//! The standard library: D's own types, translators and constants, written in D.
//!
//! In: a name that a script uses and nothing else explains. Out: the file that defines it,
//! parsed and checked. A script that uses nothing of the library costs it nothing.

use crate::check::{Checker, KnownTypes};
use strand_grammar::ast::Item;
use strand_grammar::macros::Macros;
use strand_grammar::source::{SourceId, SourceKind};
use strand_grammar::{TypeNames, Unit, UnitKind};

/// The files: name, text.
const FILES: &[(&str, &str)] = &[
    ("io.d", include_str!("../../stdlib/io.d")),
    ("scsi.d", include_str!("../../stdlib/scsi.d")),
    ("mm.d", include_str!("../../stdlib/mm.d")),
    ("types.d", include_str!("../../stdlib/types.d")),
    ("errno.d", include_str!("../../stdlib/errno.d")),
    ("pcap.d", include_str!("../../stdlib/pcap.d")),
    ("signal.d", include_str!("../../stdlib/signal.d")),
    ("unistd.d", include_str!("../../stdlib/unistd.d")),
    ("procfs.d", include_str!("../../stdlib/procfs.d")),
    ("sched.d", include_str!("../../stdlib/sched.d")),
    ("regs.d", REGISTERS),
    ("net.d", include_str!("../../stdlib/net.d")),
    ("ip.d", include_str!("../../stdlib/ip.d")),
    ("tcp.d", include_str!("../../stdlib/tcp.d")),
    ("udp.d", include_str!("../../stdlib/udp.d")),
    ("lockstat.d", include_str!("../../stdlib/lockstat.d")),
    ("kernel.d", include_str!("../../stdlib/kernel.d")),
];

/// Registers are the machine's own.
#[cfg(target_arch = "aarch64")]
const REGISTERS: &str = include_str!("../../stdlib/regs.aarch64.d");
#[cfg(not(target_arch = "aarch64"))]
const REGISTERS: &str = include_str!("../../stdlib/regs.x86_64.d");

/// Which files have been read.
#[derive(Debug, Default)]
pub(crate) struct Library {
    loaded: Vec<usize>,
}

impl Library {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All names that the library defines.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        FILES.iter().flat_map(|(_, text)| defined_names(text))
    }

    fn file_of(&self, name: &str) -> Option<usize> {
        FILES.iter().position(|(_, text)| {
            // Most names are nowhere in it: looking for the text is faster.
            text.contains(name) && defined_names(text).any(|n| n == name)
        })
    }
}

/// Whether the library has a typedef of this name.
pub(crate) fn defines_type(name: &str) -> bool {
    FILES.iter().any(|(_, text)| {
        text.contains(name)
            && definitions(text).any(|(kind, n)| n == name && kind == Definition::Type)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Definition {
    Type,
    Other,
}

/// What a file defines. The files keep to a form that makes this a matter of looking at
/// lines: `inline T NAME =`, `} name;` after a typedef'd struct, `typedef T name;`. A test
/// holds them to it.
fn definitions(text: &'static str) -> impl Iterator<Item = (Definition, &'static str)> {
    text.lines().filter_map(|line| {
        if let Some(rest) = line.strip_prefix("inline ") {
            let name = rest.split(['=', '[']).next()?.trim_end().rsplit([' ', '*']).next()?;
            return Some((Definition::Other, name));
        }
        let body = line.strip_prefix("} ").or_else(|| line.strip_prefix("typedef "))?;
        let name = body.strip_suffix(';')?.rsplit([' ', '*']).next()?;
        Some((Definition::Type, name))
    })
}

fn defined_names(text: &'static str) -> impl Iterator<Item = &'static str> {
    definitions(text).map(|(_, name)| name)
}

/// The checker's own typedefs beside the kernel's.
struct TypesSoFar<'a> {
    known: KnownTypes<'a>,
    own: Vec<String>,
}

impl TypeNames for TypesSoFar<'_> {
    fn is_type(&self, module: Option<&str>, name: &str) -> bool {
        (module.is_none() && self.own.iter().any(|n| n == name)) || self.known.is_type(module, name)
    }
}

impl Checker<'_> {
    /// Reads the file that defines a name; whether there was one that wasn't read yet.
    pub(crate) fn load_library(&mut self, name: &str) -> bool {
        let Some(index) = self.library.file_of(name) else { return false };
        if self.library.loaded.contains(&index) {
            return false;
        }
        self.library.loaded.push(index);
        let (file, text) = FILES[index];
        let source = self.sources.add(file, text, SourceKind::Library);
        let items = self.parse(source);
        let outer = std::mem::take(&mut self.env);
        for item in &items {
            self.item(item);
        }
        self.env = outer;
        true
    }

    /// Parses a text of the library.
    pub(crate) fn parse(&mut self, source: SourceId) -> Vec<Item> {
        let own = self.typedefs.keys().cloned().collect();
        let types = TypesSoFar { known: KnownTypes::new(self.kernel), own };
        let unit = Unit { source, kind: UnitKind::Library };
        let (program, diagnostics) =
            strand_grammar::parse(self.sources, &[unit], &types, &Macros::default());
        for d in diagnostics {
            self.report(d);
        }
        program.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::FixtureKernel;
    use strand_grammar::source::Sources;

    /// Every definition is found by the look at lines, and parses.
    #[test]
    fn files_keep_to_the_form() {
        let kernel = FixtureKernel::new();
        for (file, text) in FILES {
            let mut sources = Sources::new();
            let source = sources.add(*file, *text, SourceKind::Library);
            let unit = Unit { source, kind: UnitKind::Library };
            let types = KnownTypes::new(&kernel);
            let (program, diagnostics) =
                strand_grammar::parse(&sources, &[unit], &types, &Macros::default());
            assert_eq!(diagnostics, [], "{file}");
            let names: Vec<&str> = defined_names(text).collect();
            for item in &program.items {
                let name = match item {
                    Item::Inline(i) => &i.name.name,
                    Item::Declaration(d) => match &d.name {
                        Some(name) => &name.name,
                        None => continue,
                    },
                    _ => continue,
                };
                assert!(names.contains(&name.as_str()), "{file} defines {name} unseen");
            }
        }
    }
}
