//! Records to output.
//!
//! In: records as they come from the ring buffer, in order. Out: text on standard output,
//! faults and drops on standard error, and the actions that only user space can do
//! (aggregations, speculations, exit). Decides what a line of default output is: a clause
//! with control flow sends several records, and records of several CPUs interleave, so what
//! belongs together waits for its end.

use crate::aggregation::{Aggregations, Source};
use crate::flow::Flow;
use crate::format::printf::printf;
use crate::format::{Surroundings, print, typed};
use crate::options::Options;
use crate::output::Output;
use crate::record::{decode, half, word};
use crate::speculation::Speculations;
use crate::symbolize::Symbolizer;
use rustc_hash::FxHashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use strand_compiler::manifest::{
    Action, DROPS, Datum, DatumKind, Drops, FAULT_RECORD, Fault, HEADER, Manifest, Record,
};

mod effect;

/// How output looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// No default output.
    pub quiet: bool,
    /// Leave out CPU and ID, as DTrace's own tests want it.
    pub testing: bool,
    /// Columns before each frame of a stack.
    pub stack_indent: usize,
    /// Show user addresses as they are.
    pub noresolve: bool,
    /// `trace()` shows bytes instead of values.
    pub raw_bytes: bool,
    /// Bytes that `print()` shows.
    pub print_size: usize,
    /// Bytes of one speculation.
    pub specsize: usize,
    /// Who speaks in messages: `strand` or `dtrace`.
    pub program: String,
}

impl Look {
    /// As the options have it.
    pub fn new(options: &Options, program: &str, testing: bool) -> Look {
        let number = |name: &str| options.number(name).unwrap_or(0) as usize;
        Look {
            quiet: options.on("quiet"),
            testing,
            stack_indent: number("stackindent"),
            noresolve: options.on("noresolve"),
            raw_bytes: options.on("rawbytes"),
            print_size: number("printsize"),
            specsize: number("specsize"),
            program: program.to_owned(),
        }
    }
}

/// What the caller has to do after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// End with this status.
    Exit(i32),
}

/// Turns records into output.
pub struct Consumer<'a> {
    manifest: &'a Manifest,
    probes: FxHashMap<u32, usize>,
    look: Look,
    symbols: Box<dyn Symbolizer + 'a>,
    out: Output<'a>,
    messages: Box<dyn Write + 'a>,
    /// The first traced process, `$target`; 0 without one.
    pub target: u64,
    /// What `setopt()` has changed is changed here.
    pub options: Options,
    /// The link type of the capture file that output goes to.
    capture: Option<u32>,
    /// Aggregations, with their order.
    pub aggregations: Aggregations,
    speculations: Speculations,
    header_printed: bool,
    /// What clauses have put out that are not over, by CPU, probe and clause.
    lines: FxHashMap<(u32, u32, u32), String>,
    text: String,
    faults: FxHashMap<(u32, u32), u64>,
    drops: Vec<[u64; DROPS as usize]>,
    missed: u64,
    /// Output is indented by calls.
    pub flow: Flow,
    /// Messages about drops name their kind, as `-xdroptags` asks.
    pub drop_tags: bool,
    speculation_drops: u64,
    status: Option<i32>,
    /// Something that is printed names a user address.
    names_users: bool,
}

/// Whether any record holds such a datum, of those that can be user addresses.
fn recorded(manifest: &Manifest, is: impl Fn(&Datum) -> bool) -> bool {
    let in_action = |action: &Action| match action {
        Action::Trace(datum) | Action::Show(datum) => is(datum),
        Action::Printf { args, .. } => args.iter().any(&is),
        _ => false,
    };
    manifest.records.iter().any(|r| r.actions.iter().any(in_action))
}

/// Whether any record or aggregation holds a user address to be named.
fn names_users(manifest: &Manifest) -> bool {
    let user = |d: &Datum| {
        use DatumKind::{CopiedStack, UserStack, UserSymbol};
        matches!(d.kind, UserStack | CopiedStack { .. } | UserSymbol(_))
    };
    recorded(manifest, user) || manifest.aggregations.iter().any(|a| a.keys.iter().any(user))
}

/// Whether any record holds a stack that is to be unwound.
fn copies_stacks(manifest: &Manifest) -> bool {
    recorded(manifest, |d| matches!(d.kind, DatumKind::CopiedStack { .. }))
}

