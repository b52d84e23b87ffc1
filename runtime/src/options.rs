//! Options: every name that `-x`, `#pragma D option`, `setopt()` and the environment know.
//!
//! In: a name with the text of its value. Out: typed values in [`Options`], with DTrace's
//! defaults. One table says of each option what it takes, when it may be set and whether it
//! does anything here.

use rustc_hash::FxHashMap;
use strand_compiler::options::Options as CompilerOptions;
use strand_grammar::stability::Attributes;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A number; bytes or nanoseconds if the option takes those.
    Number(u64),
    /// Text as given.
    Text(String),
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or `yes`/`no` and the like.
    Switch,
    /// A switch that turns another one off.
    Opposite(&'static str),
    /// A whole number of at most this.
    Number(u64),
    /// Bytes, with `k`, `m`, `g`, `t`.
    Size,
    /// The same, of at least this.
    SizeFrom(u64),
    /// The same, of at most this.
    SizeTo(u64),
    /// A number of registers: at least one, at most this.
    Registers(u64),
    /// A version of D.
    Version,
    /// Stability attributes.
    Attributes,
    /// A period or a rate.
    Rate,
    /// Text that decides how the program is read: not for the program itself to say.
    Outside(&'static [&'static str]),
    /// Text; one of these words, if there are any.
    Text(&'static [&'static str]),
}

/// Until when an option may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the script is read.
    Compile,
    /// Before tracing starts.
    Start,
    /// At any time.
    Dynamic,
}

/// What the table says of an option.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Until when.
    pub phase: Phase,
    /// Without it: a value as it could be given, or nothing.
    pub default: &'static str,
}

const fn option(name: &'static str, kind: Kind, phase: Phase, default: &'static str) -> Described {
    Described { name, kind, phase, default }
}

/// Numbers that the kernel or we keep in 32 bits.
const INT: Kind = Kind::Number(i32::MAX as u64);
/// The most that is copied of a stack: each page of it is a read of its own in the program.
const MOST_COPIED: u64 = 32 << 10;
const TEXT: Kind = Kind::Text(&[]);
const OUTSIDE: Kind = Kind::Outside(&[]);

/// The versions of D that there have been.
const VERSIONS: [&str; 16] = [
    "1.0", "1.1", "1.2", "1.2.1", "1.2.2", "1.3", "1.4", "1.4.1", "1.5", "1.6", "1.6.1", "1.6.2",
    "1.6.3", "1.6.4", "2.0", "2.0.1",
];

