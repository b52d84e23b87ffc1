//! Whether tracing is possible at all: asked before anything is compiled or started, so that
//! what is missing is told in one sentence.
//!
//! In: this process and the running kernel. Out: nothing, or the error.

use crate::error::{Error, plain};
use crate::{feature, process};

/// The oldest kernel that we support.
const OLDEST: (u32, u32) = (5, 15);

/// Fails if nothing can be traced here.
pub fn check() -> Result<(), Error> {
    if !process::may_trace() {
        return Err(Error::Privileges);
    }
    let release = release();
    if version(&release).is_some_and(|v| v < OLDEST) {
        return Err(Error::TooOld { release });
    }
    feature::any().map_err(|e| Error::NoBpf { release, why: plain(&e) })
}

/// The kernel's release, such as `6.12.43-amd64`.
pub fn release() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map_or_else(|_| "of an unknown release".to_owned(), |r| r.trim().to_owned())
}

/// Major and minor number.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions() {
        assert_eq!(version("6.12.43-amd64"), Some((6, 12)));
        assert_eq!(version("5.10"), Some((5, 10)));
        assert_eq!(version("next"), None);
        assert!(version("5.4.0").is_some_and(|v| v < super::OLDEST));
    }
}
