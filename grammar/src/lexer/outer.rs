//! Between items: probe descriptions, and where declarations begin.
//!
//! In: text in outer mode. Out: probe descriptions, filled in as the command line's option
//! says, and the change to another mode.

use super::{Lexer, Mode, Open};
use crate::ast::ProbeDescription;
use crate::diagnostic::Diagnostic;
use crate::gnu;
use crate::macros::Expansion;
use crate::token::{DECLARATION_KEYWORDS, Token};
use crate::{ProbeSpec, UnitKind};

impl Lexer<'_> {
    pub(super) fn outer(&mut self) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        match bytes[start] {
            b'{' => {
                self.at += 1;
                self.open.push(Open { text: "{", at: start });
                self.push(start, Token::Word("{"));
                self.mode = Mode::Body;
            }
            b'/' => {
                self.at += 1;
                self.push(start, Token::PredicateOpen);
                self.mode = Mode::Predicate;
            }
            b',' => {
                self.at += 1;
                self.push(start, Token::Word(","));
            }
            b';' => {
                self.at += 1;
                if !self.stream.tokens.is_empty() {
                    self.push(start, Token::Word(";"));
                    self.finish_item();
                }
            }
            c if is_probe_start(c) || c.is_ascii_digit() => self.probe_or_declaration(),
            _ => self.garbage(),
        }
    }

    pub(super) fn probe_or_declaration(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len()
            && (is_probe_start(bytes[end]) || bytes[end].is_ascii_digit() || bytes[end] == b'`')
        {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
            end += self.text.get(start..end).map_or(0, |read| path(read, &self.text[end..]));
        }
        let end = end.min(bytes.len());
        let Some(text) = self.text.get(start..end) else { return self.garbage() };
        let word_end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '`'))
            .unwrap_or(text.len());
        let word = &text[..word_end];
        let begins_item = self.stream.tokens.is_empty();
        let is_plain = !text.contains([':', '-', '.', '?', '!', '[', '$']);
        // On the command line a word alone is a probe: a type has a name after it.
        let may_declare = match self.kind {
            UnitKind::Probe(ProbeSpec::Name) => self.text[start + word_end..]
                .trim_start()
                .starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '*')),
            UnitKind::Probe(_) => false,
            _ => true,
        };
        let declares = begins_item
            && may_declare
            && is_plain
            && !(self.pspec && text.len() > word.len())
            && !matches!(text, "BEGIN" | "END" | "ERROR")
            && (DECLARATION_KEYWORDS.contains(&word)
                || gnu::word(word).is_some()
                || self.is_type(word));
        if declares {
            self.mode = Mode::Declaration;
            return self.inner();
        }
        self.at = end;
        match self.probe(text, start) {
            Some(probe) => self.push(start, Token::Probe(probe)),
            None => self.stream.damaged = true,
        }
    }

    /// A probe description: macros expanded, split at the colons, filled from the right
    /// (or as the command line's option says).
    pub(super) fn probe(&mut self, text: &str, start: usize) -> Option<ProbeDescription> {
        let span = self.span(start, self.at);
        let expanded = self.expand_in_probe(text, start)?;
        let mut probe = ProbeDescription {
            id: None,
            provider: String::new(),
            module: String::new(),
            function: String::new(),
            name: String::new(),
            span,
        };
        let spec = match self.kind {
            UnitKind::Probe(spec) => spec,
            _ => ProbeSpec::Name,
        };
        if expanded.bytes().all(|c| c.is_ascii_digit()) || spec == ProbeSpec::Id {
            match expanded.parse() {
                Ok(id) => probe.id = Some(id),
                Err(_) => {
                    let d = Diagnostic::error(
                        "D_PDESC_INVAL",
                        span,
                        format!("`{expanded}` is not a probe id"),
                    );
                    self.error(d.classic(classic_id(&expanded)));
                    return None;
                }
            }
            return Some(probe);
        }
        let fields: Vec<&str> = expanded.split(':').collect();
        let most = match spec {
            ProbeSpec::Provider => 1,
            ProbeSpec::Module => 2,
            ProbeSpec::Function => 3,
            _ => 4,
        };
        let beyond = fields.len().saturating_sub(most);
        if fields[..beyond].iter().any(|f| !f.is_empty()) {
            let d = Diagnostic::error(
                "D_PDESC_INVAL",
                span,
                format!("a probe description has at most {most} fields, this one {}", fields.len()),
            );
            let d = d.classic(format!(
                "invalid probe description \"{expanded}\": Overspecified probe description"
            ));
            self.error(d.hint("write provider:module:function:name"));
            return None;
        }
        let mut slots =
            [&mut probe.provider, &mut probe.module, &mut probe.function, &mut probe.name];
        for (slot, field) in slots[..most].iter_mut().rev().zip(fields.iter().rev()) {
            **slot = (*field).to_owned();
        }
        Some(probe)
    }

    pub(super) fn expand_in_probe(&mut self, text: &str, start: usize) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            let at = start + (text.len() - rest.len()) + dollar;
            rest = rest[dollar..].trim_start_matches('$');
            let digits = rest.starts_with(|c: char| c.is_ascii_digit());
            let end = rest
                .find(|c: char| {
                    if digits {
                        !c.is_ascii_digit()
                    } else {
                        !(c.is_ascii_alphanumeric() || c == '_')
                    }
                })
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            match self.around.macros.expand(name) {
                Expansion::Number(n) => out.push_str(&n.to_string()),
                Expansion::Text(t) if !t.contains(':') => out.push_str(&t),
                Expansion::Text(t) => {
                    let d = Diagnostic::error(
                        "D_PDESC_INVAL",
                        self.span(at, at + 1 + name.len()),
                        format!(
                            "${name} is `{t}`: a macro in a probe description can't hold a `:`"
                        ),
                    );
                    self.error(d);
                    return None;
                }
                other => {
                    self.unknown_macro(&other, name, at, at + 1 + name.len());
                    return None;
                }
            }
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// What dtrace(1) says of something that is no probe id.
fn classic_id(text: &str) -> String {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match text[..text.len() - rest.len()].parse() {
        Ok(0u32) => "invalid probe identifier 0: Unknown probe identifier".to_owned(),
        _ => format!("probe description :::{rest} does not match any probes"),
    }
}

/// How long the path is that comes next in a description, as a module of providers for user
/// programs: `uprobe:/bin/bash:…`. Elsewhere a `/` opens a predicate; here a `:` must end it.
fn path(read: &str, rest: &str) -> usize {
    let Some(provider) = read.strip_suffix(':') else { return 0 };
    let of_process = provider.strip_prefix("pid");
    let of_process =
        of_process.is_some_and(|id| id.starts_with(|c: char| c == '$' || c.is_ascii_digit()));
    if !of_process && !matches!(provider, "uprobe" | "usdt") {
        return 0;
    }
    let part = |c: char| c.is_alphanumeric() || "/._-+@~=,%$*?[]!".contains(c);
    let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
    if rest[..end].contains('/') && rest[end..].starts_with(':') { end } else { 0 }
}

fn is_probe_start(c: u8) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, b'-' | b'$' | b':' | b'_' | b'.' | b'?' | b'*' | b'\\' | b'[' | b']' | b'!')
}
