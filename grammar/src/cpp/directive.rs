//! Directives: lines that begin with `#`.
//!
//! In: the current file, behind the `#`. Out: macros defined, groups left out, files gone
//! into, lines passed on. `#pragma` is passed on as it stands: D has pragmas of its own.

use super::token::{Kind, Token, piece};
use super::{Conditional, Preprocessor, macros};
use crate::source::Span;
use std::rc::Rc;

impl Preprocessor<'_> {
    /// Does a line's directive. The file is behind the `#`, and then behind the line.
    pub(super) fn directive(&mut self) {
        let Some(name) = self.token_of_line() else { return };
        let skipping = self.skipping();
        match &*name.text {
            "if" | "ifdef" | "ifndef" => return self.begin_group(&name.text),
            "elif" | "elifdef" | "elifndef" => return self.else_if(&name.text),
            "else" => return self.other_group(),
            "endif" => return self.end_group(),
            _ if skipping => return self.skip_line(),
            _ => {}
        }
        if self.in_arguments && !matches!(&*name.text, "define" | "undef") {
            self.error_line(format!("#{} can't stand among a macro's arguments", name.text));
            return self.skip_line();
        }
        match &*name.text {
            "define" => self.define(),
            "undef" => {
                let tokens = self.rest_of_line();
                if let Some(name) = self.one_name("undef", &tokens) {
                    self.macros.undefine(&name);
                }
            }
            "include" | "include_next" => self.include(&name.text),
            "line" => {
                let tokens = self.rest_of_line();
                let tokens = self.expand_line(tokens);
                self.renumber("line", &tokens);
            }
            _ if name.kind == Kind::Number => {
                let mut tokens = self.rest_of_line();
                tokens.insert(0, name);
                self.renumber("", &tokens);
            }
            "error" | "warning" => {
                let text = self.raw_rest();
                let message = format!("#{}{text}", name.text);
                let told = if &*name.text == "error" {
                    self.error_line(message)
                } else {
                    self.warn_line(message)
                };
                told.hint("the text asks for this");
            }
            "pragma" => self.pragma(),
            "ident" | "sccs" => {
                let text = self.raw_rest();
                self.pass_line(&format!("#{}{text}", name.text));
            }
            other => {
                let message = format!("invalid preprocessing directive #{other}");
                self.skip_line();
                self.error_line(message);
            }
        }
    }

    // ------------------------------------------------------------------ reading a line

    /// The next token of the line that the file is on; its end is left where it is.
    pub(super) fn token_of_line(&mut self) -> Option<Token> {
        let mut space = false;
        loop {
            let file = self.files.last_mut()?;
            let p = piece(&file.spliced.text, file.at)?;
            match p.kind {
                Kind::Newline => return None,
                Kind::Space | Kind::Comment => {
                    file.at = p.end;
                    space |= p.kind == Kind::Space || !self.settings.traditional();
                    if p.kind == Kind::Comment {
                        self.check_comment(p.start, p.end);
                    }
                }
                kind => {
                    file.at = p.end;
                    return Some(Token::new(kind, &file.spliced.text[p.start..p.end], space));
                }
            }
        }
    }

    /// The line's tokens that are left; the file is behind the line then.
    pub(super) fn rest_of_line(&mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(token) = self.token_of_line() {
            tokens.push(token);
        }
        self.next_line();
        tokens
    }

    /// The line's text that is left, comments as blanks; the file is behind the line then.
    fn raw_rest(&mut self) -> String {
        let mut out = String::new();
        if let Some(file) = self.files.last_mut() {
            let text = file.spliced.text.clone();
            while let Some(p) = piece(&text, file.at).filter(|p| p.kind != Kind::Newline) {
                match p.kind {
                    Kind::Comment => out.push(' '),
                    _ => out += &text[p.start..p.end],
                }
                file.at = p.end;
            }
        }
        self.next_line();
        out.truncate(out.trim_end().len());
        out
    }

    pub(super) fn next_line(&mut self) {
        if let Some(file) = self.files.last_mut()
            && file.spliced.text.as_bytes().get(file.at) == Some(&b'\n')
        {
            file.at += 1;
        }
    }

    pub(super) fn skip_line(&mut self) {
        let Some(file) = self.files.last_mut() else { return };
        let text = file.spliced.text.clone();
        while let Some(p) = piece(&text, file.at) {
            file.at = p.end;
            if p.kind == Kind::Newline {
                return;
            }
        }
    }

    // ------------------------------------------------------------------ groups

    /// Whether the current group is left out.
    pub(super) fn skipping(&self) -> bool {
        let file = self.files.last();
        file.and_then(|f| f.conditionals.last()).is_some_and(|c| !c.live)
    }

    fn begin_group(&mut self, word: &str) {
        let outer = !self.skipping();
        let span = self.line_span();
        let tokens = self.rest_of_line();
        let holds = outer && self.test(word, tokens);
        let conditional =
            Conditional { span, word: Rc::from(word), outer, taken: holds, live: holds };
        if let Some(file) = self.files.last_mut() {
            file.conditionals.push(conditional);
        }
    }

    fn test(&mut self, word: &str, tokens: Vec<Token>) -> bool {
        match word {
            "if" | "elif" => self.condition(word, tokens),
            _ => {
                let name = self.one_name(word, &tokens);
                let negated = word.ends_with("ndef");
                name.is_some_and(|name| self.is_defined(&name) != negated)
            }
        }
    }

    /// The innermost group, if `word` may go on with it.
    fn group(&mut self, word: &str) -> Option<Conditional> {
        let group = self.files.last().and_then(|f| f.conditionals.last()).cloned();
        match group {
            None => {
                self.error_line(format!("#{word} without #if"))
                    .hint("a group of lines begins with #if, #ifdef or #ifndef");
                None
            }
            Some(group) if &*group.word == "else" && word != "endif" => {
                self.error_line(format!("#{word} after #else"))
                    .label(group.span, "the conditional began here");
                None
            }
            group => group,
        }
    }

    fn regroup(&mut self, group: Conditional) {
        if let Some(last) = self.files.last_mut().and_then(|f| f.conditionals.last_mut()) {
            *last = group;
        }
    }

    fn else_if(&mut self, word: &str) {
        let group = self.group(word);
        let tokens = self.rest_of_line();
        let Some(group) = group else { return };
        let live = group.outer && !group.taken && self.test(word, tokens);
        self.regroup(Conditional {
            word: Rc::from(word),
            taken: group.taken || live,
            live,
            ..group
        });
    }

    fn other_group(&mut self) {
        let group = self.group("else");
        let extra = !self.rest_of_line().is_empty();
        let Some(group) = group else { return };
        if extra && group.outer {
            self.warn_line("extra tokens at end of #else directive");
        }
        let live = group.outer && !group.taken;
        self.regroup(Conditional { word: Rc::from("else"), taken: true, live, ..group });
    }

    fn end_group(&mut self) {
        let group = self.group("endif");
        let extra = !self.rest_of_line().is_empty();
        let Some(group) = group else { return };
        if extra && group.outer {
            self.warn_line("extra tokens at end of #endif directive");
        }
        if let Some(file) = self.files.last_mut() {
            file.conditionals.pop();
        }
    }

    // ------------------------------------------------------------------ macros

    pub(super) fn is_defined(&self, name: &str) -> bool {
        matches!(name, "__has_include" | "__has_include_next") || self.macros.get(name).is_some()
    }

    /// The one name that a directive takes.
    fn one_name(&mut self, word: &str, tokens: &[Token]) -> Option<Rc<str>> {
        match tokens.first() {
            None => {
                self.error_line(format!("no macro name given in #{word} directive"));
                None
            }
            Some(t) if t.kind != Kind::Ident => {
                self.error_line("macro names must be identifiers");
                None
            }
            Some(t) => {
                if tokens.len() > 1 {
                    self.warn_line(format!("extra tokens at end of #{word} directive"));
                }
                Some(t.text.clone())
            }
        }
    }

    fn define(&mut self) {
        let span = self.line_span();
        let tokens = self.rest_of_line();
        match macros::definition(&tokens, self.settings.traditional()) {
            Err(message) => {
                self.error_line(message);
            }
            Ok((name, body)) => {
                let old = self.macros.define(&name, body, span);
                let new = self.macros.get(&name).cloned();
                if let (Some(old), Some(new)) = (old, new)
                    && !old.same(&new)
                {
                    let told = self.warn_line(format!("\"{name}\" redefined"));
                    if old.span != Span::default() {
                        told.label(old.span, "this is the location of the previous definition");
                    }
                }
            }
        }
    }

    // ------------------------------------------------------------------ the others

    /// `#line n "file"`, or `# n "file" flags`.
    fn renumber(&mut self, word: &str, tokens: &[Token]) {
        let number = tokens.first().map(|t| &*t.text).unwrap_or_default();
        let Some(number) = number.parse::<u32>().ok() else {
            let what = if number.is_empty() { "end of line" } else { number };
            let message = match word {
                "" => format!("\"{what}\" after # is not a positive integer"),
                _ => format!("\"{what}\" after #line is not a positive integer"),
            };
            self.error_line(message);
            return;
        };
        let name = match tokens.get(1) {
            None => None,
            Some(t) if t.kind == Kind::String => {
                Some(t.text.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\"))
            }
            Some(t) => {
                let message = format!("invalid filename {}", t.text);
                self.error_line(message);
                return;
            }
        };
        let Some(file) = self.files.last() else { return };
        let at = file.spliced.original(file.at) as u32;
        self.sources.renumber(file.source, at, name.as_deref(), number as usize);
        self.mark(None);
    }

    fn pragma(&mut self) {
        let from = self.files.last().map_or(0, |f| f.at);
        let words: Vec<Token> = std::iter::from_fn(|| self.token_of_line()).take(4).collect();
        let word = |n: usize| words.get(n).map_or("", |t: &Token| &*t.text);
        match (word(0), word(1)) {
            ("once", "") => {
                self.next_line();
                if let Some(path) = self.files.last().map(|f| f.path.clone()) {
                    self.once.insert(path);
                }
            }
            (what @ ("push_macro" | "pop_macro"), "(") => {
                let name: Rc<str> = Rc::from(word(2).trim_matches('"'));
                let saved = self.pushed.entry(name.clone()).or_default();
                if what == "push_macro" {
                    saved.push(self.macros.get(&name).cloned());
                } else if let Some(old) = saved.pop() {
                    self.macros.restore(&name, old);
                }
                self.skip_line();
            }
            _ => {
                if let Some(file) = self.files.last_mut() {
                    file.at = from;
                }
                let text = self.raw_rest();
                self.pass_line(&format!("#pragma{text}"));
            }
        }
    }
}
