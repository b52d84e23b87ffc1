//! Markers that programs have (USDT), as their `.note.stapsdt` sections describe them.
//!
//! In: a provider field. Out: markers as probes, `__` in their names being `-`:
//!
//! - `python123:libpython3.so:function:name`: in one process;
//! - `python*:::`: in all processes that run now; with `-Z` in all that run, now or later,
//!   one of the files that some process runs now, or the one that the description names;
//! - `usdt:/path:python:name`: in all processes that run the file, now or later.

use super::function::{no_module, refuse};
use super::stability::Promise;
use super::{PROVIDERS, Provider, pid, uprobe};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact, user_id};
use crate::user::Users;
use crate::user::marker::Marker;
use crate::user::process::{Mapped, Process};
use strand_compiler::kernel::{
    ArgType, Attach, MarkerArg, MarkerPlace, Probe, ProbeArg, ProbeError, ProbePattern, Site,
    UserPlace, glob_match,
};

/// The provider of all providers.
pub struct Usdt;

/// Its own name, for files.
const NAME: &str = "usdt";

/// A file with markers.
struct Inside<'a> {
    open: &'a str,
    /// The process, if it is about one.
    pid: Option<u32>,
}

impl Provider for Usdt {
    fn name(&self) -> &'static str {
        NAME
    }

    /// All that no other provider is called, if it is a process's or a glob that says more
    /// than that it matches all.
    fn claims(&self, field: &str) -> bool {
        let others = || PROVIDERS.iter().any(|p| p.name() != NAME && p.owns(field));
        let of_process = || pid::split(field).is_some_and(|(name, _)| !name.is_empty());
        let glob = || !is_exact(field) && field.contains(|c: char| c.is_ascii_alphanumeric());
        field == NAME || (of_process() || glob()) && !others()
    }

    fn owns(&self, _: &str) -> bool {
        true
    }

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
        let mut users = kernel.users();
        if pattern.provider == NAME {
            return of_file(&mut users, pattern);
        }
        if let Some((_, id)) = pid::split(&pattern.provider) {
            return of_process(&mut users, pattern, id);
        }
        let mut found = Vec::new();
        let later = kernel.wants_later_processes();
        for pid in Process::all() {
            // One that ends meanwhile, or that isn't ours to look at, has none.
            let Ok(process) = users.process(pid) else { continue };
            in_process(&mut users, &process, later, &mut found, pattern, |provider| {
                glob_match(&pattern.provider, &format!("{provider}{pid}"))
            });
        }
        if later {
            in_named_file(&mut users, pattern, &mut found);
        }
        Ok(found)
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        pid::describe(kernel, name)
    }
}

/// The markers of the file that a description names, whether or not a process runs it now.
fn in_named_file(users: &mut Users, pattern: &ProbePattern, found: &mut Vec<ProbeName>) {
    if !is_exact(&pattern.module) || pattern.module == "a.out" {
        return;
    }
    let whole = |path| std::fs::canonicalize(path).ok()?.into_os_string().into_string().ok();
    let Some(path) = uprobe::file(&pattern.module).and_then(whole) else { return };
    let file = Mapped { open: path.clone(), path, program: true, file: (0, 0) };
    in_file(users, &file, None, found, pattern, |provider| glob_match(&pattern.provider, provider));
}

/// `usdt:/path:provider:name`
fn of_file(users: &mut Users, pattern: &ProbePattern) -> Result<Vec<ProbeName>, ProbeError> {
    if !is_exact(&pattern.module) {
        let hint = "write usdt:/path/to/file:provider:name";
        return Err(no_module("`usdt` needs a file".to_owned(), Some(hint.to_owned())));
    }
    let open = uprobe::file(&pattern.module).ok_or_else(|| {
        let message = format!("there is no program or library {}", pattern.module);
        no_module(message, Some("a whole path says where it is".to_owned()))
    })?;
    let binary = users.binary(&open).map_err(|e| refuse("D_PDESC_ZERO", e.to_string(), None))?;
    let mut found = Vec::new();
    for marker in &binary.markers {
        if glob_match(&pattern.function, &marker.provider)
            && glob_match(&pattern.name, &marker.name)
        {
            let inside = Inside { open: &open, pid: None };
            let fields = [NAME, &open, &marker.provider, &marker.name];
            add(users, &inside, marker, fields, &mut found);
        }
    }
    if found.is_empty() {
        let markers = binary.markers.iter().map(|m| format!("{}:{}", m.provider, m.name));
        return Err(none(&format!("{open} has"), markers.collect()));
    }
    Ok(found)
}

/// `provider123:module:function:name`. A provider's name may end in a digit itself.
fn of_process(
    users: &mut Users,
    pattern: &ProbePattern,
    digits: &str,
) -> Result<Vec<ProbeName>, ProbeError> {
    let mut problem = None;
    let mut seen = None;
    let mut all = Vec::new();
    for at in 0..digits.len() {
        let id = &digits[at..];
        let name = &pattern.provider[..pattern.provider.len() - id.len()];
        if id.starts_with('0') && id.len() > 1 {
            continue;
        }
        let process = match pid::process(users, id) {
            Ok(process) => process,
            Err(e) => {
                problem.get_or_insert(e);
                continue;
            }
        };
        seen = seen.or(Some(id));
        let mut found = Vec::new();
        let wanted = |provider: &str| glob_match(name, provider);
        in_process(users, &process, false, &mut found, pattern, wanted);
        if !found.is_empty() {
            return Ok(found);
        }
        for file in &process.files {
            let Some(binary) = users.marked(&file.open, |_, _| true) else { continue };
            let markers = binary.markers.iter();
            all.extend(markers.map(|m| format!("{}{id}:::{}", m.provider, m.name)));
        }
    }
    match (problem, seen) {
        (Some(mut e), None) => {
            let id = digits.trim_start_matches('0');
            let name = pattern.provider.trim_end_matches(|c: char| c.is_ascii_digit());
            e.hint.get_or_insert_with(|| {
                format!("`{name}` with a number means markers of the process with that id, {id}")
            });
            Err(ProbeError { code: "D_PDESC_ZERO", ..e })
        }
        (_, seen) => Err(none(&format!("process {} has", seen.unwrap_or(digits)), all)),
    }
}

