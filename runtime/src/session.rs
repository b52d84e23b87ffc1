//! Tracing, from the object to the last line of output.
//!
//! In: a compiled program, options, targets. Out: what the program prints, and its exit
//! status. Decides the order of things:
//!
//! 1. load, then attach everything; programs do nothing yet, as the state says `Starting`;
//! 2. BEGIN runs to its end; then everything may fire, the timers start, `-c` runs;
//! 3. records are taken out of the buffer at an interval, until `exit()`, Ctrl-C, the end of
//!    the targets or of the reader of our output;
//! 4. nothing but END may fire; all is detached, and what runs on other processors waited for;
//!    what is in the buffer is printed;
//! 5. END runs; what it left is printed, then the aggregations.
//!
//! Programs never wake us: at a high rate that would cost them more than all else that they
//! do. We look as often as there is something to see, and ever less often while there isn't.

use crate::absent;
use crate::attach::{self, Attached, Watch};
use crate::cli::Invocation;
use crate::consume::{Consumer, Control, Look};
use crate::error::Error;
use crate::load::{self, KnownTypes, Loaded};
use crate::maps::Maps;
use crate::open_files;
use crate::options::Options;
use crate::process::{Interrupt, Targets};
use crate::run;
use crate::symbolize::LiveSymbolizer;
use libbpf_rs::{RingBuffer, RingBufferBuilder};
use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};
use strand_compiler::kernel::Attach;
use strand_compiler::manifest::{Manifest, State};

/// Records that are taken before anything else is looked at.
const BATCH: usize = 4096;

/// The shortest and the longest time between two looks into the buffer.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(20);

/// Where records go, and what came of them.
struct Sink<'a> {
    consumer: Consumer<'a>,
    maps: Maps<'a>,
    status: Option<i32>,
    /// Output failed: nobody reads it any more, or the disk is full.
    broken: Option<io::Error>,
}

impl Sink<'_> {
    fn record(&mut self, bytes: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        match self.consumer.record(bytes, &mut self.maps) {
            Ok(Control::Continue) => {}
            Ok(Control::Exit(status)) => self.status = Some(status),
            Err(e) => self.broken = Some(e),
        }
    }

    /// Looks at aggregations that are looked at by the clock.
    fn renew(&mut self) {
        let done = self.consumer.renew(&mut self.maps);
        self.keep(done);
    }

    /// Tells of new drops, and lets go of what was printed.
    fn settle(&mut self) {
        let done = self.consumer.drops(&self.maps.drops());
        self.keep(done);
        let done = self.consumer.misses(self.maps.misses());
        self.keep(done);
        self.flush();
    }

    fn flush(&mut self) {
        let done = self.consumer.flush();
        self.keep(done);
    }

    fn keep(&mut self, done: io::Result<()>) {
        if let Err(e) = done {
            self.broken.get_or_insert(e);
        }
    }
}

/// Traces.
pub fn trace(
    invocation: &Invocation,
    options: &mut Options,
    object: &[u8],
    manifest: Manifest,
    known: &KnownTypes,
    targets: &mut Targets,
) -> Result<u8, Error> {
    let interrupt = Interrupt::catch()
        .map_err(|source| Error::System { what: "signals can't be caught", source })?;
    open_files::allow_most();
    let (loaded, left_out) = absent::load(object, manifest, known, options)?;
    let tells = invocation.verbose && invocation.name != "dtrace";
    let watch = Watch::new(&interrupt, tells.then_some(invocation.name));
    for probe in left_out {
        eprintln!("{}: {probe}", invocation.name);
    }
    let attached = attach::attach(&loaded, options, &watch)?;
    if invocation.name != "dtrace" {
        for refused in &attached.refused {
            eprintln!("{}: {refused}", invocation.name);
        }
    }
    options.start_tracing();
    let mut consumer = Consumer::new(
        &loaded.manifest,
        Look::new(options, invocation.name, testing()),
        Box::new(LiveSymbolizer::explaining(invocation.name != "dtrace")),
        run::output(invocation)?,
        Box::new(io::stderr()),
    );
    consumer.set_options(options.clone());
    consumer.target = u64::try_from(targets.id()).unwrap_or(0);
    consumer.watch_processes();
    let sink =
        RefCell::new(Sink { consumer, maps: Maps::new(&loaded), status: None, broken: None });
    let records = records(&loaded, &sink)?;
    let session = Session { loaded: &loaded, records, sink: &sink };
    session.go(options, attached, targets, &interrupt)?;
    drop(session);
    finish(invocation, options, targets, sink.into_inner())
}

/// A running one.
struct Session<'a, 'b> {
    loaded: &'a Loaded,
    records: Option<RingBuffer<'b>>,
    sink: &'b RefCell<Sink<'a>>,
}

impl Session<'_, '_> {
    fn go(
        &self,
        options: &Options,
        mut attached: Attached,
        targets: &mut Targets,
        interrupt: &Interrupt,
    ) -> Result<(), Error> {
        attach::run(self.loaded, &Attach::Begin, options)?;
        if self.loaded.activate() {
            attached.start_ticking(self.loaded, options)?;
            // What BEGIN has us do in user space is itself traced, and done before any
            // process goes on.
            self.batch();
            self.sink.borrow_mut().flush();
            self.note(targets);
            targets.resume();
            self.watch(options, targets, interrupt);
        }
        self.loaded.set_state(State::Stopping);
        std::thread::scope(|scope| {
            let over = attached.any().then(|| scope.spawn(until_programs_are_over));
            drop(attached);
            over.map(|thread| thread.join())
        });
        self.drain();
        // What END prints is what there was in the end.
        self.sink.borrow_mut().consumer.aggregations.snapshot.set_every(None);
        attach::run(self.loaded, &Attach::End, options)?;
        self.drain();
        Ok(())
    }

