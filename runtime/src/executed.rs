//! What processes come to execute while tracing lasts, so that their addresses have names when
//! they are gone.
//!
//! In: the kernel's own notes of new mappings and processes, which it writes into a ring for each
//! CPU, as for perf(1). Out: [`Mappings`] that know them. Who ends before its first record is read
//! is known by nothing else.

use crate::mappings::{Mapping, Mappings, is_mapped};
use crate::perf;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Pages of a ring's data: a power of two.
const PAGES: usize = 64;

/// Where the kernel and we have come to, in the page before the data.
const HEAD: usize = 1024;
const TAIL: usize = 1032;

/// Kinds of notes.
const EXIT: u32 = 4;
const FORK: u32 = 7;
const MMAP2: u32 = 10;

/// The rings of all CPUs.
pub struct Executed {
    rings: Vec<Ring>,
    record: Vec<u8>,
}

struct Ring {
    _event: OwnedFd,
    at: NonNull<u8>,
    page: usize,
}

impl Executed {
    /// From now on, for each of these CPUs.
    pub fn watch(cpus: impl IntoIterator<Item = u32>) -> io::Result<Executed> {
        let rings = cpus.into_iter().map(Ring::open).collect::<io::Result<_>>()?;
        Ok(Executed { rings, record: Vec::new() })
    }

    /// Takes all notes that there are.
    pub fn read(&mut self, mappings: &mut Mappings) {
        for ring in &mut self.rings {
            ring.read(&mut self.record, mappings);
        }
    }
}

impl Ring {
    fn open(cpu: u32) -> io::Result<Ring> {
        let event = perf::open_notes(cpu)?;
        // SAFETY: sysconf(3) takes no memory.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        // SAFETY: a new mapping, of a descriptor that is ours.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                page * (PAGES + 1),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                event.as_raw_fd(),
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(at.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Ring { _event: event, at, page })
    }

    fn position(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: the offsets are within the first page, aligned, and the kernel and we use what
        // is there as atomic words; it lives as long as the ring.
        unsafe { &*self.at.as_ptr().add(offset).cast::<AtomicU64>() }
    }

    fn read(&mut self, record: &mut Vec<u8>, mappings: &mut Mappings) {
        let head = self.position(HEAD).load(Ordering::Acquire);
        let mut tail = self.position(TAIL).load(Ordering::Relaxed);
        while tail < head {
            self.copy(tail, 8, record);
            let size = usize::from(u16_at(record, 6));
            if size < 8 {
                break;
            }
            self.copy(tail, size, record);
            take(record, mappings);
            tail += size as u64;
        }
        self.position(TAIL).store(head, Ordering::Release);
    }

    /// Copies what is at a position, which may go on at the beginning.
    fn copy(&self, position: u64, size: usize, out: &mut Vec<u8>) {
        let total = PAGES * self.page;
        let begin = position as usize % total;
        let first = size.min(total - begin);
        out.clear();
        for (from, len) in [(begin, first), (0, size - first)] {
            // SAFETY: both parts are within the data; the kernel leaves what is before the head
            // alone until we have moved the tail.
            out.extend_from_slice(unsafe {
                std::slice::from_raw_parts(self.at.as_ptr().add(self.page + from), len)
            });
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing refers to it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.page * (PAGES + 1)) };
    }
}

/// Makes of one note what there is to know.
fn take(record: &[u8], mappings: &mut Mappings) {
    let pid = u32_at(record, 8);
    match u32_at(record, 0) {
        // Not of another thread.
        EXIT if u32_at(record, 16) == pid => mappings.end(pid, u64_at(record, 24)),
        FORK => {
            let parent = u32_at(record, 12);
            if parent != pid {
                mappings.inherit(pid, parent, u64_at(record, 24));
            }
        }
        MMAP2 => {
            let name = record.get(72..).unwrap_or_default();
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            let path = String::from_utf8_lossy(&name[..end]).into_owned();
            let [start, len, offset] = [16, 24, 32].map(|at| u64_at(record, at));
            if is_mapped(&path) {
                mappings.add(pid, Mapping::new(start, len, offset, path));
            }
        }
        _ => {}
    }
}

fn bytes<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..at + N).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}

fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(bytes(record, at))
}

fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes(record, at))
}

fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes(record, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: u32, words: &[u32], name: &str) -> Vec<u8> {
        let mut record: Vec<u8> =
            [kind, 0].iter().chain(words).flat_map(|w| w.to_ne_bytes()).collect();
        record.extend(name.bytes().chain([0; 8]));
        record
    }

    #[test]
    fn notes_are_mappings() {
        let mut mappings = Mappings::default();
        let words = [7, 7, 0x1000, 0, 0x200, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        take(&note(MMAP2, &words, "/lib/a.so"), &mut mappings);
        take(&note(MMAP2, &words, "//anon"), &mut mappings);
        take(&note(MMAP2, &[&[8, 8, 0x2000], &words[3..]].concat(), "/lib/b.so"), &mut mappings);
        // Of another CPU, whose notes are read before those of its beginning.
        take(&note(EXIT, &[8, 7, 8, 7, 20, 0], ""), &mut mappings);
        take(&note(FORK, &[8, 7, 8, 7, 10, 0], ""), &mut mappings);
        let found = |mappings: &Mappings, pid, address| {
            let found = mappings.find(pid, address)?;
            Some((found.path.clone(), found.file_offset(address)))
        };
        for pid in [7, 8] {
            assert_eq!(found(&mappings, pid, 0x1010), Some(("/lib/a.so".to_owned(), 0x50)));
        }
        assert_eq!(found(&mappings, 7, 0x1200), None);
        assert_eq!(found(&mappings, 8, 0x2000), Some(("/lib/b.so".to_owned(), 0x40)));
        // Another process gets its id.
        take(&note(FORK, &[8, 9, 8, 9, 30, 0], ""), &mut mappings);
        assert_eq!(found(&mappings, 8, 0x2000), None);
    }
}
