//! Long lines, as messages show them: the part that a message is about.
//!
//! In: a source and the spans of one diagnostic. Out: the text with those of their lines cut that
//! are too long to be read, such as what a preprocessor's macro has become, and the way from bytes
//! of one text to bytes of the other. Lines are as many as before.

use crate::source::{Source, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// Lines with more bytes are cut.
const LONG: usize = 200;
/// Of a line that is cut, so many bytes are shown, and so many of them before the place.
const SHOWN: usize = 120;
const BEFORE: usize = 40;
const LEFT_OUT: &str = "...";

/// A source with some lines cut.
pub(super) struct Excerpt<'a> {
    source: &'a Source,
    /// The text with the lines cut.
    pub text: String,
    /// Where the lines begin in it.
    pub line_starts: Vec<usize>,
    /// By line, from 0.
    cuts: BTreeMap<usize, Cut>,
}

/// What is left of a line.
struct Cut {
    /// In the source.
    kept: Range<usize>,
    /// Where that begins in the excerpt.
    at: usize,
}

impl<'a> Excerpt<'a> {
    /// `None` where no line that the spans begin or end in is too long.
    pub fn new(source: &'a Source, spans: &[Span]) -> Option<Self> {
        let mut places = BTreeMap::new();
        for span in spans {
            for byte in [span.start, span.end.saturating_sub(1).max(span.start)] {
                let line = source.physical_line(byte) - 1;
                if line_range(source, line).len() > LONG {
                    places.entry(line).or_insert(byte as usize);
                }
            }
        }
        if places.is_empty() {
            return None;
        }
        let (line_starts, cuts) = (Vec::new(), BTreeMap::new());
        let mut excerpt = Excerpt { source, text: String::new(), line_starts, cuts };
        for line in 0..source.line_starts().len() {
            excerpt.line_starts.push(excerpt.text.len());
            let range = line_range(source, line);
            match places.get(&line) {
                Some(place) => excerpt.cut(line, range, *place),
                None => excerpt.text.push_str(&source.text[range]),
            }
        }
        Some(excerpt)
    }

    fn cut(&mut self, line: usize, range: Range<usize>, place: usize) {
        let text = &self.source.text;
        let end = range.start + text[range.clone()].trim_end_matches(['\n', '\r']).len();
        let from = text.floor_char_boundary(place.saturating_sub(BEFORE).clamp(range.start, end));
        let to = text.floor_char_boundary((from + SHOWN).min(end));
        if from > range.start {
            self.text.push_str(LEFT_OUT);
        }
        self.cuts.insert(line, Cut { kept: from..to, at: self.text.len() });
        self.text.push_str(&text[from..to]);
        if to < end {
            self.text.push_str(LEFT_OUT);
        }
        self.text.push_str(&text[end..range.end]);
    }

    /// Where a byte of the source is in the excerpt, or what is nearest to it.
    pub fn place(&self, byte: usize) -> usize {
        let line = self.source.physical_line(byte as u32) - 1;
        match self.cuts.get(&line) {
            Some(Cut { kept, at }) => byte.clamp(kept.start, kept.end) - kept.start + at,
            None => self.line_starts[line] + byte - self.source.line_starts()[line] as usize,
        }
    }

    /// Where a byte of a line of the excerpt is in the source.
    pub fn original(&self, line: usize, byte: usize) -> usize {
        match self.cuts.get(&line) {
            Some(Cut { kept, at }) => kept.start + byte.saturating_sub(*at).min(kept.len()),
            None => self.source.line_starts()[line] as usize + byte - self.line_starts[line],
        }
    }
}

/// The bytes of a line, counted from 0, with its end.
pub(super) fn line_range(source: &Source, line: usize) -> Range<usize> {
    let starts = source.line_starts();
    let end = starts.get(line + 1).map_or(source.text.len(), |end| *end as usize);
    starts[line] as usize..end
}