    /// Prints what comes until something says to stop.
    fn watch(&self, options: &Options, targets: &mut Targets, interrupt: &Interrupt) {
        let status_every = period(options, "statusrate").unwrap_or(Duration::from_secs(1));
        let mut pause = SHORTEST;
        let mut looked = Instant::now();
        let mut settled = Instant::now();
        let notice_every = if options.is_set("statusrate") { status_every } else { Duration::ZERO };
        let (mut noticed, mut exiting) = (Instant::now(), false);
        let (started, mut noted) = (Instant::now(), Instant::now());
        loop {
            // Often at first, while its libraries come; ever less often then.
            if noted.elapsed() * 8 >= started.elapsed() {
                noted = Instant::now();
                self.note(targets);
            }
            // A long `statusrate` also puts off when an exit() is seen.
            if noticed.elapsed() >= notice_every {
                noticed = Instant::now();
                exiting = self.loaded.is_stopping();
            }
            let stopping = interrupt.asked() || exiting || targets.ended();
            if stopping || self.sink.borrow().broken.is_some() {
                return;
            }
            // `setopt()` may have changed it.
            let fixed = period(&self.sink.borrow().consumer.options, "switchrate");
            if fixed.is_some_and(|every| looked.elapsed() < every) {
                std::thread::sleep(LONGEST.min(fixed.unwrap_or(LONGEST)));
                continue;
            }
            looked = Instant::now();
            self.sink.borrow_mut().consumer.look_at_processes();
            self.sink.borrow_mut().renew();
            let taken = self.batch();
            if settled.elapsed() >= status_every {
                settled = Instant::now();
                self.sink.borrow_mut().settle();
            }
            if taken == BATCH {
                pause = SHORTEST;
                continue;
            }
            if taken > 0 {
                self.sink.borrow_mut().flush();
                pause = SHORTEST;
            } else {
                pause = (pause * 2).min(LONGEST);
            }
            if fixed.is_none() {
                std::thread::sleep(pause);
            }
        }
    }

    /// Looks at what the target has in its memory, for when it is gone.
    fn note(&self, targets: &Targets) {
        if let Ok(pid @ 1..) = u32::try_from(targets.id()) {
            self.sink.borrow_mut().consumer.note_process(pid);
        }
    }

    /// Takes a bounded number of records; how many there were.
    fn batch(&self) -> usize {
        let taken = self.records.as_ref().map_or(0, |r| r.consume_raw_n(BATCH));
        usize::try_from(taken).unwrap_or(0)
    }

    /// Takes all records. Nothing adds to them meanwhile.
    fn drain(&self) {
        while self.batch() > 0 {}
    }
}

/// Waits for programs that began before now. One that was interrupted holds up all records
/// that were made after its own, and has still something to count.
fn until_programs_are_over() {
    const MEMBARRIER_CMD_GLOBAL: i32 = 1;
    // SAFETY: the call has no memory of ours. All programs run as readers of RCU, for whom it
    // waits; where it can't (processors without a clock tick) they are as good as over.
    unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
}

/// The buffer of records, if the program makes any.
fn records<'b, 'a: 'b>(
    loaded: &'a Loaded,
    sink: &'b RefCell<Sink<'a>>,
) -> Result<Option<RingBuffer<'b>>, Error> {
    let Some(name) = &loaded.manifest.maps.records else { return Ok(None) };
    let map = loaded.map(name).ok_or_else(|| load::LoadError::Missing(name.clone()))?;
    let failed = |e: libbpf_rs::Error| Error::System {
        what: "the buffer of records can't be read",
        source: load::os_error(&e),
    };
    let mut builder = RingBufferBuilder::new();
    let take = move |bytes: &[u8]| {
        sink.borrow_mut().record(bytes);
        0
    };
    builder.add(&map, take).map_err(failed)?;
    builder.build().map(Some).map_err(failed)
}

/// The end of output, and the exit status.
fn finish(
    invocation: &Invocation,
    options: &Options,
    targets: &Targets,
    mut sink: Sink<'_>,
) -> Result<u8, Error> {
    if sink.broken.is_none() {
        let done = sink.consumer.finish(&mut sink.maps);
        sink.keep(done);
        sink.settle();
    }
    if let Some(complaint) = targets.complaint().filter(|_| !options.on("quiet")) {
        eprintln!("{}: {complaint}", invocation.name);
    }
    match sink.broken {
        // Who reads no more wants no complaint.
        Some(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            let path = invocation.output.clone().unwrap_or_else(|| "standard output".into());
            Err(Error::Write { path, source: e })
        }
        // As `exit(2)` has it: the low byte.
        _ => Ok(sink.status.unwrap_or(0) as u8),
    }
}

fn period(options: &Options, name: &str) -> Option<Duration> {
    options.number(name).filter(|n| *n > 0).map(Duration::from_nanos)
}

/// Whether the suite of dtrace(1) is running us: what differs from run to run is left out.
pub fn testing() -> bool {
    std::env::var_os("_DTRACE_TESTING").is_some()
}
