//! Whether text is what a page shows.
//!
//! In: shown and actual text. Out: the difference, if there is one; or the shown text
//! brought up to date. In what is shown, `…` stands for any text within its line, and a line
//! that is only `…` for any number of lines. Blanks at the ends of lines, empty lines at
//! both ends of the text and whether blanks are tabs make no difference.

use regex::Regex;
use similar::{DiffTag, TextDiff};
use std::fmt::Write as _;

/// Columns of a tab.
const TAB: usize = 8;

/// Text without what makes no difference.
fn plain(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|l| untabbed(l.trim_end())).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let empty = lines.iter().take_while(|l| l.is_empty()).count();
    lines.drain(..empty);
    lines
}

fn untabbed(line: &str) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for c in line.chars() {
        match c {
            '\t' => {
                let blanks = TAB - width % TAB;
                out.extend(std::iter::repeat_n(' ', blanks));
                width += blanks;
            }
            c => {
                out.push(c);
                width += 1;
            }
        }
    }
    out
}

/// A line as a regular expression.
fn pattern(line: &str) -> String {
    let parts: Vec<String> = line.split('…').map(regex::escape).collect();
    parts.join("[^\n]*")
}

fn matches(shown: &[String], actual: &[String]) -> bool {
    let mut all = String::from(r"\A");
    for line in shown {
        let _ = match line.trim() {
            "…" => write!(all, r"(?:[^\n]*\n)*?"),
            _ => writeln!(all, "{}", pattern(line)),
        };
    }
    all.push_str(r"\z");
    let actual: String = actual.iter().map(|l| format!("{l}\n")).collect();
    Regex::new(&all).is_ok_and(|r| r.is_match(&actual))
}

/// Text whose numbers, and blanks, are all the same.
pub fn blurred(text: &str) -> String {
    let number = Regex::new(r"0x[0-9a-f]+|[0-9]+").expect("a good pattern");
    let blanks = Regex::new(r"[ \t]+").expect("a good pattern");
    let text = number.replace_all(text, "0");
    blanks.replace_all(&text, " ").into_owned()
}

/// How actual text differs from what is shown; `None` if it doesn't.
pub fn difference(shown: &str, actual: &str) -> Option<String> {
    let (shown, actual) = (plain(shown), plain(actual));
    if matches(&shown, &actual) {
        return None;
    }
    let (shown, actual) = (shown.join("\n") + "\n", actual.join("\n") + "\n");
    let diff = TextDiff::from_lines(&shown, &actual);
    Some(format!("prints something else:\n{}", diff.unified_diff().header("shown", "actual")))
}

/// Actual text, with the shown lines that it still matches.
pub fn updated(shown: &str, actual: &str) -> String {
    let (shown, actual) = (plain(shown), plain(actual));
    // As lines that are the same where one matches the other.
    let like: Vec<&String> = actual
        .iter()
        .map(|line| {
            let is_like = |s: &&String| {
                s.trim() != "…" && matches(std::slice::from_ref(*s), std::slice::from_ref(line))
            };
            shown.iter().find(is_like).unwrap_or(line)
        })
        .collect();
    let diff = TextDiff::from_slices(
        &shown.iter().map(String::as_str).collect::<Vec<_>>(),
        &like.iter().map(|l| l.as_str()).collect::<Vec<_>>(),
    )
    .ops()
    .iter()
    .flat_map(|op| match op.tag() {
        DiffTag::Equal => shown[op.old_range()].to_vec(),
        _ => actual[op.new_range()].to_vec(),
    })
    .collect::<Vec<_>>();
    diff.join("\n")
}
