//! `#if`: constant expressions.
//!
//! In: a directive's tokens. Out: whether it holds; what is wrong is told once, and then it
//! doesn't hold. Arithmetic is C's, in 64 bits, signed or not.

use super::Preprocessor;
use super::token::{Kind, Token};

/// Deepest nesting of an expression.
const DEEPEST: usize = 200;

/// A value, and whether it is unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    bits: u64,
    unsigned: bool,
}

impl Value {
    const fn of(number: i64) -> Value {
        Value { bits: number as u64, unsigned: false }
    }

    fn truth(truth: bool) -> Value {
        Value::of(truth.into())
    }

    fn holds(self) -> bool {
        self.bits != 0
    }
}

impl Preprocessor<'_> {
    /// Whether what follows `#if` or `#elif` holds.
    pub(super) fn condition(&mut self, word: &str, tokens: Vec<Token>) -> bool {
        if tokens.is_empty() {
            self.error_here(format!("#{word} with no expression"));
            return false;
        }
        self.in_condition = true;
        self.condition_failed = false;
        let tokens = self.expand_line(tokens);
        self.in_condition = false;
        if self.condition_failed {
            return false;
        }
        let mut reader = Reader { tokens: &tokens, at: 0, depth: 0, word, evaluated: true };
        match reader.comma().and_then(|value| reader.end(value)) {
            Ok(value) => value.holds(),
            Err(message) => {
                self.error_here(message);
                false
            }
        }
    }

    /// `defined`, `__has_include` and the like, with what they ask about; `None` if the name
    /// is no question.
    pub(super) fn asked(&mut self, name: &Token, rest: &mut Vec<Token>) -> Option<Token> {
        let truth = match &*name.text {
            "defined" => self.asked_defined(rest),
            "__has_include" => self.asked_include(rest, false),
            "__has_include_next" => self.asked_include(rest, true),
            _ => return None,
        };
        let text = if truth { "1" } else { "0" };
        Some(Token::new(Kind::Number, text, name.space))
    }

    fn asked_defined(&mut self, rest: &mut Vec<Token>) -> bool {
        let open = rest.last().is_some_and(|t| t.is("("));
        if open {
            rest.pop();
        }
        let Some(name) = rest.pop().filter(|t| t.kind == Kind::Ident) else {
            self.wrong_question("operator \"defined\" requires an identifier");
            return false;
        };
        if open && !rest.pop().is_some_and(|t| t.is(")")) {
            self.wrong_question("missing ')' after \"defined\"");
        }
        self.is_defined(&name.text)
    }

    fn asked_include(&mut self, rest: &mut Vec<Token>, next: bool) -> bool {
        if !rest.pop().is_some_and(|t| t.is("(")) {
            self.wrong_question("missing '(' before \"__has_include\" operand");
            return false;
        }
        let mut inner = Vec::new();
        let mut depth = 1;
        while let Some(token) = rest.pop() {
            depth += usize::from(token.is("("));
            depth -= usize::from(token.is(")"));
            if depth == 0 {
                break;
            }
            inner.push(token);
        }
        if depth > 0 {
            self.wrong_question("missing ')' after \"__has_include\" operand");
            return false;
        }
        match self.header_name(inner) {
            Some((name, angled)) => self.find_header(&name, angled, next).is_some(),
            None => {
                self.wrong_question("operator \"__has_include\" requires a header-name");
                false
            }
        }
    }

    /// A message about a question; only the first one is told.
    fn wrong_question(&mut self, message: &str) {
        if !std::mem::replace(&mut self.condition_failed, true) {
            self.error_here(message).hint("write `defined(NAME)` or `__has_include(<file.h>)`");
        }
    }
}

/// Reads an expression.
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    word: &'a str,
    /// False where `&&`, `||` and `?:` leave out what they don't need.
    evaluated: bool,
}

type Result = std::result::Result<Value, String>;