/// That no marker matches, and which there are.
fn none(who: &str, mut markers: Vec<String>) -> ProbeError {
    const SHOWN: usize = 6;
    markers.sort();
    markers.dedup();
    let more = if markers.len() > SHOWN { " …" } else { "" };
    markers.truncate(SHOWN);
    match markers.is_empty() {
        true => no_module(format!("{who} no markers"), None),
        false => {
            let hint = format!("there are {}{more}", markers.join(", "));
            no_module(format!("{who} no such marker"), Some(hint))
        }
    }
}

/// The markers of a process whose provider is wanted.
fn in_process(
    users: &mut Users,
    process: &Process,
    later: bool,
    found: &mut Vec<ProbeName>,
    pattern: &ProbePattern,
    wanted: impl Fn(&str) -> bool,
) {
    let files: Vec<_> = pid::files(process, &pattern.module).into_iter().cloned().collect();
    let pid = (!later).then_some(process.pid);
    for file in files {
        in_file(users, &file, pid, found, pattern, &wanted);
    }
}

/// Those of a file: of one process, or of all that run it.
fn in_file(
    users: &mut Users,
    file: &Mapped,
    pid: Option<u32>,
    found: &mut Vec<ProbeName>,
    pattern: &ProbePattern,
    wanted: impl Fn(&str) -> bool,
) {
    let named = |provider: &str, name: &str| wanted(provider) && glob_match(&pattern.name, name);
    let Some(binary) = users.marked(&file.open, named) else { return };
    for marker in &binary.markers {
        if !wanted(&marker.provider) || !glob_match(&pattern.name, &marker.name) {
            continue;
        }
        let function = binary.function_at(marker.address).map_or("", |f| f.name.as_str());
        if !glob_match(&pattern.function, function) {
            continue;
        }
        let provider = match pid {
            None => marker.provider.clone(),
            Some(pid) => format!("{}{pid}", marker.provider),
        };
        let inside = Inside { open: &file.open, pid };
        let fields = [&provider, file.base_name(), function, &marker.name];
        add(users, &inside, marker, fields, found);
    }
}

/// Adds a marker, or a place to one that is there already.
fn add(
    users: &mut Users,
    inside: &Inside<'_>,
    marker: &Marker,
    [provider, module, function, name]: [&str; 4],
    found: &mut Vec<ProbeName>,
) {
    let provider = users.provider(provider);
    let place = UserPlace {
        path: inside.open.to_owned(),
        offset: marker.offset,
        pid: inside.pid,
        semaphore: marker.semaphore,
    };
    let attach = Attach::Usdt { place, args: marker.args.clone() };
    let site = Site { attach, args: Vec::new(), when: None };
    let key = [provider, inside.open, function, name].map(str::to_owned);
    let number = users.add(key, |probe| {
        if probe.sites.is_empty() {
            probe.args = marker.args.iter().enumerate().map(|(i, arg)| typed(i, arg)).collect();
        }
        if !probe.sites.contains(&site) {
            probe.sites.push(site);
        }
    });
    found.push(ProbeName {
        id: user_id(number),
        provider,
        module: module.to_owned(),
        function: function.to_owned(),
        name: name.to_owned(),
        key: number as u64,
    });
}

/// An argument's type: an integer. What can't be read has none, but a description.
fn typed(n: usize, arg: &MarkerArg) -> ProbeArg {
    let text = match &arg.at {
        MarkerPlace::Elsewhere(text) => text.clone(),
        _ => format!("{}int{}_t", if arg.signed { "" } else { "u" }, 8 * u32::from(arg.size)),
    };
    ProbeArg { native: n as u8, ty: ArgType::D { text, userland: false }, translated: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_provider_field_is() {
        for (field, ours) in [
            ("python12", true),
            ("p*", true),
            ("php*", true),
            ("usdt", true),
            ("*12", true),
            ("", false),
            ("*", false),
            ("python", false),
            ("syscall", false),
            ("pid12", false),
        ] {
            assert_eq!(Usdt.claims(field), ours, "{field}");
        }
    }

    #[test]
    fn types_are_those_of_the_operands() {
        let arg = |size, signed| MarkerArg { size, signed, at: MarkerPlace::Constant(0) };
        let text = |arg: &MarkerArg| match typed(0, arg).ty {
            ArgType::D { text, .. } => text,
            other => format!("{other:?}"),
        };
        assert_eq!(text(&arg(4, true)), "int32_t");
        assert_eq!(text(&arg(8, false)), "uint64_t");
        let at = MarkerPlace::Elsewhere("8f@%xmm0".to_owned());
        assert_eq!(text(&MarkerArg { at, ..arg(8, false) }), "8f@%xmm0");
    }
}