impl std::fmt::Debug for Consumer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consumer({:?})", self.look)
    }
}

impl<'a> Consumer<'a> {
    /// Output goes to `out`, faults and drops to `messages`.
    pub fn new(
        manifest: &'a Manifest,
        look: Look,
        symbols: Box<dyn Symbolizer + 'a>,
        out: Output<'a>,
        messages: Box<dyn Write + 'a>,
    ) -> Self {
        Consumer {
            options: Options::default(),
            target: 0,
            capture: None,
            probes: manifest.probes.iter().enumerate().map(|(i, p)| (p.id, i)).collect(),
            aggregations: Aggregations::new(manifest.aggregations.clone()),
            speculations: Speculations::new(look.specsize, manifest.speculation_bits),
            manifest,
            look,
            symbols,
            out,
            messages,
            header_printed: false,
            lines: FxHashMap::default(),
            text: String::new(),
            faults: FxHashMap::default(),
            drops: Vec::new(),
            missed: 0,
            flow: Flow::default(),
            drop_tags: false,
            speculation_drops: 0,
            status: None,
            names_users: names_users(manifest),
        }
    }

    /// Takes one record.
    pub fn record(&mut self, bytes: &[u8], kernel: &mut dyn Source) -> io::Result<Control> {
        let speculation = half(bytes, 12);
        if speculation != 0 {
            self.speculations.add(speculation, bytes);
        } else {
            self.consume(bytes, kernel)?;
        }
        Ok(self.status.map_or(Control::Continue, Control::Exit))
    }

    /// A process whose addresses may have to be named when it is gone.
    pub fn note_process(&mut self, pid: u32) {
        if self.names_users {
            self.symbols.note(pid);
        }
    }

    /// User addresses may have to be named from now on.
    pub fn watch_processes(&mut self) {
        // Unwinding needs the files as well.
        if self.names_users && (!self.look.noresolve || copies_stacks(self.manifest)) {
            self.symbols.watch();
        }
    }

    /// Some time has passed.
    pub fn look_at_processes(&mut self) {
        self.symbols.look();
    }

    /// Looks at the aggregations, if they are looked at by the clock.
    pub fn renew(&mut self, kernel: &mut dyn Source) -> io::Result<()> {
        let result = self.aggregations.renew(kernel);
        self.report(result)
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.messages.flush()
    }

    fn consume(&mut self, bytes: &[u8], kernel: &mut dyn Source) -> io::Result<()> {
        let layout = half(bytes, 0);
        if layout == FAULT_RECORD {
            return self.fault(bytes);
        }
        let manifest = self.manifest;
        // An index that no layout has can only be a record of another object.
        let Some(record) = manifest.records.get(layout as usize) else { return Ok(()) };
        let (probe, cpu) = (half(bytes, 4), half(bytes, 8));
        let key = (cpu, probe, record.clause);
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let whole = record.first && record.last;
        // What a speculation does is no output of its own.
        let speculates = |a: &Action| matches!(a, Action::Commit(_));
        let silent = whole && !record.actions.is_empty() && record.actions.iter().all(speculates);
        let shown = !(self.look.quiet || silent);
        let mut begun = if whole { None } else { self.lines.remove(&key) };
        if record.first
            && let Some(cut_off) = begun.take()
        {
            self.write_line(cut_off, shown)?;
        }
        match begun {
            Some(line) => text.push_str(&line),
            None if shown => self.columns(&mut text, probe, cpu, record.clause)?,
            None => {}
        }
        for action in &record.actions {
            self.action(&mut text, action, bytes, record, kernel)?;
        }
        if !record.last {
            self.lines.insert(key, text);
            return Ok(());
        }
        self.text = self.write_line(text, shown)?;
        Ok(())
    }

    /// Writes what a clause has put out, and its end if it is a line; gives the memory back.
    fn write_line(&mut self, mut text: String, shown: bool) -> io::Result<String> {
        if shown {
            text.push('\n');
        }
        self.out.text(&text)?;
        text.clear();
        Ok(text)
    }

