//! Drops parameters of blocks that are the same value whichever way the block is reached.
//!
//! That value is computed in front of every jump here, so that it dominates the block. The
//! block to which all faults of a function go has many that are alike.

use crate::ir::{BlockId, Function, Value};

/// One that is dropped may make another the same; few chains of them are long.
const ROUNDS: usize = 8;

/// Drops such parameters of a function.
pub fn params(function: &mut Function) {
    let mut name: Vec<Value> = (0..function.values.len() as u32).map(Value).collect();
    for _ in 0..ROUNDS {
        if !drop_some(function, &mut name) {
            break;
        }
    }
    super::rename(function, |v| resolve(&name, v));
}

fn resolve(name: &[Value], mut v: Value) -> Value {
    while name[v.index()] != v {
        v = name[v.index()];
    }
    v
}

/// One round; whether there was anything to drop.
fn drop_some(function: &mut Function, name: &mut [Value]) -> bool {
    // By block and parameter: what it is, as far as that is one value.
    let mut only: Vec<Vec<Option<Value>>> =
        function.blocks.iter().map(|b| vec![None; b.params.len()]).collect();
    let mut several: Vec<Vec<bool>> =
        function.blocks.iter().map(|b| vec![false; b.params.len()]).collect();
    for target in function.blocks.iter().flat_map(|b| b.term.targets()) {
        let to = target.block.index();
        for (i, arg) in target.args.iter().enumerate() {
            let arg = resolve(name, *arg);
            if arg == function.blocks[to].params[i] {
                continue;
            }
            let known = only[to][i].get_or_insert(arg);
            several[to][i] |= *known != arg;
        }
    }
    let dropped =
        |block: BlockId, i: usize| only[block.index()][i].filter(|_| !several[block.index()][i]);
    let mut any = false;
    for block in &mut function.blocks {
        for target in block.term.targets_mut() {
            let to = target.block;
            let mut i = 0..;
            target.args.retain(|_| i.next().is_none_or(|i| dropped(to, i).is_none()));
        }
    }
    for (b, block) in (0..).map(BlockId).zip(&mut function.blocks) {
        let mut i = 0..;
        block.params.retain(|p| {
            let value = i.next().and_then(|i| dropped(b, i));
            if let Some(value) = value {
                name[p.index()] = value;
                any = true;
            }
            value.is_none()
        });
    }
    any
}
