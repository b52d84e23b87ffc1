//! Where text comes from: files, `-e` strings, the standard library.
//!
//! In: texts with their names. Out: a [`SourceId`] for each, and lookups from a
//! [`Span`] back to name, line and text. Line marks of a preprocessor are believed; nothing
//! else is decided about the contents.

use crate::marks::{self, Mark};
use std::ops::Range;

/// One text known to a [`Sources`]; the index of its registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A range of bytes in one source. Every syntax node carries one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The text that the range is in.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `range` in `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        Span { source, start: range.start as u32, end: range.end as u32 }
    }

    /// The smallest span that covers both; spans of different sources give `self`.
    pub fn to(self, other: Span) -> Span {
        if self.source != other.source {
            return self;
        }
        Span {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The bytes, as codespan wants them.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What kind of text a source is: it decides how messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A script file named by the user.
    Script,
    /// Program text given on the command line (`-e`, `-n`, `-P` …).
    CommandLine,
    /// A file of the standard library, built in or from `-L`.
    Library,
}

/// One text with its name.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path or a description such as `<command line>`.
    pub name: String,
    /// The whole text. Bytes that are not UTF-8 were replaced when it was read.
    pub text: String,
    /// Where it came from.
    pub kind: SourceKind,
    line_starts: Vec<u32>,
    marks: Vec<Mark>,
}

impl Source {
    /// The 1-based line that the byte `offset` is on, as line marks have it.
    pub fn line(&self, offset: u32) -> usize {
        self.place(offset).1
    }

    /// The file and line that the byte `offset` is known by.
    pub fn place(&self, offset: u32) -> (&str, usize) {
        let physical = self.physical_line(offset);
        let before = &self.marks[..self.marks.partition_point(|m| m.at <= offset)];
        let Some(last) = before.last() else { return (&self.name, physical) };
        let name = before.iter().rev().find_map(|m| m.name.as_deref());
        let line = physical + last.line - self.physical_line(last.at);
        (name.unwrap_or(&self.name), line)
    }

    /// The first byte of those around `offset` that are known by one name.
    pub(crate) fn name_from(&self, offset: u32) -> u32 {
        let before = &self.marks[..self.marks.partition_point(|m| m.at <= offset)];
        let name = self.place(offset).0;
        let mut from = 0;
        for mark in before {
            match &mark.name {
                Some(other) if other == name => from = if from == 0 { mark.at } else { from },
                Some(_) => from = 0,
                None => {}
            }
        }
        from
    }

    /// The line as it is counted in the text itself.
    pub(crate) fn physical_line(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|&s| s <= offset)
    }

    /// Where the lines begin.
    pub(crate) fn line_starts(&self) -> &[u32] {
        &self.line_starts
    }
}

/// All the texts of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a text and names it.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        text: impl Into<String>,
        kind: SourceKind,
    ) -> SourceId {
        let text = text.into();
        let marks = marks::scan(&text);
        self.register(name.into(), text, kind, marks)
    }

    /// Registers a text that the preprocessor has yet to go through.
    pub fn add_plain(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.register(name.into(), text.into(), SourceKind::Script, Vec::new())
    }

    fn register(
        &mut self,
        name: String,
        text: String,
        kind: SourceKind,
        marks: Vec<Mark>,
    ) -> SourceId {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        self.all.push(Source { name, text, kind, line_starts, marks });
        SourceId(self.all.len() as u32 - 1)
    }

    /// From the byte `at` on, a text is known as something else.
    pub(crate) fn renumber(&mut self, id: SourceId, at: u32, name: Option<&str>, line: usize) {
        let marks = &mut self.all[id.0 as usize].marks;
        // A header that is read again says the same again.
        if marks.last().is_none_or(|m| m.at < at) {
            marks.push(Mark { at, name: name.map(str::to_owned), line });
        }
    }

    /// The source that `id` names; ids come from [`Sources::add`] of this value.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.all[id.0 as usize]
    }

    /// The 1-based line on which `span` starts.
    pub fn line(&self, span: Span) -> usize {
        self.get(span.source).line(span.start)
    }

    /// The text under `span`.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.range()).unwrap_or("")
    }

    /// All sources with their ids, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.all.iter().enumerate().map(|(i, s)| (SourceId(i as u32), s))
    }
}
