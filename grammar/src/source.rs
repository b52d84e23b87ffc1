//! Where text comes from: files, `-e` strings, the standard library.
//!
//! In: texts with their names. Out: a [`SourceId`] for each, and lookups from a
//! [`Span`] back to name, line and text. Decides nothing about the contents.

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
}

impl Source {
    /// The 1-based line that the byte `offset` is on.
    pub fn line(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|&s| s <= offset)
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
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        self.all.push(Source { name: name.into(), text, kind, line_starts });
        SourceId(self.all.len() as u32 - 1)
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
