//! The code blocks of a page, and what is to be done with each.
//!
//! In: Markdown. Out: [`Block`]s with their places, and the files that the page shows. The
//! words behind the opening fence decide:
//!
//! - `d`: a script, run as `strand -q`; the next block is `output`, all that it prints.
//! - `d`, followed by `error`: a script that is refused, with what is said of it.
//! - `d check`: a script that is only compiled, and right.
//! - `d file=NAME`, `c file=NAME`: a file for the page's other blocks.
//! - `console`: lines that begin with `# ` are commands, what follows each is its output.
//!   A command goes on while a quote is open or its line ends with a backslash.
//! - `text`: notation, not run.
//!
//! `like` behind a console: numbers may be others, and so may the blanks before them.
//! `needs=PROBE` behind any of them: only where the kernel has that probe; `uses=COMMAND`: only
//! where there is that command.

use std::iter::Peekable;
use std::ops::Range;
use std::str::Lines;

/// What a page says.
#[derive(Debug, Default)]
pub struct Page {
    pub blocks: Vec<Block>,
    /// Names and texts.
    pub files: Vec<(String, String)>,
}

/// A block that is run.
#[derive(Debug)]
pub struct Block {
    /// Where it begins, from 1.
    pub line: usize,
    pub run: Run,
    /// Probes that the kernel must have.
    pub needs: Vec<String>,
    /// Commands that there must be.
    pub uses: Vec<String>,
    /// Numbers may be others.
    pub like: bool,
}

/// How it is run.
#[derive(Debug)]
pub enum Run {
    /// A script; without shown output it prints nothing.
    Script { text: String, check: bool, shown: Option<Shown> },
    /// Command lines.
    Console(Vec<Command>),
}

/// One command of a console.
#[derive(Debug)]
pub struct Command {
    pub text: String,
    pub shown: Shown,
}

/// Output as the page shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its lines in the page, from 0.
    pub lines: Range<usize>,
    pub text: String,
}

/// What is wrong with a page, and in which line.
type Problem = (usize, String);

impl Block {
    /// Whether it traces.
    pub fn is_live(&self) -> bool {
        match &self.run {
            Run::Script { check, .. } => !check,
            Run::Console(commands) => commands.iter().any(|c| !c.text.starts_with("strand check ")),
        }
    }
}

impl Page {
    pub fn read(text: &str) -> Result<Page, Problem> {
        let mut page = Page::default();
        let mut fences = fences(text)?.into_iter().peekable();
        while let Some(fence) = fences.next() {
            page.take(&fence, &mut fences)?;
        }
        for (name, _) in &page.files {
            let used = |c: &Command| c.text.contains(name.as_str());
            let in_file =
                page.files.iter().any(|(n, text)| n != name && text.contains(name.as_str()));
            let in_command = page.blocks.iter().any(|b| match &b.run {
                Run::Console(commands) => commands.iter().any(used),
                Run::Script { text, .. } => text.contains(name.as_str()),
            });
            if !in_command && !in_file {
                return Err((1, format!("the file {name} is never used")));
            }
        }
        Ok(page)
    }

    fn take(
        &mut self,
        fence: &Fence,
        rest: &mut Peekable<impl Iterator<Item = Fence>>,
    ) -> Result<(), Problem> {
        let problem = |what: &str| Err((fence.line, what.to_owned()));
        let (mut check, mut like, mut file) = (false, false, None);
        let (mut needs, mut uses) = (Vec::new(), Vec::new());
        let mut words = fence.info.split_whitespace();
        let language = words.next().unwrap_or_default();
        for word in words {
            match word.split_once('=') {
                None if word == "check" => check = true,
                None if word == "like" => like = true,
                Some(("file", name)) => file = Some(name.to_owned()),
                Some(("needs", probe)) => needs.push(probe.to_owned()),
                Some(("uses", command)) => uses.push(command.to_owned()),
                _ => return problem(&format!("`{word}` is unknown")),
            }
        }
        let run = match (language, file) {
            ("text", None) => return Ok(()),
            ("d" | "c" | "sh", Some(name)) => {
                self.files.push((name, fence.text.clone()));
                return Ok(());
            }
            ("d", None) => {
                let refused = rest.peek().is_some_and(|f| f.info == "error");
                let shown = rest.next_if(|f| f.info == "output" || f.info == "error");
                if shown.is_none() && !check {
                    return problem("a script without `output` or `error` behind it");
                }
                Run::Script {
                    text: fence.text.clone(),
                    check: check || refused,
                    shown: shown.map(|f| f.shown()),
                }
            }
            ("console", None) => Run::Console(commands(fence)?),
            _ => return problem(&format!("a block of the kind `{}`", fence.info)),
        };
        self.blocks.push(Block { line: fence.line, run, needs, uses, like });
        Ok(())
    }
}

/// A fenced block, whatever it is.
struct Fence {
    /// The line of its fence, from 1.
    line: usize,
    info: String,
    text: String,
}

impl Fence {
    fn shown(&self) -> Shown {
        let count = self.text.lines().count();
        Shown { lines: self.line..self.line + count, text: self.text.clone() }
    }
}

fn fences(text: &str) -> Result<Vec<Fence>, Problem> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((i, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            if line.starts_with("    ") && line.trim_start().starts_with("```") {
                return Err((i + 1, "an indented fence".to_owned()));
            }
            continue;
        };
        let mut fence = Fence { line: i + 1, info: info.trim().to_owned(), text: String::new() };
        loop {
            match lines.next() {
                Some((_, "```")) => break,
                Some((_, line)) => fence.text += &format!("{line}\n"),
                None => return Err((i + 1, "the block has no end".to_owned())),
            }
        }
        found.push(fence);
    }
    Ok(found)
}

fn commands(fence: &Fence) -> Result<Vec<Command>, Problem> {
    let mut commands: Vec<Command> = Vec::new();
    // The first line of text is that behind the fence.
    let mut at = fence.line;
    let mut lines = fence.text.lines();
    while let Some(line) = lines.next() {
        at += 1;
        if let Some(first) = line.strip_prefix("# ") {
            let text = whole(first, &mut lines);
            at += text.lines().count() - 1;
            commands.push(Command { text, shown: Shown { lines: at..at, text: String::new() } });
            continue;
        }
        let Some(command) = commands.last_mut() else {
            return Err((at, "a console begins with a command, `# …`".to_owned()));
        };
        command.shown.lines.end = at;
        command.shown.text += &format!("{line}\n");
    }
    if commands.is_empty() {
        return Err((fence.line, "a console without a command".to_owned()));
    }
    Ok(commands)
}

/// A command with the lines that it goes on in.
fn whole(first: &str, lines: &mut Lines) -> String {
    let mut text = first.to_owned();
    while is_open(&text) {
        let Some(line) = lines.next() else { break };
        text = format!("{text}\n{line}");
    }
    text
}

/// Whether a line of shell isn't at its end.
fn is_open(text: &str) -> bool {
    let (mut quote, mut escaped) = (None, false);
    for c in text.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    quote.is_some() || escaped
}
