//! The command line of an executable that was built, and what `--help` says of it.
//!
//! In: arguments; the script and its macros. Out: an [`Invocation`], or the text. It is read
//! by hand: the library that reads `strand`'s is larger than all else that an executable has.

use crate::cli::Invocation;
use crate::error::Error;
use std::collections::BTreeMap;
use strand_compiler::manifest::{Macro, Manifest, Script};

/// What is asked of an executable.
pub enum Asked {
    /// To run.
    Run(Box<Invocation>),
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// Options with a value: letter, name.
const VALUES: [(char, &str); 4] =
    [('o', "output"), ('c', "command"), ('p', "pid"), ('x', "option")];

/// Options without one.
const SWITCHES: [(char, &str); 5] =
    [('q', "quiet"), ('w', "destructive"), ('v', "verbose"), ('h', "help"), ('V', "version")];

/// Reads the command line.
pub fn read(name: &'static str, args: Vec<String>) -> Result<Asked, Error> {
    let mut invocation = Invocation::new(name);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let letters = arg.strip_prefix('-').filter(|rest| {
            // `-` alone and negative numbers are arguments.
            rest.starts_with(|c: char| !c.is_ascii_digit())
        });
        let Some(letters) = letters else {
            invocation.args.push(arg);
            continue;
        };
        if letters == "-" {
            invocation.args.extend(args);
            break;
        }
        let asked = match letters.strip_prefix('-') {
            Some(long) => long_option(&mut invocation, long, &mut args)?,
            None => short_options(&mut invocation, letters, &mut args)?,
        };
        if let Some(asked) = asked {
            return Ok(asked);
        }
    }
    Ok(Asked::Run(Box::new(invocation)))
}

/// `--name`, `--name=value`, `--name value`
fn long_option(
    invocation: &mut Invocation,
    text: &str,
    args: &mut impl Iterator<Item = String>,
) -> Result<Option<Asked>, Error> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if let Some((letter, _)) = VALUES.iter().find(|(_, n)| *n == name) {
        let value = value.or_else(|| args.next()).ok_or_else(|| no_value(&format!("--{name}")))?;
        set(invocation, *letter, value)?;
        return Ok(None);
    }
    match SWITCHES.iter().find(|(_, n)| *n == name) {
        Some(_) if value.is_some() => {
            Err(Error::Usage(format!("--{name} takes no value; --help tells more")))
        }
        Some((letter, _)) => Ok(switch(invocation, *letter)),
        None => Err(unknown(&format!("--{name}"))),
    }
}

/// `-qw`, `-oFILE`, `-o FILE`
fn short_options(
    invocation: &mut Invocation,
    letters: &str,
    args: &mut impl Iterator<Item = String>,
) -> Result<Option<Asked>, Error> {
    for (at, letter) in letters.char_indices() {
        if VALUES.iter().any(|(l, _)| *l == letter) {
            let rest = &letters[at + letter.len_utf8()..];
            let value = Some(rest.to_owned()).filter(|r| !r.is_empty()).or_else(|| args.next());
            set(invocation, letter, value.ok_or_else(|| no_value(&format!("-{letter}")))?)?;
            return Ok(None);
        }
        if !SWITCHES.iter().any(|(l, _)| *l == letter) {
            return Err(unknown(&format!("-{letter}")));
        }
        if let Some(asked) = switch(invocation, letter) {
            return Ok(Some(asked));
        }
    }
    Ok(None)
}

fn no_value(option: &str) -> Error {
    Error::Usage(format!("{option} needs a value; --help tells more"))
}

fn unknown(option: &str) -> Error {
    Error::Usage(format!(
        "there is no option {option}; --help shows those there are, and arguments that begin with \
         a minus come after --"
    ))
}

fn set(invocation: &mut Invocation, letter: char, value: String) -> Result<(), Error> {
    match letter {
        'o' => invocation.output = Some(value.into()),
        'c' => invocation.command = Some(value),
        'x' => invocation.options.push(value),
        _ => {
            let pid = value.parse().ok().filter(|pid| *pid > 0);
            let wrong = || Error::Usage(format!("-p takes the number of a process, not '{value}'"));
            invocation.pids.push(pid.ok_or_else(wrong)?);
        }
    }
    Ok(())
}

