//! The command line of `strand`.
//!
//! In: arguments. Out: an [`Invocation`], which is all that the rest of the program sees of
//! them; `dtrace.rs` makes the same out of dtrace(1)'s letters.

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use strand_grammar::ProbeSpec;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// How messages name us.
    pub name: &'static str,
    /// What to do.
    pub task: Task,
    /// The programs, in order.
    pub programs: Vec<ProgramText>,
    /// `$1` and following.
    pub args: Vec<String>,
    /// `name` or `name=value`, in order.
    pub options: Vec<String>,
    /// Where the output goes instead of stdout.
    pub output: Option<PathBuf>,
    /// `-c`
    pub command: Option<String>,
    /// `-p`
    pub pids: Vec<i32>,
    /// Tell more.
    pub verbose: bool,
    /// Types to check against instead of the running kernel's.
    pub btf: Option<PathBuf>,
}

/// What to do with the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Trace.
    Trace,
    /// Compile, and say what is wrong.
    Check,
    /// List the probes that the programs name, or all.
    List,
    /// Show a stage.
    Dump(Stage),
    /// Show what the kernel has.
    Features,
    /// Print the version.
    Version,
    /// Write the manual page.
    Manual,
    /// Compile to a file.
    Build(Form),
    /// Run an object that was built, or answer of its own options.
    Run,
    /// Write a C header of the providers that the programs declare.
    Header,
    /// Write the object file that build systems link for them.
    Link,
}

/// What a script is built into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A relocatable BPF object.
    Object,
    /// An executable.
    Program,
    /// An executable that needs no shared library.
    Static,
}

/// A program, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramText {
    /// A script; `-` is the standard input.
    Script(PathBuf),
    /// The text itself.
    Text(String),
    /// One clause of dtrace(1)'s command line, whose body may be missing.
    Probe(ProbeSpec, String),
}

/// A stage whose result can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The syntax tree
    Ast,
    /// The intermediate representation, optimised
    Ir,
    /// The same as it was at first, and after each pass that changed it
    Passes,
    /// BPF instructions beside the D text that they come from
    Bpf,
    /// The ELF object itself
    Object,
    /// The probes that each description matches
    Probes,
}

/// Follow one request through a kernel: compiles D to BPF and runs it.
#[derive(Debug, Parser)]
#[command(name = "strand", version, args_conflicts_with_subcommands = true)]
#[command(args_override_self = true)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    trace: Trace,
}

const EXAMPLES: &str = "\
Examples:
  strand -e 'syscall:::entry { @[execname] = count(); }'
  strand -q -c 'ls /' -e 'syscall::openat:entry /pid == $target/ { printf(\"%s\\n\", copyinstr(arg1)); }'
  strand script.d
  strand list -v 'io:::'

Called as `dtrace`, it takes the options of dtrace(1).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile scripts without running them; needs no root
    Check(Check),
    /// Compile a script to an executable that needs nothing else
    Build(Build),
    /// Run an object that `build --object` made
    Run(Run),
    /// List probes
    List(List),
    /// Show what this kernel gives to tracers
    Features,
    /// Write the manual page
    #[command(hide = true)]
    Man,
}

#[derive(Debug, Args)]
struct Trace {
    #[command(flatten)]
    texts: Texts,
    /// Print only what the program prints: no header, no columns
    #[arg(short, long)]
    quiet: bool,
    /// Append the output to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    targets: Targets,
    /// Indent the output by function entries and returns
    #[arg(short = 'F', long)]
    flowindent: bool,
    /// Allow actions that change the system
    #[arg(short = 'w', long)]
    destructive: bool,
    /// Show a stage instead of tracing
    #[arg(short, long, value_enum, value_name = "STAGE")]
    dump: Option<Stage>,
    /// Tell what the kernel says of the programs
    #[arg(short, long)]
    verbose: bool,
    /// The script, unless there is -e, and arguments for $1, $2 … (those that begin with a
    /// minus and a letter after --)
    #[arg(value_name = "SCRIPT | ARGS", allow_negative_numbers = true)]
    operands: Vec<String>,
}

/// The processes that a program is about.
#[derive(Debug, Args)]
struct Targets {
    /// Start a command, and end when it does; $target is its process
    #[arg(short, long, value_name = "COMMAND")]
    command: Option<String>,
    /// A running process, with which tracing ends; $target is the first one
    #[arg(short, long = "pid", value_name = "PID")]
    pids: Vec<i32>,
}

