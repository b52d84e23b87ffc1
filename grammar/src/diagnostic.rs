//! What is wrong with a D program, and how that is shown.
//!
//! In: diagnostics from any stage. Out: text, rendered by codespan-reporting; only
//! this module knows of that crate. Decides the layout, never the wording.

mod excerpt;

use crate::source::{SourceId, SourceKind, Sources, Span};
use codespan_reporting::diagnostic::{Diagnostic as Report, LabelStyle};
use codespan_reporting::files::{Error, Files, column_index};
use codespan_reporting::term;
use excerpt::{Excerpt, line_range};
use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Compilation goes on and succeeds.
    Warning,
    /// Compilation goes on to find more, and fails.
    Error,
}

/// A further place that the message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there to say; short.
    pub text: String,
}

/// One thing that is wrong: what, where, and what to do.
///
/// `code` is DTrace's own stable tag (`D_IDENT_UNDEF` …) wherever DTrace has one,
/// since scripts and tests refer to tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable tag.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// The place, with what to write under it.
    pub primary: Option<Label>,
    /// Further places.
    pub labels: Vec<Label>,
    /// Whole sentences of background.
    pub notes: Vec<String>,
    /// What to do: shown last, after `help:`.
    pub hint: Option<String>,
    /// What dtrace(1) says instead of `message`, where scripts and tests know its words.
    pub classic: Option<String>,
    /// The place that dtrace(1) says it of, if not `primary`.
    pub classic_place: Option<Span>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Some(Label { span, text: String::new() }),
            labels: Vec::new(),
            notes: Vec::new(),
            hint: None,
            classic: None,
            classic_place: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error that has no place in a source.
    pub fn general(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { primary: None, ..Self::error(code, Span::default(), message) }
    }

    /// What to write under the primary span.
    pub fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(p) = &mut self.primary {
            p.text = text.into();
        }
        self
    }

    /// A further place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// A sentence of background.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// What to do about it.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// What dtrace(1) says of it.
    pub fn classic(mut self, text: impl Into<String>) -> Self {
        self.classic = Some(text.into());
        self
    }

    /// Where dtrace(1) says that it is.
    pub fn classic_at(mut self, span: Span) -> Self {
        self.classic_place = Some(span);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

// ------------------------------------------------------------------ rendering

/// The text of diagnostics, errors last as they came; `color` for a terminal.
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], color: bool) -> String {
    let config = term::Config { chars: term::Chars::ascii(), ..term::Config::default() };
    let mut out = String::new();
    for d in diagnostics {
        let files = Texts::new(sources, d);
        let report = files.report(d);
        let result = if color {
            let mut buffer = term::termcolor::Buffer::ansi();
            let result = term::emit_to_write_style(&mut buffer, &config, &files, &report);
            out.push_str(&String::from_utf8_lossy(buffer.as_slice()));
            result
        } else {
            term::emit_to_string(&mut out, &config, &files, &report)
        };
        if result.is_err() {
            // A span outside its source: the words are still worth having.
            out.push_str(&format!("error[{}]: {}\n", d.code, d.message));
        }
        if let Some(hint) = &d.hint {
            // codespan ends a report with an empty line; the hint belongs before it.
            let body = out.trim_end_matches('\n').len();
            out.truncate(body);
            out.push_str(&format!("\n  = help: {hint}\n\n"));
        }
    }
    out
}

/// Sources as codespan asks for them, for one diagnostic.
struct Texts<'a> {
    sources: &'a Sources,
    /// Of sources in which it points to lines that are too long.
    excerpts: Vec<(SourceId, Excerpt<'a>)>,
}

/// A file for codespan: a source, and a byte of it whose line mark says how it is called.
type FileId = (SourceId, u32);

impl<'a> Texts<'a> {
    fn new(sources: &'a Sources, d: &Diagnostic) -> Self {
        let labels = d.primary.iter().chain(&d.labels);
        let spans: Vec<Span> = labels.map(|l| l.span).collect();
        let mut ids: Vec<SourceId> = spans.iter().map(|s| s.source).collect();
        ids.sort();
        ids.dedup();
        let of = |id: &SourceId| {
            let within: Vec<Span> = spans.iter().copied().filter(|s| s.source == *id).collect();
            Some((*id, Excerpt::new(sources.get(*id), &within)?))
        };
        Texts { sources, excerpts: ids.iter().filter_map(of).collect() }
    }

