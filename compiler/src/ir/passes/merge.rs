//! Drops blocks that nothing reaches and joins a block to the only one that follows it.
//!
//! Blocks come out in reverse postorder.

use crate::ir::cfg::Cfg;
use crate::ir::{BlockId, Function, Terminator, Value};

/// Merges the blocks of a function.
pub fn merge(function: &mut Function) {
    let cfg = Cfg::new(function);
    let mut forward: Vec<Option<Value>> = vec![None; function.values.len()];
    // By block: the one that its contents went to.
    let mut into: Vec<BlockId> = (0..function.blocks.len() as u32).map(BlockId).collect();
    for block in &cfg.order {
        let [pred] = cfg.preds[*block][..] else { continue };
        // The predecessor comes earlier in this order, so it is in place already.
        let host = into[pred.index()];
        let Terminator::Jump(target) = &mut function.blocks[host.index()].term else { continue };
        let args = std::mem::take(&mut target.args);
        let merged = std::mem::take(&mut function.blocks[block.index()]);
        for (p, a) in merged.params.iter().zip(args) {
            forward[p.index()] = Some(a);
        }
        let host_block = &mut function.blocks[host.index()];
        host_block.insts.extend(merged.insts);
        host_block.term = merged.term;
        into[block.index()] = host;
    }
    if forward.iter().any(Option::is_some) {
        super::rename(function, |mut v| {
            while let Some(w) = forward[v.index()] {
                v = w;
            }
            v
        });
    }
    let kept: Vec<_> = cfg.order.iter().filter(|b| into[b.index()] == **b).copied().collect();
    reorder(function, &kept);
}

/// Keeps these blocks in this order.
fn reorder(function: &mut Function, kept: &[BlockId]) {
    let mut position = vec![BlockId(0); function.blocks.len()];
    for (i, b) in (0..).zip(kept) {
        position[b.index()] = BlockId(i);
    }
    let mut blocks = Vec::with_capacity(kept.len());
    for b in kept {
        let mut block = std::mem::take(&mut function.blocks[b.index()]);
        for target in block.term.targets_mut() {
            target.block = position[target.block.index()];
        }
        blocks.push(block);
    }
    function.blocks = blocks;
}
