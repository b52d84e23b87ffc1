//! `uprobe`: functions of a program or library, in whatever process runs it, now or later.
//!
//! In: a file as module (`uprobe:/usr/bin/bash:readline:return`), or what it is called:
//! programs are looked for in `$PATH`, libraries where the system keeps them. Out: places in
//! the file.

use super::function::{Inside, no_module, refuse};
use super::stability::Promise;
use super::{Provider, pid};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact};
use crate::user::process::Mapped;
use std::io::Read;
use strand_compiler::kernel::{Probe, ProbeError, ProbePattern};

/// The provider.
pub struct Uprobe;

/// Where libraries are.
const LIBRARIES: [&str; 7] = [
    "/lib64",
    "/usr/lib64",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
];

/// The file that a module field names.
pub(super) fn file(module: &str) -> Option<String> {
    if module.contains('/') {
        return Some(module.to_owned());
    }
    let paths = std::env::var("PATH").unwrap_or_default();
    let folders = paths.split(':').chain(LIBRARIES);
    let in_folder = |folder: &str| {
        let whole = format!("{folder}/{module}");
        std::fs::metadata(&whole).is_ok_and(|m| m.is_file()).then_some(whole)
    };
    if let Some(found) = folders.filter(|f| !f.is_empty()).find_map(in_folder) {
        return Some(found);
    }
    LIBRARIES.into_iter().find_map(|folder| {
        let entries = std::fs::read_dir(folder).ok()?;
        let paths = entries.filter_map(|e| e.ok()?.path().into_os_string().into_string().ok());
        let mut paths: Vec<String> = paths
            .filter(|path| {
                let (path, open) = (path.clone(), String::new());
                let mapped = Mapped { path, open, program: false, file: (0, 0) };
                // A library's versions (`libc.so.6`), not what lies beside it (`libc.a`).
                mapped.base_name().contains(".so") && mapped.is_named(module)
            })
            .collect();
        paths.sort();
        // What a linker is given under such a name may be text.
        paths.into_iter().find(|path| is_elf(path))
    })
}

fn is_elf(path: &str) -> bool {
    let mut magic = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"\x7fELF"
}

impl Provider for Uprobe {
    fn name(&self) -> &'static str {
        "uprobe"
    }

    /// A file has several names.
    fn matches(&self, _: &ProbeName, _: &ProbePattern) -> bool {
        true
    }

    fn promise(&self) -> Promise {
        Promise::USER
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        if pattern.provider != self.name() {
            return Ok(Vec::new());
        }
        if !is_exact(&pattern.module) {
            let hint = "write uprobe:/path/to/file:function:entry";
            return Err(no_module("`uprobe` needs a file".to_owned(), Some(hint.to_owned())));
        }
        let open = file(&pattern.module).ok_or_else(|| {
            let message = format!("there is no program or library {}", pattern.module);
            no_module(message, Some("a whole path says where it is".to_owned()))
        })?;
        let mut users = kernel.users();
        let binary =
            users.binary(&open).map_err(|e| refuse("D_PDESC_ZERO", e.to_string(), None))?;
        let inside = Inside {
            binary: &binary,
            open: &open,
            module: &open,
            named: true,
            provider: self.name(),
            pid: None,
        };
        let mut found = Vec::new();
        inside.find(&mut users, pattern, &mut found)?;
        Ok(found)
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        pid::describe(kernel, name)
    }
}
