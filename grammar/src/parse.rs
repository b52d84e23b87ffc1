//! Streams of tokens to syntax, and syntax errors to plain words.
//!
//! In: the streams of the lexer. Out: items and diagnostics. A statement that can't be
//! parsed is reported and left out, and the rest of its clause is parsed again, so that
//! several errors in one clause are all found.

use crate::ast::Storage;
use crate::ast::{Item, Program};
use crate::d::StartParser;
use crate::diagnostic::Diagnostic;
use crate::lexer::{Lexer, Piece, Spanned, Stream, Surroundings};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::{Actions, Parsed};
use crate::token::Token;
use crate::{TypeNames, Unit};
use lalrpop_util::ParseError;

/// Most syntax errors of one item that are looked for.
const MOST_ERRORS: usize = 20;

/// Parses one unit into `program`.
pub(crate) fn unit(
    sources: &Sources,
    unit: &Unit,
    around: Surroundings<'_>,
    program: &mut Program,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let text = &sources.get(unit.source).text;
    let mut lexer = Lexer::new(text, unit.source, unit.kind, around);
    while let Some(piece) = lexer.next_piece() {
        match piece {
            Piece::Pragma(pragma) => program.items.push(Item::Pragma(pragma)),
            Piece::Item(stream) => {
                let parsed = stream_items(sources, unit.source, stream, around.types, diagnostics);
                for item in &parsed {
                    if let Item::Declaration(d) = item
                        && d.storage == Storage::Typedef
                        && let Some(name) = &d.name
                    {
                        around.typedefs.borrow_mut().insert(name.name.clone());
                    }
                }
                program.items.extend(parsed);
            }
        }
    }
    diagnostics.append(&mut lexer.diagnostics);
}

