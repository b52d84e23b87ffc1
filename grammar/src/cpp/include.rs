//! `#include`: finding headers and going into them.
//!
//! In: what stands after the directive's name. Out: another file on the stack of files, or
//! what is wrong. Files are read by the caller of the preprocessor; a few headers that come
//! with a C compiler are built in, for machines that have none.

use super::spliced::Spliced;
use super::token::{Kind, Token};
use super::{File, Preprocessor, Settings};
use crate::source::SourceId;
use std::rc::Rc;

/// Deepest nesting of files.
const DEEPEST: usize = 200;

/// Most files that are gone into, so that files that include each other come to an end.
const MOST_FILES: usize = 50_000;

/// Headers of the compiler itself, found after all folders.
const BUILT_IN: [(&str, &str); 4] = [
    ("stddef.h", include_str!("headers/stddef.h")),
    ("stdarg.h", include_str!("headers/stdarg.h")),
    ("stdbool.h", include_str!("headers/stdbool.h")),
    ("limits.h", include_str!("headers/limits.h")),
];

/// A header that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    path: Rc<str>,
    /// The folder that it was found in, of those that are searched.
    folder: Option<usize>,
    system: bool,
}

/// A file's text, read once.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    spliced: Spliced,
    source: SourceId,
}

fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |n| &path[..=n])
}

impl Settings {
    fn folder(&self, n: usize) -> Option<(&str, bool)> {
        let user = self.folders.iter().map(|f| (f.as_str(), false));
        user.chain(self.system_folders.iter().map(|f| (f.as_str(), true))).nth(n)
    }
}

