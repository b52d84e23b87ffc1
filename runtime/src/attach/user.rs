//! Programs to places in user programs.
//!
//! In: a program, and its places in the order of their numbers, which they get as cookies.
//! Out: links, and the places where the kernel doesn't let the program stop: some
//! instructions can't be traced, and a process may end meanwhile. Where the kernel takes many
//! places in one link, there is one for each file and process; elsewhere one for each place.
//! Which places are refused among many only shows by trying halves.

use super::Placed;
use crate::load::os_error;
use libbpf_rs::{Link, ProgramAttachType, ProgramMut, UprobeMultiOpts, UprobeOpts};
use std::collections::BTreeMap;
use std::io;
use strand_compiler::kernel::{Attach, UserPlace};

/// A place with its number.
type Numbered<'a> = (usize, &'a UserPlace);

/// A program on its way to its places.
struct Placing<'a, 'b> {
    program: &'a ProgramMut<'b>,
    /// It is for returns.
    returns: bool,
}

/// Attaches a program to all places.
pub(super) fn place(program: &ProgramMut<'_>, events: &[Attach]) -> io::Result<Placed> {
    let mut groups: BTreeMap<(&str, Option<u32>), Vec<Numbered<'_>>> = BTreeMap::new();
    for (number, event) in events.iter().enumerate() {
        let Some(place) = event.user_place() else { continue };
        groups.entry((&place.path, place.pid)).or_default().push((number, place));
    }
    // It was loaded for links with many places if the kernel has these.
    let many = matches!(program.attach_type(), ProgramAttachType::TraceUprobeMulti);
    let placing =
        Placing { program, returns: matches!(events.first(), Some(Attach::Uretprobe(_))) };
    let mut placed = Placed::default();
    for ((path, pid), places) in groups {
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(-1);
        if many {
            placing.together(path, pid, &places, &mut placed)?;
            continue;
        }
        for place in &places {
            let link = placing.alone(path, pid, place);
            take(&mut placed, link, std::slice::from_ref(place))?;
        }
    }
    Ok(placed)
}

impl Placing<'_, '_> {
    fn together(
        &self,
        path: &str,
        pid: i32,
        places: &[Numbered<'_>],
        placed: &mut Placed,
    ) -> io::Result<()> {
        let options = UprobeMultiOpts {
            offsets: places.iter().map(|(_, p)| p.offset as usize).collect(),
            ref_ctr_offsets: places.iter().map(|(_, p)| p.semaphore as usize).collect(),
            cookies: places.iter().map(|(number, _)| *number as u64).collect(),
            retprobe: self.returns,
            ..Default::default()
        };
        let link = self.program.attach_uprobe_multi_with_opts(pid, path, "", options);
        match link.map_err(|e| os_error(&e)) {
            Err(e) if places.len() > 1 && is_about_a_place(&e) => {
                let (first, second) = places.split_at(places.len() / 2);
                self.together(path, pid, first, placed)?;
                self.together(path, pid, second, placed)
            }
            link => take(placed, link, places),
        }
    }

    fn alone(&self, path: &str, pid: i32, (number, place): &Numbered<'_>) -> io::Result<Link> {
        let options = UprobeOpts {
            ref_ctr_offset: place.semaphore as usize,
            cookie: *number as u64,
            retprobe: self.returns,
            ..Default::default()
        };
        let offset = place.offset as usize;
        let link = self.program.attach_uprobe_with_opts(pid, path, offset, options);
        link.map_err(|e| os_error(&e))
    }
}

/// Keeps a link, or notes which places it isn't for.
fn take(placed: &mut Placed, link: io::Result<Link>, places: &[Numbered<'_>]) -> io::Result<()> {
    match link {
        Ok(link) => placed.links.push(link),
        Err(e) if is_about_a_place(&e) || is_gone(&e) => {
            let code = e.raw_os_error().unwrap_or_default();
            let each = places.iter();
            placed.refused.extend(each.map(|(n, _)| (*n, io::Error::from_raw_os_error(code))));
        }
        Err(e) => return Err(e),
    }
    Ok(())
}

/// "Not supported", for which C libraries have no name: instructions with some prefixes.
const ENOTSUPP: i32 = 524;

/// Whether an error may be due to one of many places.
pub(super) fn is_about_a_place(error: &io::Error) -> bool {
    let about = [libc::EINVAL, libc::EOPNOTSUPP, libc::ENOEXEC, libc::EIO, ENOTSUPP];
    error.raw_os_error().is_some_and(|code| about.contains(&code))
}

/// Whether the process or the file has gone meanwhile.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT))
}