/// All options, by phase, then by name.
#[rustfmt::skip]
pub static OPTIONS: [Described; 90] = {
    use Kind::{Opposite, Outside, Rate, Registers, Size, SizeFrom, SizeTo, Switch, Text, Version};
    use Phase::{Compile, Dynamic, Start};
    [
        option("amin", Kind::Attributes, Compile, ""),
        option("argref", Switch, Compile, ""),
        option("core", TEXT, Compile, ""),
        option("cpp", Switch, Compile, ""),
        option("cppargs", OUTSIDE, Compile, ""),
        option("cpphdrs", Switch, Compile, ""),
        option("cpppath", OUTSIDE, Compile, ""),
        option("ctfpath", OUTSIDE, Compile, ""),
        option("ctypes", TEXT, Compile, ""),
        option("debug", Switch, Compile, ""),
        option("debugassert", TEXT, Compile, ""),
        option("defaultargs", Switch, Compile, ""),
        option("define", OUTSIDE, Compile, ""),
        option("disasm", INT, Compile, ""),
        option("dofstashpath", TEXT, Compile, ""),
        option("droptags", Switch, Compile, ""),
        option("dtypes", TEXT, Compile, ""),
        option("empty", Switch, Compile, ""),
        option("errtags", Switch, Compile, ""),
        option("evaltime", Text(&["exec", "preinit", "postinit", "main"]), Compile, "postinit"),
        option("incdir", OUTSIDE, Compile, ""),
        option("iregs", Registers(8), Compile, ""),
        option("kdefs", Opposite("knodefs"), Compile, ""),
        option("knodefs", Switch, Compile, ""),
        option("late", Text(&["dynamic", "static"]), Compile, "dynamic"),
        option("lazyload", Switch, Compile, ""),
        option("ldpath", OUTSIDE, Compile, ""),
        option("libdir", TEXT, Compile, ""),
        option("linkmode", Text(&["kernel", "dynamic", "static"]), Compile, "kernel"),
        option("linknommap", Switch, Compile, ""),
        option("linktype", Text(&["elf", "dof"]), Compile, "elf"),
        option("loopmax", INT, Compile, "65536"),
        option("modpath", OUTSIDE, Compile, ""),
        option("nolibs", Switch, Compile, ""),
        option("pgmax", INT, Compile, "8"),
        option("preallocate", Size, Compile, ""),
        option("procfspath", OUTSIDE, Compile, ""),
        option("pspec", Switch, Compile, ""),
        option("stdc", Outside(&["a", "c", "s", "t"]), Compile, "a"),
        option("strict", Switch, Compile, ""),
        option("strip", Switch, Compile, ""),
        option("syslibdir", TEXT, Compile, ""),
        option("sysslice", Switch, Compile, ""),
        option("tree", INT, Compile, ""),
        option("tregs", Registers(i32::MAX as u64), Compile, ""),
        option("udefs", Opposite("unodefs"), Compile, ""),
        option("undef", OUTSIDE, Compile, ""),
        option("unodefs", Switch, Compile, ""),
        option("useruid", INT, Compile, ""),
        option("verbose", Switch, Compile, ""),
        option("version", Version, Compile, ""),
        option("zdefs", Switch, Compile, ""),

        option("aggsize", Size, Start, "4m"),
        option("bpflog", Switch, Start, ""),
        option("bpflogsize", Size, Start, ""),
        option("bufpolicy", Text(&["switch", "fill", "ring"]), Start, "switch"),
        option("bufresize", Text(&["auto", "manual"]), Start, "auto"),
        option("bufsize", Size, Start, "4m"),
        option("cleanrate", Rate, Start, "101hz"),
        option("cpu", INT, Start, ""),
        option("destructive", Switch, Start, ""),
        option("dynvarsize", Size, Start, "1m"),
        option("grabanon", Switch, Start, ""),
        option("jstackframes", INT, Start, "50"),
        option("jstackstrsize", Size, Start, "512"),
        option("lockmem", OUTSIDE, Start, "unlimited"),
        option("maxframes", INT, Start, ""),
        option("noresolve", Switch, Start, ""),
        option("nspec", INT, Start, "1"),
        option("pcapsize", Size, Start, "1514"),
        option("scratchsize", Size, Start, "4096"),
        option("specsize", Size, Start, "4m"),
        option("stackframes", INT, Start, "20"),
        option("statusrate", Rate, Start, "1s"),
        option("strsize", SizeFrom(2), Start, "256"),
        option("ustackcopy", SizeTo(MOST_COPIED), Start, "0"),
        option("ustackframes", INT, Start, "100"),

        option("aggpercpu", Switch, Dynamic, ""),
        option("aggrate", Rate, Dynamic, "0"),
        option("aggsortkey", Switch, Dynamic, ""),
        option("aggsortkeypos", INT, Dynamic, "0"),
        option("aggsortpos", INT, Dynamic, "0"),
        option("aggsortrev", Switch, Dynamic, ""),
        option("flowindent", Switch, Dynamic, ""),
        option("printsize", Size, Dynamic, "8192"),
        option("quiet", Switch, Dynamic, ""),
        option("quietresize", Switch, Dynamic, ""),
        option("rawbytes", Switch, Dynamic, ""),
        option("stackindent", INT, Dynamic, "14"),
        option("switchrate", Rate, Dynamic, "0"),
    ]
};

