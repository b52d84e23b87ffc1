//! A file's text with its continued lines put together.
//!
//! In: a text as it was read. Out: the same without its backslashes before line ends, and
//! the way back from a place in it to the place in the file.

use std::rc::Rc;

/// The text of a file.
#[derive(Clone, Debug)]
pub struct Spliced {
    /// Without backslashes before line ends.
    pub text: Rc<str>,
    /// Places where something was left out, with the bytes left out up to there.
    cuts: Rc<[(usize, usize)]>,
}

impl Spliced {
    /// Puts a text's lines together.
    pub fn new(text: &str) -> Spliced {
        if !text.contains("\\\n") && !text.contains("\\\r\n") {
            return Spliced { text: Rc::from(text), cuts: Rc::from([]) };
        }
        let (mut out, mut cuts) = (String::with_capacity(text.len()), Vec::new());
        let mut from = 0;
        while let Some(at) = text[from..].find('\\').map(|n| from + n) {
            let rest = &text[at + 1..];
            let length = match rest.as_bytes() {
                [b'\n', ..] => 2,
                [b'\r', b'\n', ..] => 3,
                _ => {
                    out.push_str(&text[from..=at]);
                    from = at + 1;
                    continue;
                }
            };
            out.push_str(&text[from..at]);
            from = at + length;
            cuts.push((out.len(), from - out.len()));
        }
        out.push_str(&text[from..]);
        Spliced { text: Rc::from(out), cuts: Rc::from(cuts) }
    }

    /// Where in the file the byte `at` of the text is.
    pub fn original(&self, at: usize) -> usize {
        let before = self.cuts.partition_point(|(cut, _)| *cut <= at);
        at + before.checked_sub(1).map_or(0, |n| self.cuts[n].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together() {
        let text = "a\\\nb \\x c\\\r\n\\\nd\n";
        let spliced = Spliced::new(text);
        assert_eq!(&*spliced.text, "ab \\x cd\n");
        for (i, c) in spliced.text.char_indices() {
            assert_eq!(text[spliced.original(i)..].chars().next(), Some(c), "{i}");
        }
        assert_eq!(&*Spliced::new("plain\n").text, "plain\n");
    }
}
