//! Actions whose effect is the runtime's: `system freopen ftruncate setopt pcap`.
//!
//! In: their records, in order with all others. Out: commands that have run, output that goes
//! elsewhere, options that have changed. What a clause has put out before comes out before.

use super::{Consumer, Look, slice};
use crate::error::plain;
use crate::format::printf::printf;
use crate::format::{Surroundings, print};
use crate::open_files;
use crate::options::{OptionError, Options};
use crate::packet::{self, Packet};
use crate::process::{Clock, now};
use crate::record::{Data, decode, half};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use strand_compiler::bytes::of_text;
use strand_compiler::manifest::{Action, Datum, Format, Record};

/// How often the reference switches buffers unless it is told.
const SWITCHRATE: Duration = Duration::from_secs(1);

impl Consumer<'_> {
    /// Goes by these options from now on.
    pub fn set_options(&mut self, options: Options) {
        self.look = Look::new(&options, &self.look.program, self.look.testing);
        let number = |name: &str| options.number(name).unwrap_or(0) as usize;
        let order = &mut self.aggregations.order;
        order.by_key = options.on("aggsortkey");
        order.key_position = number("aggsortkeypos");
        order.value_position = number("aggsortpos");
        order.reverse = options.on("aggsortrev");
        self.aggregations.per_cpu = options.on("aggpercpu");
        // The reference reads aggregations as it reads buffers: only then, however often aggrate
        // asks for it, and a switchrate of 0, which has us wait for records, doesn't count.
        let rate =
            |name| options.number(name).filter(|period| *period > 0).map(Duration::from_nanos);
        let switchrate = rate("switchrate").unwrap_or(SWITCHRATE);
        self.aggregations.snapshot.set_every(rate("aggrate").filter(|every| *every > switchrate));
        self.flow.on = options.on("flowindent");
        self.drop_tags = options.on("droptags");
        self.options = options;
    }

    /// Does what one of these actions asks for.
    pub(super) fn effect(
        &mut self,
        text: &mut String,
        action: &Action,
        bytes: &[u8],
        record: &Record,
    ) -> io::Result<()> {
        if let Action::Pcap { time, protocol, length, bytes: taken } = action {
            let number = |datum| decode(bytes, datum).number();
            let time = (number(time)).wrapping_add(wall_clock_offset()) as u64;
            let length = number(length) as u32;
            let taken = slice(bytes, taken);
            let taken = &taken[..taken.len().min(length as usize)];
            let packet = Packet { time, length, bytes: taken };
            return self.capture(text, number(protocol) as u32, packet, (bytes, record));
        }
        // What was printed before it was printed where output went then.
        self.out.text(text)?;
        text.clear();
        self.flush()?;
        match action {
            Action::System { format, args } => {
                let command = self.formatted(format, args, bytes);
                let result = self.out.for_command().and_then(|out| {
                    open_files::as_at_first(&mut Command::new("/bin/sh"))
                        .arg("-c")
                        .arg(OsStr::from_bytes(&of_text(&command)))
                        .stdout(out)
                        .status()
                });
                match result {
                    Ok(_) => Ok(()),
                    Err(e) => {
                        let what = format!("couldn't run \"{command}\": {}", plain(&e));
                        self.complain((bytes, record), &what)
                    }
                }
            }
            Action::Freopen { format, args } => {
                self.capture = None;
                let path = self.formatted(format, args, bytes);
                if path.is_empty() {
                    return self.out.restore();
                }
                match self.out.reopen(Path::new(OsStr::from_bytes(&of_text(&path)))) {
                    Ok(()) => Ok(()),
                    Err(e) => {
                        let what = format!("couldn't freopen() \"{path}\": {}", plain(&e));
                        self.complain((bytes, record), &what)
                    }
                }
            }
            Action::Ftruncate => self.out.truncate(),
            Action::Setopt(name, value) => {
                let text = |datum| match decode(bytes, datum) {
                    Data::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    _ => String::new(),
                };
                let (name, value) = (text(name), value.as_ref().map(text));
                self.set_option(&name, value.as_deref(), (bytes, record))
            }
            _ => Ok(()),
        }
    }

    fn formatted(&mut self, format: &Format, args: &[Datum], bytes: &[u8]) -> String {
        let mut around = Surroundings {
            symbols: &mut *self.symbols,
            stack_indent: self.look.stack_indent,
            noresolve: self.look.noresolve,
            target: self.target,
        };
        let mut out = String::new();
        printf(&mut out, &mut around, format, &mut args.iter().map(|d| decode(bytes, d)));
        out
    }

    fn set_option(
        &mut self,
        name: &str,
        value: Option<&str>,
        at: (&[u8], &Record),
    ) -> io::Result<()> {
        let mut options = self.options.clone();
        let result = options.set(name, value);
        let Err(error) = result else {
            self.set_options(options);
            return Ok(());
        };
        if self.look.program != "dtrace" {
            let hint = error.hint().map_or(String::new(), |hint| format!("; {hint}"));
            return self.complain(at, &format!("{error}{hint}"));
        }
        let why = match error {
            OptionError::Unknown { .. } => "Invalid option name",
            OptionError::TooLate { .. } | OptionError::Outside { .. } => {
                "Operation illegal when tracing is active"
            }
            OptionError::NoValue { .. } | OptionError::Value { .. } => {
                "Invalid value for specified option"
            }
        };
        let value = value.unwrap_or("1");
        self.complain(at, &format!("couldn't set option \"{name}\" to \"{value}\": {why}\n"))
    }

    /// Writes a packet into the file that output goes to, or shows its bytes.
    fn capture(
        &mut self,
        text: &mut String,
        link_type: u32,
        packet: Packet<'_>,
        at: (&[u8], &Record),
    ) -> io::Result<()> {
        if packet.length == 0 {
            return Ok(());
        }
        let most = self.options.number("pcapsize").unwrap_or(0) as u32;
        let known = self.capture;
        let Some((_, file)) = self.out.reopened() else {
            print::hex_dump(text, packet.bytes);
            return Ok(());
        };
        match known {
            Some(known) if known != link_type => {
                let what = "a capture file has packets of one kind only: use another freopen()";
                return self.complain(at, what);
            }
            Some(_) => {}
            None => {
                self.capture = Some(link_type);
                if file.get_ref().metadata()?.len() == 0 {
                    packet::header(file, link_type, most)?;
                }
            }
        }
        packet.write(file)
    }

    /// Tells what an action couldn't do.
    fn complain(&mut self, at: (&[u8], &Record), what: &str) -> io::Result<()> {
        let (bytes, record) = at;
        let program = &self.look.program;
        if program == "dtrace" {
            let probe = half(bytes, 4);
            let name = self.probe_name(probe);
            let clause = record.clause;
            return writeln!(
                self.messages,
                "dtrace: error in dt_clause_{clause} for probe ID {probe} ({name}): {what}"
            );
        }
        let place = self.manifest.clauses.get(record.clause as usize);
        let place = place.map_or(String::new(), |c| format!("{}:{}: ", c.file, c.line));
        writeln!(self.messages, "{program}: {place}{what}")
    }
}

/// Nanoseconds from the monotonic clock to 1970's.
fn wall_clock_offset() -> i64 {
    now(Clock::Real).wrapping_sub(now(Clock::Monotonic))
}
