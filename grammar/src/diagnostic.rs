//! What is wrong with a D program, and how that is shown.
//!
//! In: diagnostics from any stage. Out: text, rendered by codespan-reporting; only
//! this module knows of that crate. Decides the layout, never the wording.

use crate::source::Span;

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

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
