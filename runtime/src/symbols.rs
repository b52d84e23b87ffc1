//! The kernel's symbol table: `/proc/kallsyms`.
//!
//! In: its text. Out: addresses by name. Read once, when a symbol is first asked for.

use rustc_hash::FxHashMap;
use strand_compiler::kernel::SymbolClass;

/// The table. Scripts name a few of its hundred thousand symbols, so it stays text: a look
/// through it takes less time than any index takes to make.
#[derive(Debug, Default)]
pub struct Symbols {
    text: String,
    hidden: bool,
    data: bool,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Where in the table it stands: no other has that.
    pub offset: usize,
    /// `None`: the kernel proper.
    pub module: Option<&'a str>,
    /// Name.
    pub name: &'a str,
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

    /// Whether it is in a text section. Weak functions that weren't overridden are too.
    fn is_code(&self) -> bool {
        matches!(self.kind, "t" | "T" | "w" | "W")
    }
}

/// Whether an address is in the kernel's half of memory.
fn in_kernel(address: u64) -> bool {
    address >> 63 == 1
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

    /// Whether a module is loaded.
    pub fn has_module(&self, module: &str) -> bool {
        module == "vmlinux" || self.text.contains(&format!("\t[{module}]"))
    }

    /// The address of a symbol and what it names; `module`: `None` for any, `vmlinux` for the
    /// kernel proper.
    pub fn find(&self, module: Option<&str>, name: &str) -> Option<(u64, SymbolClass)> {
        let found = self
            .named(name)
            .find(|l| module.is_none_or(|wanted| wanted == l.module.unwrap_or("vmlinux")))?;
        let class = match found.is_code() {
            true => SymbolClass::Function,
            false if self.is_per_cpu(found.address) => SymbolClass::PerCpu,
            false => SymbolClass::Variable,
        };
        Some((found.address, class))
    }

    /// Whether data there is each CPU's own: between the marks that the linker puts around
    /// it, or, where it is laid out from address 0, not in the kernel's half.
    fn is_per_cpu(&self, address: u64) -> bool {
        let mark = |name| self.named(name).find(|l| l.module.is_none()).map(|l| l.address);
        !in_kernel(address)
            || mark("__per_cpu_start")
                .zip(mark("__per_cpu_end"))
                .is_some_and(|(start, end)| (start..end).contains(&address))
    }

    /// All that has a place of its own in the kernel's memory, with its address and module,
    /// in order of address. Of several names of one place, the first: the kernel lists the
    /// better ones before the others.
    pub fn sorted(&self) -> Vec<(u64, Option<&str>, &str)> {
        let placed = |l: &Line<'_>| in_kernel(l.address);
        let mut all: Vec<_> =
            self.lines().filter(placed).map(|l| (l.address, l.module, l.name)).collect();
        all.sort_by_key(|(address, ..)| *address);
        all.dedup_by_key(|(address, ..)| *address);
        all
    }

    /// Where functions are, by module (`None`: the kernel proper) and name. Static functions
    /// may share one name: all of their places, in the order of the table.
    pub fn addresses(&self, wanted: &[(Option<&str>, &str)]) -> Vec<Vec<u64>> {
        let numbers: FxHashMap<_, _> =
            wanted.iter().enumerate().map(|(number, function)| (*function, number)).collect();
        let mut found = vec![Vec::new(); wanted.len()];
        for line in self.lines().filter(Line::is_code) {
            if let Some(number) = numbers.get(&(line.module, line.name)) {
                found[*number].push(line.address);
            }
        }
        found
    }

    /// Functions whose name begins with this one, in order.
    pub fn functions_like<'a>(&'a self, start: &'a str) -> impl Iterator<Item = Function<'a>> {
        let mut next = 0;
        self.text.match_indices(start).filter_map(move |(at, _)| {
            // Names stand behind a type and a blank, and one line has one.
            if at < next || !self.text[..at].ends_with(' ') {
                return None;
            }
            let begin = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
            let end = self.text[at..].find('\n').map_or(self.text.len(), |n| at + n);
            next = end;
            let line = Line::parse(&self.text[begin..end]).filter(Line::is_code)?;
            line.name.starts_with(start).then_some(Function {
                offset: begin,
                module: line.module,
                name: line.name,
            })
        })
    }

    /// Functions of this name, in order.
    pub fn functions_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Function<'a>> {
        self.functions_like(name).filter(move |f| f.name == name)
    }

    /// Functions (symbols in text sections), in order.
    pub fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        let mut end = 0;
        self.text.lines().filter_map(move |text| {
            let offset = end;
            end += text.len() + 1;
            let line = Line::parse(text).filter(Line::is_code)?;
            Some(Function { offset, module: line.module, name: line.name })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{SymbolClass, Symbols};

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
        let function = |address| Some((address, SymbolClass::Function));
        assert_eq!(s.find(None, "read_it"), function(0xffff_ffff_8100_0010));
        assert_eq!(s.find(Some("ext4"), "read_it"), function(0xffff_ffff_c000_0000));
        let task = Some((0xffff_ffff_8200_0000, SymbolClass::Variable));
        assert_eq!(s.find(Some("vmlinux"), "init_task"), task);
        assert_eq!(s.find(Some("ext4"), "init_task"), None);
        let ours = [(None, "read_it"), (Some("xfs"), "read_it"), (Some("ext4"), "read_it")];
        let addresses = [vec![0xffff_ffff_8100_0010], vec![], vec![0xffff_ffff_c000_0000]];
        assert_eq!(s.addresses(&ours), addresses);
        assert!(s.has_module("ext4") && s.has_module("vmlinux") && !s.has_module("ext"));
        assert_eq!(
            s.functions().map(|f| (f.module, f.name)).collect::<Vec<_>>(),
            [(None, "_text"), (None, "read_it"), (Some("ext4"), "read_it")]
        );
    }

    #[test]
    fn functions_are_known_by_their_place() {
        let text = "\
ffffffff81000000 T read_it
ffffffff81000010 t read_it.isra.0
ffffffff81000020 t read_it.part.0.read_it.cold
ffffffff81000030 t do_read_it
ffffffff81000040 d read_it
ffffffffc0000000 t read_it\t[ext4]
";
        let s = Symbols::parse(text.to_owned());
        let like: Vec<_> = s.functions_like("read_it").collect();
        let names = ["read_it", "read_it.isra.0", "read_it.part.0.read_it.cold", "read_it"];
        assert_eq!(like.iter().map(|f| f.name).collect::<Vec<_>>(), names);
        let all: Vec<_> = s.functions().filter(|f| f.name.starts_with("read_it")).collect();
        assert_eq!(like, all);
        let named: Vec<_> = s.functions_named("read_it").map(|f| f.module).collect();
        assert_eq!(named, [None, Some("ext4")]);
    }

    #[test]
    fn variables_of_each_cpu() {
        let class = |text: &str, name| {
            Symbols::parse(text.to_owned()).find(None, name).map(|(_, class)| class)
        };
        let from_zero = "\
0000000000000000 A __per_cpu_start
0000000000000000 A irq_stack
0000000000033000 A runqueues
000000000003c000 A __per_cpu_end
ffffffff81000000 T _text
ffffffff82000000 D init_task
";
        assert_eq!(class(from_zero, "irq_stack"), Some(SymbolClass::PerCpu));
        assert_eq!(class(from_zero, "runqueues"), Some(SymbolClass::PerCpu));
        assert_eq!(class(from_zero, "init_task"), Some(SymbolClass::Variable));
        let in_place = "\
ffff800081000000 T _text
ffff800082000000 D init_task
ffff800082500000 D __per_cpu_start
ffff800082501000 D runqueues
ffff800082510000 D __per_cpu_end
";
        assert_eq!(class(in_place, "runqueues"), Some(SymbolClass::PerCpu));
        assert_eq!(class(in_place, "init_task"), Some(SymbolClass::Variable));
    }

    #[test]
    fn each_place_has_one_name() {
        let text = "\
0000000000033000 A runqueues
ffffffff81000000 T first
ffffffff81000000 T second
ffffffff82000000 D init_task
";
        let symbols = Symbols::parse(text.to_owned());
        let names: Vec<_> = symbols.sorted().into_iter().map(|(.., name)| name).collect();
        assert_eq!(names, ["first", "init_task"]);
    }

    #[test]
    fn zero_addresses_are_hidden() {
        assert!(Symbols::parse("0000000000000000 T _text\n".to_owned()).hidden());
    }
}
