//! The kernel's list of events, and what their fields are: tracefs.
//!
//! In: tracefs wherever it is mounted; where it isn't, a mount of our own that belongs to
//! no directory, which nobody else sees and which ends with the process. Out: the names of
//! events and their [`Format`]s, and files of debugfs, reached alike. Decides nothing about
//! probes.

use std::ffi::{CStr, CString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Why tracefs can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TracefsError {
    /// The user may not read it.
    #[error("tracefs can't be read without root")]
    Denied,
    /// The kernel has none.
    #[error("this kernel has no tracefs (CONFIG_TRACING)")]
    Missing,
    /// Anything else.
    #[error("tracefs can't be opened: {0}")]
    Other(String),
}

impl From<io::Error> for TracefsError {
    fn from(e: io::Error) -> Self {
        match e.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => TracefsError::Denied,
            Some(libc::ENODEV | libc::ENOENT) => TracefsError::Missing,
            _ => TracefsError::Other(e.to_string()),
        }
    }
}

/// The root directory of tracefs.
#[derive(Debug)]
pub struct Tracefs {
    root: OwnedFd,
}

/// Where distributions mount it.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

impl Tracefs {
    /// Opens it.
    pub fn open() -> Result<Tracefs, TracefsError> {
        for place in PLACES {
            let events = Path::new(place).join("events");
            // What counts is that the directory can be listed: a user may pass through
            // the mount point and still see nothing.
            if std::fs::read_dir(&events).is_ok() {
                let path = CString::new(Path::new(place).as_os_str().as_bytes())
                    .map_err(|_| TracefsError::Missing)?;
                return Ok(Tracefs { root: open_at(libc::AT_FDCWD, &path, libc::O_PATH)? });
            }
        }
        Ok(Tracefs { root: private_mount(c"tracefs")? })
    }

    /// The contents of a file.
    pub fn read(&self, path: &str) -> io::Result<String> {
        read_at(&self.root, path)
    }

    /// Names of the directories in a directory (`events`, `events/syscalls`).
    pub fn list(&self, path: &str) -> io::Result<Vec<String>> {
        // A detached mount is reached by path through the descriptor.
        let path = format!("/proc/self/fd/{}/{path}", self.root.as_raw_fd());
        std::fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    /// `(group, event)` of every event.
    pub fn events(&self) -> io::Result<Vec<(String, String)>> {
        Ok(self
            .read("available_events")?
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(group, event)| (group.to_owned(), event.to_owned()))
            .collect())
    }

    /// What an event's record holds.
    pub fn format(&self, group: &str, event: &str) -> io::Result<Format> {
        Ok(Format::parse(&self.read(&format!("events/{group}/{event}/format"))?))
    }

    /// Whether there is such an event.
    pub fn has_event(&self, group: &str, event: &str) -> bool {
        !group.contains('/') && !event.contains('/') && self.id(group, event).is_some()
    }

    /// An event's number.
    pub fn id(&self, group: &str, event: &str) -> Option<u32> {
        self.read(&format!("events/{group}/{event}/id")).ok()?.trim().parse().ok()
    }
}

/// An event's `format` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The event's own fields, without those that all events have.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Type as C writes it, array bounds included.
    pub ty: String,
    /// Name.
    pub name: String,
}

impl Format {
    /// Reads the text of a `format` file.
    pub fn parse(text: &str) -> Format {
        let fields = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("field:")?.split(';').next())
            .filter_map(Field::parse)
            .filter(|f| !f.name.starts_with("common_"))
            .collect();
        Format { fields }
    }
}

impl Field {
    /// Takes a C declaration apart: `const char * filename`, `char comm[16]`.
    fn parse(declaration: &str) -> Option<Field> {
        let declaration = declaration.trim();
        let (body, bounds) = match declaration.find('[') {
            // `__data_loc char[] name`: the bounds belong to the type already.
            Some(at) if declaration.ends_with(']') => declaration.split_at(at),
            _ => (declaration, ""),
        };
        let start = body.rfind(|c: char| !(c.is_alphanumeric() || c == '_'))? + 1;
        let (ty, name) = body.split_at(start);
        (!name.is_empty())
            .then(|| Field { ty: format!("{}{bounds}", ty.trim()), name: name.to_owned() })
    }
}

/// The contents of a file of debugfs, which few machines mount where all may see it.
pub fn read_debug(path: &str) -> io::Result<String> {
    match std::fs::read_to_string(Path::new("/sys/kernel/debug").join(path)) {
        Ok(text) => Ok(text),
        Err(_) => read_at(&private_mount(c"debugfs")?, path),
    }
}

/// Bytes that a read of such a file gives at most.
const PIECE: usize = 4096;

fn read_at(root: &OwnedFd, path: &str) -> io::Result<String> {
    let path = CString::new(path).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let fd = open_at(root.as_raw_fd(), &path, libc::O_RDONLY)?;
    // Most files are shorter than what the kernel gives at once. It makes their text anew for each
    // piece, and has no size to ask for, which `take` keeps from being asked for.
    let mut bytes = Vec::with_capacity(PIECE);
    std::fs::File::from(fd).take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn open_at(dir: libc::c_int, path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: the path is NUL-terminated, and `openat` writes to no memory of ours.
    let fd = unsafe { libc::openat(dir, path.as_ptr(), flags | libc::O_CLOEXEC) };
    owned(fd.into())
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Mounts a file system nowhere: only the descriptor leads to it, and it goes with it.
fn private_mount(kind: &CStr) -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: libc::c_ulong = 1;
    const FSMOUNT_CLOEXEC: libc::c_ulong = 1;
    const FSCONFIG_CMD_CREATE: libc::c_ulong = 6;
    // SAFETY: `fsopen` reads the NUL-terminated name.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?;
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: this command takes neither key nor value.
    let created = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            FSCONFIG_CMD_CREATE,
            null,
            null,
            0 as libc::c_ulong,
        )
    };
    if created < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: only numbers are passed.
    owned(unsafe {
        libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, 0 as libc::c_ulong)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAT: &str = "\
name: sys_enter_openat
ID: 782
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:umode_t mode;\toffset:40;\tsize:8;\tsigned:0;
\tfield:char comm[16];\toffset:48;\tsize:16;\tsigned:0;
\tfield:__data_loc char[] driver;\toffset:64;\tsize:4;\tsigned:0;
\tfield:const char *const * argv;\toffset:68;\tsize:8;\tsigned:0;

print fmt: \"dfd: 0x%08lx\", ((unsigned long)(REC->dfd))
";

    #[test]
    fn formats() {
        let fields: Vec<String> = Format::parse(OPENAT)
            .fields
            .into_iter()
            .map(|f| format!("{} | {}", f.ty, f.name))
            .collect();
        insta::assert_snapshot!(fields.join("\n"), @r"
        int | __syscall_nr
        int | dfd
        const char * | filename
        umode_t | mode
        char[16] | comm
        __data_loc char[] | driver
        const char *const * | argv
        ");
    }

    #[test]
    fn damaged_formats_have_no_fields() {
        for text in ["", "field:", "field:;", "field:int;", "\tfield:[16];\n"] {
            assert_eq!(Format::parse(text).fields, [], "{text}");
        }
    }
}
