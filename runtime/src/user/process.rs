//! What a process has in its memory: its program and its libraries.
//!
//! In: a process id. Out: the files that it executes, as it sees them and as we can open
//! them, which differ where it lives in another mount namespace or its files were replaced.

use std::os::unix::fs::MetadataExt;

/// Why a process's probes can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessProblem {
    /// There is none.
    #[error("there is no process {0}")]
    Missing(u32),
    /// It can't be looked at.
    #[error("the memory of process {pid} can't be looked at: {why}")]
    Hidden {
        /// The process.
        pid: u32,
        /// Why.
        why: String,
    },
    /// It runs no program.
    #[error("process {0} runs no program: it has ended, or is a thread of the kernel")]
    Empty(u32),
    /// It is the tracer.
    #[error("process {0} is the tracer itself")]
    Ourselves(u32),
}

/// A file that a process executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// As the process sees it.
    pub path: String,
    /// As we can open it.
    pub open: String,
    /// It is the program, not a library.
    pub program: bool,
    /// Device and number, which it is known by.
    pub file: (u64, u64),
}

impl Mapped {
    /// Without its folder.
    pub fn base_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is meant by the module of a description that isn't a glob: `a.out` is the
    /// program, a library may be named without what comes behind a dot, and a path must be
    /// whole.
    pub fn is_named(&self, module: &str) -> bool {
        if module.contains('/') {
            return self.path == module;
        }
        if module == "a.out" {
            return self.program;
        }
        let base = self.base_name();
        match base.strip_prefix(module) {
            Some(rest) => rest.is_empty() || rest.starts_with(['.', '-']),
            None => false,
        }
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The program first.
    pub files: Vec<Mapped>,
}

/// A line of /proc/PID/maps.
struct Line<'a> {
    range: &'a str,
    executable: bool,
    inode: u64,
    path: &'a str,
}

fn parse(line: &str) -> Option<Line<'_>> {
    let mut words = line.splitn(6, ' ');
    let range = words.next()?;
    let executable = words.next()?.as_bytes().get(2) == Some(&b'x');
    let (_offset, _device) = (words.next()?, words.next()?);
    let inode = words.next()?.parse().ok()?;
    let path = words.next()?.trim_start();
    path.starts_with('/').then_some(Line { range, executable, inode, path })
}

impl Process {
    /// Looks at a process.
    pub fn read(pid: u32) -> Result<Process, ProcessProblem> {
        if pid == std::process::id() {
            return Err(ProcessProblem::Ourselves(pid));
        }
        let text = std::fs::read_to_string(format!("/proc/{pid}/maps")).map_err(|e| {
            match e.raw_os_error() {
                Some(libc::ENOENT | libc::ESRCH) => ProcessProblem::Missing(pid),
                _ => ProcessProblem::Hidden { pid, why: crate::error::plain(&e) },
            }
        })?;
        let program = std::fs::metadata(format!("/proc/{pid}/exe")).ok().map(|m| identity(&m));
        let mut files: Vec<Mapped> = Vec::new();
        for line in text.lines().filter_map(parse).filter(|l| l.executable) {
            if files.iter().any(|f| f.path == line.path && f.file.1 == line.inode) {
                continue;
            }
            let Some((open, file)) = way_to(pid, &line) else { continue };
            let path = line.path.strip_suffix(" (deleted)").unwrap_or(line.path).to_owned();
            files.push(Mapped { path, open, program: Some(file) == program, file });
        }
        if files.is_empty() {
            return Err(ProcessProblem::Empty(pid));
        }
        files.sort_by_key(|f| !f.program);
        Ok(Process { pid, files })
    }

    /// The ids of all processes.
    pub fn all() -> Vec<u32> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        let mut ids: Vec<u32> = ids.filter(|pid| *pid != std::process::id()).collect();
        ids.sort_unstable();
        ids
    }

    /// The names of its files, for messages.
    pub fn modules(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(Mapped::base_name).collect();
        names.join(", ")
    }
}

fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// How we can open what is mapped: under its own name, in the process's mounts, or, where it
/// has been replaced, through the mapping itself.
fn way_to(pid: u32, line: &Line<'_>) -> Option<(String, (u64, u64))> {
    let ways = [
        line.path.to_owned(),
        format!("/proc/{pid}/root{}", line.path),
        format!("/proc/{pid}/map_files/{}", line.range),
    ];
    // The first two may be other files by now.
    let mapped = std::fs::metadata(&ways[2]).ok().map(|m| identity(&m));
    let same = |way: &String| {
        let found = std::fs::metadata(way).ok().map(|m| identity(&m))?;
        let is = mapped.map_or(found.1 == line.inode, |mapped| mapped == found);
        is.then(|| (way.clone(), found))
    };
    ways.iter().find_map(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries() {
        let mapped = |path: &str, program| Mapped {
            path: path.to_owned(),
            open: path.to_owned(),
            program,
            file: (0, 0),
        };
        let libc = mapped("/usr/lib/libc.so.6", false);
        for (name, is) in [
            ("libc", true),
            ("libc.so", true),
            ("libc.so.6", true),
            ("/usr/lib/libc.so.6", true),
            ("/lib/libc.so.6", false),
            ("lib", false),
            ("libcap", false),
            ("a.out", false),
        ] {
            assert_eq!(libc.is_named(name), is, "{name}");
        }
        assert!(mapped("/bin/date", true).is_named("a.out"));
        assert!(mapped("/bin/ld-2.31.so", true).is_named("ld"));
    }

    #[test]
    fn a_process_has_its_program_first() {
        let targets = crate::process::Targets::new(Some("sleep 60"), &[]);
        let Ok(targets) = targets else { panic!("sleep can't be started: {targets:?}") };
        let process = Process::read(targets.id() as u32);
        let Ok(process) = process else { panic!("{process:?}") };
        assert!(process.files[0].program, "{process:?}");
        assert_eq!(process.files[0].open, process.files[0].path);
    }

    #[test]
    fn processes_that_can_not_be_traced() {
        let problem = |pid| Process::read(pid).map(|_| ()).unwrap_err();
        assert_eq!(problem(std::process::id()), ProcessProblem::Ourselves(std::process::id()));
        assert_eq!(problem(u32::MAX / 2), ProcessProblem::Missing(u32::MAX / 2));
    }
}
