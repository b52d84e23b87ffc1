//! That the manual leaves nothing out.
//!
//! In: the compiler's and the runtime's own tables, and the tags of diagnostics in their
//! sources. Out: tests that each name stands in the manual as code: in backquotes, or in a
//! block.

use libtest_mimic::Trial;
use regex::Regex;
use rustc_hash::FxHashSet;
use std::fs;
use std::path::Path;
use strand::options::OPTIONS;
use strand::provider::PROVIDERS;
use strand_compiler::builtins;

pub fn trials(docs: &Path) -> Vec<Trial> {
    let words = words(docs);
    let test = |what: &'static str, names: Vec<String>| {
        let missing: Vec<String> = names.into_iter().filter(|n| !words.contains(n)).collect();
        Trial::test(format!("all {what} are in the manual"), move || match missing.as_slice() {
            [] => Ok(()),
            missing => Err(format!("not in docs/: {}", missing.join(", ")).into()),
        })
    };
    let own = |names: Vec<&str>| -> Vec<String> {
        // What begins with `_` is for the library.
        names.into_iter().filter(|n| !n.starts_with('_')).map(str::to_owned).collect()
    };
    vec![
        test("variables", own(builtins::variables().map(|v| v.name).collect())),
        test("subroutines", own(builtins::subroutines().map(|s| s.name).collect())),
        test("actions", own(builtins::ACTIONS.to_vec())),
        test("aggregating functions", own(builtins::AGGREGATING.to_vec())),
        test("options", own(OPTIONS.iter().map(|o| o.name).collect())),
        test("providers", own(PROVIDERS.iter().map(|p| p.name()).collect())),
        test("names of the library", library()),
        test("tags", tags()),
    ]
}

/// All words that stand in code.
fn words(docs: &Path) -> FxHashSet<String> {
    let code = Regex::new("(?s)```.*?\n```|`[^`\n]+`").expect("a good pattern");
    let word = Regex::new(r"[A-Za-z_][A-Za-z_0-9]*").expect("a good pattern");
    let mut words = FxHashSet::default();
    for page in super::pages(docs) {
        let text = fs::read_to_string(page).unwrap_or_default();
        for code in code.find_iter(&text) {
            words.extend(word.find_iter(code.as_str()).map(|w| w.as_str().to_owned()));
        }
    }
    words
}

/// What the library defines, and the members of what it translates.
fn library() -> Vec<String> {
    let inline =
        Regex::new(r"(?m)^inline [^=\[]*?\b([A-Za-z]\w*)(?:\[| =)").expect("a good pattern");
    let translator = Regex::new(r"(?ms)^translator \w+ <.*?^\};").expect("a good pattern");
    let member = Regex::new(r"(?m)^\t(\w+) =").expect("a good pattern");
    let stdlib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut names = Vec::new();
    for entry in fs::read_dir(stdlib).expect("the library").flatten() {
        // Another architecture's registers are not for this manual.
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("regs.") && !name.contains(std::env::consts::ARCH) {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        names.extend(inline.captures_iter(&text).map(|c| c[1].to_owned()));
        for body in translator.find_iter(&text) {
            names.extend(member.captures_iter(body.as_str()).map(|c| c[1].to_owned()));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The tags of all diagnostics.
fn tags() -> Vec<String> {
    let tag = Regex::new(r#""(D_[A-Z0-9_]+)""#).expect("a good pattern");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["grammar/src", "compiler/src", "runtime/src"] {
        for text in sources(&root.join(folder)) {
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            // What is only the beginning of tags is none.
            let text = text.replace("starts_with(\"D_", "");
            found.extend(tag.captures_iter(&text).map(|c| c[1].to_owned()));
        }
    }
    assert!(found.len() > 100, "the sources under {} are not found", root.display());
    found.sort();
    found.dedup();
    found
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(fs::read_to_string(path).unwrap_or_default());
        }
    }
    found
}