/// Operators of two operands by how strongly they bind.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, text: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.is(text));
        self.at += usize::from(found);
        found
    }

    fn end(&self, value: Value) -> Result {
        match self.peek() {
            None => Ok(value),
            Some(t) if t.is(")") => Err("missing '(' in expression".to_owned()),
            Some(t) if t.is(":") => Err("':' without preceding '?'".to_owned()),
            Some(t) if t.kind == Kind::Punct => {
                Err(format!("token \"{}\" is not valid in preprocessor expressions", t.text))
            }
            Some(t) => Err(format!("missing binary operator before token \"{}\"", t.text)),
        }
    }

    /// One level deeper.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result) -> Result {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("#{} is nested too deeply", self.word));
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn comma(&mut self) -> Result {
        let mut value = self.conditional()?;
        while self.takes(",") {
            value = self.conditional()?;
        }
        Ok(value)
    }

    fn conditional(&mut self) -> Result {
        let test = self.level(0)?;
        if !self.takes("?") {
            return Ok(test);
        }
        let outer = self.evaluated;
        self.evaluated = outer && test.holds();
        let yes = self.nested(Self::comma)?;
        if !self.takes(":") {
            return Err("'?' without following ':'".to_owned());
        }
        self.evaluated = outer && !test.holds();
        let no = self.nested(Self::conditional)?;
        self.evaluated = outer;
        let unsigned = yes.unsigned || no.unsigned;
        Ok(Value { unsigned, ..if test.holds() { yes } else { no } })
    }

    fn level(&mut self, level: usize) -> Result {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        loop {
            let Some(op) = operators.iter().find(|op| self.peek().is_some_and(|t| t.is(op))) else {
                return Ok(left);
            };
            self.at += 1;
            let outer = self.evaluated;
            self.evaluated = match *op {
                "&&" => outer && left.holds(),
                "||" => outer && !left.holds(),
                _ => outer,
            };
            let right = self.level(level + 1)?;
            self.evaluated = outer;
            left = self.apply(op, left, right)?;
        }
    }

    fn apply(&self, op: &str, a: Value, b: Value) -> Result {
        let unsigned = a.unsigned || b.unsigned;
        let (x, y) = (a.bits as i64, b.bits as i64);
        let number = |bits| Ok(Value { bits, unsigned });
        let order = if unsigned { a.bits.cmp(&b.bits) } else { x.cmp(&y) };
        Ok(match op {
            "||" => Value::truth(a.holds() || b.holds()),
            "&&" => Value::truth(a.holds() && b.holds()),
            "==" => Value::truth(order.is_eq()),
            "!=" => Value::truth(order.is_ne()),
            "<" => Value::truth(order.is_lt()),
            ">" => Value::truth(order.is_gt()),
            "<=" => Value::truth(order.is_le()),
            ">=" => Value::truth(order.is_ge()),
            "<<" => shift(a, b, true),
            ">>" => shift(a, b, false),
            "|" => return number(a.bits | b.bits),
            "^" => return number(a.bits ^ b.bits),
            "&" => return number(a.bits & b.bits),
            "+" => return number(a.bits.wrapping_add(b.bits)),
            "-" => return number(a.bits.wrapping_sub(b.bits)),
            "*" => return number(a.bits.wrapping_mul(b.bits)),
            _ if b.bits == 0 && self.evaluated => {
                return Err(format!("division by zero in #{}", self.word));
            }
            _ if b.bits == 0 => Value { unsigned, ..Value::of(0) },
            "/" if unsigned => return number(a.bits / b.bits),
            "/" => return number(x.wrapping_div(y) as u64),
            _ if unsigned => return number(a.bits % b.bits),
            _ => return number(x.wrapping_rem(y) as u64),
        })
    }

    fn unary(&mut self) -> Result {
        let Some(token) = self.peek().cloned() else {
            let before = self.at.checked_sub(1).map(|n| &*self.tokens[n].text);
            return Err(match before {
                Some(op) if op != "(" => format!("operator '{op}' has no right operand"),
                Some(_) => "missing ')' in expression".to_owned(),
                None => format!("#{} with no expression", self.word),
            });
        };
        self.at += 1;
        match (token.kind, &*token.text) {
            (Kind::Punct, "(") => {
                let value = self.nested(Self::comma)?;
                if self.takes(")") {
                    return Ok(value);
                }
                match self.peek() {
                    None => Err("missing ')' in expression".to_owned()),
                    Some(_) => self.end(value),
                }
            }
            (Kind::Punct, "!") => self.nested(Self::unary).map(|v| Value::truth(!v.holds())),
            (Kind::Punct, "~") => self.nested(Self::unary).map(|v| Value { bits: !v.bits, ..v }),
            (Kind::Punct, "+") => self.nested(Self::unary),
            (Kind::Punct, "-") => {
                self.nested(Self::unary).map(|v| Value { bits: v.bits.wrapping_neg(), ..v })
            }
            (Kind::Ident, _) => Ok(Value::of(0)),
            (Kind::Number, text) => integer(text),
            (Kind::Char, text) => Ok(character(text)),
            (Kind::Punct, ")") if self.at == 1 => Err("missing '(' in expression".to_owned()),
            (Kind::Punct, op) if self.at > 1 && self.tokens[self.at - 2].kind == Kind::Punct => {
                let before = &self.tokens[self.at - 2].text;
                let op = if op == ")" { before } else { op };
                Err(format!("operator '{op}' has no right operand"))
            }
            (Kind::Punct, op) => Err(format!("operator '{op}' has no left operand")),
            (_, text) => Err(format!("token \"{text}\" is not valid in preprocessor expressions")),
        }
    }
}

