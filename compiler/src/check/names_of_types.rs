//! Which names are types, for the lexer.
//!
//! In: names. Out: whether the kernel or the standard library has a typedef of that name.
//! The kernel's types are only asked about names that can't be anything else.

use crate::btf::BtfKind;
use crate::builtins;
use crate::elsewhere;
use crate::kernel::Kernel;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use strand_grammar::TypeNames;

/// The types of a kernel and of the standard library.
pub struct KnownTypes<'a> {
    kernel: &'a dyn Kernel,
    known: RefCell<FxHashMap<String, bool>>,
}

impl std::fmt::Debug for KnownTypes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnownTypes({} names)", self.known.borrow().len())
    }
}

impl<'a> KnownTypes<'a> {
    /// Of this kernel.
    pub fn new(kernel: &'a dyn Kernel) -> Self {
        KnownTypes { kernel, known: RefCell::default() }
    }

    fn look(&self, module: Option<&str>, name: &str) -> bool {
        let typedef = |k| k == BtfKind::Typedef;
        match module {
            Some("vmlinux" | "genunix" | "C" | "D") | None => {}
            Some(module) => {
                return self
                    .kernel
                    .module_btf(module)
                    .is_some_and(|btf| btf.find(name, typedef).is_some());
            }
        }
        let own = builtins::variable(name).is_some()
            || builtins::subroutine(name).is_some()
            || builtins::ACTIONS.contains(&name)
            || builtins::AGGREGATING.contains(&name)
            || matches!(name, "args" | "uregs" | "NULL")
            || super::args::number_of(name).is_some();
        if own {
            return false;
        }
        if crate::stdlib::defines_type(name) {
            return true;
        }
        if self.kernel.btf().is_some_and(|btf| btf.find(name, typedef).is_some()) {
            return true;
        }
        // Reading every module's types for every unknown name would take long; typedefs
        // of modules end like this, or are given with their module.
        name.ends_with("_t")
            && self.kernel.btf_modules().iter().any(|m| {
                let btf = self.kernel.module_btf(m);
                btf.is_some_and(|btf| btf.find(name, typedef).is_some())
            })
    }
}

impl TypeNames for KnownTypes<'_> {
    fn is_type(&self, module: Option<&str>, name: &str) -> bool {
        let key = format!("{}`{name}", module.unwrap_or(""));
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        let is = self.look(module, name);
        self.known.borrow_mut().insert(key, is);
        is
    }

    fn hint(&self, name: &str) -> Option<String> {
        elsewhere::type_named(name)
    }
}
