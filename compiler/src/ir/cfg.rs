//! The shape of a function: order of blocks, predecessors, dominators, loops.
//!
//! In: a [`Function`]. Out: a [`Cfg`], valid until blocks or terminators change.
//! Dominators are found by the Semi-NCA algorithm: iteration to a fixed point would be
//! quadratic where a thousand clauses share one way out.

use super::{BlockId, Function};

/// A list of blocks for each block, all of them in one piece of memory: passes make many, and most
/// have but one or two.
#[derive(Debug)]
pub struct BlockLists {
    /// By block, and one more: where in `all` its list begins.
    starts: Vec<u32>,
    all: Vec<BlockId>,
}

impl BlockLists {
    /// Of so many blocks. Each pair adds the second to the list of the first.
    pub fn new(blocks: usize, pairs: impl Iterator<Item = (BlockId, BlockId)>) -> Self {
        let pairs: Vec<_> = pairs.collect();
        // First how long each list is, one place further on; then where the next goes.
        let mut starts = vec![0; blocks + 2];
        for (of, _) in &pairs {
            starts[of.index() + 2] += 1;
        }
        for n in 2..starts.len() {
            starts[n] += starts[n - 1];
        }
        let mut all = vec![BlockId(0); starts[blocks + 1] as usize];
        for (of, block) in pairs {
            let next = &mut starts[of.index() + 1];
            all[*next as usize] = block;
            *next += 1;
        }
        starts.pop();
        BlockLists { starts, all }
    }

    /// Of how many blocks.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::ops::Index<BlockId> for BlockLists {
    type Output = [BlockId];

    fn index(&self, block: BlockId) -> &[BlockId] {
        let n = block.index();
        &self.all[self.starts[n] as usize..self.starts[n + 1] as usize]
    }
}

/// Order, predecessors and dominators of a function's blocks.
#[derive(Debug)]
pub struct Cfg {
    /// Reachable blocks in reverse postorder; a block comes after its dominators.
    pub order: Vec<BlockId>,
    /// By block: its place in `order`, or `None` if nothing reaches it.
    pub position: Vec<Option<u32>>,
    /// By block: where the edges into it come from, reachable ones only. A block that
    /// jumps here on both sides of a branch is in it twice.
    pub preds: BlockLists,
    /// By block: its immediate dominator; the entry's is itself.
    idom: Vec<BlockId>,
}

impl Cfg {
    /// Looks at a function.
    pub fn new(function: &Function) -> Self {
        let walk = walk(function);
        let mut position = vec![None; function.blocks.len()];
        for (i, b) in walk.order.iter().enumerate() {
            position[b.index()] = Some(i as u32);
        }
        let edges = walk
            .order
            .iter()
            .flat_map(|b| function.blocks[b.index()].term.targets().map(move |t| (t.block, *b)));
        let preds = BlockLists::new(function.blocks.len(), edges);
        let idom = dominators(&walk, &preds);
        Cfg { order: walk.order, position, preds, idom }
    }

    /// Whether anything reaches the block.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.position[block.index()].is_some()
    }

    /// The block that every path to this one goes through last; `None` for the entry.
    pub fn idom(&self, block: BlockId) -> Option<BlockId> {
        let d = self.idom[block.index()];
        (d != block).then_some(d)
    }

    /// The blocks that each block dominates immediately, in reverse postorder.
    pub fn dominator_tree(&self) -> BlockLists {
        let edges = self.order.iter().filter_map(|b| Some((self.idom(*b)?, *b)));
        BlockLists::new(self.idom.len(), edges)
    }
}

/// What a depth-first walk finds: reverse postorder, and preorder with tree parents.
struct Walk {
    order: Vec<BlockId>,
    preorder: Vec<BlockId>,
    /// By block: the number in `preorder`.
    number: Vec<u32>,
    /// By preorder number: the number of the block that it was reached from.
    parent: Vec<u32>,
}

fn walk(function: &Function) -> Walk {
    let targets = |b: BlockId| function.blocks[b.index()].term.targets();
    const UNSEEN: u32 = u32::MAX;
    let entry = BlockId(0);
    let mut walk = Walk {
        order: Vec::with_capacity(function.blocks.len()),
        preorder: vec![entry],
        number: vec![UNSEEN; function.blocks.len()],
        parent: vec![0],
    };
    walk.number[0] = 0;
    // The first successor is visited last, so that it follows its predecessor at once.
    let mut stack = vec![(entry, targets(entry).count())];
    while let Some((block, rest)) = stack.last_mut() {
        let block = *block;
        let next = rest.checked_sub(1).and_then(|n| {
            *rest = n;
            Some(targets(block).nth(n)?.block)
        });
        match next {
            Some(next) if walk.number[next.index()] == UNSEEN => {
                walk.number[next.index()] = walk.preorder.len() as u32;
                walk.preorder.push(next);
                walk.parent.push(walk.number[block.index()]);
                stack.push((next, targets(next).count()));
            }
            Some(_) => {}
            None => {
                walk.order.push(block);
                stack.pop();
            }
        }
    }
    walk.order.reverse();
    walk
}

/// Immediate dominators by block. All numbers are preorder numbers.
fn dominators(walk: &Walk, preds: &BlockLists) -> Vec<BlockId> {
    let n = walk.preorder.len();
    let mut idom = walk.parent.clone();
    let mut forest = Forest {
        parent: walk.parent.clone(),
        label: (0..n as u32).collect(),
        semi: (0..n as u32).collect(),
        path: Vec::new(),
    };
    for w in (1..n).rev() {
        let mut semi = forest.parent[w];
        for p in &preds[walk.preorder[w]] {
            let u = forest.eval(walk.number[p.index()], w as u32 + 1);
            semi = semi.min(forest.semi[u as usize]);
        }
        forest.semi[w] = semi;
    }
    for w in 1..n {
        let mut candidate = idom[w];
        while candidate > forest.semi[w] {
            candidate = idom[candidate as usize];
        }
        idom[w] = candidate;
    }
    let mut result: Vec<_> = (0..preds.len() as u32).map(BlockId).collect();
    for (block, dominator) in walk.preorder.iter().zip(idom) {
        result[block.index()] = walk.preorder[dominator as usize];
    }
    result
}

/// The part of the depth-first tree that was worked off, with paths compressed.
struct Forest {
    parent: Vec<u32>,
    /// On the compressed path, the vertex of the smallest semidominator.
    label: Vec<u32>,
    semi: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The vertex of the smallest semidominator among those from `v` up to the first
    /// that was not worked off (whose parent's number is below `linked`).
    fn eval(&mut self, v: u32, linked: u32) -> u32 {
        let mut top = v;
        while self.parent[top as usize] >= linked {
            self.path.push(top);
            top = self.parent[top as usize];
        }
        let mut above = top as usize;
        while let Some(x) = self.path.pop() {
            let x = x as usize;
            self.parent[x] = self.parent[above];
            let (up, own) = (self.label[above], self.label[x]);
            if self.semi[up as usize] < self.semi[own as usize] {
                self.label[x] = up;
            }
            above = x;
        }
        self.label[v as usize]
    }
}
