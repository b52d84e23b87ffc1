//! What a program that was built elsewhere doesn't find on this kernel.
//!
//! In: an object, and what libbpf says when it can't load it. Out: the object loaded without
//! the probes that this kernel hasn't, as long as each description keeps one; else the error
//! that names the probe, the event or the field. Nothing but what nobody would miss (`changed`)
//! is looked for before: to ask for everything first would cost each start what only few need.

use crate::changed;
use crate::load::{self, KnownTypes, LoadError, Loaded};
use crate::options::Options;
use crate::preflight;
use strand_compiler::kernel::Attach;
use strand_compiler::manifest::Manifest;

/// Loads an object. Also returns what to say of probes that were left out.
pub fn load(
    object: &[u8],
    manifest: Manifest,
    known: &KnownTypes,
    options: &Options,
) -> Result<(Loaded, Vec<String>), LoadError> {
    let mut left_out: Vec<String> = Vec::new();
    let mut told = Vec::new();
    let mut leave_out = |error: LoadError, left_out: &mut Vec<String>| {
        let program = match &error {
            LoadError::Absent { program, .. } | LoadError::Arguments { program, .. } => program,
            _ => return Err(error),
        };
        if left_out.contains(program) {
            return Err(error);
        }
        left_out.push(program.clone());
        if !keeps_all(&manifest, left_out, options) {
            return Err(error);
        }
        told.push(error.to_string());
        Ok(())
    };
    for error in changed::arguments(&manifest) {
        leave_out(error, &mut left_out)?;
    }
    let loaded = loop {
        let mut opened = load::open(object, manifest.clone(), known)?;
        opened.leave_out(&left_out);
        match opened.load(options) {
            Ok(loaded) => break loaded,
            Err(error) => leave_out(error, &mut left_out)?,
        }
    };
    Ok((loaded, told))
}

/// Whether each description still has a probe; or if it needs none, the program has one.
fn keeps_all(manifest: &Manifest, left_out: &[String], options: &Options) -> bool {
    let Some(script) = &manifest.script else { return false };
    let kept: Vec<u32> = manifest
        .programs
        .iter()
        .filter(|p| !left_out.contains(&p.name))
        .flat_map(|p| p.probes.iter().copied())
        .collect();
    let mut descriptions = script.descriptions.iter().filter(|(_, probes)| !probes.is_empty());
    if options.on("zdefs") {
        return !kept.is_empty();
    }
    descriptions.all(|(_, probes)| probes.iter().any(|p| kept.contains(p)))
}

/// The event or function that libbpf doesn't find.
pub(crate) fn event(messages: &str, manifest: &Manifest) -> Option<LoadError> {
    manifest.script.as_ref()?;
    let line = messages.lines().find(|l| l.contains("failed to find kernel BTF type ID of"))?;
    let program = line.split_once("prog '")?.1.split('\'').next()?.to_owned();
    let what = line.rsplit_once(" of '")?.1.split('\'').next()?;
    let what = what.strip_prefix("btf_trace_").unwrap_or(what).to_owned();
    let probe = probe(manifest, &program);
    Some(LoadError::Absent { program, probe, what, release: preflight::release() })
}

/// A function of which the kernel takes no program of that kind.
pub(crate) fn function(messages: &str, manifest: &Manifest) -> Option<LoadError> {
    manifest.script.as_ref()?;
    let line = messages.lines().find(|l| l.contains("BPF program load failed: -EPERM"))?;
    let name = line.split_once("prog '")?.1.split('\'').next()?;
    let program = manifest.programs.iter().find(|p| p.name == name)?;
    let traces = |a: &Attach| matches!(a, Attach::Fentry { .. } | Attach::Fexit { .. });
    program.attach.first().filter(|a| traces(a))?;
    Some(LoadError::Absent {
        program: name.to_owned(),
        probe: probe(manifest, name),
        what: "way to trace functions by fentry".to_owned(),
        release: preflight::release(),
    })
}

