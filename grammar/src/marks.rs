//! Line marks: `# 12 "file"` and `#line 12 "file"`, which say what follows them is of.
//!
//! In: a text. Out: its marks. Those in comments and strings are none.

/// From where on a text is known as something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The first byte of the line that it says the number of.
    pub at: u32,
    /// The file's name; `None` leaves it as it was.
    pub name: Option<String>,
    /// The line's number.
    pub line: usize,
}

/// Finds the marks of a text.
pub fn scan(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    if !text.contains('#') {
        return marks;
    }
    let (mut at, mut comment) = (0, false);
    for line in text.split_inclusive('\n') {
        at += line.len();
        if !comment && let Some(mark) = mark(line, at as u32) {
            marks.push(mark);
            continue;
        }
        comment = ends_in_comment(line, comment);
    }
    marks
}

fn mark(line: &str, behind: u32) -> Option<Mark> {
    let body = line.trim().strip_prefix('#')?.trim_start();
    let body = match body.strip_prefix("line") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => body,
    };
    let digits = body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len());
    let number = body[..digits].parse().ok()?;
    let rest = body[digits..].trim_start();
    let name = rest.strip_prefix('"').and_then(|rest| {
        let end = rest.rfind('"')?;
        Some(rest[..end].replace("\\\"", "\"").replace("\\\\", "\\"))
    });
    Some(Mark { at: behind, name, line: number })
}

/// Whether a comment is open at the end of a line.
fn ends_in_comment(line: &str, open: bool) -> bool {
    let bytes = line.as_bytes();
    let (mut at, mut open) = (0, open);
    while at < bytes.len() {
        let pair = (bytes[at], bytes.get(at + 1).copied().unwrap_or(0));
        at += match pair {
            (b'*', b'/') if open => {
                open = false;
                2
            }
            _ if open => 1,
            (b'/', b'*') => {
                open = true;
                2
            }
            (b'/', b'/') => return false,
            (quote @ (b'"' | b'\''), _) => {
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != quote {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                end + 1 - at
            }
            _ => 1,
        };
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found() {
        let text = "# 1 \"a.d\"\nx\n/* \n# 9 \"no\"\n*/\n#line 7\n # 3 \"b \\\"c\\\".h\" 1 3\n#pragma D x\n";
        let found: Vec<_> = scan(text)
            .into_iter()
            .map(|m| (text[..m.at as usize].lines().count(), m.name, m.line))
            .collect();
        let name = |n: &str| Some(n.to_owned());
        assert_eq!(found, [(1, name("a.d"), 1), (6, None, 7), (7, name("b \"c\".h"), 3)]);
    }
}