/// Why an option can't be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// There is none of that name.
    #[error("there is no option {name}")]
    Unknown {
        /// As given.
        name: String,
        /// What may have been meant.
        near: Option<&'static str>,
    },
    /// It takes a value, and none was given.
    #[error("the option {name} needs a value: {takes}")]
    NoValue {
        /// The option.
        name: &'static str,
        /// What it takes.
        takes: String,
    },
    /// The value isn't one that it takes.
    #[error("{value} is no value of the option {name}: {takes}")]
    Value {
        /// The option.
        name: &'static str,
        /// As given.
        value: String,
        /// What it takes.
        takes: String,
    },
    /// The program can't set it.
    #[error("the option {name} can't be set by the program itself")]
    Outside {
        /// The option.
        name: &'static str,
    },
    /// It can't be changed any more.
    #[error("the option {name} can't be changed while tracing")]
    TooLate {
        /// The option.
        name: &'static str,
    },
}

impl OptionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            OptionError::Unknown { near: Some(near), .. } => Some(format!("is {near} meant?")),
            OptionError::Outside { name } => Some(format!("say -x {name}=… on the command line")),
            _ => None,
        }
    }

    /// The option as it was named.
    pub fn name(&self) -> &str {
        match self {
            OptionError::Unknown { name, .. } => name,
            OptionError::NoValue { name, .. }
            | OptionError::Value { name, .. }
            | OptionError::Outside { name }
            | OptionError::TooLate { name } => name,
        }
    }

    /// What dtrace(1) says.
    pub fn classic(&self) -> &'static str {
        match self {
            OptionError::Unknown { .. } => "Invalid option name",
            OptionError::Value { name: "version", value, .. } if version(value).is_none() => {
                "Version is not properly formatted or is too large"
            }
            OptionError::Value { name: "version", .. } => {
                "Requested version is not supported by compiler"
            }
            OptionError::NoValue { .. } | OptionError::Value { .. } => {
                "Invalid value for specified option"
            }
            OptionError::Outside { .. } => "Option cannot be used from within a D program",
            OptionError::TooLate { .. } => "Operation illegal when tracing is active",
        }
    }
}

/// The numbers of a version, if it looks like one: the first of 8 bits, the others of 12.
fn version(text: &str) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    let small = |n: &[u32]| n[0] < 1 << 8 && n[1..].iter().all(|n| *n < 1 << 12);
    numbers.filter(|n| (2..=3).contains(&n.len()) && small(n))
}

impl Kind {
    /// What a value looks like.
    fn takes(self) -> String {
        match self {
            Kind::Switch | Kind::Opposite(_) => "it is on or off".to_owned(),
            Kind::Number(max) => format!("it is a number from 0 to {max}"),
            Kind::Size => "it is a number of bytes, such as 512, 64k or 4m".to_owned(),
            Kind::Rate => "it is a period or a rate, such as 100ms, 1s or 50hz".to_owned(),
            Kind::SizeFrom(least) => format!("it is a number of bytes of at least {least}"),
            Kind::SizeTo(most) => {
                format!("it is a number of bytes, such as 512 or 8k, of at most {most}")
            }
            Kind::Registers(max) => format!("it is a number from 1 to {max}"),
            Kind::Version => format!("it is a version of D from {} to 2.0.1", VERSIONS[0]),
            Kind::Attributes => {
                "it is name/data/class, such as Evolving/Evolving/Common".to_owned()
            }
            Kind::Text([]) | Kind::Outside([]) => "it is a text".to_owned(),
            Kind::Text(words) | Kind::Outside(words) => {
                format!("it is one of {}", words.join(", "))
            }
        }
    }

