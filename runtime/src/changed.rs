//! Events whose arguments are others on this kernel than on that which a program was built on.
//!
//! In: when it is built, the programs and that kernel's types, of which what they read is noted
//! in the manifest; when it runs on another kernel, that note and its types. Out: the programs
//! whose arguments are others. The verifier wouldn't notice: it refuses what isn't there, but a
//! word is as good as any to it.

use crate::kernel::types_by_module;
use crate::load::LoadError;
use crate::{absent, preflight};
use strand_compiler::Compiled;
use strand_compiler::kernel::{Attach, Kernel};
use strand_compiler::manifest::{Manifest, Reads};
use strand_compiler::prototype::{Words, words_read};

/// What programs read of typed events.
pub fn reads(compiled: &Compiled, kernel: &dyn Kernel) -> Vec<Reads> {
    let types = |module: Option<&str>| kernel.types_of(module);
    let of_program = |program: &strand_compiler::manifest::Program| {
        let [attach] = &program.attach[..] else { return None };
        let words = Words::of(attach, &types)?;
        let function = compiled.ir.functions.iter().find(|f| f.name == program.name)?;
        let read = words_read(function, words.types.len());
        let named = read.into_iter().filter_map(|n| Some((n, words.name(n)?)));
        Some(Reads { program: program.name.clone(), words: named.collect() })
    };
    let programs = compiled.manifest.programs.iter().filter_map(of_program);
    programs.filter(|reads| !reads.words.is_empty()).collect()
}

/// Programs that would read something else here.
pub(crate) fn arguments(manifest: &Manifest) -> Vec<LoadError> {
    let Some(script) = manifest.script.as_ref().filter(|s| !s.reads.is_empty()) else {
        return Vec::new();
    };
    let release = preflight::release();
    // On the kernel that it was built on there is nothing to find, and it takes milliseconds.
    if script.release == release {
        return Vec::new();
    }
    let types = types_by_module();
    let find = |name: &str| manifest.programs.iter().find(|p| p.name == name);
    let changed = |reads: &Reads| {
        let attach = find(&reads.program)?.attach.first()?;
        // That it isn't there at all is told when it can't be loaded.
        let words = Words::of(attach, &types)?;
        Some(LoadError::Arguments {
            program: reads.program.clone(),
            probe: absent::probe(manifest, &reads.program),
            release: release.clone(),
            difference: difference(attach, reads, &words)?,
        })
    };
    script.reads.iter().filter_map(changed).collect()
}

/// The first word that is another.
fn difference(attach: &Attach, reads: &Reads, words: &Words) -> Option<String> {
    let result = match attach {
        Attach::Fexit { args, .. } => Some(usize::from(*args)),
        _ => None,
    };
    reads.words.iter().find_map(|(n, there)| {
        let here = words.name(*n);
        let what =
            if result == Some(*n) { "what it returns".to_owned() } else { format!("arg{n}") };
        match here {
            Some(here) if here == *there => None,
            Some(here) => Some(format!(" ({what} is `{here}`, not `{there}`)")),
            None => Some(format!(" (there is no {what}, which was `{there}`)")),
        }
    })
}