    fn columns(&mut self, text: &mut String, probe: u32, cpu: u32, clause: u32) -> io::Result<()> {
        if !self.header_printed {
            self.header_printed = true;
            let header = if self.flow.on {
                Flow::header(self.look.testing)
            } else if self.look.testing {
                format!("{:>32}\n", "FUNCTION:NAME")
            } else {
                format!("{:>3} {:>6} {:>32}\n", "CPU", "ID", "FUNCTION:NAME")
            };
            self.out.text(&header)?;
        }
        if let (true, Some(i)) = (self.flow.on, self.probes.get(&probe)) {
            let probe = &self.manifest.probes[*i];
            text.push_str(&self.flow.line(cpu, probe, clause, self.look.testing));
            return Ok(());
        }
        let name = match self.probes.get(&probe) {
            Some(i) => {
                let p = &self.manifest.probes[*i];
                format!("{}:{}", p.function, p.name)
            }
            None => String::new(),
        };
        let _ = if self.look.testing {
            write!(text, "{name:>32} ")
        } else {
            write!(text, "{cpu:>3} {probe:>6} {name:>32} ")
        };
        Ok(())
    }

    fn action(
        &mut self,
        text: &mut String,
        action: &Action,
        bytes: &[u8],
        record: &Record,
        kernel: &mut dyn Source,
    ) -> io::Result<()> {
        let quiet = self.look.quiet;
        let mut around = Surroundings {
            symbols: &mut *self.symbols,
            stack_indent: self.look.stack_indent,
            noresolve: self.look.noresolve,
            target: self.target,
        };
        let number = |datum| decode(bytes, datum).number();
        match action {
            Action::Trace(datum) if self.look.raw_bytes => {
                print::raw(text, &decode(bytes, datum), self.manifest.strsize);
            }
            Action::Trace(datum) => {
                print::trace(text, &mut around, &decode(bytes, datum), quiet);
            }
            Action::Show(datum) => {
                print::value(text, &mut around, &decode(bytes, datum), false);
            }
            Action::Printf { format, args } => {
                let mut data = args.iter().map(|d| decode(bytes, d));
                printf(text, &mut around, format, &mut data);
            }
            Action::Printa { format, aggregations } => {
                let which: Vec<usize> = aggregations.iter().map(|a| *a as usize).collect();
                let result =
                    self.aggregations.printa(text, &mut around, &which, format.as_ref(), kernel);
                self.report(result)?;
            }
            Action::Clear(a) => {
                let result = self.aggregations.clear(*a as usize, kernel);
                self.report(result)?;
            }
            Action::Trunc(a, keep) => {
                let keep = keep.as_ref().map(number);
                let result = self.aggregations.trunc(*a as usize, keep, &mut around, kernel);
                self.report(result)?;
            }
            Action::Normalize(a, by) => {
                self.aggregations.normalize(*a as usize, Some(number(by)));
            }
            Action::Denormalize(a) => self.aggregations.normalize(*a as usize, None),
            Action::Exit(status) => {
                self.status = Some(number(status) as i32);
            }
            Action::Commit(serial) => {
                let serial = number(serial) as u32;
                let waiting = self.speculations.take(serial);
                // What this clause has written so far comes first.
                self.out.text(text)?;
                text.clear();
                for record in waiting {
                    let outer = std::mem::take(text);
                    self.consume(&record, kernel)?;
                    *text = outer;
                }
            }
            Action::Tracemem(datum, used) => {
                let size = datum.size as usize;
                let used = used.as_ref().map_or(-1, number);
                let shown = usize::try_from(used).map_or(size, |n| n.min(size));
                let memory = slice(bytes, datum);
                print::hex_dump(text, &memory[..shown.min(memory.len())]);
            }
            Action::Print { address, value, ty } => {
                let address = address.as_ref().map(|d| number(d) as u64);
                let value = (slice(bytes, value), self.look.print_size);
                typed::print(text, &self.manifest.types, *ty, value, address);
            }
            Action::Done => {}
            Action::System { .. }
            | Action::Freopen { .. }
            | Action::Ftruncate
            | Action::Setopt(..)
            | Action::Pcap { .. } => return self.effect(text, action, bytes, record),
        }
        Ok(())
    }

    fn report(&mut self, result: Result<(), String>) -> io::Result<()> {
        match result {
            Ok(()) => Ok(()),
            Err(e) => writeln!(self.messages, "{}: {e}", self.look.program),
        }
    }

