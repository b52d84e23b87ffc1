//! Actions that show memory: `tracemem()` and `print()`.
//!
//! In: a call. Out: a typed action whose value is a read of what is shown. For `print()` all
//! types within the shown one are made known, so that lowering can put them into the
//! manifest.

use super::Checker;
use super::order::Kind;
use super::value::constant;
use crate::typed::{Action, Expr};
use crate::types::{Type, TypeId};
use rustc_hash::FxHashSet;
use strand_grammar::ast;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// The most that `tracemem()` shows at a time.
const MOST: i64 = 1 << 16;

impl Checker<'_> {
    /// `tracemem(address, size[, used])`
    pub(super) fn tracemem(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        if !(2..=3).contains(&args.len()) {
            self.wrong_count("tracemem", args.len(), 2, Some(3), span);
            return None;
        }
        self.in_order(Kind::Record, span);
        let address = self.rvalue(&args[0]);
        let size = self.integer_argument("tracemem", 1, &args[1]);
        let used = args.get(2).map(|e| self.integer_argument("tracemem", 2, e));
        if self.is_bad(address.ty) {
            return None;
        }
        if !self.types.is_scalar(address.ty) {
            let found = self.describe(address.ty);
            self.report(
                Diagnostic::error(
                    "D_TRACEMEM_ADDR",
                    args[0].span,
                    "`tracemem()` needs the address of what it shows",
                )
                .here(format!("this is {found}")),
            );
            return None;
        }
        let Some(n) = constant(&size?).filter(|n| (1..=MOST).contains(n)) else {
            let message = format!("`tracemem()` needs a constant size from 1 to {MOST}");
            let d = Diagnostic::error("D_TRACEMEM_SIZE", args[1].span, message);
            self.report(d.hint("a size that varies is a third argument"));
            return None;
        };
        let used = match used {
            Some(e) => Some(self.cast(e?, self.basic.int64)),
            None => None,
        };
        let array = self.types.intern(Type::Array { element: self.basic.char, len: n as u32 });
        let space = self.types.space(address.ty);
        let pointer = self.pointer_to(array, space);
        let address = self.cast(address, pointer);
        Some(Action::Tracemem { bytes: self.through(address, span), used })
    }

    /// `print(p)`, `print(struct)`
    pub(super) fn print(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        let [arg] = args else {
            self.wrong_count("print", args.len(), 1, Some(1), span);
            return None;
        };
        self.in_order(Kind::Record, span);
        let e = self.undecayed(arg);
        if self.is_bad(e.ty) {
            return None;
        }
        let pointee = self.types.pointee(e.ty);
        let shown = match (pointee, self.types.resolved(e.ty)) {
            (Some(to), _) => to,
            (None, Type::Record(_) | Type::Array { .. } | Type::Enum(_)) => e.ty,
            _ => {
                let wanted = "a pointer, struct, array or enum";
                self.wrong_argument("D_PROTO_ARG", "print", 0, wanted, e.ty, arg.span);
                return None;
            }
        };
        self.complete_within(shown, &mut FxHashSet::default());
        let shown = self.completed(shown);
        if self.types.size(shown).is_none_or(|n| n == 0) {
            let what = self.describe(shown);
            let message = format!("`print()` can't show {what}: it has no size");
            self.report(Diagnostic::error("D_PRINT_SIZE", arg.span, message));
            return None;
        }
        let value = match pointee {
            None => e,
            Some(_) => {
                let space = self.types.space(e.ty);
                let pointer = self.pointer_to(shown, space);
                self.through(Expr { ty: pointer, ..e }, span)
            }
        };
        Some(Action::Print { value, pointer: pointee.is_some() })
    }

    /// A record that is declared here and defined elsewhere, as it is there.
    fn completed(&mut self, ty: TypeId) -> TypeId {
        match self.types.as_record(ty).and_then(|r| self.complete(r).map(|found| (r, found))) {
            Some((known, found)) if known != found => self.types.intern(Type::Record(found)),
            _ => ty,
        }
    }

    /// Loads the members of all records that a value of this type holds.
    fn complete_within(&mut self, ty: TypeId, seen: &mut FxHashSet<TypeId>) {
        let ty = self.types.resolve(ty);
        if !seen.insert(ty) {
            return;
        }
        match *self.types.resolved(ty) {
            Type::Array { element, .. } => self.complete_within(element, seen),
            Type::Record(record) => {
                let Some(record) = self.complete(record) else { return };
                let members = self.types.record(record).members.clone();
                for m in members {
                    self.complete_within(m.ty, seen);
                }
            }
            _ => {}
        }
    }
}
