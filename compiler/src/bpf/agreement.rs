//! Generated code does what the IR means.
//!
//! Random programs run four times: the IR as made and as optimised, the code of each.
//! Results, `.bss` and map elements must be the same. Debug builds have the IR verified
//! after every pass and the register allocation checked. Where rbpf runs code as the
//! kernel does, it must agree as well.

use super::insn::{Insn, SOURCE_REG, alu, class};
use super::{Code, Error, Options, RelocationTarget, compile, machine};
use crate::ir::testing::{generate, interpret, random, world};
use crate::ir::{FunctionId, Module, parse, passes};
use proptest::prelude::*;

/// Result and effects of a run.
type Outcome = (u64, Vec<Vec<u8>>);

const MAIN: FunctionId = FunctionId(0);

fn interpreted(module: &Module, context: &[u8]) -> Outcome {
    let mut world = world::World::new(module, context);
    let args = [world.context];
    let result = interpret::run(module, &mut world, MAIN, &args);
    (result, world.effects(1))
}

/// The code, unless the module needs more stack than there is.
pub(super) fn compiled(module: &Module) -> Result<(Module, Code), TestCaseError> {
    let mut module = module.clone();
    match compile(&mut module, &Options::default()) {
        Ok(code) => Ok((module, code)),
        Err(e @ (Error::StackFull { .. } | Error::StackTooDeep { .. })) => {
            Err(TestCaseError::reject(e.to_string()))
        }
        Err(e) => Err(TestCaseError::fail(format!("{e}\n{module}"))),
    }
}

fn executed(module: &Module, context: &[u8]) -> Result<Outcome, TestCaseError> {
    let (module, code) = compiled(module)?;
    let mut world = world::World::new(&module, context);
    let args = [world.context];
    let result = machine::run(&code, &mut world, MAIN.index(), &args);
    Ok((result, world.effects(1)))
}

/// The same by rbpf, for code that it runs as the kernel does: without relocations
/// other than `.bss`, and without comparisons with negative immediates (which it
/// extends with zeros) and negations (which it lets overflow).
fn executed_by_rbpf(module: &Module, context: &[u8]) -> Result<Option<Outcome>, TestCaseError> {
    let (module, code) = compiled(module)?;
    let main = &code.functions[MAIN.index()];
    let mut bss = vec![0u8; module.bss as usize];
    let mut insns = main.insns.clone();
    for relocation in &main.relocations {
        let RelocationTarget::Bss(offset) = relocation.target else { return Ok(None) };
        let at = bss.as_mut_ptr() as u64 + u64::from(offset);
        let [low, high] = Insn::load_imm64(0, 0, at as i64);
        let pair = &mut insns[relocation.insn as usize..][..2];
        (pair[0].src, pair[0].imm, pair[1].imm) = (0, low.imm, high.imm);
    }
    let differs = |i: &Insn| {
        let jumps = i.code & 7 == class::JMP && i.code & SOURCE_REG == 0 && i.imm < 0;
        jumps || i.code == class::ALU64 | alu::NEG
    };
    if insns.iter().any(differs) {
        return Ok(None);
    }
    let bytes: Vec<u8> = insns.iter().flat_map(|i| i.to_bytes()).collect();
    let mut context = context.to_vec();
    let error = |e| TestCaseError::fail(format!("{e}\n{module}"));
    let mut vm = rbpf::EbpfVmRaw::new(Some(&bytes)).map_err(error)?;
    let start = bss.as_ptr() as u64;
    vm.register_allowed_memory(start..start + bss.len() as u64);
    let result = vm.execute_program(&mut context).map_err(error)?;
    Ok(Some((result, vec![bss])))
}

/// Four runs of the whole back end in a debug build take their time: a quarter of the
/// usual number of cases, which `PROPTEST_CASES` sets.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(4), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn code_does_what_ir_means(
        stmts in random::programs(),
        context in prop::array::uniform32(any::<u16>()),
    ) {
        let context: Vec<u8> = context.iter().flat_map(|n| n.to_le_bytes()).collect();
        let module = generate::module(&stmts);
        let expected = interpreted(&module, &context);
        prop_assert_eq!(&executed(&module, &context)?, &expected, "unoptimised:\n{}", module);
        let mut optimised = module.clone();
        passes::optimise(&mut optimised);
        prop_assert_eq!(
            &interpreted(&optimised, &context), &expected, "IR {}\nbecame {}", module, optimised
        );
        prop_assert_eq!(&executed(&optimised, &context)?, &expected, "optimised:\n{}", optimised);
    }

    /// An interpreter that isn't ours sees the same.
    #[test]
    fn rbpf_agrees(
        stmts in random::plain_programs(),
        context in prop::array::uniform32(any::<u16>()),
    ) {
        let context: Vec<u8> = context.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut module = generate::module(&stmts);
        let expected = interpreted(&module, &context);
        for _ in 0..2 {
            if let Some(outcome) = executed_by_rbpf(&module, &context)? {
                prop_assert_eq!(&outcome, &expected, "{}", module);
            }
            passes::optimise(&mut module);
        }
    }

    #[test]
    fn text_reads_back_the_same(stmts in random::programs()) {
        let mut module = generate::module(&stmts);
        for _ in 0..2 {
            let text = module.to_string();
            match parse::parse(&text) {
                Ok(read) => prop_assert_eq!(&read, &module),
                Err(e) => prop_assert!(false, "{}\n{}", e, text),
            }
            passes::optimise(&mut module);
        }
    }
}
