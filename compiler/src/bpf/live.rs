//! The kernel sees no difference between optimised code and code as lowered.
//!
//! In: random programs. Out: what they leave when this kernel runs them by
//! BPF_PROG_TEST_RUN: result, `.bss`, map elements, records. It must be the same for code of
//! the IR as made and as optimised; and of both, the kernel's verifier must accept all. Decides
//! what the kernel is asked for: nothing that it answers differently the next time.
//!
//! The programs are always the same ones; `PROPTEST_CASES` asks for more of them and
//! `PROPTEST_RNG_SEED` for others. Skipped, with the reason, where BPF can't be loaded.

use super::agreement::compiled;
use crate::fixture::FixtureKernel;
use crate::ir::testing::{generate, random};
use crate::ir::{Module, passes};
use crate::manifest::Manifest;
use crate::object::{self, Target};
use libbpf_rs::{
    Map, MapCore, MapFlags, MapType, Object, ObjectBuilder, PrintLevel, ProgramInput, ProgramType,
    RingBufferBuilder,
};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use strand_grammar::source::{SourceKind, Sources};

/// What a run leaves, as text.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: u32,
    /// By map: content by key.
    maps: BTreeMap<String, BTreeMap<String, String>>,
    records: Vec<String>,
}

/// Programs to proptest's one: most passes find something to do only where several things meet.
const CASES: u32 = 4;

/// Programs that are tried to find a smaller one that fails: each takes the kernel a while.
const SMALLER: u32 = 200;

/// Runs of each program, one behind the other, in the same maps.
const RUNS: usize = 2;

static KERNEL: LazyLock<FixtureKernel> = LazyLock::new(FixtureKernel::new);

/// What libbpf has complained of: the verifier's log, where that refuses a program.
static COMPLAINTS: Mutex<String> = Mutex::new(String::new());

fn complain(_: PrintLevel, text: String) {
    COMPLAINTS.lock().expect("nothing panics with it").push_str(&text);
}

/// Why nothing can be run here.
fn hindrance() -> Option<String> {
    if std::env::var_os("STRAND_NO_LIVE").is_some() {
        return Some("STRAND_NO_LIVE is set".to_owned());
    }
    match ProgramType::RawTracepoint.is_supported() {
        Ok(true) => None,
        Ok(false) => Some("this kernel loads no programs, or needs root for it".to_owned()),
        Err(e) => Some(format!("no programs can be loaded: {e}")),
    }
}

/// Whether the verifier gave up.
fn too_large() -> bool {
    COMPLAINTS.lock().expect("nothing panics with it").contains("BPF program is too large")
}

fn failed(what: &str, e: impl std::fmt::Display, module: &Module) -> TestCaseError {
    let complaints = std::mem::take(&mut *COMPLAINTS.lock().expect("nothing panics with it"));
    TestCaseError::fail(format!("{what}: {e}\n{complaints}\n{module}"))
}

/// The object of a module, loaded, with what is there before it runs with this context first.
fn loaded(module: &Module, first: &[u8]) -> Result<Object, TestCaseError> {
    let (module, code) = compiled(module)?;
    let mut sources = Sources::new();
    sources.add("live.d", "BEGIN { x = 1; }\n", SourceKind::Script);
    let manifest = Manifest::default();
    // The field that the programs read is of no kernel.
    let object = object::write(&module, &code, &manifest, &*KERNEL, &sources, Target::ThisKernel);
    let elf = object.map_err(|e| failed("no object", e, &module))?.elf;
    COMPLAINTS.lock().expect("nothing panics with it").clear();
    let mut builder = ObjectBuilder::default();
    // Else it is an address, and the names of maps begin so.
    builder.name("live").map_err(|e| failed("no name", e, &module))?;
    let open = builder.open_memory(&elf).map_err(|e| failed("not opened", e, &module))?;
    let object = open.load().map_err(|e| match too_large() {
        // So many ways through it are more than the verifier follows, and no fault of the code.
        true => TestCaseError::reject("too large"),
        false => failed("not loaded", e, &module),
    })?;
    fill(&object, first).map_err(|e| failed("no elements", e, &module))?;
    Ok(object)
}

fn map<'a>(object: &'a Object, name: &str) -> Map<'a> {
    object.maps().find(|m| m.name() == name).unwrap_or_else(|| panic!("no map {name}"))
}

