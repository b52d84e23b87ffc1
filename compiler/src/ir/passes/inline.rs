//! Puts a subprogram where it is called, if that is one place and it has no branches.
//!
//! In: a module. Out: the same without such subprograms. What is called from more places, or
//! back from a helper, stays as it is.

use crate::ir::{Function, FunctionId, FunctionKind, Inst, Module, Op, SlotId, Terminator, Value};

/// Inlines what is called once.
pub fn inline(module: &mut Module) {
    while let Some(callee) = called_once(module) {
        let body = module.functions.remove(callee.index());
        for function in &mut module.functions {
            place(function, callee, &body);
            renumber(function, callee);
        }
    }
}

/// A subprogram that can go where it is called.
fn called_once(module: &Module) -> Option<FunctionId> {
    let mut calls = vec![0u32; module.functions.len()];
    for inst in module.functions.iter().flat_map(|f| &f.blocks).flat_map(|b| &b.insts) {
        match inst.op {
            Op::Call(f, _) => calls[f.index()] += 1,
            Op::Function(f) => calls[f.index()] += 2,
            _ => {}
        }
    }
    let fits = |f: &FunctionId| {
        let function = &module.functions[f.index()];
        let returns =
            matches!(&function.blocks[..], [b] if matches!(b.term, Terminator::Return(_)));
        function.kind == FunctionKind::Subprogram && returns && calls[f.index()] == 1
    };
    (0..module.functions.len() as u32).map(FunctionId).find(fits)
}

/// Replaces a function's call of another by what that does.
fn place(function: &mut Function, callee: FunctionId, body: &Function) {
    let is_call = |i: &Inst| matches!(&i.op, Op::Call(f, _) if *f == callee);
    let found = (0..function.blocks.len()).find_map(|b| {
        let at = function.blocks[b].insts.iter().position(is_call)?;
        Some((b, at))
    });
    let Some((b, at)) = found else { return };
    let call = function.blocks[b].insts[at].clone();
    let Op::Call(_, args) = &call.op else { return };
    let slots = function.slots.len() as u32;
    function.slots.extend_from_slice(&body.slots);
    // By value of the callee: what it is here.
    let mut here = vec![Value(0); body.values.len()];
    for (param, arg) in body.params.iter().zip(args) {
        here[param.index()] = *arg;
    }
    let mut insts = Vec::with_capacity(body.blocks[0].insts.len() + 1);
    for inst in &body.blocks[0].insts {
        let mut op = inst.op.clone();
        op.map_uses(|v| *v = here[v.index()]);
        if let Op::Slot(s) = &mut op {
            *s = SlotId(s.0 + slots);
        }
        let result = inst.result.map(|v| {
            function.values.push(body.values[v.index()]);
            here[v.index()] = Value(function.values.len() as u32 - 1);
            here[v.index()]
        });
        insts.push(Inst { result, op, span: call.span });
    }
    let returned = match body.blocks[0].term {
        Terminator::Return(Some(v)) => Some(here[v.index()]),
        _ => None,
    };
    match (call.result, returned) {
        (Some(result), Some(v)) => super::rename(function, |u| if u == result { v } else { u }),
        (Some(_), None) => insts.push(Inst { op: Op::Const(0), ..call }),
        (None, _) => {}
    }
    function.blocks[b].insts.splice(at..=at, insts);
}

/// Ids of functions behind one that is gone.
fn renumber(function: &mut Function, gone: FunctionId) {
    for inst in function.blocks.iter_mut().flat_map(|b| &mut b.insts) {
        if let Op::Call(f, _) | Op::Function(f) = &mut inst.op
            && f.0 > gone.0
        {
            f.0 -= 1;
        }
    }
}
