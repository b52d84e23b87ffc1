//! The command line of `dtrace`, for when we are called by that name.
//!
//! In: arguments in dtrace(1)'s letters, which may be run together (`-qCs script`). Out: the
//! same [`Invocation`] that `cli.rs` makes. Decides which letters go together.

use crate::cli::{Invocation, ProgramText, Task};
use crate::error::Error;
use std::path::PathBuf;
use strand_grammar::ProbeSpec;

/// What `-?` and wrong letters print.
pub const USAGE: &str = "\
Usage: dtrace [-CeFGHhlqSvVwZ] [-b bufsz] [-c cmd] [-D name[=def]]
\t[-I path] [-L path] [-o output] [-p pid] [-s script] [-U name]
\t[-x opt[=val]] [-X a|c|s|t]

\t[-P provider [[ predicate ] action ]]
\t[-m [ provider: ] module [[ predicate ] action ]]
\t[-f [[ provider: ] module: ] func [[ predicate ] action ]]
\t[-n [[[ provider: ] module: ] func: ] name [[ predicate ] action ]]
\t[-i probe-id [[ predicate ] action ]] [ args ... ]
";

/// Why there is no `-32`.
const ONLY_64: &str = "-32 is not supported: programs are compiled for a kernel of 64 bits";

/// Letters that take a value.
const WITH_VALUE: &str = "bcDfiILmnopPsUxX";

/// Letters that take none.
const ALONE: &str = "aABCeFGHhlqSvVwZ";

/// A letter with its value.
type Letter = (char, Option<String>);

/// Takes letters and operands apart.
fn letters(args: impl Iterator<Item = String>) -> Result<(Vec<Letter>, Vec<String>), Error> {
    let (mut letters, mut operands) = (Vec::new(), Vec::new());
    let mut args = args;
    while let Some(arg) = args.next() {
        if arg == "--" {
            operands.extend(args.by_ref());
            break;
        }
        let Some(run) = arg.strip_prefix('-').filter(|r| !r.is_empty()) else {
            operands.push(arg);
            continue;
        };
        match run {
            "64" => continue,
            "32" => return Err(Error::Usage(ONLY_64.to_owned())),
            _ => {}
        }
        for (at, letter) in run.char_indices() {
            let rest = &run[at + letter.len_utf8()..];
            if ALONE.contains(letter) {
                letters.push((letter, None));
                continue;
            }
            if !WITH_VALUE.contains(letter) {
                return Err(Error::Usage(format!("there is no option -{letter}")));
            }
            let value = if rest.is_empty() { args.next() } else { Some(rest.to_owned()) };
            let missing = || Error::Usage(format!("-{letter} needs a value"));
            letters.push((letter, Some(value.ok_or_else(missing)?)));
            break;
        }
    }
    Ok((letters, operands))
}

/// Reads the arguments, without the program's name.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Invocation, Error> {
    let (letters, operands) = letters(args.into_iter())?;
    let mut invocation = Invocation { args: operands, ..Invocation::new("dtrace") };
    let mut task = None;
    for (letter, value) in letters {
        let asked = match letter {
            'e' => Some(Task::Check),
            'l' => Some(Task::List),
            'V' => Some(Task::Version),
            'h' => Some(Task::Header),
            'G' => Some(Task::Link),
            'a' | 'A' => return Err(Error::Usage(format!("-{letter} is not supported"))),
            _ => {
                apply(&mut invocation, letter, value.unwrap_or_default())?;
                None
            }
        };
        if let Some(asked) = asked {
            // To list and not to trace are one wish.
            task = match task {
                None | Some(Task::Check) => Some(asked),
                Some(other) if other == asked || asked == Task::Check => Some(other),
                Some(_) => {
                    return Err(Error::Usage("only one of -G, -h, -l and -V goes".to_owned()));
                }
            };
        }
    }
    invocation.task = task.unwrap_or(Task::Trace);
    if matches!(invocation.task, Task::List | Task::Header | Task::Link) {
        invocation.options.push("zdefs".to_owned());
    }
    Ok(invocation)
}

/// A letter that doesn't say what to do but how.
fn apply(invocation: &mut Invocation, letter: char, value: String) -> Result<(), Error> {
    let options = &mut invocation.options;
    match letter {
        'b' => options.push(format!("bufsize={value}")),
        'C' => options.push("cpp".to_owned()),
        'F' => options.push("flowindent".to_owned()),
        'q' => options.push("quiet".to_owned()),
        'w' => options.push("destructive".to_owned()),
        'Z' => options.push("zdefs".to_owned()),
        'L' => options.push(format!("libdir={value}")),
        'X' => options.push(format!("stdc={value}")),
        'x' => options.push(value),
        'H' => options.push("cpphdrs".to_owned()),
        'D' => options.push(format!("define={value}")),
        'U' => options.push(format!("undef={value}")),
        'I' => options.push(format!("incdir={value}")),
        'o' => invocation.output = Some(PathBuf::from(value)),
        'c' => invocation.command = Some(value),
        'p' => {
            let pid = value.parse();
            let wrong = |_| Error::Usage(format!("{value} is no process id"));
            invocation.pids.push(pid.map_err(wrong)?);
        }
        's' => invocation.programs.push(ProgramText::Script(PathBuf::from(value))),
        'n' | 'f' | 'm' | 'P' | 'i' => {
            invocation.programs.push(ProgramText::Probe(spec(letter), value));
        }
        'v' => invocation.verbose = true,
        'S' => options.push("verbose".to_owned()),
        // -B buffers output, which changes nothing that is seen.
        _ => {}
    }
    Ok(())
}

/// Which field of a description a letter begins with.
fn spec(letter: char) -> ProbeSpec {
    match letter {
        'P' => ProbeSpec::Provider,
        'm' => ProbeSpec::Module,
        'f' => ProbeSpec::Function,
        'i' => ProbeSpec::Id,
        _ => ProbeSpec::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Invocation, String> {
        parse(args.iter().map(|a| (*a).to_owned())).map_err(|e| e.to_string())
    }

    #[test]
    fn letters_run_together() {
        let got = read(&["-qCs", "a.d", "-xstrsize=2048", "-b", "1m", "-DX", "x", "--", "-y"]);
        insta::assert_snapshot!(format!("{got:?}"), @r#"Ok(Invocation { name: "dtrace", task: Trace, programs: [Script("a.d")], args: ["x", "-y"], options: ["quiet", "cpp", "strsize=2048", "bufsize=1m", "define=X"], output: None, command: None, pids: [], verbose: false, btf: None })"#);
    }

    #[test]
    fn tasks() {
        let task = |args: &[&str]| read(args).map(|i| i.task);
        assert_eq!(task(&["-n", "BEGIN"]), Ok(Task::Trace));
        assert_eq!(task(&["-ln", "BEGIN"]), Ok(Task::List));
        assert_eq!(task(&["-e", "-n", "BEGIN"]), Ok(Task::Check));
        assert_eq!(task(&["-V"]), Ok(Task::Version));
        for (args, error) in [
            (&["-lV"][..], "only one of -G, -h, -l and -V goes"),
            (&["-n"], "-n needs a value"),
            (&["-p", "x"], "x is no process id"),
            (&["-j"], "there is no option -j"),
            (&["-32"], ONLY_64),
        ] {
            assert_eq!(task(args), Err(error.to_owned()));
        }
    }
}
