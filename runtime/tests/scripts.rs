//! D scripts beside their expected output: `tests/TOPIC/NAME.d` with `NAME.out`, `NAME.err`.
//!
//! In: every script under `tests/`. Out: one test each, named `TOPIC/NAME`. A script runs in
//! its own folder as `strand -q NAME.d`; its standard output must be that of `NAME.out` and
//! its standard error that of `NAME.err`, where a missing file stands for no output. Lines
//! that begin with `//@` say what is different about a test; `TESTING.md` lists them.
//!
//! In expected text, `{{…}}` holds a regular expression, and a line `{{...}}` stands for any
//! number of lines. `UPDATE=1` rewrites the expected text of tests that fail: read what it
//! wrote.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use regex::Regex;
use similar::TextDiff;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Output, STRAND, no_live, patience, scripts};

mod support;

/// What a script's `//@` lines say.
struct Test {
    script: PathBuf,
    /// Options of strand.
    run: String,
    /// `$1` and so on.
    args: String,
    status: i32,
    /// Only compiled: `strand check`.
    check: bool,
    /// Called under another name.
    name: String,
    timeout: Duration,
    /// A command whose failure skips the test; what stands behind ` # ` says why.
    needs: Option<String>,
    /// Commands that make the program to trace, in `$OUT`.
    build: Vec<String>,
}

fn main() {
    let arguments = Arguments::from_args();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let no_live = no_live();
    if let Some(why) = &no_live {
        eprintln!("skipped: scripts that trace: {why}");
    }
    let mut trials = Vec::new();
    for script in scripts(&tests) {
        let name = script.strip_prefix(&tests).unwrap_or(&script).with_extension("");
        let test = match Test::read(script) {
            Ok(test) => test,
            Err(e) => {
                trials.push(Trial::test(name.display().to_string(), move || Err(e)));
                continue;
            }
        };
        let skip = !test.check && no_live.is_some();
        let trial = Trial::ignorable_test(name.display().to_string(), move || test.execute());
        trials.push(trial.with_ignored_flag(skip));
    }
    assert!(trials.len() > 100, "the scripts under {} are not found", tests.display());
    libtest_mimic::run(&arguments, trials).exit();
}

impl Test {
    fn read(script: PathBuf) -> Result<Test, Failed> {
        let text = String::from_utf8_lossy(&fs::read(&script)?).into_owned();
        let mut test = Test {
            script,
            run: "-q".to_owned(),
            args: String::new(),
            status: 0,
            check: false,
            name: "strand".to_owned(),
            timeout: Duration::from_secs(20),
            needs: None,
            build: Vec::new(),
        };
        for line in text.lines().filter_map(|l| l.strip_prefix("//@")) {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.trim();
            match key.trim() {
                "run" => test.run = value.to_owned(),
                "args" => test.args = value.to_owned(),
                "status" => test.status = value.parse().map_err(|e| format!("status: {e}"))?,
                "check" => (test.check, test.status) = (true, test.status.max(1)),
                "check-ok" => test.check = true,
                "name" => test.name = value.to_owned(),
                "timeout" => {
                    let seconds = value.parse().map_err(|e| format!("timeout: {e}"))?;
                    test.timeout = Duration::from_secs(seconds);
                }
                "needs" => test.needs = Some(value.to_owned()),
                "build" => test.build.push(value.to_owned()),
                other => return Err(format!("`//@ {other}` is unknown").into()),
            }
        }
        Ok(test)
    }

    fn execute(&self) -> Result<Completion, Failed> {
        if let Some(needs) = &self.needs {
            let found = self.shell(needs).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if !found.success() {
                let why = match needs.rsplit_once(" # ") {
                    Some((_, why)) => why.to_owned(),
                    None => format!("`{needs}` fails"),
                };
                return Ok(Completion::ignored_with(format!("skipped: {why}")));
            }
        }
        if !self.build.is_empty() {
            fs::create_dir_all(self.made())?;
        }
        for line in &self.build {
            let built = self.shell(line).output()?;
            if !built.status.success() {
                return Err(format!("{line}: {}", String::from_utf8_lossy(&built.stderr)).into());
            }
        }
        let file = self.script.file_name().unwrap_or_default().to_string_lossy();
        let run = if self.check { "check" } else { &self.run };
        let line = format!("exec \"$STRAND\" {run} {file} {}", self.args);
        let mut command = self.shell(&line);
        if self.name != "strand" {
            // A personality is chosen by the program's name.
            command = Command::new("bash");
            let line = format!("exec -a {} \"$STRAND\" {run} {file} {}", self.name, self.args);
            command.arg("-c").arg(line);
            self.surroundings(&mut command);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        let output = Output::of(command.spawn()?, self.timeout * patience());
        self.judge(&output).map(|()| Completion::Completed)
    }

    /// The folder of what is built for this test.
    fn made(&self) -> PathBuf {
        let topic = self.script.parent().and_then(Path::file_name).unwrap_or_default();
        let name = self.script.file_stem().unwrap_or_default();
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(topic).join(name)
    }

    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line);
        self.surroundings(&mut command);
        command
    }

    fn surroundings(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DTRACE") {
                command.env_remove(name);
            }
        }
        let folder = self.script.parent().unwrap_or(Path::new("."));
        command
            .current_dir(folder)
            .env("STRAND", STRAND)
            .env("OUT", self.made())
            .env("TZ", "UTC")
            .env("LC_ALL", "C");
    }

    fn judge(&self, output: &Output) -> Result<(), Failed> {
        let mut complaint = String::new();
        match output.status {
            None => {
                let _ = writeln!(complaint, "still running after {:?}", self.timeout);
            }
            Some(status) if status.code() != Some(self.status) => {
                let _ = writeln!(complaint, "{status}, expected {}", self.status);
            }
            Some(_) => {}
        }
        for (extension, actual) in [("out", &output.stdout), ("err", &output.stderr)] {
            let path = self.script.with_extension(extension);
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if matches(&expected, actual)? {
                continue;
            }
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&path, actual)?;
                continue;
            }
            let diff = TextDiff::from_lines(&expected, actual);
            let diff = diff.unified_diff().header("expected", "actual").to_string();
            let _ = writeln!(complaint, "{extension} differs:\n{diff}");
        }
        if complaint.is_empty() { Ok(()) } else { Err(complaint.into()) }
    }
}

/// Whether text is what is expected, patterns and all.
fn matches(expected: &str, actual: &str) -> Result<bool, Failed> {
    if !expected.contains("{{") {
        return Ok(expected == actual);
    }
    let mut pattern = String::from(r"\A");
    for line in expected.split_inclusive('\n') {
        if line.trim_end() == "{{...}}" {
            pattern.push_str(r"(?:[^\n]*\n)*?");
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
            let _ = write!(pattern, "{}(?:{inside})", regex::escape(before));
            rest = after;
        }
        pattern.push_str(&regex::escape(rest));
    }
    pattern.push_str(r"\z");
    Ok(Regex::new(&pattern).map_err(|e| e.to_string())?.is_match(actual))
}
