//! Any bytes as text, and back without a loss.
//!
//! In: bytes, mostly UTF-8: what a traced program calls text. Out: text that formatting can
//! work with, where each byte that is no part of UTF-8 is one character, from the end of
//! Unicode's last private area; and the same bytes again, for whoever reads the output.

use std::borrow::Cow;

/// What stands for the byte 0; only those from 0x80 are ever used.
const BASE: u32 = 0x10_ff00;

/// What the characters that stand for bytes begin with in UTF-8.
const LEAD: [u8; 2] = [0xf4, 0x8f];

/// The byte that a character stands for.
fn byte_of(c: char) -> Option<u8> {
    u32::from(c).checked_sub(BASE).and_then(|n| u8::try_from(n).ok()).filter(|b| *b >= 0x80)
}

fn push(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().filter_map(|b| char::from_u32(BASE + u32::from(*b))));
}

/// Bytes as text.
pub fn to_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(|c| byte_of(c).is_some())
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte_of(c) {
                // Such a character itself goes byte by byte.
                Some(_) => push(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => text.push(c),
            }
        }
        push(&mut text, chunk.invalid());
    }
    Cow::Owned(text)
}

/// The bytes that such text stands for.
pub fn of_text(text: &str) -> Cow<'_, [u8]> {
    if !text.as_bytes().windows(2).any(|w| w == LEAD) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_stays_as_it_is() {
        assert!(matches!(to_text("grün".as_bytes()), Cow::Borrowed("grün")));
        assert!(matches!(of_text("grün"), Cow::Borrowed(_)));
    }

    /// Each byte that is no text takes one column.
    #[test]
    fn bytes_are_characters() {
        assert_eq!(to_text(b"a\xff\xc3").chars().count(), 3);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(bytes: Vec<u8>) {
            let text = to_text(&bytes);
            prop_assert_eq!(of_text(&text), &bytes[..]);
        }

        #[test]
        fn nor_of_what_looks_like_it(text in "[a\u{10ff00}-\u{10ffff}]*") {
            let shown = to_text(text.as_bytes());
            prop_assert_eq!(of_text(&shown), text.as_bytes());
        }
    }
}
