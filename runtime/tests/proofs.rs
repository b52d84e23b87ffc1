//! Proofs of examples: an example around a workload whose truth is known, compared with what
//! an independent witness has counted.
//!
//! In: the Python scripts `tests/examples/SUBJECT/NAME.py`, one or more for an example, with
//! lines `#@ case: ARGUMENTS`. Out: a test for each case, named `SUBJECT/NAME ARGUMENTS`. A
//! script that lacks something exits with 77 and says why, and its test is skipped;
//! `tests/vm/lab` sees to it that each has run on some kernel. One that failed where the machine
//! may have hidden from it what it missed exits with 75, and is tried again. They run one after
//! the other, since there is but one disk of each kind.
//!
//! The first case of each, and those named by `#@ built: ARGUMENTS`, run once more, named `built
//! SUBJECT/NAME`, with the executable that `strand build` makes of the example: one from the
//! folders STRAND_BUILT, which the lab fills on other kernels, or one that is made on the spot.
//! Where an executable says what this kernel lacks, the script exits with 76 if there are others,
//! and is run with the next. With STRAND_PROOFS=built it does so only.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Output, STRAND, files, no_live, patience, scripts};

mod support;

const TIMEOUT: Duration = Duration::from_secs(90);
const SKIPPED: i32 = 77;
const AGAIN: i32 = 75;
const OTHERS: i32 = 76;
const TRIES: usize = 4;
/// Folders whose examples all have a proof.
const PROVEN: [&str; 4] = ["block", "ext4", "xfs", "zfs"];
/// Shown by `examples/demo`, whose test is `demo.rs`.
const ELSEWHERE: &str = "ext4/writeback";

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let proofs = root.join("tests/examples");
    let no_live = no_live();
    if let Some(why) = &no_live {
        eprintln!("skipped: proofs of examples: {why}");
    }
    let only_built = std::env::var("STRAND_PROOFS").is_ok_and(|p| p == "built");
    let mut trials = Vec::new();
    let found: Vec<PathBuf> =
        files(&proofs, "py").into_iter().filter(|f| f.parent() != Some(&*proofs)).collect();
    for script in &found {
        let name = script.strip_prefix(&proofs).unwrap_or(script).with_extension("");
        for (case, both) in cases(script) {
            let title = format!("{} {case}", name.display()).trim_end().to_owned();
            let forms: &[bool] = match (both, only_built) {
                (true, true) => &[true],
                (true, false) => &[false, true],
                (false, _) => &[false],
            };
            for &built in forms {
                let title = if built { format!("built {title}") } else { title.clone() };
                let (script, case) = (script.clone(), case.clone());
                let trial = Trial::ignorable_test(title, move || prove(&script, &case, built));
                trials.push(trial.with_ignored_flag(no_live.is_some()));
            }
        }
    }
    trials
        .push(Trial::test("every example has a proof and output", move || complete(&root, &found)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Arguments to run a proof with, none if it doesn't say; and whether with the executable, too.
fn cases(script: &Path) -> Vec<(String, bool)> {
    let text = fs::read_to_string(script).unwrap_or_default();
    let marked = |mark: &str| -> Vec<String> {
        text.lines().filter_map(|l| l.strip_prefix(mark)).map(|c| c.trim().to_owned()).collect()
    };
    let (mut cases, built) = (marked("#@ case:"), marked("#@ built:"));
    if cases.is_empty() {
        cases.push(String::new());
    }
    let unknown = built.iter().find(|b| !cases.contains(b));
    assert_eq!(unknown, None, "{}: there is no such case to be built", script.display());
    let both = |n: usize, case: &String| n == 0 || built.contains(case);
    cases.iter().enumerate().map(|(n, case)| (case.clone(), both(n, case))).collect()
}

fn prove(script: &Path, case: &str, built: bool) -> Result<Completion, Failed> {
    let (mut again, mut others) = (0, 0);
    loop {
        let output = run(script, case, built.then_some(others))?;
        match output.status.and_then(|s| s.code()) {
            Some(AGAIN) if again + 1 < TRIES => again += 1,
            Some(OTHERS) => others += 1,
            _ => return judge(&output),
        }
    }
}

/// Runs a proof, with an executable if it is told how many of them have been tried.
fn run(script: &Path, case: &str, tried: Option<usize>) -> Result<Output, Failed> {
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).args(case.split_whitespace());
    command.env("PYTHONPATH", script.parent().and_then(Path::parent).unwrap_or(script));
    command.env("STRAND", STRAND).env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match tried {
        Some(tried) => command
            .env("STRAND_BUILT", std::env::var_os("STRAND_BUILT").unwrap_or_default())
            .env("STRAND_TRIED", tried.to_string()),
        None => command.env_remove("STRAND_BUILT"),
    };
    Ok(Output::of(command.process_group(0).spawn()?, TIMEOUT * patience()))
}

fn judge(output: &Output) -> Result<Completion, Failed> {
    match output.status {
        Some(status) if status.success() => Ok(Completion::Completed),
        Some(status) if status.code() == Some(SKIPPED) => {
            let why = output.stderr.trim().lines().last().unwrap_or("skipped:").to_owned();
            Ok(Completion::ignored_with(why))
        }
        Some(status) => Err(format!("{status}\n{}{}", output.stdout, output.stderr).into()),
        None => Err(format!("not over in time\n{}{}", output.stdout, output.stderr).into()),
    }
}

/// An example may have several proofs: NAME.py, NAME-MORE.py. Real output is beside it.
fn complete(root: &Path, proofs: &[PathBuf]) -> Result<(), Failed> {
    let examples = root.join("examples");
    let stem = |path: &Path, folder: &Path| {
        let path = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        path.to_string_lossy().into_owned()
    };
    let folder = root.join("tests/examples");
    let proven: Vec<String> = proofs.iter().map(|p| stem(p, &folder)).collect();
    let mut missing = Vec::new();
    for script in PROVEN.iter().flat_map(|f| scripts(&examples.join(f))) {
        let name = stem(&script, &examples);
        let own = |p: &String| *p == name || p.starts_with(&format!("{name}-"));
        if name != ELSEWHERE && !proven.iter().any(own) {
            missing.push(format!("{name}.py under tests/examples"));
        }
        if !script.with_extension("out").exists() {
            missing.push(format!("{name}.out beside it"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("examples lack a proof or output: {}", missing.join(", ")).into())
}
