//! Loaded programs to their events.
//!
//! In: [`Loaded`] and how its manifest says that each program attaches. Out: [`Attached`],
//! which detaches when it is dropped. Everything hangs on descriptors of this process:
//! however it ends, the kernel takes all of it away.

mod function;
mod user;

use crate::load::{Loaded, last_message, messages, os_error};
use crate::open_files;
use crate::options::Options;
use crate::perf;
use crate::process::{Interrupt, online_cpus};
use crate::symbols::Symbols;
use crate::tick::{self, Ticker, Timer};
use libbpf_rs::{Link, ProgramAttachType, ProgramMut};
use std::cell::{Cell, LazyCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::time::{Duration, Instant};
use strand_compiler::kernel::{Attach, PerfEvent};
use strand_compiler::manifest::Program;

/// Why a program can't be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The object doesn't have it.
    #[error("the object has no program {0}, which its manifest names")]
    Missing(String),
    /// The kernel refuses.
    #[error("{probe} can't be traced: {reason}")]
    Refused {
        /// The probe's description.
        probe: String,
        /// Where it attaches.
        event: Box<Attach>,
        /// Why.
        reason: String,
        /// The error.
        source: io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted before {probe} was attached")]
    Interrupted {
        /// The probe's description.
        probe: String,
    },
    /// BEGIN, END or a tick can't be run.
    #[error("{probe} can't be run")]
    Run {
        /// The probe's description.
        probe: String,
        /// Why.
        source: io::Error,
    },
}

impl AttachError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            AttachError::Refused { source, .. } => open_files::hint(source),
            _ => None,
        }
    }
}

/// Attached programs.
#[derive(Default)]
pub struct Attached {
    // Ends first, since timers are the last that still run programs by themselves.
    ticker: Option<Ticker>,
    links: Vec<Link>,
    descriptors: Vec<OwnedFd>,
    /// What is left out because the kernel refuses it, while others like it are traced.
    pub refused: Vec<String>,
}

/// The kernel's symbols, for when they are needed.
type Table = LazyCell<io::Result<Symbols>>;

/// So few places are let go of as fast by one thread as by two.
const MANY: usize = 16;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What of a program's many places could be attached.
#[derive(Default)]
struct Placed {
    /// They keep it there.
    links: Vec<Link>,
    /// They too, where the library makes no link of them.
    descriptors: Vec<OwnedFd>,
    /// Numbers of the places that were refused, and why.
    refused: Vec<(usize, io::Error)>,
}

impl Drop for Attached {
    /// The kernel waits for all processors at each kprobe or uprobe that is taken away, in part
    /// without keeping others from doing the same: with thousands, two do it in half the time.
    fn drop(&mut self) {
        self.ticker = None;
        let half = self.links.split_off(self.links.len() / 2);
        let others = self.descriptors.split_off(self.descriptors.len() / 2);
        let many = half.len() + others.len() > MANY;
        std::thread::scope(|scope| {
            let rest = move || drop((half, others));
            if many {
                scope.spawn(rest);
            } else {
                rest();
            }
            self.links.clear();
            self.descriptors.clear();
        });
    }
}

impl Attached {
    /// Keeps a program at its places. It is enough if the kernel takes some.
    fn keep(
        &mut self,
        loaded: &Loaded,
        program: &Program,
        placed: io::Result<Placed>,
    ) -> Result<(), AttachError> {
        let refusal = |probe: String, number: usize, source: io::Error| {
            let event = &program.attach[number];
            AttachError::Refused {
                probe,
                reason: reason(event, &source),
                event: Box::new(event.clone()),
                source,
            }
        };
        let placed = placed.map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => {
                AttachError::Interrupted { probe: probe(loaded, program) }
            }
            _ => refusal(probe(loaded, program), 0, e),
        })?;
        let others = others(&placed.refused, program);
        if let Some((number, source)) = placed.refused.into_iter().next() {
            let described = described(loaded, program.probes.get(number));
            let refused =
                refusal(described.unwrap_or_else(|| program.name.clone()), number, source);
            if placed.links.is_empty() && placed.descriptors.is_empty() {
                return Err(refused);
            }
            self.refused.push(format!("{refused}{others}"));
        }
        self.links.extend(placed.links);
        self.descriptors.extend(placed.descriptors);
        Ok(())
    }

    /// Whether anything is attached that fires by itself.
    pub fn any(&self) -> bool {
        self.ticker.is_some() || !(self.links.is_empty() && self.descriptors.is_empty())
    }

    /// Starts the timers. Before that, what they run would be lost.
    pub fn start_ticking(&mut self, loaded: &Loaded, options: &Options) -> Result<(), AttachError> {
        let mut timers = Vec::new();
        let mut first = None;
        for program in &loaded.manifest.programs {
            for attach in &program.attach {
                let Attach::Tick { period } = attach else { continue };
                let failed = |source| AttachError::Run { probe: probe(loaded, program), source };
                let fd = find(loaded, program)?.as_fd().try_clone_to_owned().map_err(failed)?;
                first.get_or_insert_with(|| probe(loaded, program));
                timers.push(Timer { program: fd, period: *period });
            }
        }
        if let Some(probe) = first {
            let cpu = cpus(options)[0];
            let ticker = Ticker::start(timers, cpu);
            self.ticker = Some(ticker.map_err(|source| AttachError::Run { probe, source })?);
        }
        Ok(())
    }
}

