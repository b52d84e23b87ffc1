//! The C preprocessor: what `-C` runs over a program before D's lexer sees it.
//!
//! In: a text, [`Settings`], and somebody who reads headers ([`Headers`]). Out: a text with
//! macros expanded, directives done and line marks put in, so that every line is still
//! known by its place; what was wrong; which headers were read. Text that no macro touches
//! comes out as it was, comments as blanks: D's aggregations, probe descriptions and macro
//! variables are no tokens of C, and don't have to be.
//!
//! C99's preprocessor with GNU's usual additions; no trigraphs and no digraphs, whose
//! characters mean something in D.

mod condition;
mod directive;
mod expand;
pub(crate) mod hide;
mod include;
mod leave_out;
mod macros;
mod spliced;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod token;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Sources, Span};
use hide::HideSets;
use include::Loaded;
use macros::{Macro, Table};
use rustc_hash::{FxHashMap, FxHashSet};
use spliced::Spliced;
use std::rc::Rc;

/// Who reads headers.
pub trait Headers {
    /// The text of a file, if there is one.
    fn read(&self, path: &str) -> Option<String>;
}

/// Which C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// C99 to the letter: `__STRICT_ANSI__` is there.
    #[default]
    C99,
    /// What GNU's compiler takes without being told.
    Gnu,
    /// Before ISO: no `#` and `##`, no `__STDC__`, arguments inside strings.
    Traditional,
}

/// The machine that programs are for, as far as C shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// x86-64
    #[default]
    X86_64,
    /// 64-bit Arm
    Aarch64,
}

/// What the preprocessor is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The program's name: `__FILE__`, and in line marks.
    pub name: String,
    /// Lines of `#define` and `#undef`, done first.
    pub definitions: String,
    /// The same, from the command line.
    pub command_line: String,
    /// Folders of headers.
    pub folders: Vec<String>,
    /// Folders of the system's headers, which aren't warned about.
    pub system_folders: Vec<String>,
    /// Headers that are read first, if they are there.
    pub first: Vec<String>,
    /// Headers that are read first, and must be there.
    pub forced: Vec<String>,
    /// Which C.
    pub dialect: Dialect,
    /// For which machine.
    pub machine: Machine,
    /// `__DATE__`
    pub date: String,
    /// `__TIME__`
    pub time: String,
    /// Puts out all macros instead of the text.
    pub only_macros: bool,
}

impl Settings {
    fn traditional(&self) -> bool {
        self.dialect == Dialect::Traditional
    }

