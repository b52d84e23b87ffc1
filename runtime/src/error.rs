//! What can go wrong in the world: one error for all of the runtime, told in a sentence.
//!
//! In: the errors of the modules. Out: a message with its causes, and what to do. Errors of
//! the D program are no such errors: they are diagnostics, and have been shown already.

use crate::attach::AttachError;
use crate::kernel::BtfFileError;
use crate::libraries::LibraryError;
use crate::load::LoadError;
use crate::options::OptionError;
use crate::preprocess::PreprocessError;
use crate::process::ProcessError;
use std::io::{self, Write};
use std::path::PathBuf;
use strand_compiler::kernel::Attach;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program has errors, which have been shown.
    #[error("the program has errors")]
    Program,
    /// The program changes the system, and nobody allowed that.
    #[error("could not enable tracing: Destructive actions not allowed")]
    Destructive,
    /// A file that was named can't be read.
    #[error("{path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Output can't be written.
    #[error("{path} can't be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing to do was given.
    #[error("no program was given")]
    NoProgram,
    /// The letters on the command line don't go together.
    #[error("{0}")]
    Usage(String),
    /// Object files have no probes, or those of another tracer.
    #[error("failed to link: {0}")]
    Link(String),
    /// Not root, and without the capabilities that would do.
    #[error("tracing needs root, or the capabilities CAP_BPF and CAP_PERFMON")]
    Privileges,
    /// BPF is missing.
    #[error("this kernel ({release}) can't run BPF programs: {why}")]
    NoBpf {
        /// The kernel's release.
        release: String,
        /// What failed.
        why: String,
    },
    /// The kernel is older than any that we support.
    #[error("this kernel ({release}) is too old: strand needs Linux 5.15 or newer")]
    TooOld {
        /// The kernel's release.
        release: String,
    },
    /// Probes can't be listed.
    #[error("{0}")]
    Probes(String),
    /// What is to be traced doesn't exist.
    #[error("no probe is matched, so nothing would ever fire")]
    NothingMatched,
    /// `-x cpu` names none.
    #[error("there is no processor {0}, or it is not online")]
    NoProcessor(u64),
    /// An option leaves less room than one record or element takes.
    #[error("{option} is {given} bytes, but {needs} is the least that this program can use")]
    NoRoom {
        /// The option.
        option: &'static str,
        /// Its value.
        given: u64,
        /// The smallest value that would do.
        needs: u64,
    },
    /// An option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The C preprocessor.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// `-L`
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// `-c` or `-p`.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file of BTF.
    #[error(transparent)]
    Btf(#[from] BtfFileError),
    /// Loading.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Attaching.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// `strand build` has nothing to make an executable of.
    #[error("{path} is missing, the runtime that executables are made of")]
    NoRuntime {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// What is to be run was not made by `strand build`.
    #[error("{path} can't be run: {why}")]
    NotBuilt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An argument of an executable.
    #[error("{0}")]
    Argument(String),
    /// Something else of the system.
    #[error("{what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Option(e) => e.hint(),
            Error::Load(e) => e.hint(),
            Error::Attach(e) => e.hint(),
            Error::NoRoom { option, needs, .. } => Some(format!("-x {option}={needs} will do")),
            Error::NothingMatched => Some("-Z allows it".to_owned()),
            Error::NoRuntime { .. } => Some(
                "`make install` puts it there; in the source tree, `cargo build` makes it; for \
                 --static, `make static` does"
                    .to_owned(),
            ),
            Error::NoProgram => Some("`strand --help` shows what can be given".to_owned()),
            _ => None,
        }
    }

    /// The description of a probe at a function of the kernel, which refuses it, and where it
    /// is.
    pub fn at_function(&self) -> Option<(&str, &Attach)> {
        match self {
            Error::Load(LoadError::Function { probe, event, .. })
            | Error::Attach(AttachError::Refused { probe, event, .. }) => Some((probe, event)),
            _ => None,
        }
    }

    /// What dtrace(1) says, where its words are known.
    pub fn classic(&self) -> Option<String> {
        match self {
            Error::Option(e) => Some(format!("failed to set -x {}: {}", e.name(), e.classic())),
            Error::NoProgram => Some("no probes specified".to_owned()),
            Error::NothingMatched => Some("no probes matched".to_owned()),
            Error::NoRoom { .. } => {
                Some("could not enable tracing: Enabling exceeds size of buffer".to_owned())
            }
            Error::Process(ProcessError::Missing { source, .. }) => Some(plain(source)),
            Error::Read { path, source } => {
                Some(format!("failed to open {}: {}", path.display(), plain(source)))
            }
            _ => None,
        }
    }

    /// The message with its causes in one line: `what: why: why`.
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let why = match error.downcast_ref::<io::Error>() {
                Some(e) => plain(e),
                None => error.to_string(),
            };
            if !text.ends_with(&why) {
                text = format!("{text}: {why}");
            }
            cause = error.source();
        }
        text
    }
}

/// One sentence on stderr. What the program's diagnostics have said isn't said again.
pub fn complain(name: &str, error: &Error) {
    if matches!(error, Error::Program) {
        return;
    }
    if let (Some(text), "dtrace") = (error.classic(), name) {
        // As below.
        let _ = writeln!(std::io::stderr(), "{name}: {text}");
        return;
    }
    let hint = error.hint().map(|h| format!("{name}: {h}\n")).unwrap_or_default();
    // Nobody is left to tell if this fails.
    let _ = write!(std::io::stderr(), "{name}: {}\n{hint}", error.text());
}

/// The system's words without the number behind them.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
