//! Types of modules that aren't loaded, from the modules' files.
//!
//! In: a module's name, and what depmod(8) and the module's build left in `/lib/modules`.
//! Out: the bytes of its BTF. Those of a loaded module the kernel shows itself. Packed files
//! are unpacked by the programs that packed them; without these their types aren't known.

use object::{Object, ObjectSection};
use std::path::Path;
use std::process::{Command, Stdio};

/// The BTF of a module of the running kernel, on top of the kernel's own.
pub fn types(module: &str) -> Option<Vec<u8>> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let folder = Path::new("/lib/modules").join(release.trim_end());
    let list = std::fs::read_to_string(folder.join("modules.dep")).ok()?;
    section(&unpacked(&folder.join(find(&list, module)?))?)
}

/// The file of a module, among lines of `file: files that it needs`.
fn find<'a>(list: &'a str, module: &str) -> Option<&'a str> {
    list.lines().filter_map(|line| Some(line.split_once(':')?.0)).find(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        // The kernel writes `_` where the file's name may have `-`.
        name.split_once('.').is_some_and(|(stem, _)| {
            stem.len() == module.len()
                && stem.bytes().zip(module.bytes()).all(|(a, b)| a == b || (a == b'-' && b == b'_'))
        })
    })
}

fn unpacked(path: &Path) -> Option<Vec<u8>> {
    let tool = match path.extension()?.to_str()? {
        "xz" => "xz",
        "zst" => "zstd",
        "gz" => "gzip",
        _ => return std::fs::read(path).ok(),
    };
    let mut command = Command::new(tool);
    command.arg("-dc").arg(path).stdin(Stdio::null()).stderr(Stdio::null());
    let done = command.output().ok()?;
    done.status.success().then_some(done.stdout)
}

/// The types in an ELF file, if they count on those of the kernel that it was built with.
fn section(file: &[u8]) -> Option<Vec<u8>> {
    let elf = object::File::parse(file).ok()?;
    // A module built apart from its kernel brings the types that it counts on.
    if elf.section_by_name(".BTF.base").is_some() {
        return None;
    }
    Some(elf.section_by_name(".BTF")?.data().ok()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn modules_have_files() {
        let list = "\
kernel/net/can/can.ko.xz:
kernel/net/can/can-raw.ko.xz: kernel/net/can/can.ko.xz
extra/can_raw2.ko: kernel/net/can/can-raw.ko.xz
";
        assert_eq!(find(list, "can"), Some("kernel/net/can/can.ko.xz"));
        assert_eq!(find(list, "can_raw"), Some("kernel/net/can/can-raw.ko.xz"));
        assert_eq!(find(list, "can_raw2"), Some("extra/can_raw2.ko"));
        assert_eq!(find(list, "ca"), None);
    }
}
