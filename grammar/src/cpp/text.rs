//! Lines of text: what is put out.
//!
//! In: the current file. Out: its text, with what macros come to in place of their names,
//! on the lines that the originals are on; line marks where that can't be.

use super::Preprocessor;
use super::token::{Kind, Token, join, piece};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Most bytes that are put out.
const MOST: usize = 1 << 26;

/// Lines that are put out empty rather than by a line mark.
const NEAR: usize = 8;

/// The text that is made.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) text: String,
    /// The file that its last line is known to be of, and the line.
    name: String,
    line: usize,
    /// Where its last token begins, if nothing comes after that.
    last: Option<usize>,
    /// Whether the next token must be kept apart from the last.
    check: bool,
}

impl Output {
    fn newline(&mut self) {
        self.text.push('\n');
        self.line += 1;
        self.last = None;
    }

    /// Puts a token out.
    fn token(&mut self, text: &str, space: bool, apart: bool) {
        let joined = |last: usize| join(&self.text[last..], text);
        if space || apart && self.last.is_some_and(joined) {
            self.text.push(' ');
        }
        self.last = Some(self.text.len());
        self.text += text;
    }
}

impl Preprocessor<'_> {
    /// Reads a text to its end, for what it defines.
    pub(super) fn run(&mut self, name: &str, text: &str) {
        self.open_text(name, text, None);
        self.all_lines();
    }

    /// Reads the program.
    pub(super) fn program(&mut self, text: &str) {
        let name = self.settings.name.clone();
        self.open_text(&name, text, None);
        let settings = self.settings;
        // They are read first, so the last one opens first.
        for header in settings.forced.iter().rev() {
            self.open_first(header, true);
        }
        for header in settings.first.iter().rev() {
            self.open_first(header, false);
        }
        self.all_lines();
    }

    fn all_lines(&mut self) {
        while let Some(file) = self.files.last() {
            if file.at >= file.spliced.text.len() {
                self.leave();
            } else if self.out.text.len() > MOST {
                self.error_line("the program becomes too large")
                    .hint("does a header include itself?");
                self.files.clear();
            } else {
                self.line();
            }
        }
    }

    /// The end of a file.
    fn leave(&mut self) {
        let Some(file) = self.files.pop() else { return };
        for group in file.conditionals.iter().rev() {
            let message = format!("unterminated #{}", group.word);
            let d = Diagnostic::error("D_CPP", group.span, message);
            self.tell(d.hint("end it with #endif"));
        }
        if !self.files.is_empty() {
            self.mark(Some("2"));
        }
    }

    /// One line, or a directive with all its lines.
    fn line(&mut self) {
        let Some(file) = self.files.last_mut() else { return };
        file.start = file.at;
        let text = file.spliced.text.clone();
        let mut at = file.at;
        while let Some(p) = piece(&text, at) {
            match p.kind {
                Kind::Space | Kind::Comment => at = p.end,
                Kind::Punct if &text[p.start..p.end] == "#" => {
                    file.at = p.end;
                    file.start = p.start;
                    self.directive();
                    // What follows a directive that stopped early is its own line.
                    if self.files.last().is_some_and(|f| f.at == p.end) {
                        self.skip_line();
                    }
                    return;
                }
                _ => break,
            }
        }
        if self.skipping() {
            self.skip_line();
        } else {
            self.text_line(&text);
        }
    }

    /// A line of text.
    fn text_line(&mut self, text: &str) {
        let Some(mut at) = self.files.last().map(|f| f.at) else { return };
        self.sync();
        // Where the text that is to be copied begins.
        let mut from = at;
        while let Some(p) = piece(text, at) {
            let word = &text[p.start..p.end];
            match p.kind {
                Kind::Newline => {
                    self.out.text += &text[from..p.start];
                    self.out.newline();
                    return self.set_place(p.end);
                }
                Kind::Comment => {
                    self.out.text += &text[from..p.start];
                    from = p.end;
                    self.set_place(p.end);
                    self.check_comment(p.start, p.end);
                    self.blank(word);
                }
                Kind::Space => {
                    self.out.last = None;
                    self.out.check = false;
                }
                Kind::Ident if self.macros.get(word).is_some() => {
                    self.out.text += &text[from..p.start];
                    self.set_place(p.end);
                    let tokens = self.expand_here(Token::new(Kind::Ident, word, false));
                    self.put(&tokens);
                    at = self.files.last().map_or(p.end, |f| f.at);
                    from = at;
                    self.out.check = true;
                    self.catch_up();
                    continue;
                }
                _ => {
                    if std::mem::take(&mut self.out.check)
                        && self.out.last.is_some_and(|last| join(&self.out.text[last..], word))
                    {
                        self.out.text.push(' ');
                    }
                    self.out.last = Some(self.out.text.len() + p.start - from);
                }
            }
            at = p.end;
        }
        self.out.text += &text[from..at];
        self.set_place(at);
        self.out.newline();
    }

    fn set_place(&mut self, at: usize) {
        if let Some(file) = self.files.last_mut() {
            file.at = at;
        }
    }

    /// A comment is a blank as wide as itself.
    fn blank(&mut self, comment: &str) {
        let old = self.settings.traditional();
        for c in comment.chars() {
            match c {
                '\n' => self.out.newline(),
                _ if old => {}
                c => {
                    self.out.text.push(if c == '\t' { c } else { ' ' });
                    self.out.last = None;
                }
            }
        }
    }

    /// Puts tokens out.
    fn put(&mut self, tokens: &[Token]) {
        let apart = !self.settings.traditional();
        for (i, token) in tokens.iter().enumerate() {
            self.out.token(&token.text, token.space && i > 0, apart);
        }
    }

    pub(super) fn check_comment(&mut self, start: usize, end: usize) {
        let Some(file) = self.files.last() else { return };
        let comment = &file.spliced.text[start..end];
        if comment.starts_with("/*") && (comment.len() < 4 || !comment.ends_with("*/")) {
            let at = file.spliced.original(start);
            let span = Span::new(file.source, at..at + 2);
            let d = Diagnostic::error("D_CPP", span, "unterminated comment");
            self.tell(d.hint("end it with `*/`"));
        }
    }

    // ------------------------------------------------------------------ lines and marks

    /// Brings the output, at the beginning of a line, to the line of the file.
    fn sync(&mut self) {
        let (name, line) = self.place();
        let ahead = line.checked_sub(self.out.line);
        match ahead {
            Some(n) if n <= NEAR && name == self.out.name => {
                for _ in 0..n {
                    self.out.newline();
                }
            }
            _ => self.mark(None),
        }
    }

    /// After a macro whose arguments took several lines.
    fn catch_up(&mut self) {
        let (name, line) = self.place();
        if name == self.out.name && line > self.out.line {
            for _ in self.out.line..line {
                self.out.newline();
            }
        }
    }

    /// Says which line of which file comes next.
    pub(super) fn mark(&mut self, flag: Option<&str>) {
        let (name, line) = self.place();
        if !self.out.text.is_empty() && !self.out.text.ends_with('\n') {
            self.out.text.push('\n');
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        self.out.text += &format!("# {line} \"{quoted}\"");
        for flag in flag.into_iter().chain(self.files.last().filter(|f| f.system).map(|_| "3")) {
            self.out.text.push(' ');
            self.out.text += flag;
        }
        self.out.text.push('\n');
        self.out.last = None;
        self.out.check = false;
        (self.out.name, self.out.line) = (name, line);
    }

    /// A directive that is passed on. The file is behind it already.
    pub(super) fn pass_line(&mut self, line: &str) {
        let Some(file) = self.files.last_mut() else { return };
        let behind = std::mem::replace(&mut file.at, file.start);
        self.sync();
        self.set_place(behind);
        self.out.text += line;
        self.out.newline();
    }

    // ------------------------------------------------------------------ arguments

    /// Whether an opening parenthesis comes next in the file, perhaps lines below.
    pub(super) fn parenthesis_follows(&self) -> bool {
        let Some(file) = self.files.last() else { return false };
        let mut at = file.at;
        while let Some(p) = piece(&file.spliced.text, at) {
            match p.kind {
                Kind::Space | Kind::Comment | Kind::Newline => at = p.end,
                _ => return &file.spliced.text[p.start..p.end] == "(",
            }
        }
        false
    }

    /// The next token of the file, perhaps lines below; directives on the way are done.
    pub(super) fn token_here(&mut self) -> Option<Token> {
        let mut space = false;
        loop {
            let file = self.files.last_mut()?;
            let text = file.spliced.text.clone();
            let p = piece(&text, file.at)?;
            let first = first_on_line(&text, file.at);
            match p.kind {
                Kind::Newline | Kind::Space | Kind::Comment => {
                    file.at = p.end;
                    space = true;
                    if p.kind == Kind::Comment {
                        self.check_comment(p.start, p.end);
                    }
                }
                _ if first && &text[p.start..p.end] == "#" => {
                    file.at = p.end;
                    self.in_arguments = true;
                    self.directive();
                    self.in_arguments = false;
                    self.skip_dead();
                }
                kind => {
                    file.at = p.end;
                    return Some(Token::new(kind, &text[p.start..p.end], space));
                }
            }
        }
    }

    /// Passes by the lines of a group that is left out, among arguments.
    fn skip_dead(&mut self) {
        while self.skipping() && self.files.last().is_some_and(|f| f.at < f.spliced.text.len()) {
            let Some(file) = self.files.last_mut() else { return };
            let text = file.spliced.text.clone();
            let mut at = file.at;
            while let Some(p) = piece(&text, at)
                && matches!(p.kind, Kind::Space | Kind::Comment)
            {
                at = p.end;
            }
            if text[at..].starts_with('#') {
                file.at = at + 1;
                self.in_arguments = true;
                self.directive();
                self.in_arguments = false;
            } else {
                self.skip_line();
            }
        }
    }
}

fn first_on_line(text: &str, at: usize) -> bool {
    let blanks = text[..at].trim_end_matches([' ', '\t']);
    blanks.is_empty() || blanks.ends_with('\n')
}
