//! Where output goes: standard output, the file of `-o`, or what `freopen()` asks for.
//!
//! In: text, and requests to go elsewhere. Out: the same text there. What a command of
//! `system()` puts out goes to the same place, so what came before is written out first.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Stdout, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use strand_compiler::bytes::of_text;

/// Where output goes.
pub struct Output<'a> {
    first: First<'a>,
    /// Since `freopen()`.
    file: Option<(PathBuf, BufWriter<File>)>,
}

/// Where it goes unless `freopen()` says otherwise.
enum First<'a> {
    Stdout(BufWriter<Stdout>),
    File(BufWriter<File>),
    Other(Box<dyn Write + 'a>),
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({:?})", self.file.as_ref().map(|(path, _)| path))
    }
}

impl<'a> Output<'a> {
    /// Standard output.
    pub fn stdout() -> Self {
        Output { first: First::Stdout(BufWriter::new(io::stdout())), file: None }
    }

    /// The end of a file.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Output { first: First::File(BufWriter::new(append(path)?)), file: None })
    }

    /// Whatever takes bytes.
    pub fn to(writer: Box<dyn Write + 'a>) -> Self {
        Output { first: First::Other(writer), file: None }
    }

    /// Goes to the end of this file from here.
    pub fn reopen(&mut self, path: &Path) -> io::Result<()> {
        let file = append(path)?;
        self.flush()?;
        self.file = Some((path.to_owned(), BufWriter::new(file)));
        Ok(())
    }

    /// Goes to where it went at first.
    pub fn restore(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file = None;
        Ok(())
    }

    /// The file that `freopen()` opened, if output goes there.
    pub fn reopened(&mut self) -> Option<(&Path, &mut BufWriter<File>)> {
        self.file.as_mut().map(|(path, file)| (path.as_path(), file))
    }

    /// Writes text; the bytes that it stands for where it does.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.write_all(&of_text(text))
    }

    /// Cuts off what was written to a file so far. Elsewhere it can't be.
    pub fn truncate(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Some(mut file) = self.handle()?
            && file.metadata()?.is_file()
        {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }

    /// For a command whose output goes to the same place.
    pub fn for_command(&self) -> io::Result<Stdio> {
        Ok(match &self.file {
            Some((_, file)) => file.get_ref().try_clone()?.into(),
            None => Stdio::inherit(),
        })
    }

    /// The file behind it, if there is one.
    fn handle(&self) -> io::Result<Option<File>> {
        Ok(match (&self.file, &self.first) {
            (Some((_, file)), _) | (None, First::File(file)) => Some(file.get_ref().try_clone()?),
            (None, First::Stdout(_)) => {
                Some(File::from(io::stdout().as_fd().try_clone_to_owned()?))
            }
            (None, First::Other(_)) => None,
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match (&mut self.file, &mut self.first) {
            (Some((_, file)), _) | (None, First::File(file)) => file,
            (None, First::Stdout(stdout)) => stdout,
            (None, First::Other(other)) => other,
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}
