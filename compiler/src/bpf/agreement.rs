//! Generated code does what the IR means.
//!
//! Random programs run four times: the IR as made and as optimised, the code of each.
//! Results, `.bss` and map elements must be the same. Debug builds have the IR verified
//! after every pass and the register allocation checked.

use super::{Code, Options, compile, machine};
use crate::ir::testing::{generate, interpret, world};
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

fn compiled(module: &Module) -> (Module, Code) {
    let mut module = module.clone();
    match compile(&mut module, &Options::default()) {
        Ok(code) => (module, code),
        Err(e) => panic!("{e}\n{module}"),
    }
}

fn executed(module: &Module, context: &[u8]) -> Outcome {
    let (module, code) = compiled(module);
    let mut world = world::World::new(&module, context);
    let args = [world.context];
    let result = machine::run(&code, &mut world, MAIN.index(), &args);
    (result, world.effects(1))
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
        stmts in generate::programs(),
        context in prop::array::uniform32(any::<u16>()),
    ) {
        let context: Vec<u8> = context.iter().flat_map(|n| n.to_le_bytes()).collect();
        let module = generate::module(&stmts);
        let expected = interpreted(&module, &context);
        prop_assert_eq!(&executed(&module, &context), &expected, "unoptimised:\n{}", module);
        let mut optimised = module.clone();
        passes::optimise(&mut optimised);
        prop_assert_eq!(
            &interpreted(&optimised, &context), &expected, "IR {}\nbecame {}", module, optimised
        );
        prop_assert_eq!(&executed(&optimised, &context), &expected, "optimised:\n{}", optimised);
    }

    #[test]
    fn text_reads_back_the_same(stmts in generate::programs()) {
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