    fn excerpt(&self, id: SourceId) -> Option<&Excerpt<'a>> {
        self.excerpts.iter().find(|(of, _)| *of == id).map(|(_, excerpt)| excerpt)
    }

    fn report(&self, d: &Diagnostic) -> Report<FileId> {
        let severity = match d.severity {
            Severity::Error => codespan_reporting::diagnostic::Severity::Error,
            Severity::Warning => codespan_reporting::diagnostic::Severity::Warning,
        };
        let label = |style, l: &Label| {
            let file = file_of(self.sources, l.span);
            let range = match self.excerpt(l.span.source) {
                Some(excerpt) => {
                    let Range { start, end } = l.span.range();
                    excerpt.place(start)..excerpt.place(end)
                }
                None => l.span.range(),
            };
            codespan_reporting::diagnostic::Label::new(style, file, range)
                .with_message(l.text.clone())
        };
        let mut labels = Vec::new();
        if let Some(p) = &d.primary {
            labels.push(label(LabelStyle::Primary, p));
        }
        labels.extend(d.labels.iter().map(|l| label(LabelStyle::Secondary, l)));
        Report::new(severity)
            .with_code(d.code)
            .with_message(d.message.clone())
            .with_labels(labels)
            .with_notes(d.notes.clone())
    }
}

impl<'a> Files<'a> for Texts<'a> {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (source, at): FileId) -> Result<&'a str, Error> {
        Ok(self.sources.get(source).place(at).0)
    }

    fn source(&'a self, (source, _): FileId) -> Result<&'a str, Error> {
        let whole = || self.sources.get(source).text.as_str();
        Ok(self.excerpt(source).map_or_else(whole, |excerpt| excerpt.text.as_str()))
    }

    fn line_index(&'a self, (source, _): FileId, byte: usize) -> Result<usize, Error> {
        Ok(match self.excerpt(source) {
            Some(excerpt) => excerpt.line_starts.partition_point(|start| *start <= byte) - 1,
            None => self.sources.get(source).physical_line(byte as u32) - 1,
        })
    }

    fn line_number(&'a self, (source, _): FileId, line: usize) -> Result<usize, Error> {
        let source = self.sources.get(source);
        let start = source.line_starts().get(line).copied();
        Ok(start.map_or(line + 1, |start| source.place(start).1))
    }

    fn column_number(
        &'a self,
        (source, _): FileId,
        line: usize,
        byte: usize,
    ) -> Result<usize, Error> {
        let byte = self.excerpt(source).map_or(byte, |excerpt| excerpt.original(line, byte));
        let source = self.sources.get(source);
        Ok(column_index(&source.text, line_range(source, line), byte) + 1)
    }

    fn line_range(&'a self, (source, _): FileId, line: usize) -> Result<Range<usize>, Error> {
        let whole = self.sources.get(source);
        let lines = whole.line_starts().len();
        if line >= lines {
            return Err(Error::LineTooLarge { given: line, max: lines.saturating_sub(1) });
        }
        Ok(match self.excerpt(source) {
            Some(Excerpt { text, line_starts, .. }) => {
                line_starts[line]..line_starts.get(line + 1).copied().unwrap_or(text.len())
            }
            None => line_range(whole, line),
        })
    }
}

/// The file that a byte is in, the same for all bytes that are known by one name.
fn file_of(sources: &Sources, span: Span) -> FileId {
    (span.source, sources.get(span.source).name_from(span.start))
}

/// A diagnostic as dtrace(1) says it: `line N: [TAG] message`.
pub fn render_dtrace_style(sources: &Sources, d: &Diagnostic, errtags: bool) -> String {
    let tag = if errtags { format!("[{}] ", d.code) } else { String::new() };
    let message = d.classic.as_ref().unwrap_or(&d.message);
    let Some(span) = d.classic_place.or(d.primary.as_ref().map(|p| p.span)) else {
        return format!("{tag}{message}");
    };
    let source = sources.get(span.source);
    let (name, line) = source.place(span.start);
    if source.kind == SourceKind::CommandLine {
        format!("{tag}{message}")
    } else if source.kind == SourceKind::Library || name != source.name {
        format!("{tag}\"{name}\", line {line}: {message}")
    } else {
        format!("{tag}line {line}: {message}")
    }
}