/// Shifts by the second; by a negative number the other way.
fn shift(a: Value, b: Value, left: bool) -> Value {
    let backwards = !b.unsigned && (b.bits as i64) < 0;
    let count = if backwards { b.bits.wrapping_neg() } else { b.bits };
    let bits = match (left != backwards, a.unsigned) {
        (true, _) => a.bits.checked_shl(count.min(64) as u32).unwrap_or(0),
        (false, true) => a.bits.checked_shr(count.min(64) as u32).unwrap_or(0),
        (false, false) => ((a.bits as i64) >> count.min(63)) as u64,
    };
    Value { bits, ..a }
}

fn integer(text: &str) -> Result {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', ..] => (8, &lower[..]),
        _ => (10, &lower[..]),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    if suffix.contains('.') || radix == 10 && suffix.starts_with('e') {
        return Err("floating constant in preprocessor expression".to_owned());
    }
    if suffix.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("invalid digit \"{}\" in octal constant", &suffix[..1]));
    }
    if !matches!(suffix, "" | "u" | "l" | "ul" | "lu" | "ll" | "ull" | "llu") || digits.is_empty() {
        return Err(format!("invalid suffix \"{suffix}\" on integer constant"));
    }
    match u64::from_str_radix(digits, radix) {
        Ok(bits) => Ok(Value { bits, unsigned: suffix.contains('u') || bits > i64::MAX as u64 }),
        Err(_) => Err("integer constant is too large for its type".to_owned()),
    }
}

/// A character constant; of several characters the first counts most.
fn character(text: &str) -> Value {
    let body = text.trim_start_matches(['L', 'u', 'U', '8']);
    let body = body.strip_prefix('\'').and_then(|b| b.strip_suffix('\'')).unwrap_or_default();
    let mut bytes = body.bytes().peekable();
    let (mut value, mut count) = (0u32, 0);
    while let Some(c) = bytes.next() {
        let c = match c {
            b'\\' => match bytes.next() {
                Some(b'n') => 10,
                Some(b't') => 9,
                Some(b'r') => 13,
                Some(b'a') => 7,
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(b'e') => 27,
                Some(b'x') => {
                    let mut c = 0u32;
                    while let Some(d) = bytes.peek().and_then(|d| char::from(*d).to_digit(16)) {
                        c = c << 4 | d;
                        bytes.next();
                    }
                    c
                }
                Some(d @ b'0'..=b'7') => {
                    let mut c = u32::from(d - b'0');
                    for _ in 0..2 {
                        let Some(d) = bytes.peek().filter(|d| (b'0'..=b'7').contains(d)) else {
                            break;
                        };
                        c = c << 3 | u32::from(d - b'0');
                        bytes.next();
                    }
                    c
                }
                other => other.unwrap_or(0).into(),
            },
            c => c.into(),
        };
        value = value << 8 | c & 0xff;
        count += 1;
    }
    let signed = if count == 1 { i64::from(value as u8 as i8) } else { i64::from(value as i32) };
    Value::of(signed)
}