/// Which others of a program's places are refused: functions by their names.
fn others(refused: &[(usize, io::Error)], program: &Program) -> String {
    const NAMED: usize = 8;
    if refused.len() < 2 {
        return String::new();
    }
    let others = &refused[1..];
    let named = others.iter().take(NAMED);
    let mut names: Vec<_> = named
        .filter_map(|(number, _)| Some(program.attach[*number].function()?.1.to_owned()))
        .collect();
    if others.len() > names.len() && !names.is_empty() {
        names.push(format!("{} more", others.len() - names.len()));
    }
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    format!("; nor can {} of the other {}{names}", others.len(), program.attach.len() - 1)
}

/// What is looked at while it takes long to attach: whether to go on, and what to tell.
pub struct Watch<'a> {
    interrupt: &'a Interrupt,
    /// Who tells it, if anybody wants to know.
    name: Option<&'static str>,
    began: Instant,
    told: Cell<Instant>,
}

impl<'a> Watch<'a> {
    /// `name`: of the program that tells what is done; `None`: nobody wants to know.
    pub fn new(interrupt: &'a Interrupt, name: Option<&'static str>) -> Watch<'a> {
        let now = Instant::now();
        Watch { interrupt, name, began: now, told: Cell::new(now) }
    }

    /// Fails once Ctrl-C was pressed.
    fn look(&self) -> io::Result<()> {
        if self.interrupt.asked() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    /// So many functions are attached to.
    fn at(&self, done: usize, all: usize) -> io::Result<()> {
        if done == 0 {
            self.say(format_args!("attaching to {all} functions, each by itself"));
        } else if self.told.get().elapsed() >= TELL_EVERY {
            self.told.set(Instant::now());
            let seconds = self.began.elapsed().as_secs();
            self.say(format_args!("attached to {done} of {all} functions after {seconds} s"));
        }
        self.look()
    }

    fn say(&self, what: std::fmt::Arguments<'_>) {
        if let Some(name) = self.name {
            eprintln!("{name}: {what}");
        }
    }
}

/// The processors to trace on: all that are online, or the one of `-x cpu`.
fn cpus(options: &Options) -> Vec<u32> {
    match options.number("cpu") {
        Some(cpu) => vec![cpu as u32],
        None => online_cpus(),
    }
}

fn find<'a>(loaded: &'a Loaded, program: &Program) -> Result<ProgramMut<'a>, AttachError> {
    loaded
        .object
        .progs_mut()
        .find(|p| p.name() == program.name.as_str())
        .ok_or_else(|| AttachError::Missing(program.name.clone()))
}

/// A probe's description.
fn described(loaded: &Loaded, id: Option<&u32>) -> Option<String> {
    loaded.manifest.description(*id?)
}

/// Description of the first probe that a program serves.
fn probe(loaded: &Loaded, program: &Program) -> String {
    described(loaded, program.probes.first()).unwrap_or_else(|| program.name.clone())
}

