//! Kernel symbols in expressions: `` `name `` and ``module`name``.
//!
//! In: a name. Out: the place in kernel memory where the symbol is. BTF describes functions
//! and variables of which each CPU has its own, but not the rest of the kernel's data: a
//! variable without a type is taken for a `uintptr_t`, so that the most usual ones can be
//! read as they stand, and anything else through its address, which goes with every pointer.
//! A variable of each CPU is that of the CPU on which the probe fires.

use super::Checker;
use super::value::int;
use crate::btf::BtfKind;
use crate::elsewhere;
use crate::kernel::{Symbol, SymbolClass, SymbolError};
use crate::typed::{Expr, ExprKind, Place, PlaceBase};
use crate::types::{Space, Type, TypeId};
use strand_grammar::ast::{BinaryOp, Ident};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;
use strand_grammar::stability::Attributes;

impl Checker<'_> {
    /// `` `sym `` or ``mod`sym``: what is at the symbol's address.
    pub(super) fn kernel_symbol(&mut self, module: Option<&str>, name: &Ident, span: Span) -> Expr {
        // What other systems call the kernel proper.
        let module = module.map(|m| if m == "genunix" { "vmlinux" } else { m });
        let symbol = match self.kernel.symbol(module, &name.name) {
            Ok(symbol) => symbol,
            Err(e) => {
                let shown = format!("{}`{}", module.unwrap_or(""), name.name);
                self.unknown_symbol(&shown, module, e, span);
                return self.bad(span);
            }
        };
        self.relies_on(Attributes::HIDDEN, &format!("`{}`", name.name), name.span);
        if self.options.no_symbols {
            let message = format!("`{}` is left open, and nothing may be", name.name);
            self.report(
                Diagnostic::error("D_ASRELO", name.span, message)
                    .here("the address of a kernel symbol")
                    .hint("-x linkmode=kernel looks it up, -x knodefs lets it be"),
            );
            return self.bad(span);
        }
        let ty = self.symbol_type(module, &name.name, &symbol);
        let pointer = self.pointer_to(ty, Space::Kernel);
        let span = self.at(span);
        let late = self.options.portable.then(|| format!("{}`{}", module.unwrap_or(""), name.name));
        let Some(address) = self.symbol_address(&symbol, late, pointer, span) else {
            return self.bad(span);
        };
        let place = Place {
            base: PlaceBase::Memory { address, space: Space::Kernel },
            base_ty: ty,
            steps: Vec::new(),
            ty,
            span,
        };
        Expr { kind: ExprKind::Read(Box::new(place)), ty, span }
    }

    fn symbol_type(&mut self, module: Option<&str>, name: &str, symbol: &Symbol) -> TypeId {
        let known = match &symbol.ty {
            Some((module, id)) => self
                .kernel_types
                .owner(self.kernel, module.as_deref())
                .map(|owner| self.kernel_types.import(&mut self.types, owner, *id)),
            None if symbol.class == SymbolClass::Function => {
                self.kernel_types
                    .find(self.kernel, &mut self.types, module, name, |k| k == BtfKind::Function)
            }
            None => None,
        };
        known.unwrap_or_else(|| match symbol.class {
            SymbolClass::Function => {
                let ret = self.basic.void;
                self.types.intern(Type::Function { ret, params: Vec::new(), variadic: true })
            }
            SymbolClass::Variable | SymbolClass::PerCpu => self.types.untyped(self.basic.uintptr),
        })
    }

    /// Where the symbol is, as a pointer. What runs on other kernels is told by its name there.
    fn symbol_address(
        &mut self,
        symbol: &Symbol,
        late: Option<String>,
        pointer: TypeId,
        span: Span,
    ) -> Option<Expr> {
        let address = |ty| match &late {
            Some(name) => Expr { kind: ExprKind::Macro(name.as_str().into()), ty, span },
            None => int(symbol.address as i64, ty, span),
        };
        let own = symbol.class == SymbolClass::PerCpu
            // A kernel for one CPU has no such table, and nothing to add.
            && self.kernel.symbol(None, "__per_cpu_offset").is_ok();
        if !own {
            return Some(address(pointer));
        }
        let syntax = self.site_expr("((uintptr_t *)&`__per_cpu_offset)[cpu]")?;
        // The script's own parameters mean nothing in there.
        let bindings = std::mem::take(&mut self.env.bindings);
        let base = self.expansion(syntax.span, span, |c| c.rvalue(&syntax));
        self.env.bindings = bindings;
        let (a, b) = (Box::new(base?), Box::new(address(self.basic.uintptr)));
        let kind = ExprKind::Binary { op: BinaryOp::Add, signed: false, a, b };
        Some(self.cast(Expr { kind, ty: self.basic.uintptr, span }, pointer))
    }

    fn unknown_symbol(&mut self, shown: &str, module: Option<&str>, e: SymbolError, span: Span) {
        let d = Diagnostic::error(
            "D_IDENT_UNDEF",
            span,
            match e {
                SymbolError::Unknown => format!("the kernel has no symbol `{shown}`"),
                SymbolError::NotLoaded => {
                    format!("failed to resolve {shown}: Module is no longer loaded")
                }
                SymbolError::NoDataSymbols => {
                    format!("the address of `{shown}` can't be found out")
                }
                SymbolError::Hidden => format!("the address of `{shown}` is hidden from this user"),
            },
        );
        let name = shown.rsplit('`').next().unwrap_or(shown);
        if let Some(hint) = elsewhere::kernel_variable(name) {
            return self.report(d.hint(hint));
        }
        self.report(match e {
            SymbolError::Unknown => match module {
                Some(m) => d.here(format!("not in module `{m}`")),
                None => d,
            },
            SymbolError::NotLoaded => d
                .here("a module has addresses only while it is loaded")
                .hint(format!("load it first: `modprobe {}`", module.unwrap_or_default())),
            SymbolError::NoDataSymbols => d
                .here("this kernel doesn't tell where its variables are")
                .note("It was built without CONFIG_KALLSYMS_ALL."),
            SymbolError::Hidden => {
                d.hint("run as root, or set the sysctl kernel.kptr_restrict to 0")
            }
        });
    }
}