/// Options that say what is compiled.
#[derive(Debug, Args)]
struct Texts {
    /// A program on the command line
    #[arg(short = 'e', long = "program", value_name = "PROGRAM")]
    programs: Vec<String>,
    /// Set an option, as `#pragma D option` does
    #[arg(short = 'x', long = "option", value_name = "NAME[=VALUE]")]
    options: Vec<String>,
    /// A description that matches no probe is no error
    #[arg(short = 'Z', long)]
    zdefs: bool,
    /// Run the C preprocessor first
    #[arg(short = 'C', long)]
    cpp: bool,
    /// A folder for the preprocessor's #include
    #[arg(short = 'I', value_name = "FOLDER")]
    include: Vec<String>,
    /// A macro for the preprocessor
    #[arg(short = 'D', value_name = "NAME[=VALUE]")]
    define: Vec<String>,
    /// A macro that the preprocessor forgets
    #[arg(short = 'U', value_name = "NAME")]
    undefine: Vec<String>,
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    texts: Texts,
    /// A kernel's types to check against: a BTF file, or a vmlinux or module with BTF
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// Say of each script that it is right
    #[arg(short, long)]
    verbose: bool,
    /// The scripts
    #[arg(value_name = "SCRIPT", required_unless_present = "programs")]
    scripts: Vec<PathBuf>,
    #[command(flatten)]
    targets: Targets,
    /// Arguments for $1, $2 … of all of them
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
}

#[derive(Debug, Args)]
struct Build {
    #[command(flatten)]
    texts: Texts,
    /// Where to; without it, the script's name without its ending, or with .bpf.o
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the BPF object alone, for `strand run` and for other loaders
    #[arg(long, conflicts_with = "fully_static")]
    object: bool,
    /// Make an executable that needs not even libc
    #[arg(long = "static")]
    fully_static: bool,
    /// Print only what the program prints: no header, no columns
    #[arg(short, long)]
    quiet: bool,
    /// Allow actions that change the system
    #[arg(short = 'w', long)]
    destructive: bool,
    /// The script, unless there is -e, and arguments that are to be built in: those that are
    /// not given are given to the executable
    #[arg(value_name = "SCRIPT | ARGS", allow_negative_numbers = true)]
    operands: Vec<String>,
}

#[derive(Debug, Args)]
struct Run {
    /// The object, then what the executable would be given: --help tells
    #[arg(
        value_name = "OBJECT | OPTIONS | ARGS",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    operands: Vec<String>,
}

#[derive(Debug, Args)]
struct List {
    /// Show the types of each probe's arguments
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    targets: Targets,
    /// Descriptions to match
    #[arg(value_name = "PROBE")]
    probes: Vec<String>,
}

/// Reads the arguments of `strand`; clap's answer if they aren't right or ask for help.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Invocation, clap::Error> {
    let cli = Cli::try_parse_from(args)?;
    Ok(match cli.command {
        None => cli.trace.into_invocation(),
        Some(Command::Check(check)) => Invocation {
            task: Task::Check,
            btf: check.btf,
            verbose: check.verbose,
            args: check.args,
            command: check.targets.command,
            pids: check.targets.pids,
            ..check.texts.into_invocation(check.scripts)
        },
        Some(Command::Build(build)) => build.into_invocation(),
        Some(Command::Run(run)) => {
            Invocation { task: Task::Run, args: run.operands, ..Invocation::new("strand") }
        }
        Some(Command::List(list)) => Invocation {
            task: Task::List,
            verbose: list.verbose,
            command: list.targets.command,
            pids: list.targets.pids,
            programs: list
                .probes
                .into_iter()
                .map(|text| ProgramText::Probe(ProbeSpec::Name, text))
                .collect(),
            ..Invocation::new("strand")
        },
        Some(Command::Features) => Invocation { task: Task::Features, ..Invocation::new("strand") },
        Some(Command::Man) => Invocation { task: Task::Manual, ..Invocation::new("strand") },
    })
}

/// The manual page, as troff.
pub fn manual() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(page)
}

impl Invocation {
    /// Nothing to do yet.
    pub fn new(name: &'static str) -> Invocation {
        Invocation {
            name,
            task: Task::Trace,
            programs: Vec::new(),
            args: Vec::new(),
            options: Vec::new(),
            output: None,
            command: None,
            pids: Vec::new(),
            verbose: false,
            btf: None,
        }
    }
}