/// Attaches all programs that events fire.
pub fn attach(
    loaded: &Loaded,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Attached, AttachError> {
    let mut attached = Attached::default();
    let symbols = Table::new(Symbols::read);
    for program in &loaded.manifest.programs {
        if watch.look().is_err() {
            return Err(AttachError::Interrupted { probe: probe(loaded, program) });
        }
        let handle = find(loaded, program)?;
        if program.attach.iter().any(Attach::takes_cookie) {
            messages();
            let placed = match handle.attach_type() {
                ProgramAttachType::KprobeMulti => match symbols.as_ref() {
                    Ok(symbols) => function::together(&handle, &program.attach, symbols, watch),
                    Err(e) => Err(io::Error::new(e.kind(), e.to_string())),
                },
                _ if function::is_for(&program.attach) => {
                    function::one_by_one(&handle, &program.attach, &symbols, watch)
                }
                _ => user::place(&handle, &program.attach),
            };
            attached.keep(loaded, program, placed)?;
            continue;
        }
        let mut shared = false;
        for event in &program.attach {
            // One event serves all system calls: the program finds out which it is.
            let call = matches!(event, Attach::SyscallEntry { .. } | Attach::SyscallReturn { .. });
            if call && std::mem::replace(&mut shared, true) {
                continue;
            }
            messages();
            let links = to_event(&handle, event, options);
            attached.links.extend(links.map_err(|source| AttachError::Refused {
                probe: probe(loaded, program),
                reason: reason(event, &source),
                event: Box::new(event.clone()),
                source,
            })?);
        }
    }
    Ok(attached)
}

/// What the kernel means.
fn reason(event: &Attach, error: &io::Error) -> String {
    let function = event.function().is_some();
    let user = event.user_place().is_some();
    match error.raw_os_error() {
        Some(libc::ESRCH) if user => "the process has ended".to_owned(),
        Some(libc::ENOENT) if user => "its file has gone".to_owned(),
        _ if user && user::is_about_a_place(error) => {
            "the kernel can't stop at the instruction there".to_owned()
        }
        Some(libc::ENOENT | libc::EINVAL | libc::ESRCH | libc::EADDRNOTAVAIL) if function => {
            "the kernel doesn't let this function be traced".to_owned()
        }
        Some(libc::EPERM | libc::EACCES) => "the kernel forbids it".to_owned(),
        Some(libc::EMFILE | libc::ENFILE) => {
            format!("it takes more open files than the {} that are allowed", open_files::allowed())
        }
        Some(libc::ENOENT) => "the kernel has no such event".to_owned(),
        Some(libc::EBUSY) => "somebody else traces there".to_owned(),
        _ => last_message(&messages()),
    }
}

/// The links that keep a program at an event; none for those that the runtime fires.
fn to_event(program: &ProgramMut<'_>, event: &Attach, options: &Options) -> io::Result<Vec<Link>> {
    let link = match event {
        Attach::Begin | Attach::End | Attach::Error | Attach::Tick { .. } => return Ok(Vec::new()),
        Attach::Sample { event, period } => {
            return sample(program, event, *period, &cpus(options));
        }
        Attach::RawTracepoint { name, .. } => program.attach_raw_tracepoint(name),
        // The load has bound these to their events.
        Attach::Tracepoint { .. }
        | Attach::SyscallEntry { .. }
        | Attach::SyscallReturn { .. }
        | Attach::Fentry { .. }
        | Attach::Fexit { .. } => program.attach_trace(),
        // These are attached together.
        Attach::Kprobe { .. }
        | Attach::Kretprobe { .. }
        | Attach::Uprobe(_)
        | Attach::Uretprobe(_)
        | Attach::Usdt { .. } => return Ok(Vec::new()),
    };
    link.map(|link| vec![link]).map_err(|e| os_error(&e))
}

/// An event on each of the processors.
fn sample(
    program: &ProgramMut<'_>,
    event: &PerfEvent,
    period: u64,
    cpus: &[u32],
) -> io::Result<Vec<Link>> {
    cpus.iter()
        .map(|cpu| {
            let event = perf::open(event, period, *cpu)?;
            let link = program.attach_perf_event(event.as_raw_fd()).map_err(|e| os_error(&e))?;
            // The link closes it from now on.
            let _ = event.into_raw_fd();
            Ok(link)
        })
        .collect()
}

/// Runs all programs of BEGIN or END, in order; on the processor of `-x cpu`, if it is given.
pub fn run(loaded: &Loaded, which: &Attach, options: &Options) -> Result<(), AttachError> {
    let cpu = options.number("cpu").and_then(|n| u32::try_from(n).ok());
    for program in loaded.manifest.programs.iter().filter(|p| p.attach.contains(which)) {
        let handle = find(loaded, program)?;
        tick::run(handle.as_fd(), cpu)
            .map_err(|source| AttachError::Run { probe: probe(loaded, program), source })?;
    }
    Ok(())
}