fn stream_items(
    sources: &Sources,
    source: SourceId,
    stream: Stream,
    types: &dyn TypeNames,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Item> {
    match stream_syntax(sources, source, stream, types, diagnostics) {
        Some(Parsed::Items(items)) => items,
        _ => Vec::new(),
    }
}

/// Parses one stream; `None` if nothing of it could be made sense of.
pub(crate) fn stream_syntax(
    sources: &Sources,
    source: SourceId,
    stream: Stream,
    types: &dyn TypeNames,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Parsed> {
    let Stream { mut tokens, damaged } = stream;
    if tokens.len() < 2 {
        return None;
    }
    for _ in 0..MOST_ERRORS {
        let actions = Actions::new(source);
        let parser = StartParser::new();
        let result = parser.parse(&actions, tokens.iter().cloned());
        let error = match result {
            Ok(parsed) => {
                diagnostics.append(&mut actions.diagnostics.borrow_mut());
                return Some(parsed);
            }
            Err(e) => e,
        };
        let at = error_index(&tokens, &error);
        // What follows a lexical error may only be its consequence.
        if !damaged {
            let d = describe(sources, source, &tokens, at, &error, types);
            diagnostics.push(classic(d, sources, source, &tokens, at, &error));
        }
        if !remove_statement(&mut tokens, at) {
            return None;
        }
    }
    None
}

type Error = ParseError<usize, Token, ()>;

/// The index of the token that could not stand where it is.
fn error_index(tokens: &[Spanned], error: &Error) -> usize {
    let at = match error {
        ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => token.0,
        ParseError::InvalidToken { location } => *location,
        ParseError::UnrecognizedEof { .. } | ParseError::User { .. } => return tokens.len(),
    };
    // The start token covers no text and comes before the first.
    tokens.iter().skip(1).position(|t| t.0 >= at).map_or(tokens.len(), |n| n + 1)
}

/// Takes the statement around a token out of a clause's body; false if it isn't in one.
fn remove_statement(tokens: &mut Vec<Spanned>, at: usize) -> bool {
    let Some(body) = tokens.iter().position(|t| t.1 == Token::Word("{")) else { return false };
    let is_clause = tokens.get(1).is_some_and(|t| matches!(t.1, Token::Probe(_)));
    if !is_clause || at <= body || at >= tokens.len() {
        return false;
    }
    let mut start = at;
    while start > body + 1 {
        if matches!(tokens[start - 1].1, Token::Word(";" | "{" | "}")) {
            break;
        }
        start -= 1;
    }
    let mut end = at;
    let mut depth = 0;
    while end < tokens.len() - 1 {
        match tokens[end].1 {
            Token::Word("{") => depth += 1,
            Token::Word("}") if depth == 0 => break,
            Token::Word("}") => {
                depth -= 1;
                if depth == 0 {
                    end += 1;
                    break;
                }
            }
            Token::Word(";") if depth == 0 => {
                end += 1;
                break;
            }
            _ => {}
        }
        end += 1;
    }
    if start >= end {
        return false;
    }
    tokens.drain(start..end);
    true
}

// ---------------------------------------------------------------- messages

fn describe(
    sources: &Sources,
    source: SourceId,
    tokens: &[Spanned],
    at: usize,
    error: &Error,
    types: &dyn TypeNames,
) -> Diagnostic {
    let expected: &[String] = match error {
        ParseError::UnrecognizedToken { expected, .. }
        | ParseError::UnrecognizedEof { expected, .. } => expected,
        _ => &[],
    };
    let span = |from: usize, to: usize| Span::new(source, from..to);
    let before = &tokens[at.min(tokens.len()) - 1];
    let wants = |t: &str| expected.iter().any(|e| e.trim_matches('"') == t);
    let text = &sources.get(source).text;
    let Some(found) = tokens.get(at) else {
        let d = Diagnostic::error(
            "D_SYNTAX",
            span(before.0, before.2),
            format!("the program ends too early: {} is missing", Wanted(expected)),
        );
        let d = d.here("after this");
        return if wants("{") || expected.is_empty() {
            d.hint("a clause in a script needs a body: add `{ … }`")
        } else {
            d
        };
    };
    let here = span(found.0, found.2);
    let words: Vec<&Token> = tokens.iter().take(5).map(|t| &t.1).collect();
    if let [_, Token::Word("translator"), Token::Word("struct" | "union"), _, Token::Word("{")] =
        words[..]
    {
        let (from, to) = (tokens[2].0, tokens[3].2);
        let message = "a translator makes a struct that is there already";
        return Diagnostic::error("D_DECL_TYPERED", span(from, to), message)
            .here("this looks like a definition")
            .hint(
                "put what it is made from into angle brackets: translator struct o < struct i *p >",
            );
    }
    let next_line = text.get(before.2..found.0).is_some_and(|t| t.contains('\n'));
    let only_type = wants("TYPE") && !wants("IDENT");
    if let Some((name, at)) = meant_as_type(tokens, at, &found.1, only_type)
        && !(wants(";") && next_line)
    {
        let message = format!("`{name}` is not the name of a type");
        let hint = types
            .hint(&name)
            .unwrap_or_else(|| "structs need the word `struct`: struct task_struct *".to_owned());
        return Diagnostic::error("D_SYNTAX", span(at.0, at.1), message).hint(hint);
    }
    if wants(";") && (next_line || matches!(found.1, Token::Ident(_) | Token::Aggregation(_))) {
        return Diagnostic::error("D_SYNTAX", span(before.0, before.2), "a `;` is missing")
            .here("after this")
            .label(here, "before this")
            .hint("statements are separated by `;`");
    }
    let declares = expected.len() == 2 && expected.iter().all(|e| e.contains([';', ',']));
    let mut d = Diagnostic::error(
        "D_SYNTAX",
        here,
        format!("{} can't stand here: expected {}", found.1, Wanted(expected)),
    );
    match &found.1 {
        Token::Word(w @ ("do" | "switch" | "goto" | "return" | "case" | "default")) => {
            d = d.hint(format!("D has no `{w}`; there are if, for and while"));
        }
        Token::TypeName(n) => {
            d = d.note(format!("`{n}` is the name of a type of this kernel"));
        }
        Token::Probe(_) if at == 2 => {
            d = d.hint("separate probe descriptions by commas");
        }
        Token::PredicateOpen => d = d.hint("a clause has at most one predicate"),
        Token::Word("=") if declares => {
            d = d.hint("a variable gets its value in a clause, such as BEGIN { x = 5; }");
        }
        Token::Word("=") => d = d.hint("only variables can be assigned; compare with `==`"),
        _ => {}
    }
    d
}

/// What dtrace(1) says of the same.
fn classic(
    d: Diagnostic,
    sources: &Sources,
    source: SourceId,
    tokens: &[Spanned],
    at: usize,
    error: &Error,
) -> Diagnostic {
    let text = &sources.get(source).text;
    let body = match error {
        ParseError::UnrecognizedToken { expected, .. }
        | ParseError::UnrecognizedEof { expected, .. } => expected.iter().any(|e| e == "\"{\""),
        _ => false,
    };
    let described = matches!(tokens[at.min(tokens.len()) - 1].1, Token::Probe(_));
    match tokens.get(at) {
        _ if body && described && d.code == "D_SYNTAX" => {
            d.classic("expected predicate and/or actions following probe description")
        }
        Some(found) => {
            let word = text.get(found.0..found.2).unwrap_or_default();
            let here = Span::new(source, found.0..found.2);
            d.classic(format!("syntax error near \"{word}\"")).classic_at(here)
        }
        None => {
            let end = Span::new(source, text.len()..text.len());
            d.classic("syntax error near end-of-input").classic_at(end)
        }
    }
}

/// A name that stands where only a type can: it, or what is before `*)`.
fn meant_as_type(
    tokens: &[Spanned],
    at: usize,
    found: &Token,
    only_type: bool,
) -> Option<(String, (usize, usize))> {
    let name = |t: Option<&Spanned>| match t {
        Some((l, Token::Ident(n), r)) => Some((n.clone(), (*l, *r))),
        _ => None,
    };
    if only_type {
        return name(tokens.get(at));
    }
    // `(name *)`, or `(name) value`, which nothing else can be.
    let value = matches!(found, Token::Ident(_) | Token::Integer(..) | Token::String(_));
    let end = if *found == Token::Word(")") {
        at
    } else if value && tokens[at - 1].1 == Token::Word(")") {
        at - 1
    } else {
        return None;
    };
    let stars = tokens[..end].iter().rev().take_while(|t| t.1 == Token::Word("*")).count();
    if (stars == 0 && !value) || end < stars + 3 {
        return None;
    }
    let open = end - stars - 2;
    let called = matches!(
        tokens[open - 1].1,
        Token::Ident(_) | Token::Word(")" | "]" | "if" | "while" | "for")
    );
    match tokens[open].1 {
        Token::Word("(") if stars > 0 || !called => name(tokens.get(open + 1)),
        _ => None,
    }
}

/// What the parser would have taken, in words.
struct Wanted<'a>(&'a [String]);

impl std::fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let has = |t: &str| self.0.iter().any(|e| e.trim_matches('"') == t);
        let mut words: Vec<String> = Vec::new();
        let begins_expression = has("INTEGER") && has("IDENT");
        if begins_expression {
            words.push("an expression".to_owned());
        } else if has("IDENT") {
            words.push("a name".to_owned());
        }
        if has("TYPE") && !begins_expression && !has("IDENT") {
            words.push("a type".to_owned());
        }
        if has("PROBE") {
            words.push("a probe description".to_owned());
        }
        if has("PREDICATE_CLOSE") {
            words.push("the `/` that ends the predicate".to_owned());
        }
        if has("+") && has("*") && !begins_expression {
            words.push("an operator".to_owned());
        }
        for t in [";", "{", "}", ")", "]", ",", ":", "=", "<", ">", "("] {
            let operator_too = matches!(t, "<" | ">" | "=") && has("+");
            let opens = t == "(" && (begins_expression || has("+"));
            if has(t) && !operator_too && !opens {
                words.push(format!("`{t}`"));
            }
        }
        match words.split_last() {
            None => f.write_str("something else"),
            Some((only, [])) => f.write_str(only),
            Some((last, rest)) => write!(f, "{} or {last}", rest.join(", ")),
        }
    }
}
