//! The write-back demonstration, and what it prints: who dirtied what a worker writes.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// A started line: pid, real pid, page.
struct Start<'a>(u32, u32, &'a str);

#[test]
fn joins_every_page_to_who_dirtied_it() {
    // SAFETY: geteuid(2) can't fail and takes nothing.
    if std::env::var_os("STRAND_NO_LIVE").is_some() || unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: the demonstration needs root, and no STRAND_NO_LIVE");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(root.join("examples/demo"))
        .arg("2")
        .env("STRAND", env!("CARGO_BIN_EXE_strand"))
        .stdin(Stdio::null())
        .output()
        .expect("the demonstration starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaints}");
    assert_eq!(complaints, "");

    // Page -> the process that dirtied it last.
    let mut dirtied: HashMap<&str, u32> = HashMap::new();
    let mut starts = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["I/O", "initiated", "pid:", pid, "page:", page, when] => {
                assert!(page.starts_with("0xffff") && when.len() == 19, "{line}");
                dirtied.insert(page, pid.parse().expect("a pid"));
            }
            ["I/O", "started", "pid:", pid, "real", "pid:", real, "page:", page, when, ..] => {
                assert!(when.len() == 19, "{line}");
                let real: u32 = real.parse().expect("a pid");
                assert_eq!(dirtied.get(page), Some(&real), "{line}");
                starts.push(Start(pid.parse().expect("a pid"), real, page));
            }
            _ => {}
        }
    }
    // 32 MiB in folios of at most 2 MiB, and dozens of small files.
    assert!(starts.len() > 32, "{} folios", starts.len());
    let by_worker = starts.iter().filter(|Start(pid, real, _)| pid != real).count();
    assert!(by_worker * 10 > starts.len() * 9, "{by_worker} of {} by workers", starts.len());
    assert!(starts.iter().all(|Start(_, _, page)| page.starts_with("0xffff")));

    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
    let row = |name: &str| {
        let row = rows.iter().find(|r| r.len() == 4 && r[0] == name);
        let row = row.unwrap_or_else(|| panic!("no row for {name}:\n{text}"));
        (row[2].parse::<u64>().expect("a number"), row[3].parse::<u64>().expect("a number"))
    };
    assert_eq!(row("dd"), (8192, 8192));
    assert!(row("bash").1 > 0);

    let ratio = text.lines().find(|l| l.contains("pages written were joined")).expect("a ratio");
    let percent = ratio.rsplit('(').next().and_then(|p| p.split(' ').next());
    let percent: f64 = percent.and_then(|p| p.parse().ok()).expect("a percentage");
    assert!(percent >= 99.0, "{ratio}");
    assert_eq!(text.matches("value  ------------- Distribution").count(), 2, "{text}");
}
