//! `-L`: folders of D files that are read before the program.
//!
//! In: the folders that options name. Out: their `.d` files, each behind those that it
//! depends on by `#pragma D depends_on library`. A file whose provider or module isn't
//! there is left out, as its author wished; one whose library is missing is an error.

use crate::error::plain;
use crate::options::Options;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use strand_compiler::kernel::{Kernel, ProbePattern};
use strand_grammar::source::{SourceKind, Sources};
use strand_grammar::{Unit, UnitKind};

/// Why the libraries can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder or a file in it can't be read.
    #[error("the library {path} can't be read: {why}", why = plain(source))]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A library that isn't there.
    #[error("the library {of} depends on {name}, which isn't beside it")]
    Missing {
        /// Who depends on it.
        of: String,
        /// What is missing.
        name: String,
    },
    /// Libraries that depend on each other.
    #[error("libraries depend on each other: {0}")]
    Circle(String),
}

/// A file of a folder.
struct File {
    text: String,
    libraries: Vec<String>,
    wanted: bool,
}

/// Registers all libraries, in order.
pub fn read(
    options: &Options,
    kernel: &dyn Kernel,
    sources: &mut Sources,
) -> Result<Vec<Unit>, LibraryError> {
    let mut units = Vec::new();
    if options.on("nolibs") {
        return Ok(units);
    }
    for folder in options.library_folders() {
        let files = folder_files(folder, kernel)?;
        let mut order = Vec::new();
        for name in files.keys() {
            visit(name, &files, &mut Vec::new(), &mut order)?;
        }
        for name in order {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let source = sources.add(path, &*files[name].text, SourceKind::Library);
            units.push(Unit { source, kind: UnitKind::Library });
        }
    }
    Ok(units)
}

/// The D files of a folder, by name.
fn folder_files(folder: &str, kernel: &dyn Kernel) -> Result<BTreeMap<String, File>, LibraryError> {
    let failed = |path: PathBuf| move |source| LibraryError::Read { path, source };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder.into()))? {
        let path = entry.map_err(failed(folder.into()))?.path();
        let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
            continue;
        };
        if path.extension().is_some_and(|e| e == "d") && path.is_file() {
            let text = std::fs::read(&path).map_err(failed(path.clone()))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let dependencies = dependencies(&text);
            let named = |class: &str| {
                let of_class = dependencies.iter().filter(move |(c, _)| c == class);
                of_class.map(|(_, name)| name.clone()).collect::<Vec<String>>()
            };
            let provider = |name: &String| {
                let all = ProbePattern { provider: name.clone(), ..ProbePattern::default() };
                kernel.probes(&all).is_ok_and(|found| !found.is_empty())
            };
            let module =
                |name: &String| name == "vmlinux" || kernel.btf_modules().iter().any(|m| m == name);
            let wanted =
                named("provider").iter().all(provider) && named("module").iter().all(module);
            files.insert(name, File { libraries: named("library"), text, wanted });
        }
    }
    Ok(files)
}

/// What a file's `depends_on` lines name: class, name.
fn dependencies(text: &str) -> Vec<(String, String)> {
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words
        .filter_map(|words| match words.as_slice() {
            ["#pragma", "D", "depends_on", class, name, ..] => {
                Some(((*class).to_owned(), (*name).to_owned()))
            }
            _ => None,
        })
        .collect()
}

/// Puts a file behind what it depends on.
fn visit<'a>(
    name: &'a str,
    files: &'a BTreeMap<String, File>,
    path: &mut Vec<&'a str>,
    order: &mut Vec<&'a str>,
) -> Result<(), LibraryError> {
    let file = &files[name];
    if order.contains(&name) || !file.wanted {
        return Ok(());
    }
    if let Some(at) = path.iter().position(|n| *n == name) {
        path.push(name);
        return Err(LibraryError::Circle(path[at..].join(" needs ")));
    }
    path.push(name);
    for library in &file.libraries {
        let Some((library, _)) = files.get_key_value(library) else {
            let (of, name) = (name.to_owned(), library.clone());
            return Err(LibraryError::Missing { of, name });
        };
        visit(library, files, path, order)?;
    }
    path.pop();
    order.push(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(texts: &[(&str, &str)]) -> Result<String, String> {
        let files: BTreeMap<String, File> = texts
            .iter()
            .map(|(name, text)| {
                let libraries = dependencies(text).into_iter().map(|(_, name)| name).collect();
                let file = File { text: (*text).to_owned(), libraries, wanted: true };
                ((*name).to_owned(), file)
            })
            .collect();
        let mut order = Vec::new();
        for name in files.keys() {
            visit(name, &files, &mut Vec::new(), &mut order).map_err(|e| e.to_string())?;
        }
        Ok(order.join(" "))
    }

    #[test]
    fn libraries_come_behind_what_they_depend_on() {
        let on = |name: &str| format!("#pragma D depends_on library {name}\n");
        let (c, a) = (on("c.d"), on("a.d"));
        assert_eq!(order(&[("a.d", &c), ("b.d", ""), ("c.d", "")]), Ok("c.d a.d b.d".to_owned()));
        let circle = order(&[("a.d", &c), ("c.d", &a)]);
        assert_eq!(
            circle,
            Err("libraries depend on each other: a.d needs c.d needs a.d".to_owned())
        );
        let missing = order(&[("a.d", &c)]);
        assert_eq!(
            missing,
            Err("the library a.d depends on c.d, which isn't beside it".to_owned())
        );
    }
}
