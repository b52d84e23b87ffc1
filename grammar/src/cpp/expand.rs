//! Expansion of macros.
//!
//! In: a name that is a macro, and what follows it. Out: tokens. Prosser's algorithm, with
//! GNU's `, ## __VA_ARGS__`. What a macro makes is bounded, in depth and in tokens: what
//! goes beyond is an error.

use super::Preprocessor;
use super::hide::Hide;
use super::macros::{Body, Builtin, Macro, Parameters, Part};
use super::token::{Kind, Token, single};
use std::rc::Rc;

/// Most tokens that one macro of the text may come to.
const MOST_TOKENS: usize = 1 << 20;

/// Most tokens that all of them may come to.
const MOST_IN_ALL: usize = 1 << 24;

/// Deepest nesting of macro calls in arguments.
const DEEPEST: usize = 200;

/// Arguments, and the hide set of the closing parenthesis.
type Arguments = (Vec<Vec<Token>>, Hide);

impl Preprocessor<'_> {
    /// Expands a macro's name that stands in the current file; its arguments may follow.
    pub(super) fn expand_here(&mut self, name: Token) -> Vec<Token> {
        self.made = 0;
        let mut out = Vec::new();
        self.rescan(vec![name], true, 0, &mut out);
        out
    }

    /// Expands tokens that nothing follows: those of a directive.
    pub(super) fn expand_line(&mut self, tokens: Vec<Token>) -> Vec<Token> {
        self.made = 0;
        self.expand_all(tokens, 0)
    }

    fn expand_all(&mut self, mut tokens: Vec<Token>, depth: usize) -> Vec<Token> {
        tokens.reverse();
        let mut out = Vec::with_capacity(tokens.len());
        self.rescan(tokens, false, depth, &mut out);
        out
    }

    /// Whether more tokens may be made; the first time they may not, that is told.
    fn room(&mut self, count: usize) -> bool {
        self.made = self.made.saturating_add(count);
        self.made_in_all = self.made_in_all.saturating_add(count);
        if self.made > MOST_TOKENS || self.made_in_all > MOST_IN_ALL {
            if self.made < usize::MAX / 2 {
                self.error_here("this macro expands to more than can be held")
                    .hint("macros that use each other twice grow with every step");
            }
            self.made = usize::MAX / 2;
            return false;
        }
        true
    }

    /// Takes tokens from a stack, top first, and puts what they come to into `out`.
    fn rescan(&mut self, mut stack: Vec<Token>, in_file: bool, depth: usize, out: &mut Vec<Token>) {
        while let Some(token) = stack.pop() {
            if !self.room(1) {
                return;
            }
            if token.kind != Kind::Ident {
                out.push(token);
                continue;
            }
            if self.in_condition
                && let Some(answer) = self.asked(&token, &mut stack)
            {
                out.push(answer);
                continue;
            }
            let Some(found) = self.macros.get(&token.text).cloned() else {
                out.push(token);
                continue;
            };
            if self.hides.contains(token.hide, found.id) {
                out.push(token);
                continue;
            }
            if !self.call(&found, &token, &mut stack, in_file, depth) {
                out.push(token);
            }
        }
    }

    /// Puts what a macro stands for on the stack; false if it is only a name here.
    fn call(
        &mut self,
        found: &Macro,
        token: &Token,
        stack: &mut Vec<Token>,
        in_file: bool,
        depth: usize,
    ) -> bool {
        let tokens = match &found.body {
            Body::Builtin(builtin) => vec![self.builtin(*builtin, token)],
            Body::Object(parts) => {
                let hide = self.hides.with(token.hide, found.id);
                self.substitute(parts, None, &[], hide, depth)
            }
            Body::Function(parameters, parts) => {
                let called = match stack.last() {
                    Some(next) => next.is("("),
                    None => in_file && self.parenthesis_follows(),
                };
                if !called {
                    return false;
                }
                let Some((args, end)) = self.arguments(token, parameters, stack, in_file) else {
                    return false;
                };
                let both = self.hides.both(token.hide, end);
                let hide = self.hides.with(both, found.id);
                self.substitute(parts, Some(parameters), &args, hide, depth)
            }
        };
        let empty = tokens.is_empty();
        if self.room(tokens.len()) {
            stack.extend(tokens.into_iter().rev());
            if let Some(top) = stack.last_mut().filter(|_| !empty) {
                top.space = token.space;
            }
        }
        true
    }

    fn builtin(&mut self, builtin: Builtin, token: &Token) -> Token {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let (kind, text) = match builtin {
            Builtin::File => (Kind::String, quoted(&self.place().0)),
            Builtin::BaseFile => (Kind::String, quoted(&self.settings.name)),
            Builtin::Date => (Kind::String, quoted(&self.settings.date)),
            Builtin::Time => (Kind::String, quoted(&self.settings.time)),
            Builtin::Line => (Kind::Number, self.place().1.to_string()),
            Builtin::IncludeLevel => (Kind::Number, (self.files.len() - 1).to_string()),
            Builtin::Counter => {
                self.counter += 1;
                (Kind::Number, (self.counter - 1).to_string())
            }
        };
        Token::new(kind, &text, token.space)
    }

    /// The arguments of a call whose opening parenthesis comes next; `None` if they don't
    /// fit, which is told, and then the stack is as it was.
    fn arguments(
        &mut self,
        name: &Token,
        parameters: &Parameters,
        stack: &mut Vec<Token>,
        in_file: bool,
    ) -> Option<Arguments> {
        let mut taken: Vec<Token> = Vec::new();
        let mut args: Vec<Vec<Token>> = vec![Vec::new()];
        let mut depth = 0usize;
        let count = parameters.names.len();
        let end = loop {
            let next = match stack.pop() {
                None if in_file => self.token_here(),
                next => next,
            };
            let Some(token) = next else {
                self.error_here(format!(
                    "unterminated argument list invoking macro \"{}\"",
                    name.text
                ));
                stack.extend(taken.into_iter().rev());
                return None;
            };
            if !self.room(1) {
                return None;
            }
            taken.push(token.clone());
            if token.is("(") {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            } else if token.is(")") {
                depth -= 1;
                if depth == 0 {
                    break token.hide;
                }
            } else if token.is(",") && depth == 1 && !(parameters.variadic && args.len() == count) {
                args.push(Vec::new());
                continue;
            }
            if let Some(last) = args.last_mut() {
                last.push(token);
            }
        };
        if count == 0 && args.len() == 1 && args[0].is_empty() {
            args.clear();
        }
        if parameters.variadic && args.len() + 1 == count {
            args.push(Vec::new());
        }
        if args.len() == count {
            return Some((args, end));
        }
        let (text, given) = (&name.text, args.len());
        let message = if given < count {
            let s = if count == 1 { "" } else { "s" };
            format!("macro \"{text}\" requires {count} argument{s}, but only {given} given")
        } else {
            format!("macro \"{text}\" passed {given} arguments, but takes just {count}")
        };
        self.error_here(message);
        stack.extend(taken.into_iter().rev());
        None
    }

    /// A body with its arguments.
    fn substitute(
        &mut self,
        parts: &[Part],
        parameters: Option<&Parameters>,
        args: &[Vec<Token>],
        hide: Hide,
        depth: usize,
    ) -> Vec<Token> {
        let mut out: Vec<Token> = Vec::with_capacity(parts.len());
        let mut expanded: Vec<Option<Vec<Token>>> = vec![None; args.len()];
        let mut paste = false;
        for (i, part) in parts.iter().enumerate() {
            let beside = paste || matches!(parts.get(i + 1), Some(Part::Paste));
            let mut items = match part {
                Part::Paste => {
                    paste = true;
                    continue;
                }
                Part::Token(token) => vec![token.clone()],
                Part::Text { index, space } => vec![text_of(&args[*index], *space)],
                Part::Inside { pieces, space } => vec![inside(pieces, args, *space)],
                Part::Optional { parts, space } => {
                    let given = args.last().is_some_and(|rest| !rest.is_empty());
                    let mut items = if given {
                        self.substitute(parts, parameters, args, Hide::default(), depth)
                    } else {
                        Vec::new()
                    };
                    if let Some(first) = items.first_mut() {
                        first.space = *space;
                    } else if beside {
                        items.push(Token::new(Kind::Nothing, "", *space));
                    }
                    items
                }
                Part::Argument { index, space } => {
                    let rest = parameters.is_some_and(|p| p.variadic && p.names.len() == index + 1);
                    let mut items = if beside && args[*index].is_empty() {
                        vec![Token::new(Kind::Nothing, "", *space)]
                    } else if beside {
                        args[*index].clone()
                    } else {
                        self.expanded(&args[*index], &mut expanded[*index], depth)
                    };
                    // GNU's comma, which goes if nothing comes behind it.
                    if paste && rest && out.last().is_some_and(|t| t.is(",")) {
                        paste = false;
                        if args[*index].is_empty() {
                            out.pop();
                        }
                    }
                    if let Some(first) = items.first_mut() {
                        first.space = *space;
                    }
                    items
                }
            };
            if !self.room(items.len()) {
                return Vec::new();
            }
            if paste && let Some(left) = out.pop() {
                let right = items.remove(0);
                self.paste(left, right, &mut out);
            }
            paste = false;
            out.append(&mut items);
        }
        out.retain(|t| t.kind != Kind::Nothing);
        for token in &mut out {
            token.hide = self.hides.union(token.hide, hide);
        }
        out
    }

    /// An argument with its own macros expanded, once.
    fn expanded(
        &mut self,
        arg: &[Token],
        done: &mut Option<Vec<Token>>,
        depth: usize,
    ) -> Vec<Token> {
        if let Some(done) = done {
            return done.clone();
        }
        if depth >= DEEPEST {
            self.error_here("macro calls are nested too deeply in each other's arguments");
            self.made = usize::MAX / 2;
            return Vec::new();
        }
        let tokens = self.expand_all(arg.to_vec(), depth + 1);
        done.insert(tokens).clone()
    }

    /// `##`
    fn paste(&mut self, left: Token, right: Token, out: &mut Vec<Token>) {
        if left.kind == Kind::Nothing || right.kind == Kind::Nothing {
            let space = left.space;
            let kept = if left.kind == Kind::Nothing { right } else { left };
            return out.push(Token { space, ..kept });
        }
        let text = format!("{}{}", left.text, right.text);
        match single(&text) {
            Some(kind) => {
                let hide = self.hides.both(left.hide, right.hide);
                out.push(Token { kind, space: left.space, hide, text: Rc::from(text) });
            }
            None => {
                let (a, b) = (&left.text, &right.text);
                self.error_here(format!(
                    "pasting \"{a}\" and \"{b}\" does not give a valid preprocessing token"
                ));
                out.push(left);
                out.push(Token { space: false, ..right });
            }
        }
    }
}

/// `#`: an argument as a string.
fn text_of(arg: &[Token], space: bool) -> Token {
    let mut text = String::from("\"");
    for (i, token) in arg.iter().enumerate() {
        if token.space && i > 0 {
            text.push(' ');
        }
        if matches!(token.kind, Kind::String | Kind::Char) {
            text += &token.text.replace('\\', "\\\\").replace('"', "\\\"");
        } else {
            text += &token.text;
        }
    }
    text.push('"');
    Token::new(Kind::String, &text, space)
}

/// A string of a traditional body with its arguments.
fn inside(pieces: &[Result<Rc<str>, usize>], args: &[Vec<Token>], space: bool) -> Token {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Ok(piece) => text += piece,
            Err(index) => {
                let string = text_of(&args[*index], false);
                text += &string.text[1..string.text.len() - 1];
            }
        }
    }
    Token::new(Kind::String, &text, space)
}