    /// The end of tracing: an empty line, then what was not printed yet.
    pub fn finish(&mut self, kernel: &mut dyn Source) -> io::Result<()> {
        let mut rest: Vec<_> = self.lines.drain().collect();
        rest.sort();
        for (_, line) in rest {
            self.write_line(line, !self.look.quiet)?;
        }
        let mut text = String::from("\n");
        let mut around = Surroundings {
            symbols: &mut *self.symbols,
            stack_indent: self.look.stack_indent,
            noresolve: self.look.noresolve,
            target: self.target,
        };
        let result = self.aggregations.print_rest(&mut text, &mut around, kernel);
        self.out.text(&text)?;
        self.report(result)?;
        self.repeated_faults()?;
        self.flush()
    }

    // ----------------------------------------------------------------- faults

    fn fault(&mut self, bytes: &[u8]) -> io::Result<()> {
        let at = HEADER as usize;
        let (probe, site, kind) = (half(bytes, 4), half(bytes, at), half(bytes, at + 4));
        let (pc, value) = (word(bytes, at + 8), word(bytes, at + 16));
        // What the clause has recorded is lost with it.
        if let Some(site) = self.manifest.faults.get(site as usize) {
            self.lines.remove(&(half(bytes, 8), probe, site.clause));
        }
        let count = self.faults.entry((probe, site)).or_default();
        *count += 1;
        if self.look.program == "dtrace" {
            return self.fault_as_dtrace(probe, site, kind, (pc, value));
        }
        if *count > 1 {
            return Ok(());
        }
        let manifest = self.manifest;
        let place = match manifest.faults.get(site as usize) {
            Some(s) => format!("{}:{}:{}: `{}`", s.file, s.line, s.column, s.text),
            None => "an unknown place".to_owned(),
        };
        let name = self.probe_name(probe);
        let what = describe(kind, value);
        writeln!(
            self.messages,
            "{}: error on probe ID {probe} ({name}): {what} at {place}",
            self.look.program
        )
    }

    /// In DTrace's words, which scripts may look for.
    fn fault_as_dtrace(
        &mut self,
        probe: u32,
        site: u32,
        kind: u32,
        (pc, value): (u64, u64),
    ) -> io::Result<()> {
        let clause = self.manifest.faults.get(site as usize).map_or(0, |s| s.clause);
        let name = self.probe_name(probe);
        let is = |f: Fault| f as u32 == kind;
        let what = if is(Fault::BadIndex) {
            format!("index out of bounds ({})", value as i64)
        } else if is(Fault::BadSize) {
            format!("invalid size ({value:#x})")
        } else {
            describe(kind, value)
        };
        let program = &self.look.program;
        writeln!(
            self.messages,
            "{program}: error in dt_clause_{clause} for probe ID {probe} ({name}): {what} at BPF \
             pc {pc}"
        )
    }

    fn probe_name(&self, probe: u32) -> String {
        match self.probes.get(&probe) {
            Some(i) => {
                let p = &self.manifest.probes[*i];
                format!("{}:{}:{}:{}", p.provider, p.module, p.function, p.name)
            }
            None => "?".to_owned(),
        }
    }

    fn repeated_faults(&mut self) -> io::Result<()> {
        if self.look.program == "dtrace" {
            return Ok(());
        }
        let mut repeated: Vec<_> = self.faults.drain().filter(|(_, n)| *n > 1).collect();
        repeated.sort();
        for ((probe, site), n) in repeated {
            let line = self.manifest.faults.get(site as usize).map_or(0, |s| s.line);
            let name = self.probe_name(probe);
            writeln!(
                self.messages,
                "{}: the error on line {line} happened {n} times on probe ID {probe} ({name})",
                self.look.program
            )?;
        }
        Ok(())
    }

    // ------------------------------------------------------------------ drops

    /// The name of a kind of drop, if those are shown.
    fn tag(&self, kind: &str) -> String {
        if self.drop_tags { format!("[DTRACEDROP_{kind}] ") } else { String::new() }
    }

    /// Tells how many firings no program has seen, if there are new ones.
    pub fn misses(&mut self, all: u64) -> io::Result<()> {
        let new = all.saturating_sub(self.missed);
        self.missed = all;
        if new == 0 {
            return Ok(());
        }
        let s = if new == 1 { "" } else { "s" };
        let program = &self.look.program;
        writeln!(
            self.messages,
            "{program}: {new} firing{s} missed (its program was running already)"
        )
    }