/// The field that CO-RE doesn't find, if that is why the verifier refuses a program.
pub(crate) fn field(error: &LoadError, manifest: &Manifest) -> Option<LoadError> {
    let LoadError::Refused { program, log, place, .. } = error else { return None };
    manifest.script.as_ref()?;
    let line = log.lines().find(|l| l.contains("failed to resolve CO-RE relocation <"))?;
    // `failed to resolve CO-RE relocation <byte_off> [7] struct bio.bi_x (0:3 @ offset 16)`
    // `failed to resolve CO-RE relocation <enumval_value> [8] enum req_flags::RQF_X = 5`
    let what = line.split_once("] ")?.1;
    let field = what.split([' ', '=']).take(2).collect::<Vec<_>>().join(" ").replace("::", ".");
    Some(LoadError::Field {
        probe: probe(manifest, program),
        field,
        place: place.clone(),
        release: preflight::release(),
    })
}

/// That an argument isn't where it was.
pub(crate) fn arguments(error: &LoadError, manifest: &Manifest) -> Option<LoadError> {
    let LoadError::Refused { program, log, .. } = error else { return None };
    manifest.script.as_ref()?;
    log.contains("invalid bpf_context access").then(|| LoadError::Arguments {
        program: program.clone(),
        difference: String::new(),
        probe: probe(manifest, program),
        release: preflight::release(),
    })
}

/// Description of the first probe that a program serves.
pub(crate) fn probe(manifest: &Manifest, program: &str) -> String {
    let found = manifest.programs.iter().find(|p| p.name == program);
    let probe = found.and_then(|p| manifest.description(*p.probes.first()?));
    probe.unwrap_or_else(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use strand_compiler::manifest::{Probe, Program, Script};

    fn manifest() -> Manifest {
        let name = |id: u32| Probe {
            id,
            provider: "rawtp".to_owned(),
            module: String::new(),
            function: String::new(),
            name: format!("event{id}"),
        };
        let program = |id: u32| Program::new(format!("p{id}"), vec![Attach::Begin], vec![id]);
        let descriptions = vec![("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![3])];
        Manifest {
            programs: (1..4).map(program).collect(),
            probes: (1..4).map(name).collect(),
            script: Some(Script { descriptions, ..Script::default() }),
            ..Manifest::default()
        }
    }

    #[test]
    fn each_description_keeps_a_probe() {
        let (manifest, options) = (manifest(), Options::default());
        let kept = |left: &[&str]| {
            let left: Vec<_> = left.iter().map(|s| (*s).to_owned()).collect();
            keeps_all(&manifest, &left, &options)
        };
        assert!(kept(&["p1"]));
        assert!(!kept(&["p1", "p2"]));
        assert!(!kept(&["p3"]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = "libbpf: prog 'p2': failed to find kernel BTF type ID of 'gone': -3\n";
        let Some(LoadError::Absent { probe, what, .. }) = event(said, &manifest()) else {
            panic!("it isn't seen")
        };
        assert_eq!((probe.as_str(), what.as_str()), ("rawtp:::event2", "gone"));
        let mut functions = manifest();
        functions.programs[1].attach =
            vec![Attach::Fentry { module: None, function: "f".to_owned(), args: 1 }];
        let said = "libbpf: prog 'p2': BPF program load failed: -EPERM\n";
        let told = function(said, &functions);
        assert!(matches!(told, Some(LoadError::Absent { probe, .. }) if probe == "rawtp:::event2"));
        assert!(function(said, &manifest()).is_none());
        let log = "0: <invalid CO-RE relocation>\n\
                   failed to resolve CO-RE relocation <byte_off> [7] struct bio.x (0:3 @ offset 16)";
        let refused = LoadError::Refused {
            program: "p3".to_owned(),
            reason: String::new(),
            place: load::Place::default(),
            log: log.to_owned(),
        };
        let Some(LoadError::Field { probe, field: name, .. }) = field(&refused, &manifest()) else {
            panic!("it isn't seen")
        };
        assert_eq!((probe.as_str(), name.as_str()), ("rawtp:::event3", "struct bio.x"));
        let log = "failed to resolve CO-RE relocation <enumval_value> [8] enum flags::GONE = 5";
        let refused = |log: &str| LoadError::Refused {
            program: "p3".to_owned(),
            reason: String::new(),
            place: load::Place::default(),
            log: log.to_owned(),
        };
        let Some(LoadError::Field { field: name, .. }) = field(&refused(log), &manifest()) else {
            panic!("it isn't seen")
        };
        assert_eq!(name, "enum flags.GONE");
        let log = "invalid bpf_context access off=32 size=8";
        let told = arguments(&refused(log), &manifest());
        assert!(
            matches!(told, Some(LoadError::Arguments { probe, .. }) if probe == "rawtp:::event3")
        );
    }
}
