//! Declarations: type names, typedefs, variables.
//!
//! In: declarators as they were written. Out: [`TypeId`]s, and names that mean
//! something from here on. A type's name is looked for in the script, among the types
//! that D declares itself, in the standard library, in the kernel, in its modules.

use super::Checker;
use super::value::constant;
use crate::btf::BtfKind;
use crate::builtins;
use crate::names::{nearest, written};
use crate::typed::{Shape, Variable, VariableId};
use crate::types::{Space, Type, TypeId};
use strand_grammar::ast::{
    self, BasicType, Derived, Ident, Scope, Storage, TypeName, TypeSpec, TypeSpecKind,
};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// Typedefs that every D program has.
pub(super) const PREDECLARED: &[(&str, &str)] = &[
    ("int8_t", "signed char"),
    ("int16_t", "short"),
    ("int32_t", "int"),
    ("int64_t", "long"),
    ("intptr_t", "long"),
    ("ssize_t", "long"),
    ("uint8_t", "unsigned char"),
    ("uint16_t", "unsigned short"),
    ("uint32_t", "unsigned int"),
    ("uint64_t", "unsigned long"),
    ("uchar_t", "unsigned char"),
    ("ushort_t", "unsigned short"),
    ("uint_t", "unsigned int"),
    ("ulong_t", "unsigned long"),
    ("longlong_t", "long long"),
    ("u_longlong_t", "unsigned long long"),
    ("ptrdiff_t", "long"),
    ("uintptr_t", "unsigned long"),
    ("size_t", "unsigned long"),
    ("id_t", "int"),
    ("pid_t", "int"),
    ("uid_t", "unsigned int"),
    ("gid_t", "unsigned int"),
    ("processorid_t", "int"),
    ("zoneid_t", "int"),
];

