//! What headers say that D can't hear: bodies of inline functions, attributes, names for
//! the assembler.
//!
//! In: a preprocessed text. Out: the same with these as blanks, every line where it was.
//! Only headers lose functions. An attribute that changes how a structure is laid out stays,
//! to be refused: without it D would read the wrong bytes.

use super::token::{Kind, Piece, piece};
use crate::marks;
use std::ops::Range;

/// Blanks them. `program` is the name of the text that headers were put into.
pub fn leave_out(text: String, program: &str) -> String {
    let mut reader = Reader { text: &text, program, at: 0, in_header: false, blank: Vec::new() };
    reader.read();
    let blank = std::mem::take(&mut reader.blank);
    if blank.is_empty() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in blank {
        let start = range.start.max(from);
        out += &text[from..start];
        from = range.end.max(start);
        for line in text[start..from].split_inclusive('\n') {
            match line {
                mark if mark.starts_with('#') => out += mark,
                line if line.ends_with('\n') => out.push('\n'),
                _ => out.push(' '),
            }
        }
    }
    out += &text[from..];
    out
}

struct Reader<'a> {
    text: &'a str,
    program: &'a str,
    at: usize,
    in_header: bool,
    blank: Vec<Range<usize>>,
}

impl Reader<'_> {
    /// The next token, behind blanks and line marks.
    fn next(&mut self) -> Option<Piece> {
        while let Some(p) = piece(self.text, self.at) {
            self.at = p.end;
            match p.kind {
                Kind::Space | Kind::Newline | Kind::Comment => {}
                Kind::Punct if self.word(p) == "#" && self.first_on_line(p.start) => {
                    let end =
                        self.text[p.start..].find('\n').map_or(self.text.len(), |n| p.start + n);
                    if let Some(mark) = marks::scan(&self.text[p.start..end]).pop()
                        && let Some(name) = mark.name
                    {
                        self.in_header = name != self.program;
                    }
                    self.at = end;
                }
                _ => return Some(p),
            }
        }
        None
    }

    fn first_on_line(&self, at: usize) -> bool {
        self.text[..at].trim_end_matches([' ', '\t']).ends_with('\n') || at == 0
    }

    fn word(&self, p: Piece) -> &str {
        &self.text[p.start..p.end]
    }

    fn read(&mut self) {
        // Where the current declaration begins; braces that are open; what came last.
        let (mut start, mut depth) = (None, 0usize);
        let mut after_parameters = false;
        while let Some(p) = self.next() {
            let first = *start.get_or_insert(p.start);
            match self.word(p) {
                "__attribute__" | "__attribute" | "__asm__" | "__asm" | "_Pragma" => {
                    self.attribute(p.start);
                    continue;
                }
                "{" if depth == 0 && after_parameters && self.in_header => {
                    self.body();
                    self.blank.push(first..self.at);
                    start = None;
                }
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                ";" if depth == 0 => start = None,
                _ => {}
            }
            after_parameters = self.word(p) == ")";
        }
    }

    /// To the end of a function, whose first brace was read.
    fn body(&mut self) {
        let mut depth = 1usize;
        while depth > 0
            && let Some(p) = self.next()
        {
            match self.word(p) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
        }
    }

    /// An attribute's parentheses.
    fn attribute(&mut self, start: usize) {
        let mut depth = 0usize;
        while let Some(p) = self.next() {
            match self.word(p) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "packed" | "__packed__" | "mode" | "__mode__" | "vector_size" => return,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.blank.push(start..self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_attributes_of_headers() {
        let text = "# 1 \"a.d\"\n# 1 \"x.h\" 1\nint g(int) __attribute__((pure));\nstatic int\nf(int a)\n{\n  if (a) { b(); }\n# 9 \"x.h\"\n  return 1;\n} struct s { int x; } __attribute__((packed));\n# 2 \"a.d\" 2\nBEGIN /f(x)/ { y = (1); }\n";
        insta::assert_snapshot!(leave_out(text.to_owned(), "a.d"), @r#"
        # 1 "a.d"
        # 1 "x.h" 1
        int g(int)  ;




        # 9 "x.h"

          struct s { int x; } __attribute__((packed));
        # 2 "a.d" 2
        BEGIN /f(x)/ { y = (1); }
        "#);
    }
}