    /// Takes the drop counters of every CPU and tells what is new.
    pub fn drops(&mut self, cpus: &[[u64; DROPS as usize]]) -> io::Result<()> {
        self.drops.resize(cpus.len().max(self.drops.len()), [0; DROPS as usize]);
        let mut all_cpus = [0u64; DROPS as usize];
        let mut messages = String::new();
        let mut known = std::mem::take(&mut self.drops);
        for (cpu, (now, before)) in cpus.iter().zip(&mut known).enumerate() {
            let new = |d: Drops| now[d as usize].wrapping_sub(before[d as usize]);
            for (what, tag, kind) in [
                ("", "PRINCIPAL", Drops::Principal),
                ("aggregation ", "AGGREGATION", Drops::Aggregation),
            ] {
                let n = new(kind);
                if n != 0 {
                    let s = if n == 1 { "" } else { "s" };
                    let _ = writeln!(
                        messages,
                        "{}: {}{n} {what}drop{s} on CPU {}",
                        self.look.program,
                        self.tag(tag),
                        if self.look.testing { "#".to_owned() } else { cpu.to_string() }
                    );
                }
            }
            for (i, total) in all_cpus.iter_mut().enumerate() {
                *total += now[i].wrapping_sub(before[i]);
            }
            *before = *now;
        }
        self.drops = known;
        let dropped = self.speculations.dropped - self.speculation_drops;
        self.speculation_drops = self.speculations.dropped;
        all_cpus[Drops::Speculation as usize] += dropped;
        for (kind, tag, one, many) in [
            (Drops::Dynamic, "DYNAMIC", "dynamic variable drop", "dynamic variable drops"),
            (Drops::Speculation, "SPEC", "speculative drop", "speculative drops"),
            (
                Drops::SpeculationUnavailable,
                "SPECUNAVAIL",
                "failed speculation (no speculative buffer available)",
                "failed speculations (no speculative buffer available)",
            ),
            (
                Drops::DoubleFaults,
                "DBLERROR",
                "error in ERROR probe enabling",
                "errors in ERROR probe enabling",
            ),
        ] {
            let n = all_cpus[kind as usize];
            if n != 0 {
                let what = if n == 1 { one } else { many };
                let tag = self.tag(tag);
                let _ = writeln!(messages, "{}: {tag}{n} {what}", self.look.program);
            }
        }
        if messages.is_empty() {
            return Ok(());
        }
        self.out.flush()?;
        self.messages.write_all(messages.as_bytes())
    }
}

/// A datum's bytes; fewer if the record is too short.
fn slice<'b>(bytes: &'b [u8], datum: &Datum) -> &'b [u8] {
    let start = (datum.offset as usize).min(bytes.len());
    let end = (start + datum.size as usize).min(bytes.len());
    &bytes[start..end]
}

/// A fault in DTrace's words.
fn describe(kind: u32, value: u64) -> String {
    let is = |f: Fault| f as u32 == kind;
    if is(Fault::BadAddress) {
        format!("invalid address ({value:#x})")
    } else if is(Fault::DivideByZero) {
        "divide-by-zero".to_owned()
    } else if is(Fault::NoScratch) {
        "out of scratch space".to_owned()
    } else if is(Fault::BadIndex) {
        format!("array index {} is out of bounds", value as i64)
    } else if is(Fault::BadSize) {
        format!("invalid size ({value})")
    } else if is(Fault::BadStack) {
        "bad stack".to_owned()
    } else if is(Fault::LoopBound) {
        format!("the loop was not over after {value} turns")
    } else if is(Fault::KernelPrivilege) {
        format!("invalid kernel access ({value:#x})")
    } else if is(Fault::UserPrivilege) {
        format!("invalid user access ({value:#x})")
    } else if is(Fault::IllegalOp) {
        "illegal operation".to_owned()
    } else if is(Fault::BadAlign) {
        format!("invalid alignment ({value:#x})")
    } else if is(Fault::TupleOverflow) {
        "tuple overflow".to_owned()
    } else {
        format!("fault {kind}")
    }
}