impl Preprocessor<'_> {
    /// `#include` and `#include_next`; the file's place is behind the directive's name.
    pub(super) fn include(&mut self, word: &str) {
        let named = self.literal_header_name();
        let tokens = self.rest_of_line();
        let (name, extra) = match named {
            Some(name) => (Some(name), !tokens.is_empty()),
            None => {
                let tokens = self.expand_line(tokens);
                (self.header_name(tokens), false)
            }
        };
        let Some((name, angled)) = name else {
            self.error_line(format!("#{word} expects \"FILENAME\" or <FILENAME>"));
            return;
        };
        if name.is_empty() {
            self.error_line(format!("empty filename in #{word}"));
            return;
        }
        if extra {
            self.warn_line(format!("extra tokens at end of #{word} directive"));
        }
        let next = word == "include_next" && self.files.len() > 1;
        match self.find_header(&name, angled, next) {
            Some(found) => self.enter(found, &name),
            None => {
                let hint = if angled {
                    "-I names further folders of headers"
                } else {
                    "it is looked for beside the file that includes it, then in the folders of -I"
                };
                self.error_line(format!("{name}: No such file or directory"))
                    .code("D_CPP_INCLUDE")
                    .hint(hint);
            }
        }
    }

    /// A header's name as it stands in the text, which is taken from it.
    fn literal_header_name(&mut self) -> Option<(String, bool)> {
        let file = self.files.last_mut()?;
        let text = file.spliced.text.clone();
        let line = text[file.at..].split('\n').next().unwrap_or_default();
        let from = line.find(|c: char| !c.is_ascii_whitespace())?;
        let close = match line.as_bytes()[from] {
            b'<' => '>',
            b'"' => '"',
            _ => return None,
        };
        let length = line[from + 1..].find(close)?;
        file.at += from + 1 + length + 1;
        Some((line[from + 1..from + 1 + length].to_owned(), close == '>'))
    }

    /// A header's name out of tokens.
    pub(super) fn header_name(&mut self, tokens: Vec<Token>) -> Option<(String, bool)> {
        let tokens = match tokens.first()? {
            t if t.kind == Kind::Ident => self.expand_line(tokens),
            _ => tokens,
        };
        match tokens.as_slice() {
            [t] if t.kind == Kind::String => Some((t.text.trim_matches('"').to_owned(), false)),
            [open, inner @ .., close] if open.is("<") && close.is(">") => {
                let mut name = String::new();
                for (i, t) in inner.iter().enumerate() {
                    if t.space && i > 0 {
                        name.push(' ');
                    }
                    name += &t.text;
                }
                Some((name, true))
            }
            _ => None,
        }
    }

    /// Looks for a header; `next` goes on behind the folder of the current file.
    pub(super) fn find_header(&mut self, name: &str, angled: bool, next: bool) -> Option<Found> {
        let current = self.files.last()?;
        let (behind, system) = (current.folder, current.system);
        let found = |path: String, folder, system| Found { path: Rc::from(path), folder, system };
        if name.starts_with('/') {
            let there = self.load(name).is_some();
            return there.then(|| found(name.to_owned(), None, system));
        }
        if !angled && !next {
            let beside = format!("{}{name}", parent(&current.path));
            if self.load(&beside).is_some() {
                return Some(found(beside, None, system));
            }
        }
        let mut n = match (next, behind) {
            (true, Some(folder)) => folder + 1,
            _ => 0,
        };
        while let Some((folder, system)) = self.settings.folder(n) {
            let path = match folder {
                "" | "." => name.to_owned(),
                _ => format!("{}/{name}", folder.trim_end_matches('/')),
            };
            if self.load(&path).is_some() {
                return Some(found(path, Some(n), system));
            }
            n += 1;
        }
        let built_in = BUILT_IN.iter().find(|(header, _)| *header == name)?;
        Some(found(format!("<built-in>/{}", built_in.0), Some(n), true))
    }

    /// A file's text, if there is such a file.
    fn load(&mut self, path: &str) -> Option<Loaded> {
        if let Some(known) = self.loaded.get(path) {
            return known.clone();
        }
        let built_in = path.strip_prefix("<built-in>/");
        let text = match BUILT_IN.iter().find(|(name, _)| built_in == Some(*name)) {
            Some((_, text)) => Some((*text).to_owned()),
            None => self.headers.read(path),
        };
        let loaded = text.map(|text| self.take(path, text));
        self.loaded.insert(Rc::from(path), loaded.clone());
        loaded
    }

    fn take(&mut self, path: &str, text: String) -> Loaded {
        let spliced = Spliced::new(&text);
        Loaded { spliced, source: self.sources.add_plain(path, text) }
    }

    /// Goes into a header.
    fn enter(&mut self, found: Found, name: &str) {
        if self.once.contains(&found.path) {
            return;
        }
        if self.files.len() > DEEPEST {
            self.error_line(format!(
                "#include nested depth {DEEPEST} exceeds maximum of {DEEPEST}"
            ))
            .hint("a header that includes itself needs a guard: #ifndef NAME, #define NAME");
            return;
        }
        self.entered += 1;
        if self.entered > MOST_FILES {
            if self.entered == MOST_FILES + 1 {
                self.error_line(format!("{name}: more than {MOST_FILES} files are included"));
            }
            return;
        }
        self.included.push((self.files.len(), found.path.to_string()));
        if let Some(loaded) = self.load(&found.path) {
            self.open(loaded, found, Some("1"));
        }
    }

    /// Begins with a text that isn't a header: the program, the predefined macros.
    pub(super) fn open_text(&mut self, path: &str, text: &str, flag: Option<&str>) {
        let loaded = self.take(path, text.to_owned());
        let found = Found { path: Rc::from(path), folder: None, system: false };
        self.open(loaded, found, flag);
    }

    /// Goes into a header before the program, if it is there.
    pub(super) fn open_first(&mut self, name: &str, must: bool) {
        match self.find_header(name, !must, false) {
            Some(found) => self.enter(found, name),
            None if must => {
                let message = format!("{name}: No such file or directory");
                self.error_line(message).code("D_CPP_INCLUDE");
            }
            None => {}
        }
    }

    fn open(&mut self, loaded: Loaded, found: Found, flag: Option<&str>) {
        self.files.push(File {
            spliced: loaded.spliced,
            at: 0,
            start: 0,
            source: loaded.source,
            path: found.path,
            folder: found.folder,
            system: found.system,
            conditionals: Vec::new(),
        });
        self.mark(flag);
    }
}