/// Some of the elements that the hash has room for, with keys that programs come to: the
/// lower half of a small number or of the first word that they read, and 0 or 1.
fn fill(object: &Object, context: &[u8]) -> libbpf_rs::Result<()> {
    let table = map(object, "table");
    let small = (0..4u32).map(u32::to_ne_bytes);
    for (n, low) in (1u8..).zip(small.map(|n| n.to_vec()).chain([context[..4].to_vec()])) {
        for high in 0..2u32 {
            let key = [low.clone(), high.to_ne_bytes().to_vec()].concat();
            table.update(&key, &[n; 8], MapFlags::ANY)?;
        }
    }
    Ok(())
}

/// Runs the program once, and looks at what is there then.
fn run(object: &Object, context: &[u8]) -> libbpf_rs::Result<Outcome> {
    let program = object.progs_mut().find(|p| p.name() == "main").expect("the program");
    let mut context = context.to_vec();
    let input = ProgramInput { context_in: Some(&mut context), ..ProgramInput::default() };
    let result = program.test_run(input)?.return_value;
    let mut maps = BTreeMap::new();
    for map in object.maps() {
        // What there is for each CPU is the program's own scratch memory.
        if !matches!(map.map_type(), MapType::Array | MapType::Hash) {
            continue;
        }
        let mut content = BTreeMap::new();
        for key in map.keys() {
            let value = map.lookup(&key, MapFlags::ANY)?.expect("nobody deletes it");
            content.insert(words(&key), words(&value));
        }
        maps.insert(map.name().to_string_lossy().into_owned(), content);
    }
    Ok(Outcome { result, maps, records: records(object)? })
}

/// Numbers of eight bytes.
fn words(bytes: &[u8]) -> String {
    let word = |part: &[u8]| {
        let mut raw = [0; 8];
        raw[..part.len()].copy_from_slice(part);
        format!("{:x}", u64::from_ne_bytes(raw))
    };
    bytes.chunks(8).map(word).collect::<Vec<_>>().join(" ")
}

fn records(object: &Object) -> libbpf_rs::Result<Vec<String>> {
    let map = map(object, "records");
    let mut records = Vec::new();
    let mut builder = RingBufferBuilder::new();
    builder.add(&map, |record| {
        records.push(words(record));
        0
    })?;
    let ring = builder.build()?;
    ring.consume()?;
    drop(ring);
    Ok(records)
}

/// What each of the runs of a module leaves.
fn outcomes(module: &Module, contexts: &[Vec<u8>]) -> Result<Vec<Outcome>, TestCaseError> {
    let object = loaded(module, &contexts[0])?;
    let run = |context: &Vec<u8>| run(&object, context).map_err(|e| failed("not run", e, module));
    contexts.iter().map(run).collect()
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        asked => asked,
    };
    let cases = usual.cases * CASES;
    let max_shrink_iters = SMALLER.min(usual.max_shrink_iters);
    ProptestConfig { rng_seed, cases, max_shrink_iters, failure_persistence: None, ..usual }
}

#[test]
fn optimised_code_does_the_same_in_the_kernel() {
    if let Some(why) = hindrance() {
        eprintln!("skipped: {why}");
        return;
    }
    libbpf_rs::set_print(Some((PrintLevel::Warn, complain)));
    let word = prop_oneof![any::<i64>(), random::number()];
    let contexts = prop::array::uniform::<_, RUNS>(prop::array::uniform8(word));
    let checked = TestRunner::new(config()).run(
        &(random::verifiable_programs(), contexts),
        |(stmts, contexts)| {
            let bytes = |words: &[i64; 8]| words.iter().flat_map(|n| n.to_le_bytes()).collect();
            let contexts: Vec<Vec<u8>> = contexts.iter().map(bytes).collect();
            let module = generate::module(&stmts);
            let mut optimised = module.clone();
            passes::optimise(&mut optimised);
            let expected = outcomes(&module, &contexts)?;
            let got = outcomes(&optimised, &contexts)?;
            prop_assert_eq!(got, expected, "IR {}\nbecame {}", module, optimised);
            Ok(())
        },
    );
    checked.unwrap_or_else(|e| panic!("{e}"));
}
