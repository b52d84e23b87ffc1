//! `-C`: the C preprocessor before D's lexer, our own or the program that `cpppath` names.
//!
//! In: a script's text, and what the options say of macros and folders. Out: its text with
//! macros and includes expanded, and with line marks, so that messages still name the
//! script's lines. Decides where headers are looked for.

use crate::format::time;
use crate::options::Options;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use strand_grammar::cpp::{self, Dialect, Headers, Machine, Preprocessed, Settings};
use strand_grammar::diagnostic::{Diagnostic, Severity, render};
use strand_grammar::source::Span;

/// Why a script can't be preprocessed.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// There is no such program.
    #[error("the C preprocessor {path} can't be run; without `-x cpppath` the built-in one is")]
    Missing {
        /// The program.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It found errors, and has shown them.
    #[error("the C preprocessor fails on {0}")]
    Failed(PathBuf),
    /// An argument of `cppargs` that ours doesn't know.
    #[error("the built-in preprocessor doesn't know {0}; `-x cpppath=cpp` runs the C compiler's")]
    Argument(String),
}

/// What D scripts may count on.
const DEFINED: [(&str, &str); 7] = [
    ("__linux", "1"),
    ("__unix", "1"),
    ("__SVR4", "1"),
    ("__Linux", "1"),
    ("__SUNW_D", "1"),
    ("__SUNW_D_64", "1"),
    ("__SUNW_D_VERSION", "0x02000000"),
];

/// The name that dtrace(1) has its preprocessor read scripts by.
const STDIN: &str = "/dev/stdin";

/// Preprocesses the text of a script. What is wrong is shown as `personality` shows it.
pub fn run(
    options: &Options,
    personality: &str,
    name: &str,
    text: &str,
) -> Result<String, PreprocessError> {
    if let Some(program) = options.text("cpppath") {
        return external(options, &program, name, text);
    }
    let asked = arguments(options)?;
    let done = cpp::preprocess(text, &asked.settings(name), &Files);
    if asked.show_includes {
        for (depth, path) in &done.included {
            eprintln!("{} {path}", ".".repeat(*depth));
        }
    }
    if personality == "dtrace" {
        eprint!("{}", in_gcc_style(&done, name));
    } else {
        eprint!("{}", render(&done.sources, &done.diagnostics, std::io::stderr().is_terminal()));
    }
    if done.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(PreprocessError::Failed(PathBuf::from(name)));
    }
    Ok(done.text)
}

/// Diagnostics as a C compiler shows them: `file:line: error: message`.
fn in_gcc_style(done: &Preprocessed, script: &str) -> String {
    let mut out = String::new();
    for d in &done.diagnostics {
        let mut line = |span: Span, severity: &str, message: &str| {
            let (file, line) = done.sources.get(span.source).place(span.start);
            let file = if file == script { STDIN } else { file };
            out += &format!("{file}:{line}: {severity}: {message}\n");
        };
        let fatal = d.code == "D_CPP_INCLUDE";
        let severity = match d.severity {
            Severity::Warning => "warning",
            Severity::Error if fatal => "fatal error",
            Severity::Error => "error",
        };
        let place = d.primary.as_ref().map(|p| p.span).unwrap_or_default();
        line(place, severity, &d.message);
        for label in &d.labels {
            line(label.span, severity, &label.text);
        }
        if fatal {
            out += "compilation terminated.\n";
            break;
        }
    }
    out
}

/// Headers are files.
struct Files;

