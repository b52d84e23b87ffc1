//! Formats of `printf` and `printa`.
//!
//! In: a format's text. Out: its pieces, or what is wrong with it; and for each
//! conversion which arguments it takes.

use crate::manifest::{Conversion, Count, Format, FormatPiece};

/// The letters of conversions.
const LETTERS: &str = "aAcCdeEfgGikopsSTuxXY%";

/// Reads a format.
pub(super) fn parse(text: &[u8]) -> Result<Format, String> {
    let text = crate::bytes::to_text(text);
    let mut format = Format::default();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            literal.push(c);
            continue;
        }
        let conversion = conversion(&mut chars)?;
        if conversion.letter == '%' {
            if conversion != (Conversion { letter: '%', ..Conversion::default() }) {
                return Err("`%%` takes no flags and no width".to_owned());
            }
            literal.push('%');
            continue;
        }
        if !literal.is_empty() {
            format.pieces.push(FormatPiece::Literal(std::mem::take(&mut literal)));
        }
        format.pieces.push(FormatPiece::Conversion(conversion));
    }
    if !literal.is_empty() {
        format.pieces.push(FormatPiece::Literal(literal));
    }
    Ok(format)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn conversion(chars: &mut Chars) -> Result<Conversion, String> {
    let mut c = Conversion::default();
    while let Some(flag) = chars.peek() {
        match flag {
            '#' => c.alternate = true,
            '0' => c.zero = true,
            '-' => c.left = true,
            '+' => c.plus = true,
            ' ' => c.space = true,
            '\'' => c.group = true,
            '@' => c.aggregation = true,
            _ => break,
        }
        chars.next();
    }
    c.width = count(chars)?;
    if chars.peek() == Some(&'$') {
        return Err("`%n$` conversions are not supported: arguments come in order".to_owned());
    }
    if chars.peek() == Some(&'.') {
        chars.next();
        c.precision = Some(count(chars)?.unwrap_or(Count::Fixed(0)));
    }
    // `@` may also come after the width.
    if chars.peek() == Some(&'@') {
        chars.next();
        c.aggregation = true;
    }
    while let Some(size) = chars.peek().filter(|s| matches!(s, 'h' | 'l' | 'L' | 'w')) {
        c.size.push(*size);
        chars.next();
    }
    match chars.next() {
        Some(letter) if LETTERS.contains(letter) => {
            c.letter = letter;
            Ok(c)
        }
        Some(letter) => Err(format!("`%{}{letter}` is not a conversion", c.size)),
        None => Err("the format ends within a conversion".to_owned()),
    }
}

fn count(chars: &mut Chars) -> Result<Option<Count>, String> {
    match chars.peek() {
        Some('*') => {
            chars.next();
            Ok(Some(Count::Argument))
        }
        Some('?') => {
            chars.next();
            Ok(Some(Count::Pointer))
        }
        Some(d) if d.is_ascii_digit() => {
            let mut n: u32 = 0;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                n = n
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(d))
                    .filter(|n| *n <= 65536)
                    .ok_or("a width or precision is too large")?;
                chars.next();
            }
            Ok(Some(Count::Fixed(n)))
        }
        _ => Ok(None),
    }
}

/// What a conversion's argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Integer,
    Float,
    Scalar,
    Text,
    Stack,
    Address,
}

/// What the argument of this conversion has to be.
pub(super) fn wants(c: &Conversion) -> Wants {
    match c.letter {
        's' | 'S' => Wants::Text,
        'k' => Wants::Stack,
        'a' | 'A' => Wants::Address,
        'p' => Wants::Scalar,
        'e' | 'E' | 'f' | 'g' | 'G' => Wants::Float,
        _ => Wants::Integer,
    }
}

/// In a message: what is wanted.
pub(super) fn wanted_text(w: Wants) -> &'static str {
    match w {
        Wants::Integer => "an integer",
        Wants::Float => "a floating-point number",
        Wants::Scalar => "an integer or pointer",
        Wants::Text => "text",
        Wants::Stack => "a stack",
        Wants::Address => "an address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        let f = parse(b"a %-5d%%%@8u|%.*s %?p").expect("a good format");
        let letters: String = f
            .pieces
            .iter()
            .map(|p| match p {
                FormatPiece::Literal(t) => format!("<{t}>"),
                FormatPiece::Conversion(c) => c.letter.to_string(),
            })
            .collect();
        assert_eq!(letters, "<a >d<%>u<|>s< >p");
    }

    #[test]
    fn errors() {
        assert!(parse(b"%").is_err());
        assert!(parse(b"%q").is_err());
        assert!(parse(b"%1$d").is_err());
        assert!(parse(b"%99999999d").is_err());
    }
}