    /// What there is before anything is defined.
    fn predefined(&self) -> String {
        let dialect = match self.dialect {
            Dialect::C99 => {
                "#define __STDC__ 1\n#define __STDC_VERSION__ 199901L\n#define __STRICT_ANSI__ 1\n"
            }
            Dialect::Gnu => {
                "#define __STDC__ 1\n#define __STDC_VERSION__ 201710L\n#define linux 1\n#define unix 1\n"
            }
            Dialect::Traditional => "#define linux 1\n#define unix 1\n",
        };
        let machine = match self.machine {
            Machine::X86_64 => include_str!("headers/predefined_x86_64.h"),
            Machine::Aarch64 => include_str!("headers/predefined_aarch64.h"),
        };
        let common = include_str!("headers/predefined.h");
        let words = include_str!("headers/words.h");
        format!("{common}{machine}{dialect}{words}{}", self.definitions)
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Preprocessed {
    /// The text.
    pub text: String,
    /// What was wrong, by place in `sources`.
    pub diagnostics: Vec<Diagnostic>,
    /// The program and all headers, as they were read.
    pub sources: Sources,
    /// The headers, in order, each with how deep it was included.
    pub included: Vec<(usize, String)>,
}

/// Preprocesses a program.
pub fn preprocess(text: &str, settings: &Settings, headers: &dyn Headers) -> Preprocessed {
    let mut p = Preprocessor {
        settings,
        headers,
        sources: Sources::new(),
        diagnostics: Vec::new(),
        macros: Table::new(),
        hides: HideSets::default(),
        files: Vec::new(),
        out: text::Output::default(),
        included: Vec::new(),
        loaded: FxHashMap::default(),
        once: FxHashSet::default(),
        pushed: FxHashMap::default(),
        counter: 0,
        entered: 0,
        made: 0,
        made_in_all: 0,
        in_arguments: false,
        in_condition: false,
        condition_failed: false,
    };
    p.run("<built-in>", &settings.predefined());
    p.run("<command line>", &settings.command_line);
    p.out = text::Output::default();
    // The program's first line may name its interpreter.
    let body = match text.strip_prefix("#!") {
        Some(rest) => &rest[rest.find('\n').unwrap_or(rest.len())..],
        None => text,
    };
    p.program(body);
    let text = if settings.only_macros {
        p.macros.lines().map(|line| line + "\n").collect()
    } else if p.included.is_empty() {
        p.out.text
    } else {
        leave_out::leave_out(p.out.text, &settings.name)
    };
    Preprocessed { text, diagnostics: p.diagnostics, sources: p.sources, included: p.included }
}

/// A group of lines that a condition decides about.
#[derive(Clone, Debug)]
struct Conditional {
    /// The line that it began with.
    span: Span,
    /// The directive that the current part began with.
    word: Rc<str>,
    /// Whether what is around it is live.
    outer: bool,
    /// Whether one of its parts was taken already.
    taken: bool,
    /// Whether the current part is.
    live: bool,
}

/// A file that is being read.
#[derive(Debug)]
struct File {
    spliced: Spliced,
    /// The next byte.
    at: usize,
    /// Where the current line, or directive, began.
    start: usize,
    source: SourceId,
    path: Rc<str>,
    /// The folder that it was found in.
    folder: Option<usize>,
    system: bool,
    conditionals: Vec<Conditional>,
}

/// All that is known while a program is preprocessed.
struct Preprocessor<'a> {
    settings: &'a Settings,
    headers: &'a dyn Headers,
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    macros: Table,
    hides: HideSets,
    /// The program, and in it the headers that are open.
    files: Vec<File>,
    out: text::Output,
    included: Vec<(usize, String)>,
    loaded: FxHashMap<Rc<str>, Option<Loaded>>,
    once: FxHashSet<Rc<str>>,
    pushed: FxHashMap<Rc<str>, Vec<Option<Rc<Macro>>>>,
    counter: u64,
    entered: usize,
    /// Tokens that the current macro has come to.
    made: usize,
    made_in_all: usize,
    /// While a macro's arguments are read from the file.
    in_arguments: bool,
    /// While the tokens of `#if` are expanded.
    in_condition: bool,
    condition_failed: bool,
}

/// A diagnostic that was just told, for what else is to be said.
struct Told<'a>(Option<&'a mut Diagnostic>);

impl Told<'_> {
    fn also(mut self, change: impl FnOnce(&mut Diagnostic)) -> Self {
        if let Some(d) = self.0.as_deref_mut() {
            change(d);
        }
        self
    }

    fn hint(self, text: &str) -> Self {
        self.also(|d| d.hint = Some(text.to_owned()))
    }

    fn code(self, code: &'static str) -> Self {
        self.also(|d| d.code = code)
    }

    fn label(self, span: Span, text: &str) -> Self {
        self.also(|d| d.labels.push(crate::diagnostic::Label { span, text: text.to_owned() }))
    }
}

/// Most messages that are kept.
const MOST_TOLD: usize = 200;

impl Preprocessor<'_> {
    fn tell(&mut self, d: Diagnostic) -> Told<'_> {
        if self.diagnostics.len() >= MOST_TOLD {
            return Told(None);
        }
        self.diagnostics.push(d);
        Told(self.diagnostics.last_mut())
    }

    /// The line, or the directive, that is being read.
    fn line_span(&self) -> Span {
        let Some(file) = self.files.last() else { return Span::default() };
        let text = &file.spliced.text[file.start..];
        let end = file.start + text.find('\n').unwrap_or(text.len());
        let original = |at| file.spliced.original(at);
        Span::new(file.source, original(file.start)..original(end.max(file.start)))
    }

    /// Tells of an error in the current line.
    fn error_line(&mut self, message: impl Into<String>) -> Told<'_> {
        let span = self.line_span();
        self.tell(Diagnostic::error("D_CPP", span, message))
    }

    /// Tells of an error in what is being expanded.
    fn error_here(&mut self, message: impl Into<String>) -> Told<'_> {
        self.error_line(message)
    }

    /// Warns about the current line, if it is the user's.
    fn warn_line(&mut self, message: impl Into<String>) -> Told<'_> {
        if self.files.last().is_some_and(|f| f.system) {
            return Told(None);
        }
        let span = self.line_span();
        self.tell(Diagnostic::warning("D_CPP", span, message))
    }

    /// The name and line that the current place is known by.
    fn place(&self) -> (String, usize) {
        let Some(file) = self.files.last() else { return (self.settings.name.clone(), 1) };
        let source = self.sources.get(file.source);
        let (name, line) = source.place(file.spliced.original(file.at) as u32);
        (name.to_owned(), line)
    }
}