impl Headers for Files {
    fn read(&self, path: &str) -> Option<String> {
        if !Path::new(path).is_file() {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What the options ask of the preprocessor.
#[derive(Debug, Default)]
struct Arguments {
    command_line: String,
    folders: Vec<String>,
    system_folders: Vec<String>,
    forced: Vec<String>,
    dialect: Dialect,
    only_macros: bool,
    show_includes: bool,
    no_system: bool,
}

/// Reads `-D`, `-U`, `-I` and the arguments of `cppargs`.
fn arguments(options: &Options) -> Result<Arguments, PreprocessError> {
    let mut asked = Arguments {
        dialect: match options.text("stdc").as_deref() {
            Some("s") => Dialect::Traditional,
            Some("c" | "t") => Dialect::Gnu,
            _ => Dialect::C99,
        },
        show_includes: options.on("cpphdrs"),
        ..Arguments::default()
    };
    let mut args = options.preprocessor().iter();
    while let Some(arg) = args.next() {
        let mut value = |short: &str| match &arg[short.len()..] {
            "" => args.next().cloned().unwrap_or_default(),
            rest => rest.to_owned(),
        };
        match arg.as_str() {
            "-H" => asked.show_includes = true,
            "-dM" => asked.only_macros = true,
            "-nostdinc" => asked.no_system = true,
            "-traditional" | "-traditional-cpp" => asked.dialect = Dialect::Traditional,
            "-E" | "-P" | "-w" | "-pedantic" | "-undef" | "-ansi" => {}
            "-include" => asked.forced.push(value("-include")),
            "-isystem" | "-idirafter" => asked.system_folders.push(value("-isystem")),
            "-iquote" => asked.folders.push(value("-iquote")),
            "-x" => drop(value("-x")),
            a if a.starts_with("-D") => asked.command_line += &definition(&value("-D")),
            a if a.starts_with("-U") => asked.command_line += &format!("#undef {}\n", value("-U")),
            a if a.starts_with("-I") => asked.folders.push(value("-I")),
            a if a.starts_with("-std=gnu") => asked.dialect = Dialect::Gnu,
            a if a.starts_with("-std=") => asked.dialect = Dialect::C99,
            // What a compiler warns about, and how it shows that.
            a if a.starts_with("-W") || a.starts_with("-f") || a.starts_with("-m") => {}
            other => return Err(PreprocessError::Argument(other.to_owned())),
        }
    }
    Ok(asked)
}

/// `name=value` as a `#define` line.
fn definition(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("#define {name} {value}\n"),
        None => format!("#define {text} 1\n"),
    }
}

impl Arguments {
    fn settings(&self, name: &str) -> Settings {
        let machine = if cfg!(target_arch = "x86_64") { Machine::X86_64 } else { Machine::Aarch64 };
        let defined = DEFINED.map(|(name, value)| format!("#define {name} {value}\n")).concat();
        let mut system_folders = self.system_folders.clone();
        if !self.no_system {
            system_folders.extend(compilers_folder());
            system_folders.extend([
                "/usr/local/include".to_owned(),
                format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH),
                "/usr/include".to_owned(),
            ]);
        }
        let (date, clock) = time::today();
        Settings {
            name: name.to_owned(),
            definitions: defined,
            command_line: self.command_line.clone(),
            folders: self.folders.clone(),
            system_folders,
            first: if self.no_system { Vec::new() } else { vec!["stdc-predef.h".to_owned()] },
            forced: self.forced.clone(),
            dialect: self.dialect,
            machine,
            date,
            time: clock,
            only_macros: self.only_macros,
        }
    }
}

/// The folder of headers that belong to the newest C compiler of the machine.
fn compilers_folder() -> Option<String> {
    let arch = std::env::consts::ARCH;
    let mut found: Vec<(u32, String)> = Vec::new();
    for triple in ["linux-gnu", "redhat-linux", "suse-linux", "pc-linux-gnu", "unknown-linux-gnu"] {
        let folder = format!("/usr/lib/gcc/{arch}-{triple}");
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let version = entry.file_name().to_string_lossy().into_owned();
            let major = version.split('.').next().and_then(|v| v.parse().ok());
            let headers = format!("{folder}/{version}/include");
            if let (Some(major), true) = (major, Path::new(&headers).join("stddef.h").is_file()) {
                found.push((major, headers));
            }
        }
    }
    found.into_iter().max().map(|(_, folder)| folder)
}