impl Checker<'_> {
    /// Makes D's own typedefs known.
    pub(super) fn predeclare(&mut self) {
        for (name, of) in PREDECLARED {
            let to = self.integer_named(of);
            let ty = self.types.intern(Type::Typedef { name: (*name).to_owned(), to });
            self.typedefs.insert((*name).to_owned(), ty);
        }
    }

    /// C's integer types by their usual names.
    fn integer_named(&mut self, name: &str) -> TypeId {
        let bytes = match name.trim_start_matches("unsigned ").trim_start_matches("signed ") {
            "char" => 1,
            "short" => 2,
            "int" => 4,
            _ => 8,
        };
        let signed = !name.starts_with("unsigned");
        self.types.intern(Type::Integer { name: name.to_owned(), bytes, signed })
    }

    pub(super) fn basic_type(&mut self, basic: BasicType) -> TypeId {
        let name = match basic {
            BasicType::Char => "char",
            BasicType::SignedChar => "signed char",
            BasicType::UnsignedChar => "unsigned char",
            BasicType::Short => "short",
            BasicType::UnsignedShort => "unsigned short",
            BasicType::Int => "int",
            BasicType::UnsignedInt => "unsigned int",
            BasicType::Long => "long",
            BasicType::UnsignedLong => "unsigned long",
            BasicType::LongLong => "long long",
            BasicType::UnsignedLongLong => "unsigned long long",
            BasicType::Float => return self.float("float", 4),
            BasicType::Double => return self.float("double", 8),
            BasicType::LongDouble => return self.float("long double", 16),
        };
        self.integer_named(name)
    }

    fn float(&mut self, name: &str, bytes: u8) -> TypeId {
        self.types.intern(Type::Float { name: name.to_owned(), bytes })
    }

    // ---------------------------------------------------------------- type names

    /// The type that a type name means.
    pub fn type_name(&mut self, name: &TypeName) -> TypeId {
        let base = self.specifier(&name.base);
        self.derive(base, &name.derived, name)
    }

    /// Applies a declarator's steps to its base type.
    fn derive(&mut self, base: TypeId, steps: &[Derived], name: &TypeName) -> TypeId {
        let mut ty = base;
        for step in steps.iter().rev() {
            if self.is_bad(ty) {
                return ty;
            }
            ty = match step {
                Derived::Pointer { userland, .. } => {
                    let user = *userland || name.base.userland;
                    self.pointer_to(ty, if user { Space::User } else { Space::Kernel })
                }
                Derived::Array(len) => self.array_of(ty, len.as_deref(), name.span),
                Derived::Function { params, variadic } => {
                    let params = params.iter().map(|p| self.type_name(p)).collect();
                    self.types.intern(Type::Function { ret: ty, params, variadic: *variadic })
                }
                Derived::Associative(_) => {
                    self.report(
                        Diagnostic::error(
                            "D_DECL_DYNOBJ",
                            name.span,
                            "an associative array is not a type that can be used here",
                        )
                        .hint("only a variable can be an associative array"),
                    );
                    self.basic.bad
                }
            };
        }
        ty
    }

    fn array_of(&mut self, element: TypeId, len: Option<&ast::Expr>, span: Span) -> TypeId {
        if self.types.size(element).is_none() {
            let what = self.text(element);
            let message = format!("an array can't have elements of type `{what}`");
            self.report(
                Diagnostic::error("D_DECL_INCOMPLETE", span, message)
                    .here("their size isn't known"),
            );
            return self.basic.bad;
        }
        let len = match len {
            None => 0,
            Some(e) => {
                let Some(n) = self.constant(e, "D_DECL_ARRSUB", "an array's length") else {
                    return self.basic.bad;
                };
                let bytes = i64::from(self.types.size(element).unwrap_or(1)).max(1);
                if n < 0 {
                    self.report(
                        Diagnostic::error(
                            "D_DECL_ARRSUB",
                            e.span,
                            "an array's length can't be negative",
                        )
                        .here(format!("this is {n}")),
                    );
                    return self.basic.bad;
                }
                if n > i64::from(i32::MAX) / bytes {
                    self.report(
                        Diagnostic::error("D_DECL_ARRBIG", e.span, "this array is too big")
                            .here(format!("{n} elements of {bytes} bytes")),
                    );
                    return self.basic.bad;
                }
                n as u32
            }
        };
        self.types.intern(Type::Array { element, len })
    }

    /// A constant integer expression, for a length or a width.
    pub fn constant(&mut self, e: &ast::Expr, code: &'static str, what: &str) -> Option<i64> {
        let value = self.rvalue(e);
        if self.is_bad(value.ty) {
            return None;
        }
        let n = constant(&value).filter(|_| self.types.is_integer(value.ty));
        if n.is_none() {
            let message = format!("{what} has to be an integer constant");
            self.report(
                Diagnostic::error(code, e.span, message)
                    .here("this is only known when the program runs"),
            );
        }
        n
    }

    fn specifier(&mut self, spec: &TypeSpec) -> TypeId {
        match &spec.kind {
            TypeSpecKind::Void => self.basic.void,
            TypeSpecKind::Basic(basic) => self.basic_type(*basic),
            TypeSpecKind::String => self.basic.string,
            TypeSpecKind::Named { module, name } => {
                match self.named_type(module.as_deref(), &name.name) {
                    Some(ty) => {
                        if self.env.in_clause && !self.typedefs.contains_key(&name.name) {
                            self.relies_on_type(&name.name, name.span);
                        }
                        ty
                    }
                    None => self.unknown_type("type", module.as_deref(), name),
                }
            }
            TypeSpecKind::Record { is_union, module, tag, members } => match members {
                Some(members) => self.define_record(*is_union, tag.as_ref(), members, spec.span),
                None => {
                    let keyword = if *is_union { "union" } else { "struct" };
                    self.tag_reference(keyword, module.as_deref(), tag.as_ref(), spec.span)
                }
            },
            TypeSpecKind::Enum { module, tag, items } => match items {
                Some(items) => self.define_enum(tag.as_ref(), items, spec.span),
                None => self.tag_reference("enum", module.as_deref(), tag.as_ref(), spec.span),
            },
        }
    }

    /// A type by its plain name.
    pub fn named_type(&mut self, module: Option<&str>, name: &str) -> Option<TypeId> {
        let wanted = |k: BtfKind| matches!(k, BtfKind::Typedef | BtfKind::Int | BtfKind::Float);
        match module {
            Some("C" | "D") => self.typedefs.get(name).copied(),
            Some(module) => {
                self.kernel_types.find(self.kernel, &mut self.types, Some(module), name, wanted)
            }
            None => {
                if let Some(ty) = self.typedefs.get(name) {
                    return Some(*ty);
                }
                if self.load_library(name)
                    && let Some(ty) = self.typedefs.get(name)
                {
                    return Some(*ty);
                }
                let found =
                    self.kernel_types.find(self.kernel, &mut self.types, None, name, wanted);
                found.or_else(|| {
                    self.kernel_types.find_in_modules(self.kernel, &mut self.types, name, wanted)
                })
            }
        }
    }

    /// `struct tag` and its like without members: a known one, or one that is only
    /// declared so far.
    fn tag_reference(
        &mut self,
        keyword: &'static str,
        module: Option<&str>,
        tag: Option<&Ident>,
        span: Span,
    ) -> TypeId {
        let Some(tag) = tag else {
            self.report(Diagnostic::error(
                "D_DECL_IDENT",
                span,
                format!("this {keyword} has no tag"),
            ));
            return self.basic.bad;
        };
        if let Some(ty) = self.tagged_type(keyword, module, &tag.name) {
            let key = (keyword, tag.name.clone());
            if self.env.in_clause && !self.tags.contains_key(&key) {
                self.relies_on_type(&format!("{keyword} {}", tag.name), tag.span);
            }
            return ty;
        }
        if module.is_some() || keyword == "enum" {
            return self.unknown_type(keyword, module, tag);
        }
        self.declare_record(keyword == "union", &tag.name)
    }

    /// A struct, union or enum that is defined somewhere.
    pub fn tagged_type(
        &mut self,
        keyword: &'static str,
        module: Option<&str>,
        tag: &str,
    ) -> Option<TypeId> {
        let wanted = move |k: BtfKind| match keyword {
            "struct" => k == BtfKind::Struct,
            "union" => k == BtfKind::Union,
            _ => matches!(k, BtfKind::Enum | BtfKind::Enum64),
        };
        match module {
            Some("C" | "D") => self.tags.get(&(keyword, tag.to_owned())).copied(),
            Some(module) => {
                self.kernel_types.find(self.kernel, &mut self.types, Some(module), tag, wanted)
            }
            None => {
                let key = (keyword, tag.to_owned());
                if let Some(ty) = self.tags.get(&key) {
                    return Some(*ty);
                }
                if self.load_library(tag)
                    && let Some(ty) = self.tags.get(&key)
                {
                    return Some(*ty);
                }
                let found = self.kernel_types.find(self.kernel, &mut self.types, None, tag, wanted);
                found.or_else(|| {
                    self.kernel_types.find_in_modules(self.kernel, &mut self.types, tag, wanted)
                })
            }
        }
    }

    fn unknown_type(&mut self, what: &str, module: Option<&str>, name: &Ident) -> TypeId {
        let shown = match (what, module) {
            ("type", None) => name.name.clone(),
            ("type", Some(m)) => format!("{m}`{}", name.name),
            (keyword, None) => format!("{keyword} {}", name.name),
            (keyword, Some(m)) => format!("{m}`{keyword} {}", name.name),
        };
        let mut d = Diagnostic::error("D_TYPE_ERR", name.span, format!("unknown type `{shown}`"));
        if let Some(module) = module
            && !matches!(module, "C" | "D")
            && self.kernel_types.owner(self.kernel, Some(module)).is_none()
        {
            d = d.here(format!("module `{module}` isn't loaded or has no type information"));
        } else if let Some(near) = self.near_type(what, &name.name) {
            d = d.hint(format!("did you mean `{near}`?"));
        } else if self.kernel.btf().is_none() {
            d = d
                .note("This kernel has no type information (BTF), so none of its types are known.");
        }
        self.report(d);
        self.basic.bad
    }

    /// A type whose name is nearly this.
    pub fn near_type(&mut self, what: &str, name: &str) -> Option<String> {
        let kinds: &[BtfKind] = match what {
            "struct" => &[BtfKind::Struct],
            "union" => &[BtfKind::Union],
            "enum" => &[BtfKind::Enum, BtfKind::Enum64],
            _ => &[BtfKind::Typedef],
        };
        let mut names = self.kernel_types.names(self.kernel, |k| kinds.contains(&k));
        match what {
            "type" => names.extend(self.typedefs.keys().cloned()),
            keyword => names.extend(
                self.tags.keys().filter(|(k, _)| *k == keyword).map(|(_, tag)| tag.clone()),
            ),
        }
        nearest(name, names.iter().map(String::as_str)).map(|near| match what {
            "type" => near.to_owned(),
            keyword => format!("{keyword} {near}"),
        })
    }

    // -------------------------------------------------------------- declarations

    pub(super) fn declaration(&mut self, d: &ast::Declaration) {
        let Some(name) = &d.name else {
            self.specifier(&d.ty.base);
            return;
        };
        match d.storage {
            Storage::Typedef => self.typedef(name, &d.ty),
            Storage::None => self.variable_declaration(Scope::Global, name, d),
            Storage::Extern => self.external(name, d),
            Storage::Thread => self.variable_declaration(Scope::Thread, name, d),
            Storage::Clause => self.variable_declaration(Scope::Clause, name, d),
            // Prototypes are the same with and without.
            Storage::Static if matches!(d.ty.derived.first(), Some(Derived::Function { .. })) => {
                self.type_name(&d.ty);
            }
            Storage::Static | Storage::Register | Storage::Auto => {
                self.report(
                    Diagnostic::error(
                        "D_DECL_BADCLASS",
                        d.span,
                        "D has no `static`, `register` or `auto` variables",
                    )
                    .hint("use no storage class, `self` or `this`"),
                );
            }
        }
    }

    fn typedef(&mut self, name: &Ident, ty: &TypeName) {
        let to = self.type_name(ty);
        if self.is_bad(to) {
            self.typedefs.entry(name.name.clone()).or_insert(to);
            return;
        }
        if let Some(old) = self.typedefs.get(&name.name).copied() {
            // Another typedef for the same, or the library's when the script has its own.
            // C headers say something else of `id_t` and its like, but as wide.
            let alike = PREDECLARED.iter().any(|(n, _)| *n == name.name)
                && self.types.is_integer(to)
                && self.types.size(old) == self.types.size(to);
            if !alike && !self.types.same(old, to) && !self.in_library(name.span) {
                let (old, new) = (self.text(self.types.resolve(old)), self.text(to));
                self.report(
                    Diagnostic::error(
                        "D_DECL_IDRED",
                        name.span,
                        format!("type `{}` is already something else", name.name),
                    )
                    .here(format!("now `{new}`"))
                    .note(format!("It is `{old}`.")),
                );
            }
            return;
        }
        let typedef = self.types.intern(Type::Typedef { name: name.name.clone(), to });
        self.typedefs.insert(name.name.clone(), typedef);
    }

    /// `extern`: says that something is elsewhere. What a global could hold can be used as
    /// one; for the rest it is enough that the declaration makes sense.
    fn external(&mut self, name: &Ident, d: &ast::Declaration) {
        if let TypeSpecKind::Enum { module, tag: Some(tag), items: None } = &d.ty.base.kind
            && self.tagged_type("enum", module.as_deref(), &tag.name).is_none()
        {
            return;
        }
        self.variable_declaration(Scope::Global, name, d);
    }

    fn variable_declaration(&mut self, scope: Scope, name: &Ident, d: &ast::Declaration) {
        let (shape, ty) = match d.ty.derived.split_first() {
            Some((Derived::Associative(keys), rest)) => {
                if scope == Scope::Clause {
                    self.report(
                        Diagnostic::error(
                            "D_DECL_LOCASSC",
                            d.span,
                            "a clause-local variable can't be an associative array",
                        )
                        .hint("use a global or `self` array"),
                    );
                    return;
                }
                let keys = keys.iter().map(|k| self.type_name(k)).collect();
                let base = self.specifier(&d.ty.base);
                (Shape::Associative(keys), self.derive(base, rest, &d.ty))
            }
            _ => (Shape::Scalar, self.type_name(&d.ty)),
        };
        if matches!(self.types.resolved(ty), Type::Function { .. }) {
            // A function's prototype: nothing of it can be called from D.
            return;
        }
        if d.storage == Storage::Extern && !self.attempt(|c| c.storable(ty, "", d.span)).0 {
            return;
        }
        if !self.is_bad(ty) && !self.storable(ty, &written(scope, &name.name), d.span) {
            return;
        }
        self.declare_variable(scope, name, ty, shape);
    }

    /// Whether a variable can have this type; says so if not.
    pub fn storable(&mut self, ty: TypeId, name: &str, span: Span) -> bool {
        let (code, why) = match self.types.resolved(ty) {
            Type::Void => ("D_DECL_VOIDOBJ", "nothing can be of type void"),
            Type::Array { len: 0, .. } => ("D_DECL_ARRNULL", "the array has no length"),
            Type::Integer { bytes, .. } if *bytes > 8 => {
                ("D_DECL_BADCLASS", "D has no integers of more than 64 bits")
            }
            Type::Stack(_) | Type::UserStack(_) | Type::Symbol(_) | Type::UserSymbol(_) => {
                ("D_OP_INCOMPAT", "such a value can only be traced or be a key")
            }
            _ if self.types.size(ty).is_none() => {
                ("D_DECL_INCOMPLETE", "the type is only declared, not defined")
            }
            _ => return true,
        };
        let message = format!("`{name}` can't be of type `{}`", self.text(ty));
        self.report(Diagnostic::error(code, span, message).here(why));
        false
    }

    fn declare_variable(&mut self, scope: Scope, name: &Ident, ty: TypeId, shape: Shape) {
        let shown = written(scope, &name.name);
        if scope == Scope::Global && self.is_own(&name.name) {
            self.report(
                Diagnostic::error("D_DECL_IDRED", name.span, format!("`{shown}` is D's own"))
                    .here("what is built in can't be declared again")
                    .hint("choose another name"),
            );
            return;
        }
        if let Some(old) = self.names.variable(scope, &name.name) {
            let old = self.variables[old.0 as usize].clone();
            if self.types.same(old.ty, ty) && old.shape == shape || self.is_bad(ty) {
                return;
            }
            let previous = self.shape_text(old.ty, &old.shape);
            let current = self.shape_text(ty, &shape);
            let message = format!("`{shown}` is already of another type");
            self.report(
                Diagnostic::error("D_DECL_IDRED", name.span, message)
                    .here(format!("now `{current}`"))
                    .label(old.span, format!("`{previous}` here")),
            );
            return;
        }
        if scope == Scope::Global
            && let Some(symbol) = self.names.global(&name.name)
        {
            let message = format!("`{shown}` is already an {}", symbol.kind());
            self.report(Diagnostic::error("D_DECL_IDRED", name.span, message));
            return;
        }
        self.new_variable(scope, &name.name, ty, shape, name.span);
    }

    fn shape_text(&self, ty: TypeId, shape: &Shape) -> String {
        match shape {
            Shape::Scalar => self.text(ty),
            Shape::Associative(keys) => {
                let keys: Vec<String> = keys.iter().map(|k| self.text(*k)).collect();
                format!("{} [{}]", self.text(ty), keys.join(", "))
            }
        }
    }

    /// Makes a variable.
    pub fn new_variable(
        &mut self,
        scope: Scope,
        name: &str,
        ty: TypeId,
        shape: Shape,
        span: Span,
    ) -> VariableId {
        if let Some(record) = self.types.as_record(ty) {
            self.kernel_types.load(self.kernel, &mut self.types, record);
        }
        let id = VariableId(self.variables.len() as u32);
        self.variables.push(Variable { name: name.to_owned(), scope, ty, shape, span });
        self.holds_kernel.push(false);
        self.names.define_variable(scope, name, id);
        id
    }

    /// Whether a global name is a variable of D itself.
    pub fn is_builtin(&self, name: &str) -> bool {
        builtins::variable(name).is_some()
            || matches!(name, "args" | "uregs" | "NULL" | "self" | "this")
            || super::args::number_of(name).is_some()
    }
}
