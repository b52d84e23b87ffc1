//! Constants: integers, characters, strings.
//!
//! In: the text between quotes or of a number. Out: values, or what is wrong with them.

use crate::ast::IntegerSuffix;

/// What is wrong with a constant: its tag, a sentence, what to do.
pub type LiteralError = (&'static str, String, Option<&'static str>);

/// An integer: decimal, octal, hexadecimal, with its suffix.
pub fn integer(text: &str) -> Result<(u64, IntegerSuffix), LiteralError> {
    let digits_end = text.find(['u', 'U', 'l', 'L']).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(digits_end);
    let (radix, body) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let mut value: u64 = 0;
    if body.is_empty() {
        return Err(("D_SYNTAX", format!("`{text}` has no digits"), None));
    }
    for c in body.chars() {
        let Some(d) = c.to_digit(radix) else {
            if radix == 8 && c.is_ascii_digit() {
                return Err((
                    "D_INT_DIGIT",
                    format!("`{c}` is not an octal digit"),
                    Some("a number that begins with 0 is octal: drop the 0"),
                ));
            }
            return Err(("D_SYNTAX", format!("`{text}` is not a number"), None));
        };
        value = value
            .checked_mul(u64::from(radix))
            .and_then(|v| v.checked_add(u64::from(d)))
            .ok_or_else(|| {
                let message = format!("the integer constant {text} needs more than 64 bits");
                ("D_INT_OFLOW", message, None)
            })?;
    }
    let lower = suffix.to_ascii_lowercase();
    let (unsigned, longs) = match lower.as_str() {
        "" => (false, 0),
        "u" => (true, 0),
        "l" => (false, 1),
        "ul" | "lu" => (true, 1),
        "ll" => (false, 2),
        "ull" | "llu" => (true, 2),
        _ => {
            return Err((
                "D_SYNTAX",
                format!("`{suffix}` is not a suffix of an integer constant"),
                Some("suffixes are u, l, ll, ul and ull"),
            ));
        }
    };
    Ok((value, IntegerSuffix { unsigned, longs, decimal: radix == 10 }))
}

/// Processes escapes. Of punctuation only `"` and the backslash need one; before anything
/// else that is no escape of C, `'` and `?` among them, the backslash stays.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        let c = text[i];
        i += 1;
        if c != b'\\' || i == text.len() {
            out.push(c);
            continue;
        }
        let c = text[i];
        i += 1;
        let number = |i: &mut usize, radix: u32, most: usize| {
            let (start, mut v) = (*i, 0u32);
            while *i < text.len() && *i - start < most {
                let Some(d) = char::from(text[*i]).to_digit(radix) else { break };
                v = v.wrapping_mul(radix).wrapping_add(d);
                *i += 1;
            }
            v as u8
        };
        let byte = match c {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                i -= 1;
                number(&mut i, 8, 3)
            }
            b'x' if text.get(i).is_some_and(u8::is_ascii_hexdigit) => number(&mut i, 16, 2),
            b'\n' => continue,
            b'"' | b'\\' => c,
            other => {
                out.push(b'\\');
                other
            }
        };
        out.push(byte);
    }
    out
}

/// A character constant's value: the first character is the most significant. Like any
/// decimal constant it is an int if it fits, else a long.
pub fn character(text: &[u8]) -> Result<i64, LiteralError> {
    let bytes = unescape(text);
    match bytes.len() {
        0 => Err(("D_CHR_NULL", "a character constant can't be empty".to_owned(), None)),
        1 => Ok(i64::from(bytes[0] as i8)),
        n if n > 8 => Err((
            "D_CHR_OFLOW",
            format!("a character constant of {n} characters does not fit 64 bits"),
            Some("use a string: \"…\""),
        )),
        _ => Ok(bytes.iter().fold(0, |v, b| v << 8 | i64::from(*b))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(integer("0x1fUL").map(|(n, _)| n), Ok(31));
        assert_eq!(integer("0777").map(|(n, _)| n), Ok(511));
        assert_eq!(integer("18446744073709551615").map(|(n, _)| n), Ok(u64::MAX));
        assert_eq!(integer("18446744073709551616").unwrap_err().0, "D_INT_OFLOW");
        assert_eq!(integer("089").unwrap_err().0, "D_INT_DIGIT");
        assert_eq!(integer("0x").unwrap_err().0, "D_SYNTAX");
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape(br#"a\n\t\\\"\101\x41\q\?"#), b"a\n\t\\\"AA\\q\\?");
    }

    #[test]
    fn characters() {
        assert_eq!(character(b"a"), Ok(97));
        assert_eq!(character(b"ab"), Ok(0x6162));
        assert_eq!(character(b"").unwrap_err().0, "D_CHR_NULL");
        assert_eq!(character(b"123456789").unwrap_err().0, "D_CHR_OFLOW");
    }
}
