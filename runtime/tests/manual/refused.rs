//! That what the manual says of each tag is so: a program beside a tag is refused with it.
//!
//! In: the tables of the page of errors, whose rows are a tag, its cause and an example. Out:
//! one test for each example, named `errors:TAG`. An example is a program, or a command that
//! begins with `strand `.

use super::Case;
use libtest_mimic::Trial;
use std::fs;
use std::path::Path;

/// One row of a table.
struct Row {
    line: usize,
    tag: String,
    example: String,
}

impl Row {
    /// The row of a line, if it is one and has an example.
    fn read(line: usize, text: &str) -> Option<Row> {
        // What stands for a bar within a cell ends none.
        let text = text.replace("\\|", "\u{0}");
        let cells: Vec<&str> = text.strip_prefix("| `D_")?.split('|').map(str::trim).collect();
        let tag = format!("D_{}", cells.first()?.trim_end_matches('`'));
        let example = cells.get(2)?.trim_matches('`').trim().replace('\u{0}', "|");
        // A line ends where the page shows an arrow.
        let example = example.replace('↵', "\n");
        (!example.is_empty()).then_some(Row { line, tag, example })
    }

    fn is_command(&self) -> bool {
        self.example.starts_with("strand ")
    }

    fn command(&self) -> String {
        match self.is_command() {
            true => self.example.clone(),
            false => format!("strand check -e '{}'", self.example.replace('\'', r"'\''")),
        }
    }

    fn is_live(&self) -> bool {
        self.is_command() && !self.example.starts_with("strand check")
    }
}

/// The tests; those that trace only if that is possible.
pub fn trials(page: &Path, folder: &Path, live: bool) -> Vec<Trial> {
    let text = fs::read_to_string(page).unwrap_or_default();
    let rows = text.lines().enumerate().filter_map(|(i, line)| Row::read(i + 1, line));
    rows.map(|row| {
        let skip = row.is_live() && !live;
        let name = format!("errors:{}", row.tag);
        let (page, folder) = (page.to_owned(), folder.to_owned());
        let test = move || {
            let output = Case::shell(&row.command(), &folder, &folder.with_file_name("bin"))?;
            let refused = output.status.is_some_and(|s| !s.success());
            if refused && output.stdout.contains(&format!("error[{}]", row.tag)) {
                return Ok(());
            }
            let place = format!("{}:{}", page.display(), row.line);
            let said = &output.stdout;
            Err(format!("{place}: not refused with {}:\n{}\n{said}", row.tag, row.example).into())
        };
        Trial::test(name, test).with_ignored_flag(skip)
    })
    .collect()
}
