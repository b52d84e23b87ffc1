//! `-C`: the C preprocessor, an external one, before D's lexer.
//!
//! In: a script's text. Out: its text with macros and includes expanded, and with line
//! marks, so that messages still name the script's lines.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the preprocessor is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preprocessor {
    /// `-D`, `-U`, `-I`, each with its text, in order.
    pub args: Vec<String>,
    /// Prints the names of included files on stderr (`-H`).
    pub show_includes: bool,
}

/// Why a script can't be preprocessed.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// There is none.
    #[error("the C preprocessor {path} can't be run; `-x cpppath` names another one")]
    Missing {
        /// The program.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It found errors, and has shown them.
    #[error("the C preprocessor fails on {0}")]
    Failed(PathBuf),
}

/// What D scripts may count on.
const DEFINED: [&str; 6] =
    ["-D__linux", "-D__unix", "-D__SVR4", "-D__Linux", "-D__SUNW_D=1", "-D__SUNW_D_64"];

impl Preprocessor {
    /// Preprocesses the text of a file by `program`.
    pub fn run(&self, program: &str, name: &str, text: &str) -> Result<String, PreprocessError> {
        let missing = |source| PreprocessError::Missing { path: program.to_owned(), source };
        let mut command = Command::new(program);
        command.args(["-x", "c"]).args(DEFINED);
        command.arg(if cfg!(target_arch = "x86_64") { "-D__amd64" } else { "-D__aarch64__" });
        if self.show_includes {
            command.arg("-H");
        }
        let folder = std::path::Path::new(name).parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        command.args(&self.args).arg("-iquote").arg(folder).arg("-");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(missing)?;
        let input = input(name, text);
        let mut stdin = child.stdin.take();
        // A thread writes, since it may print before it has read all.
        let writer = std::thread::spawn(move || match &mut stdin {
            Some(pipe) => pipe.write_all(input.as_bytes()),
            None => Ok(()),
        });
        let output = child.wait_with_output().map_err(missing)?;
        // If it didn't want to read, its status says so.
        let _ = writer.join();
        if !output.status.success() {
            return Err(PreprocessError::Failed(PathBuf::from(name)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The text under its name; the line that names an interpreter isn't C.
fn input(name: &str, text: &str) -> String {
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let body = match text.strip_prefix("#!") {
        Some(rest) => &rest[rest.find('\n').unwrap_or(rest.len())..],
        None => text,
    };
    format!("# 1 \"{quoted}\"\n{body}")
}

#[cfg(test)]
mod tests {
    use super::input;

    #[test]
    fn interpreter_lines_keep_their_place() {
        assert_eq!(input("a.d", "#!/usr/sbin/dtrace -s\nX\n"), "# 1 \"a.d\"\n\nX\n");
        assert_eq!(input("a\"b", "X"), "# 1 \"a\\\"b\"\nX");
        assert_eq!(input("a.d", "#!x"), "# 1 \"a.d\"\n");
    }
}