/// Preprocesses the text of a file by `program`.
fn external(
    options: &Options,
    program: &str,
    name: &str,
    text: &str,
) -> Result<String, PreprocessError> {
    let missing = |source| PreprocessError::Missing { path: program.to_owned(), source };
    let mut command = Command::new(program);
    let called = Path::new(program).file_name().unwrap_or(program.as_ref());
    command.arg0(called);
    command.args(DEFINED.map(|(name, value)| format!("-D{name}={value}")));
    command.arg(if cfg!(target_arch = "x86_64") { "-D__amd64" } else { "-D__aarch64__" });
    command.arg("-U__GNUC__");
    if options.on("cpphdrs") {
        command.arg("-H");
    }
    let folder = Path::new(name).parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    command.args(options.preprocessor()).arg("-iquote").arg(folder);
    match options.text("stdc").as_deref() {
        Some("s") => drop(command.arg("-traditional-cpp")),
        Some("a") => drop(command.arg("-std=c99")),
        _ => {}
    }
    let mut child =
        command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(missing)?;
    let input = input(name, text);
    let mut stdin = child.stdin.take();
    // A thread writes, since it may print before it has read all.
    let writer = std::thread::spawn(move || match &mut stdin {
        Some(pipe) => pipe.write_all(input.as_bytes()),
        None => Ok(()),
    });
    let output = child.wait_with_output().map_err(missing)?;
    // If it didn't want to read, its status says so.
    let _ = writer.join();
    if !output.status.success() {
        return Err(PreprocessError::Failed(PathBuf::from(name)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The text under its name; the line that names an interpreter isn't C.
fn input(name: &str, text: &str) -> String {
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let body = match text.strip_prefix("#!") {
        Some(rest) => &rest[rest.find('\n').unwrap_or(rest.len())..],
        None => text,
    };
    format!("# 1 \"{quoted}\"\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreter_lines_keep_their_place() {
        assert_eq!(input("a.d", "#!/usr/sbin/dtrace -s\nX\n"), "# 1 \"a.d\"\n\nX\n");
        assert_eq!(input("a\"b", "X"), "# 1 \"a\\\"b\"\nX");
        assert_eq!(input("a.d", "#!x"), "# 1 \"a.d\"\n");
    }

    #[test]
    fn arguments_are_read() {
        let mut options = Options::default();
        for text in ["define=A=1", "undef=B", "incdir=inc", "cppargs=-H -DC -I x -Wall", "stdc=s"] {
            assert_eq!(options.set_text(text), Ok(()));
        }
        let asked = arguments(&options).map_err(|e| e.to_string());
        insta::assert_snapshot!(format!("{asked:?}"), @r##"Ok(Arguments { command_line: "#define A 1\n#undef B\n#define C 1\n", folders: ["inc", "x"], system_folders: [], forced: [], dialect: Traditional, only_macros: false, show_includes: true, no_system: false })"##);
        assert_eq!(options.set_text("cppargs=-MD"), Ok(()));
        assert!(arguments(&options).is_err());
    }

    #[test]
    fn errors_as_a_c_compiler_shows_them() {
        let settings = Settings { name: "a.d".to_owned(), ..Settings::default() };
        let text = "#else\n#if 1\n#else\n#else\n#endif\n#warning w\n#include <no.h>\n#endif\n";
        let done = cpp::preprocess(text, &settings, &Files);
        insta::assert_snapshot!(in_gcc_style(&done, "a.d"), @r"
        /dev/stdin:1: error: #else without #if
        /dev/stdin:4: error: #else after #else
        /dev/stdin:2: error: the conditional began here
        /dev/stdin:6: warning: #warning w
        /dev/stdin:7: fatal error: no.h: No such file or directory
        compilation terminated.
        ");
    }
}