fn switch(invocation: &mut Invocation, letter: char) -> Option<Asked> {
    match letter {
        'h' => return Some(Asked::Help),
        'V' => return Some(Asked::Version),
        'q' => invocation.options.push("quiet".to_owned()),
        'w' => invocation.options.push("destructive".to_owned()),
        _ => invocation.verbose = true,
    }
    None
}

const OPTIONS: &str = "\
Options:
  -o, --output FILE          Append the output to a file
  -c, --command COMMAND      Start a command, and end when it does
  -p, --pid PID              A running process, with which tracing ends
  -q, --quiet                Print only what the script prints: no header, no columns
  -w, --destructive          Allow actions that change the system
  -x, --option NAME[=VALUE]  Set an option
  -v, --verbose              Tell what the kernel says of the programs
  -h, --help                 Print help
  -V, --version              Print version
";

/// What the script says of itself, and what it takes.
pub fn help(name: &str, script: &Script, manifest: &Manifest) -> String {
    // By number: whether it is used as text, and as a number.
    let mut used: BTreeMap<usize, (bool, bool)> = BTreeMap::new();
    for m in &manifest.macros {
        if let Some(n) = m.argument() {
            let (text, number) = used.entry(n).or_default();
            *if m.is_text() { text } else { number } = true;
        }
    }
    let mut out = match script.about.as_str() {
        "" => format!("Runs the D script {}.\n", script.name),
        about => format!("{about}\n"),
    };
    out += &format!("\nUsage: {name} [OPTIONS]");
    let last = used.keys().max().copied().unwrap_or(script.args);
    // What isn't given is 0 or empty there.
    let optional = script.pragmas.iter().chain(&script.given).any(|o| o == "defaultargs");
    for n in script.args + 1..=last {
        let n = n - script.args;
        out += &if optional { format!(" [ARG{n}]") } else { format!(" ARG{n}") };
    }
    out += "\n";
    if !used.is_empty() {
        out += "\nArguments:\n";
        for (n, (text, number)) in &used {
            let kind = match (text, number) {
                (true, true) => "a number, also used as text",
                (true, false) => "text",
                _ => "a number",
            };
            let from_zero = n - script.args;
            out += &format!("  ARG{from_zero}  {kind}: ${n} of the script\n");
        }
    }
    let target = manifest.macros.iter().any(|m: &Macro| m.name.ends_with("$target"));
    if target {
        out += "\nThe script is about the process of -c or -p.\n";
    }
    format!("{out}\n{OPTIONS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<Invocation, String> {
        let words = line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        match read("tool", words) {
            Ok(Asked::Run(invocation)) => Ok(*invocation),
            Ok(Asked::Help) => Err("help".to_owned()),
            Ok(Asked::Version) => Err("version".to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    #[test]
    fn options_and_arguments() {
        let got = read_line("-qw -oout 7 --pid=3 -p 4 -x aggsortkey -c ls -5 - -- -q x");
        let got = got.map(|i| (i.options, i.output, i.pids, i.command, i.args));
        insta::assert_snapshot!(format!("{got:?}"), @r#"Ok((["quiet", "destructive", "aggsortkey"], Some("out"), [3, 4], Some("ls"), ["7", "-5", "-", "-q", "x"]))"#);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = |line| read_line(line).err().unwrap_or_default();
        assert_eq!(wrong("-h"), "help");
        assert_eq!(wrong("-qV"), "version");
        insta::assert_snapshot!(wrong("-o"), @"-o needs a value; --help tells more");
        insta::assert_snapshot!(wrong("-k"), @"there is no option -k; --help shows those there are, and arguments that begin with a minus come after --");
        insta::assert_snapshot!(wrong("--quiet=no"), @"--quiet takes no value; --help tells more");
        insta::assert_snapshot!(wrong("-p x"), @"-p takes the number of a process, not 'x'");
    }
}
