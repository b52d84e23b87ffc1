//! Options that a script gives itself in its first line, `#!/usr/bin/env -S strand -qC`.
//!
//! In: an invocation of `strand`. Out: the same with those options, before all others, so that
//! a script means the same whether it is started by its name, run, checked or built. Called as
//! `dtrace`, we leave them alone, as that program does: the kernel passes them on.

use crate::cli::{self, Invocation, ProgramText};
use crate::dtrace;
use crate::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// What a first line is read of: longer ones are no interpreter's.
const LONGEST: u64 = 4096;

/// The invocation with the options of its scripts' first lines.
pub fn apply(invocation: &Invocation) -> Result<Invocation, Error> {
    let mut invocation = invocation.clone();
    if invocation.name == "dtrace" {
        return Ok(invocation);
    }
    let mut found = Vec::new();
    for program in &invocation.programs {
        if let ProgramText::Script(path) = program {
            found.extend(options(path)?);
        }
    }
    // Whoever was started by name has them already.
    found.retain(|option| !invocation.options.contains(option));
    invocation.options.splice(..0, found);
    Ok(invocation)
}

/// Those of a script; none, if it isn't there: to say so is up to who reads all of it.
fn options(path: &Path) -> Result<Vec<String>, Error> {
    // What flows past once is left to that one, too.
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut line = Vec::new();
    let read = File::open(path)
        .and_then(|file| BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line));
    match read {
        Ok(_) => of_line(&String::from_utf8_lossy(&line), path),
        Err(_) => Ok(Vec::new()),
    }
}

/// Those of a first line.
fn of_line(line: &str, path: &Path) -> Result<Vec<String>, Error> {
    let Some(line) = line.strip_prefix("#!") else { return Ok(Vec::new()) };
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut program = words.next().unwrap_or_default();
    if ends_in(&program, "env") {
        program = words.find(|w| !w.starts_with('-') && !w.contains('=')).unwrap_or_default();
    }
    let script = path.display().to_string();
    let given: Vec<String> = words.chain([script]).collect();
    let wrong = |why: String| {
        Error::Usage(format!("the first line of {} can't be understood: {why}", path.display()))
    };
    let invocation = if ends_in(&program, "strand") {
        let args = std::iter::once(program).chain(given);
        cli::parse(args).map_err(|e| {
            let text = e.to_string();
            wrong(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
        })
    } else if ends_in(&program, "dtrace") {
        dtrace::parse(given).map_err(|e| wrong(e.text()))
    } else {
        return Ok(Vec::new());
    };
    Ok(invocation?.options)
}

fn ends_in(program: &str, name: &str) -> bool {
    Path::new(program).file_name().is_some_and(|n| n == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<String>, String> {
        of_line(line, Path::new("a.d")).map_err(|e| e.text())
    }

    #[test]
    fn options_of_first_lines() {
        let of = |line: &str| read(line).map(|o| o.join(" "));
        assert_eq!(of("#!/usr/bin/env -S strand -qC\n"), Ok("cpp quiet".to_owned()));
        assert_eq!(of("#!/usr/sbin/dtrace -qCs\n"), Ok("quiet cpp".to_owned()));
        assert_eq!(
            of("#! /opt/strand -x strsize=1k -D A=1"),
            Ok("strsize=1k define=A=1".to_owned())
        );
        assert_eq!(of("#!/usr/sbin/dtrace -s"), Ok(String::new()));
        assert_eq!(of("#!/bin/sh -x"), Ok(String::new()));
        assert_eq!(of("BEGIN {}"), Ok(String::new()));
        insta::assert_snapshot!(of("#!/usr/bin/strand --quite").unwrap_err(), @"the first line of a.d can't be understood: unexpected argument '--quite' found");
    }

    #[test]
    fn they_come_first_and_once() {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("strand-first-line-{}.d", std::process::id()));
        std::fs::write(&path, "#!/usr/bin/env -S strand -qC -x strsize=1k\nBEGIN {}\n")
            .expect("a new file");
        let given = Invocation {
            options: vec!["cpp".to_owned(), "strsize=2k".to_owned()],
            programs: vec![ProgramText::Script(path.clone())],
            ..Invocation::new("strand")
        };
        let applied = apply(&given).map(|i| i.options.join(" "));
        std::fs::remove_file(&path).expect("the file is there");
        assert_eq!(applied.ok().as_deref(), Some("strsize=1k quiet cpp strsize=2k"));
    }
}