impl Texts {
    fn into_invocation(self, scripts: Vec<PathBuf>) -> Invocation {
        let mut options = self.options;
        options.extend(self.define.into_iter().map(|t| format!("define={t}")));
        options.extend(self.undefine.into_iter().map(|t| format!("undef={t}")));
        options.extend(self.include.into_iter().map(|t| format!("incdir={t}")));
        options.extend(self.zdefs.then(|| "zdefs".to_owned()));
        options.extend(self.cpp.then(|| "cpp".to_owned()));
        let texts = self.programs.into_iter().map(ProgramText::Text);
        Invocation {
            programs: texts.chain(scripts.into_iter().map(ProgramText::Script)).collect(),
            options,
            ..Invocation::new("strand")
        }
    }
}

impl Build {
    fn into_invocation(self) -> Invocation {
        let mut args = self.operands;
        let mut scripts = Vec::new();
        if self.texts.programs.is_empty() && !args.is_empty() {
            scripts.push(PathBuf::from(args.remove(0)));
        }
        let mut invocation = self.texts.into_invocation(scripts);
        invocation.options.extend(self.quiet.then(|| "quiet".to_owned()));
        invocation.options.extend(self.destructive.then(|| "destructive".to_owned()));
        let form = match (self.object, self.fully_static) {
            (true, _) => Form::Object,
            (_, true) => Form::Static,
            _ => Form::Program,
        };
        Invocation { task: Task::Build(form), args, output: self.output, ..invocation }
    }
}

impl Trace {
    fn into_invocation(self) -> Invocation {
        let mut args = self.operands;
        let mut scripts = Vec::new();
        if self.texts.programs.is_empty() && !args.is_empty() {
            scripts.push(PathBuf::from(args.remove(0)));
        }
        let mut invocation = self.texts.into_invocation(scripts);
        let switches = [
            (self.quiet, "quiet"),
            (self.flowindent, "flowindent"),
            (self.destructive, "destructive"),
        ];
        let on = switches.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned());
        invocation.options.extend(on);
        Invocation {
            task: self.dump.map_or(Task::Trace, Task::Dump),
            args,
            output: self.output,
            command: self.targets.command,
            pids: self.targets.pids,
            verbose: self.verbose,
            ..invocation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Invocation, String> {
        let args = std::iter::once("strand").chain(line.split(' ').filter(|w| !w.is_empty()));
        parse(args.map(str::to_owned)).map_err(|e| e.to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_follow_the_script() {
        let got = read("-qZ -x strsize=512 -I inc a.d -q -D A=1 -- -q x");
        insta::assert_snapshot!(format!("{got:?}"), @r#"Ok(Invocation { name: "strand", task: Trace, programs: [Script("a.d")], args: ["-q", "x"], options: ["strsize=512", "define=A=1", "incdir=inc", "zdefs", "quiet"], output: None, command: None, pids: [], verbose: false, btf: None })"#);
    }

    #[test]
    fn programs_leave_operands_to_macros() {
        let got = read("-e BEGIN{} -e END{} -c ls -p 1 -p 2 -o out 7 x");
        insta::assert_snapshot!(format!("{got:?}"), @r#"Ok(Invocation { name: "strand", task: Trace, programs: [Text("BEGIN{}"), Text("END{}")], args: ["7", "x"], options: [], output: Some("out"), command: Some("ls"), pids: [1, 2], verbose: false, btf: None })"#);
    }

    #[test]
    fn subcommands() {
        let task = |line| read(line).map(|i| (i.task, i.verbose, i.programs.len()));
        assert_eq!(task("check a.d b.d --btf vmlinux"), Ok((Task::Check, false, 2)));
        assert_eq!(task("check -e BEGIN{}"), Ok((Task::Check, false, 1)));
        assert_eq!(task("list -v io::: sdt:::"), Ok((Task::List, true, 2)));
        assert_eq!(task("list"), Ok((Task::List, false, 0)));
        assert_eq!(task("features"), Ok((Task::Features, false, 0)));
        assert_eq!(task("-d ir a.d"), Ok((Task::Dump(Stage::Ir), false, 1)));
        assert_eq!(task("-d passes a.d"), Ok((Task::Dump(Stage::Passes), false, 1)));
        let checked = read("check a.d -p 7 -- 10 x").map(|i| (i.programs.len(), i.args, i.pids));
        assert_eq!(checked, Ok((1, vec!["10".to_owned(), "x".to_owned()], vec![7])));
        assert!(read("check").is_err());
        assert!(read("-k a.d").is_err());
        assert!(read("-d nothing a.d").is_err());
    }
}
