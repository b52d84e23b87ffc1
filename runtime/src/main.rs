//! `strand`: reads the command line, does what it asks for, and says in one sentence what
//! went wrong. When called as `dtrace`, it takes that program's options.

use std::path::Path;
use std::process::ExitCode;
use strand::cli::{self, Invocation, Task};
use strand::dtrace;
use strand::error::{Error, complain};
use strand::run;

/// Status for a command line that can't be understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut args = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
    let name = args.next().unwrap_or_default();
    let called = Path::new(&name).file_name().map(|n| n.to_string_lossy().into_owned());
    let invocation = if called.as_deref() == Some("dtrace") {
        let mut args = args.peekable();
        if args.peek().is_none() {
            eprint!("{}", dtrace::USAGE);
            return ExitCode::from(USAGE);
        }
        dtrace::parse(args).map_err(|error| {
            complain("dtrace", &error);
            if !matches!(error, Error::Usage(_)) {
                return ExitCode::FAILURE;
            }
            eprint!("{}", dtrace::USAGE);
            ExitCode::from(USAGE)
        })
    } else {
        cli::parse(std::iter::once("strand".to_owned()).chain(args)).map_err(|answer| {
            // A reader who has gone away wants no help.
            let _ = answer.print();
            ExitCode::from(answer.exit_code() as u8)
        })
    };
    match invocation {
        Ok(invocation) => act(&invocation),
        Err(code) => code,
    }
}

/// Does it, and turns the outcome into an exit status.
fn act(invocation: &Invocation) -> ExitCode {
    let name = invocation.name;
    if invocation.task == Task::Trace && invocation.programs.is_empty() {
        complain(name, &Error::NoProgram);
        return if name == "dtrace" { ExitCode::FAILURE } else { ExitCode::from(USAGE) };
    }
    match run::run(invocation) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            complain(name, &error);
            if matches!(error, Error::Usage(_)) { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}
