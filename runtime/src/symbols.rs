//! The kernel's symbol table: `/proc/kallsyms`.
//!
//! In: its text. Out: addresses by name. Read once, when a symbol is first asked for.

/// The table. Scripts name a few of its hundred thousand symbols, so it stays text: a look
/// through it takes less time than any index takes to make.
#[derive(Debug, Default)]
pub struct Symbols {
    text: String,
    hidden: bool,
    data: bool,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line<'a> {
    address: u64,
    kind: &'a str,
    name: &'a str,
    /// `None`: the kernel proper.
    module: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// `address type name [module]`
    fn parse(line: &'a str) -> Option<Line<'a>> {
        let mut words = line.split_ascii_whitespace();
        Some(Line {
            address: u64::from_str_radix(words.next()?, 16).ok()?,
            kind: words.next()?,
            name: words.next()?,
            module: words.next().map(|m| m.trim_matches(['[', ']'])),
        })
    }
}

impl Symbols {
    /// Reads the running kernel's.
    pub fn read() -> std::io::Result<Symbols> {
        Ok(Symbols::parse(std::fs::read_to_string("/proc/kallsyms")?))
    }

    /// Takes the text of `/proc/kallsyms`.
    pub fn parse(text: String) -> Symbols {
        let symbols = Symbols { text, ..Symbols::default() };
        // Addresses are hidden all at once, and the first ones are never 0 otherwise.
        let hidden = symbols.lines().take(16).all(|l| l.address == 0);
        // The first task is a variable of every kernel, and not one of the few marks of
        // the linker that are listed without CONFIG_KALLSYMS_ALL too.
        let data = symbols.named("init_task").next().is_some();
        Symbols { hidden, data, ..symbols }
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().filter_map(Line::parse)
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Line<'a>> {
        self.text.match_indices(name).filter_map(move |(at, _)| {
            let start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
            let end = self.text[at..].find('\n').map_or(self.text.len(), |n| at + n);
            Line::parse(&self.text[start..end]).filter(|l| l.name == name)
        })
    }

    /// Whether this user gets to see no addresses.
    pub fn hidden(&self) -> bool {
        self.hidden
    }

    /// Whether variables are listed, not only functions.
    pub fn has_data(&self) -> bool {
        self.data
    }

    /// The address of a symbol; `module`: `None` for any, `vmlinux` for the kernel proper.
    pub fn find(&self, module: Option<&str>, name: &str) -> Option<u64> {
        self.named(name)
            .find(|l| module.is_none_or(|wanted| wanted == l.module.unwrap_or("vmlinux")))
            .map(|l| l.address)
    }

    /// Functions with their addresses and modules, in order of address.
    pub fn sorted(&self) -> Vec<(u64, Option<&str>, &str)> {
        let is_code = |l: &Line<'_>| matches!(l.kind, "t" | "T" | "w" | "W") && l.address != 0;
        let mut all: Vec<_> =
            self.lines().filter(is_code).map(|l| (l.address, l.module, l.name)).collect();
        all.sort_by_key(|(address, ..)| *address);
        all
    }

    /// Functions (symbols in text sections) with their modules, in order.
    pub fn functions(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        self.lines().filter(|l| matches!(l.kind, "t" | "T" | "w" | "W")).map(|l| (l.module, l.name))
    }
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    const TEXT: &str = "\
ffffffff81000000 T _text
ffffffff81000010 t read_it
ffffffff82000000 D init_task
ffffffffc0000000 t read_it\t[ext4]
";

    #[test]
    fn finds_by_module() {
        let s = Symbols::parse(TEXT.to_owned());
        assert!(s.has_data() && !s.hidden());
        assert_eq!(s.find(None, "read_it"), Some(0xffff_ffff_8100_0010));
        assert_eq!(s.find(Some("ext4"), "read_it"), Some(0xffff_ffff_c000_0000));
        assert_eq!(s.find(Some("vmlinux"), "init_task"), Some(0xffff_ffff_8200_0000));
        assert_eq!(s.find(Some("ext4"), "init_task"), None);
        assert_eq!(
            s.functions().collect::<Vec<_>>(),
            [(None, "_text"), (None, "read_it"), (Some("ext4"), "read_it")]
        );
    }

    #[test]
    fn zero_addresses_are_hidden() {
        assert!(Symbols::parse("0000000000000000 T _text\n".to_owned()).hidden());
    }
}
