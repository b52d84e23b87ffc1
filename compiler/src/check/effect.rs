//! Actions that change something outside of the program: `system freopen ftruncate setopt
//! raise stop chill return pcap`, and those that BPF can't do.
//!
//! In: a call. Out: a typed action, and a note that the program is destructive where it is.
//! Whether the user allows that is not asked here: a script can be checked and compiled by
//! who may not run it.

use super::Checker;
use super::order::Kind;
use super::value::{constant, int};
use crate::kernel::Attach;
use crate::manifest::Format;
use crate::typed::walk::{self, Node};
use crate::typed::{Action, Enabling, Expr, ExprKind, Statement, StatementKind};
use strand_grammar::ast::{self, ExprKind as Syntax};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// What `stop()` sends.
const SIGSTOP: i64 = 19;

/// What is wrong with `return()` in these: only a kprobe at a function's entry can make
/// the function return.
pub(super) fn misplaced_returns(enablings: &[Enabling]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for enabling in enablings {
        let Some(site) = enabling.sites.iter().find(|s| !matches!(s.attach, Attach::Kprobe { .. }))
        else {
            continue;
        };
        let mut refuse = |node: Node| {
            if let Node::Statement(Statement { kind, span }) = node
                && matches!(kind, StatementKind::Action(Action::Return(_)))
            {
                let message = "`return()` needs a kprobe at the entry of a function";
                let why = format!("`{}` is of another kind", site.probe.description());
                found.push(Diagnostic::error("D_UNKNOWN", *span, message).here(why));
            }
        };
        enabling.clauses.iter().for_each(|c| walk::clause(c, &mut refuse));
    }
    found
}

impl Checker<'_> {
    /// A call of one of these actions; `None` if it is wrong.
    pub(super) fn effect(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Option<Action> {
        match name {
            "system" | "freopen" => self.command(name, args, span),
            "ftruncate" => {
                self.no_arguments(name, args, span)?;
                self.in_order(Kind::Record, span);
                Some(Action::Ftruncate)
            }
            "setopt" => self.setopt(args, span),
            "pcap" => self.pcap(args, span),
            "raise" | "chill" | "return" => {
                let [value] = self.scalars(name, args, 1, span)?.try_into().ok()?;
                self.destructive(name, span);
                match name {
                    "raise" => Some(Action::Raise(value)),
                    "chill" => Some(Action::Chill(value)),
                    _ => Some(Action::Return(self.cast(value, self.basic.unsigned_long))),
                }
            }
            _ => {
                self.no_arguments(name, args, span)?;
                self.destructive(name, span);
                if name == "stop" {
                    return Some(Action::Raise(int(SIGSTOP, self.basic.int, span)));
                }
                let message = format!("`{name}()` is not possible on Linux");
                let why = "a BPF program can't stop the kernel";
                self.report(Diagnostic::error("D_UNKNOWN", span, message).here(why));
                None
            }
        }
    }

    /// Takes note that something destructive is done here.
    pub(super) fn destructive(&mut self, name: &str, span: Span) {
        self.in_order(Kind::Destructive, span);
        let span = self.at(span);
        if !self.destructions.iter().any(|(known, _)| *known == span) {
            self.destructions.push((span, name.to_owned()));
        }
    }

    fn no_arguments(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Option<()> {
        if args.is_empty() {
            return Some(());
        }
        self.wrong_count(name, args.len(), 0, Some(0), span);
        None
    }

    /// `system(format, …)`, `freopen(format, …)`
    fn command(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Option<Action> {
        let Some((first, rest)) = args.split_first() else {
            self.wrong_count(name, 0, 1, None, span);
            return None;
        };
        self.destructive(name, span);
        let reopens = name == "freopen";
        let format = |c: &mut Self| match &first.kind {
            Syntax::String(text) if reopens && text.is_empty() && rest.is_empty() => {
                Some(Format::default())
            }
            Syntax::String(text) if reopens && text == b"." => {
                let message = "`freopen()` can't write to `.`, which is a directory";
                c.report(
                    Diagnostic::error("D_FREOPEN_INVALID", first.span, message)
                        .hint("write `freopen(\"\")` to go back to standard output"),
                );
                None
            }
            _ => c.format(name, first),
        };
        let (format, args) = self.format_arguments(name, format, rest, first.span, span)?;
        Some(match reopens {
            true => Action::Freopen { format, args },
            false => Action::System { format, args },
        })
    }

    /// `setopt(name[, value])`: both are text.
    fn setopt(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        if !(1..=2).contains(&args.len()) {
            self.wrong_count("setopt", args.len(), 1, Some(2), span);
            return None;
        }
        self.in_order(Kind::Record, span);
        let mut texts = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            let value = self.undecayed(arg);
            if self.is_bad(value.ty) {
                return None;
            }
            if !self.types.is_text(value.ty) {
                self.wrong_argument("D_PROTO_ARG", "setopt", i, "text", value.ty, arg.span);
                return None;
            }
            texts.push(self.as_string(value));
        }
        let mut texts = texts.into_iter();
        Some(Action::Setopt(texts.next()?, texts.next()))
    }

    /// `pcap(skb, protocol)`
    fn pcap(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        let [skb, protocol] = args else {
            self.wrong_count("pcap", args.len(), 2, Some(2), span);
            return None;
        };
        self.in_order(Kind::Record, span);
        let at = skb.span;
        let skb = self.rvalue(skb);
        let protocol = self.integer_argument("pcap", 1, protocol);
        if self.is_bad(skb.ty) {
            return None;
        }
        if !self.types.is_scalar(skb.ty) {
            self.wrong_argument("D_PROTO_ARG", "pcap", 0, "a pointer", skb.ty, at);
            return None;
        }
        let protocol = protocol?;
        let Some(ty) = self.type_text("struct sk_buff *") else {
            self.report(Diagnostic::error(
                "D_TYPE_ERR",
                span,
                "`pcap()` needs the kernel's `struct sk_buff`, which is not known",
            ));
            return None;
        };
        let skb = self.cast(skb, ty);
        let local = self.local();
        let of = |kind| Expr { kind, ty, span };
        let field = |c: &mut Self, name: &str| {
            let name = ast::Ident { name: name.to_owned(), span };
            let base = super::value::Value::Plain(of(ExprKind::Local(local)));
            let value = c.member(base, &name, true, span);
            let value = c.plain(value);
            c.cast(value, c.basic.unsigned_long)
        };
        // What isn't in the first piece of the packet is elsewhere, and left out.
        let (length, elsewhere) = (field(self, "len"), field(self, "data_len"));
        let ulong = self.basic.unsigned_long;
        let length = self.arithmetic(ast::BinaryOp::Sub, length, elsewhere, ulong, span);
        let data = field(self, "data");
        // No packet at all is none to show.
        let unless_null = |e: Expr| {
            let zero = int(0, e.ty, span);
            let ty = e.ty;
            let condition = Box::new(of(ExprKind::Local(local)));
            Expr { kind: ExprKind::Conditional(condition, Box::new(e), Box::new(zero)), ty, span }
        };
        let (length, data) = (unless_null(length), unless_null(data));
        if constant(&skb) == Some(0) {
            // Its members can't be read: nothing is there.
            let none = int(0, ulong, span);
            return Some(Action::Pcap { local, skb, length: none.clone(), data: none, protocol });
        }
        Some(Action::Pcap { local, skb, length, data, protocol })
    }
}
