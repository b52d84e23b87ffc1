//! The manual: every code block of `docs/*.md` is run, and has to print what it shows; so it
//! is with `examples/one-liners.md`.
//!
//! In: the pages. Out: one test for each block, named `PAGE:LINE`, and tests that nothing
//! which the program knows by name is left out. `page.rs` says what kinds of blocks there
//! are, `expected.rs` how shown output may leave things open; `TESTING.md` tells authors.
//! `UPDATE=1` rewrites the output of blocks that fail: read what it wrote.
//!
//! Each block has a folder of its own, which holds the files that the page shows. They run in
//! any order, and at the same time.

mod complete;
mod expected;
mod page;
mod refused;
#[path = "../support/mod.rs"]
mod support;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use page::{Block, Page, Run, Shown};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Output, STRAND, no_live, patience};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Output that is to be rewritten: page, lines, what is to be there.
type Updates = Arc<Mutex<Vec<(PathBuf, Shown, String)>>>;

fn main() {
    let arguments = Arguments::from_args();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let no_live = no_live();
    if let Some(why) = &no_live {
        eprintln!("skipped: blocks that trace: {why}");
    }
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("manual.{}", std::process::id()));
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("a new folder");
    for name in ["strand", "dtrace"] {
        symlink(STRAND, bin.join(name)).expect("a link in a new folder");
    }
    let updates = Updates::default();
    let mut trials = complete::trials(&docs);
    let one_liners = docs.join("../examples/one-liners.md");
    for path in pages(&docs).into_iter().chain([one_liners]) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_default();
        let page = match Page::read(&text) {
            Ok(page) => page,
            Err((line, what)) => {
                let place = format!("{}:{line}", path.display());
                trials.push(Trial::test(format!("{name}:{line}"), move || {
                    Err(format!("{place}: {what}").into())
                }));
                continue;
            }
        };
        let folder = folder.join(&name);
        write_files(&folder, &page.files).expect("files in a temporary folder");
        if name == "errors" {
            trials.extend(refused::trials(&path, &folder, no_live.is_none()));
        }
        for block in page.blocks {
            let skip = block.is_live() && no_live.is_some();
            // The virtual machines run those that this kernel may be too poor for.
            let needs = block.needs.iter().map(|probe| format!(" needs {probe}"));
            let title = format!("{name}:{}{}", block.line, needs.collect::<String>());
            // Its own, as others may compile the same program at this moment.
            let folder = folder.with_file_name(format!("{name}-{}", block.line));
            write_files(&folder, &page.files).expect("files in a temporary folder");
            let case = Case { path: path.clone(), folder, block };
            let updates = Arc::clone(&updates);
            let trial = Trial::ignorable_test(title, move || case.execute(&updates));
            trials.push(trial.with_ignored_flag(skip));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    rewrite(&updates).expect("the pages can be written");
    fs::remove_dir_all(&folder).expect("the folder is ours");
    conclusion.exit();
}

/// All pages, in order.
fn pages(docs: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(docs).expect("the folder of the manual");
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == "md"));
    found.sort();
    found
}

/// Puts the files that a page shows where its blocks find them.
fn write_files(folder: &Path, files: &[(String, String)]) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// Rewrites pages, from the last line to the first.
fn rewrite(updates: &Updates) -> std::io::Result<()> {
    let mut updates = updates.lock().unwrap_or_else(|e| e.into_inner());
    updates.sort_by(|a, b| (&b.0, b.1.lines.start).cmp(&(&a.0, a.1.lines.start)));
    for (path, shown, text) in updates.drain(..) {
        let page = fs::read_to_string(&path)?;
        let mut lines: Vec<&str> = page.lines().collect();
        lines.splice(shown.lines, text.lines());
        fs::write(&path, lines.join("\n") + "\n")?;
    }
    Ok(())
}

/// A block and where it is run.
struct Case {
    path: PathBuf,
    folder: PathBuf,
    block: Block,
}

impl Case {
    fn execute(&self, updates: &Updates) -> Result<Completion, Failed> {
        let probes = self.block.needs.iter().map(|p| format!("strand check -e '{p} {{}}'"));
        let commands = self.block.uses.iter().map(|c| format!("command -v {c}"));
        for condition in probes.chain(commands) {
            let output = self.run(&condition, &self.folder)?;
            if !output.status.is_some_and(|s| s.success()) {
                let why = output.stdout.lines().next().unwrap_or(&condition);
                return Ok(Completion::ignored_with(format!("skipped: {why}")));
            }
        }
        self.check(updates).map(|()| Completion::Completed)
    }

    fn check(&self, updates: &Updates) -> Result<(), Failed> {
        match &self.block.run {
            Run::Script { text, check, shown } => {
                fs::write(self.folder.join("script.d"), text)?;
                let how = if *check { "check" } else { "-q" };
                let output = self.run(&format!("strand {how} script.d"), &self.folder)?;
                let refused = *check && shown.is_some();
                if output.status.is_some_and(|s| s.success()) == refused {
                    let status =
                        output.status.map_or("still running".to_owned(), |s| s.to_string());
                    return self
                        .complaint(self.block.line, &format!("{status}\n{}", output.stdout));
                }
                let nothing = Shown { lines: 0..0, text: String::new() };
                self.judge(shown.as_ref().unwrap_or(&nothing), &output.stdout, updates)
            }
            Run::Console(commands) => {
                let mut result = Ok(());
                for command in commands {
                    let output = self.run(&command.text, &self.folder)?;
                    if output.status.is_none() {
                        let what = format!("`{}` doesn't end", command.text);
                        return self.complaint(self.block.line, &what);
                    }
                    result = result.and(self.judge(&command.shown, &output.stdout, updates));
                }
                result
            }
        }
    }

    fn run(&self, line: &str, folder: &Path) -> Result<Output, Failed> {
        Case::shell(line, folder, &self.folder.with_file_name("bin"))
    }

    /// A line of shell, with both outputs in one, that finds us in `bin`.
    fn shell(line: &str, folder: &Path, bin: &Path) -> Result<Output, Failed> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec 2>&1\n{line}"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DTRACE") {
                command.env_remove(name);
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", bin.display()));
        command.current_dir(folder).env("TZ", "UTC").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut output = Output::of(command.process_group(0).spawn()?, TIMEOUT * patience());
        // What the shell said before it put both together.
        output.stdout.push_str(&output.stderr);
        Ok(output)
    }

    fn judge(&self, shown: &Shown, actual: &str, updates: &Updates) -> Result<(), Failed> {
        let found = match self.block.like {
            true => {
                expected::difference(&expected::blurred(&shown.text), &expected::blurred(actual))
            }
            false => expected::difference(&shown.text, actual),
        };
        let Some(difference) = found else { return Ok(()) };
        if std::env::var_os("UPDATE").is_some() && shown.lines.start != 0 {
            let text = expected::updated(&shown.text, actual);
            let mut updates = updates.lock().unwrap_or_else(|e| e.into_inner());
            updates.push((self.path.clone(), shown.clone(), text));
            return Ok(());
        }
        self.complaint(self.block.line.max(shown.lines.start), &difference)
    }

    fn complaint(&self, line: usize, what: &str) -> Result<(), Failed> {
        let mut text = String::new();
        let _ = write!(text, "{}:{line}: {what}", self.path.display());
        Err(text.into())
    }
}