    /// Reads a value.
    fn parse(self, text: &str) -> Option<Value> {
        match self {
            Kind::Switch | Kind::Opposite(_) => switch(text).map(Value::Switch),
            Kind::Number(max) => number(text).filter(|n| *n <= max).map(Value::Number),
            Kind::Size => size(text).map(Value::Number),
            Kind::SizeFrom(least) => size(text).filter(|n| *n >= least).map(Value::Number),
            Kind::SizeTo(most) => size(text).filter(|n| *n <= most).map(Value::Number),
            Kind::Registers(max) => {
                number(text).filter(|n| (1..=max).contains(n)).map(Value::Number)
            }
            Kind::Version => {
                let known = VERSIONS.iter().any(|v| version(v) == version(text));
                known.then(|| Value::Text(text.to_owned()))
            }
            Kind::Attributes => {
                text.parse::<Attributes>().ok().map(|_| Value::Text(text.to_owned()))
            }
            Kind::Rate => rate(text).map(Value::Number),
            Kind::Text(words) | Kind::Outside(words) => {
                (words.is_empty() || words.contains(&text)).then(|| Value::Text(text.to_owned()))
            }
        }
    }
}

fn switch(text: &str) -> Option<bool> {
    const ON: [&str; 7] = ["yes", "true", "on", "enable", "enabled", "set", "1"];
    const OFF: [&str; 7] = ["no", "false", "off", "disable", "disabled", "unset", "0"];
    let is = |words: [&str; 7]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
    match (is(ON), is(OFF)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Decimal, octal (leading 0) or hexadecimal.
fn number(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    if text.len() > 1 && text.starts_with('0') {
        return u64::from_str_radix(text, 8).ok();
    }
    // A leading sign is no part of it.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn size(text: &str) -> Option<u64> {
    const UNITS: [(char, u32); 4] = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
    let last = text.chars().last()?.to_ascii_lowercase();
    match UNITS.iter().find(|(unit, _)| *unit == last) {
        Some((_, shift)) => number(&text[..text.len() - 1])?.checked_mul(1 << shift),
        None => number(text),
    }
}

/// Nanoseconds of a period, or between two turns of a rate.
fn rate(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 14] = [
        ("ns", 1),
        ("nsec", 1),
        ("us", 1000),
        ("usec", 1000),
        ("ms", 1_000_000),
        ("msec", 1_000_000),
        ("s", 1_000_000_000),
        ("sec", 1_000_000_000),
        ("m", 60_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("hour", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
        ("day", 86_400_000_000_000),
    ];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let count = number(count).filter(|_| digits > 0)?;
    if unit.is_empty() {
        return Some(count);
    }
    if unit.eq_ignore_ascii_case("hz") {
        return 1_000_000_000u64.checked_div(count);
    }
    let (_, scale) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    count.checked_mul(*scale)
}

/// What the table says of a name.
pub fn described(name: &str) -> Result<&'static Described, OptionError> {
    OPTIONS.iter().find(|o| o.name == name).ok_or_else(|| {
        let near = OPTIONS
            .iter()
            .map(|o| (crate::probe::distance(name, o.name), o.name))
            .min()
            .filter(|(distance, near)| *distance <= near.len() / 3)
            .map(|(_, near)| near);
        OptionError::Unknown { name: name.to_owned(), near }
    })
}

/// The options of one run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    values: FxHashMap<&'static str, Value>,
    tracing: bool,
    preprocessor: Vec<String>,
    library_folders: Vec<String>,
}

impl Options {
    /// The defaults, changed by `DTRACE_OPT_NAME` in the environment.
    pub fn from_environment(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Options, OptionError> {
        let mut options = Options::default();
        for (name, value) in variables {
            if let Some(name) = name.strip_prefix("DTRACE_OPT_") {
                let value = Some(value.as_str()).filter(|v| !v.is_empty());
                options.set(&name.to_ascii_lowercase(), value)?;
            }
        }
        Ok(options)
    }

    /// Sets `name` or `name=value`.
    pub fn set_text(&mut self, text: &str) -> Result<(), OptionError> {
        match text.split_once('=') {
            Some((name, value)) => self.set(name, Some(value)),
            None => self.set(text, None),
        }
    }

    /// Sets an option as the program asks.
    pub fn set_inside(&mut self, name: &str, value: Option<&str>) -> Result<(), OptionError> {
        match described(name)? {
            // `-H` is a switch, but one of the preprocessor.
            Described { name, kind: Kind::Outside(_), .. }
            | Described { name: name @ "cpphdrs", .. } => Err(OptionError::Outside { name }),
            _ => self.set(name, value),
        }
    }

    /// Sets an option.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), OptionError> {
        let option = described(name)?;
        if self.tracing && option.phase != Phase::Dynamic {
            return Err(OptionError::TooLate { name: option.name });
        }
        let takes = || option.kind.takes();
        let value = match (option.kind, value) {
            (Kind::Switch | Kind::Opposite(_), None) => Value::Switch(true),
            (_, None) => return Err(OptionError::NoValue { name: option.name, takes: takes() }),
            (kind, Some(text)) => kind.parse(text).ok_or_else(|| OptionError::Value {
                name: option.name,
                value: text.to_owned(),
                takes: takes(),
            })?,
        };
        if let Value::Text(text) = &value {
            match option.name {
                "define" => self.preprocessor.push(format!("-D{text}")),
                "undef" => self.preprocessor.push(format!("-U{text}")),
                "incdir" => self.preprocessor.push(format!("-I{text}")),
                "libdir" => self.library_folders.push(text.clone()),
                "cppargs" => {
                    self.preprocessor.extend(text.split_whitespace().map(str::to_owned));
                }
                _ => {}
            }
        }
        match (option.kind, value) {
            (Kind::Opposite(other), Value::Switch(on)) => {
                self.values.insert(other, Value::Switch(!on));
            }
            (_, value) => {
                self.values.insert(option.name, value);
            }
        }
        Ok(())
    }

    /// What `define`, `undef`, `incdir` and `cppargs` ask of the preprocessor, in order.
    pub fn preprocessor(&self) -> &[String] {
        &self.preprocessor
    }

    /// Folders of libraries, in order.
    pub fn library_folders(&self) -> &[String] {
        &self.library_folders
    }

    /// From now on only dynamic options may be set.
    pub fn start_tracing(&mut self) {
        self.tracing = true;
    }

    fn value(&self, name: &str) -> Option<Value> {
        let default = || {
            let option = described(name).ok()?;
            option.kind.parse(option.default)
        };
        self.values.get(name).cloned().or_else(default)
    }

    /// Whether an option was given at all.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a switch is on. A name that isn't one is a bug, and off.
    pub fn on(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Switch(true)))
    }

    /// A number, size or period; `None` if it has no default and wasn't set.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Some(Value::Number(n)) => Some(n),
            _ => None,
        }
    }

    /// A text; `None` if it has no default and wasn't set.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// What the compiler is to know of them.
    pub fn for_compiler(&self) -> CompilerOptions {
        let number = |name: &str| self.number(name).unwrap_or_default();
        let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
        CompilerOptions {
            // The option counts what is before the NUL.
            strsize: small("strsize").clamp(1, 1 << 20) + 1,
            aggsize: number("aggsize"),
            dynvarsize: number("dynvarsize"),
            bufsize: number("bufsize"),
            scratchsize: small("scratchsize"),
            nspec: small("nspec"),
            specsize: number("specsize"),
            stackframes: small("stackframes"),
            ustackframes: small("ustackframes"),
            ustackcopy: small("ustackcopy"),
            maxframes: self.number("maxframes").map_or(u32::MAX, |n| n as u32),
            zdefs: self.on("zdefs"),
            destructive: self.on("destructive"),
            loopmax: small("loopmax"),
            strict: self.on("strict"),
            quiet: self.on("quiet"),
            printsize: small("printsize"),
            // More than the largest packet is never there.
            pcapsize: small("pcapsize").clamp(1, 65535),
            least_stable: self.text("amin").and_then(|text| text.parse().ok()),
            no_symbols: self.text("linkmode").as_deref() == Some("dynamic") && !self.on("knodefs"),
            portable: false,
            resolved: false,
            keep_passes: false,
            cpu: self.number("cpu").and_then(|n| u32::try_from(n).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (i, option) in OPTIONS.iter().enumerate() {
            assert!(
                OPTIONS[..i].iter().all(|o| o.name != option.name),
                "{} is there twice",
                option.name
            );
            let default = option.kind.parse(option.default);
            assert_eq!(
                default.is_some(),
                !option.default.is_empty() || [TEXT, OUTSIDE].contains(&option.kind),
                "{}",
                option.name
            );
        }
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("bufsize=64k", Some(65536)),
            ("bufsize=4M", Some(4 << 20)),
            ("bufsize=0x10", Some(16)),
            ("bufsize=010", Some(8)),
            ("bufsize=", None),
            ("bufsize=k", None),
            ("bufsize=-1", None),
            ("bufsize=99999999t", None),
            ("switchrate=10", Some(10)),
            ("switchrate=10hz", Some(100_000_000)),
            ("switchrate=100msec", Some(100_000_000)),
            ("switchrate=2min", Some(120_000_000_000)),
            ("switchrate=0hz", None),
            ("switchrate=hz", None),
            ("ustackcopy=8k", Some(8192)),
            ("ustackcopy=32769", None),
            ("nspec=12", Some(12)),
            ("nspec=12k", None),
            ("nspec=4294967296", None),
        ] {
            let mut options = Options::default();
            let result = options.set_text(text);
            let name = text.split('=').next().unwrap_or_default();
            let got = result.ok().and_then(|()| options.number(name));
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn switches() {
        let mut options = Options::default();
        assert!(!options.on("quiet"));
        for (text, on) in [("quiet", true), ("quiet=no", false), ("quiet=ON", true)] {
            assert_eq!(options.set_text(text), Ok(()));
            assert_eq!(options.on("quiet"), on, "{text}");
        }
        assert_eq!(options.set_text("kdefs"), Ok(()));
        assert!(!options.on("knodefs"));
        assert_eq!(options.set_text("kdefs=no"), Ok(()));
        assert!(options.on("knodefs"));
    }

    #[test]
    fn errors() {
        let mut options = Options::default();
        options.start_tracing();
        let mut report = String::new();
        for text in ["bufsiz=1m", "x", "switchrate", "quiet=maybe", "aggrate=fast", "strsize=8"] {
            let error = options.set_text(text).err();
            let hint = error.as_ref().and_then(OptionError::hint);
            let error = error.map(|e| e.to_string()).unwrap_or_default();
            report += &format!("{error} [{}]\n", hint.unwrap_or_default());
        }
        insta::assert_snapshot!(report, @r"
        there is no option bufsiz [is bufsize meant?]
        there is no option x []
        the option switchrate needs a value: it is a period or a rate, such as 100ms, 1s or 50hz []
        maybe is no value of the option quiet: it is on or off []
        fast is no value of the option aggrate: it is a period or a rate, such as 100ms, 1s or 50hz []
        the option strsize can't be changed while tracing []
        ");
    }

    #[test]
    fn defaults_are_the_compilers() {
        let options = Options::default().for_compiler();
        assert_eq!(options, CompilerOptions::default());
    }

    #[test]
    fn the_environment_sets_options() {
        let variables = [("DTRACE_OPT_STRSIZE", "512"), ("DTRACE_OPT_QUIET", ""), ("HOME", "/")];
        let variables = variables.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let options = Options::from_environment(variables.into_iter());
        assert!(options.is_ok_and(|o| o.on("quiet") && o.number("strsize") == Some(512)));
    }
}
