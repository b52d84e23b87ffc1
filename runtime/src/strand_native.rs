//! What an executable of `strand build` begins with: the runtime, without the compiler.
//!
//! In: its own file, behind which the object lies, and arguments. Out: what the script prints,
//! and its exit status.

use std::process::ExitCode;
use strand::error::{Error, complain};
use strand::native;

fn main() -> ExitCode {
    let mut args = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
    let name = native::called(&args.next().unwrap_or_default());
    match native::run_self(name, args.collect()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            complain(name, &error);
            // As `strand` has it.
            if matches!(error, Error::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
