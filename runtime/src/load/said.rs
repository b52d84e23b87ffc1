//! What libbpf and the verifier say, told apart.
//!
//! In: libbpf's messages, which it would print. Out: its last words, or the verifier's refusal of
//! a program with the place in the D program that it is about.

use super::LoadError;
use libbpf_rs::PrintLevel;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A place in the D program, as the verifier quotes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Script and line.
    pub line: Option<(String, u32)>,
    /// The text there.
    pub text: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((file, line)) = &self.line {
            write!(f, " at {file}:{line}")?;
        }
        match &self.text {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

/// What libbpf puts around the verifier's log.
const LOG_BEGIN: &str = "-- BEGIN PROG LOAD LOG --";
const LOG_END: &str = "-- END PROG LOAD LOG --";

static MESSAGES: Mutex<String> = Mutex::new(String::new());
static VERBOSE: AtomicBool = AtomicBool::new(false);
/// What it says in detail is wanted too: the verifier's log of what is accepted.
static DETAILS: AtomicBool = AtomicBool::new(false);

fn collect(level: PrintLevel, message: String) {
    if VERBOSE.load(Ordering::Relaxed) {
        eprint!("{message}");
    }
    if level != PrintLevel::Debug || DETAILS.load(Ordering::Relaxed) {
        MESSAGES.lock().unwrap_or_else(PoisonError::into_inner).push_str(&message);
    }
}

/// Keeps libbpf from printing; with `verbose` all that it says goes to stderr.
pub fn quiet_libbpf(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
    let level = if verbose { PrintLevel::Debug } else { PrintLevel::Warn };
    libbpf_rs::set_print(Some((level, collect)));
}

/// From now on messages have the verifier's logs in them.
pub(super) fn keep_logs() {
    DETAILS.store(true, Ordering::Relaxed);
    libbpf_rs::set_print(Some((PrintLevel::Debug, collect)));
}

/// The verifier's logs in messages, line by line, as `-xbpflog` shows them.
pub(super) fn log_lines(messages: &str) -> String {
    let mut out = String::new();
    for part in messages.split(LOG_BEGIN).skip(1) {
        let log = part.split_once(LOG_END).map_or(part, |(log, _)| log);
        for line in log.trim().lines() {
            out += &format!("BPF: {line}\n");
        }
    }
    out
}

/// What it has said since it was last asked.
pub(crate) fn messages() -> String {
    std::mem::take(&mut *MESSAGES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The last message that says something, without libbpf's name before it.
pub(crate) fn last_message(messages: &str) -> String {
    let useful = messages.lines().filter_map(|l| l.strip_prefix("libbpf: ")).find(|l| {
        !l.starts_with("failed to load object") && !l.starts_with("failed to load BPF skeleton")
    });
    useful.unwrap_or("libbpf gives no reason").trim().to_owned()
}

/// Takes the verifier's refusal out of libbpf's messages.
pub(super) fn refusal(messages: &str) -> Option<LoadError> {
    // The last one: with `bpflog` there are logs of what was accepted before it.
    let (head, rest) = messages.rsplit_once(LOG_BEGIN)?;
    let log = rest.split_once(LOG_END).map_or(rest, |(log, _)| log).trim();
    let program = head.rsplit_once("prog '")?.1.split('\'').next()?.to_owned();
    let lines = || log.lines().map(str::trim).filter(|l| !l.is_empty());
    let reason = lines().rfind(|l| !is_statistics(l))?.to_owned();
    let place = lines().filter_map(|l| l.strip_prefix("; ")).next_back().map(place);
    // "unknown func", or "program of this type cannot use helper" since 6.14.
    if reason.contains("bpf_probe_write_user#") {
        return Some(LoadError::NoWriting(place.unwrap_or_default()));
    }
    if TOO_LARGE.iter().any(|says| reason.contains(says)) {
        return Some(LoadError::TooLarge { probe: program, place: place.unwrap_or_default() });
    }
    Some(LoadError::Refused {
        program,
        reason,
        place: place.unwrap_or_default(),
        log: log.to_owned(),
    })
}

/// What the verifier says of what it has looked at for long enough.
const TOO_LARGE: [&str; 2] = ["BPF program is too large", "jumps is too complex"];

/// Lines that the verifier ends with, whatever happened.
fn is_statistics(line: &str) -> bool {
    ["processed ", "verification time", "stack depth", "max_states_per_insn", "; "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// `text @ file:line` of newer kernels, or only the text.
fn place(comment: &str) -> Place {
    if let Some((text, at)) = comment.rsplit_once(" @ ")
        && let Some((file, line)) = at.rsplit_once(':')
        && let Ok(line) = line.parse()
    {
        return Place { line: Some((file.to_owned(), line)), text: Some(text.to_owned()) };
    }
    Place { line: None, text: Some(comment.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "\
libbpf: prog 'p0_BEGIN': BPF program load failed: -EACCES
libbpf: prog 'p0_BEGIN': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; trace(*p) @ script.d:3
0: (79) r6 = *(u64 *)(r1 +0)
1: (79) r7 = *(u64 *)(r6 +0)
R6 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0
-- END PROG LOAD LOG --
libbpf: prog 'p0_BEGIN': failed to load: -EACCES
libbpf: failed to load object 'strand'
";

    #[test]
    fn refusals_lead_back_to_the_program() {
        let text = refusal(REFUSED).map(|e| e.to_string()).unwrap_or_default();
        insta::assert_snapshot!(text, @"the kernel's verifier refuses the program p0_BEGIN: R6 invalid mem access 'scalar' at script.d:3: trace(*p)");
        let older = REFUSED.replace(" @ script.d:3", "");
        let text = refusal(&older).map(|e| e.to_string()).unwrap_or_default();
        insta::assert_snapshot!(text, @"the kernel's verifier refuses the program p0_BEGIN: R6 invalid mem access 'scalar': trace(*p)");
        assert!(refusal("libbpf: failed to load object 'strand'").is_none());
        let large =
            REFUSED.replace("R6 invalid mem access 'scalar'", "BPF program is too large. P");
        let text = refusal(&large).map(|e| e.to_string()).unwrap_or_default();
        insta::assert_snapshot!(text, @"what is to be done at p0_BEGIN takes the kernel's verifier too long to look at: it gave up at script.d:3: trace(*p)");
    }
}
