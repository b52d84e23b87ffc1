//! Records and aggregations to text, without a kernel.

use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use strand::aggregation::{Element, Source};
use strand::consume::{Consumer, Control, Look};
use strand::format::printf::printf;
use strand::format::{Surroundings, print, quantize};
use strand::output::Output;
use strand::record::{Copied, Data, Frames, decode};
use strand::symbolize::{Named, Symbolizer};
use strand::unwind::Unwound;
use strand_compiler::buckets::words;
use strand_compiler::manifest::*;

/// Two functions and a process with one.
struct FakeSymbols;

impl Symbolizer for FakeSymbols {
    fn kernel(&mut self, address: u64) -> Option<Named> {
        let (module, name, start) = match address {
            0x1000..0x2000 => ("vmlinux", "vfs_read", 0x1000),
            0x2000..0x3000 => ("ext4", "ext4_da_write_end", 0x2000),
            _ => return None,
        };
        Some(Named { module: module.to_owned(), symbol: Some((name.to_owned(), address - start)) })
    }

    fn user(&mut self, tgid: u64, address: u64) -> Option<Named> {
        (tgid == 7).then(|| Named {
            module: "libc.so.6".to_owned(),
            symbol: (address >= 0x4000).then(|| ("write".to_owned(), address - 0x4000)),
        })
    }

    /// What was copied are the frames.
    fn unwind(&mut self, _: u64, copied: &Copied<'_>, known: Frames<'_>) -> Option<Unwound> {
        let frames = Frames::new(copied.memory).iter().take(known.room());
        let frames: Vec<u64> = frames.collect();
        let complete = copied.memory.len() < copied.room;
        let why = (!complete).then(|| "there is no more".to_owned());
        (!frames.is_empty()).then_some(Unwound { frames, complete, why })
    }
}

fn around(symbols: &mut FakeSymbols) -> Surroundings<'_> {
    Surroundings { symbols, stack_indent: 14, noresolve: false, target: 7 }
}

// ---------------------------------------------------------------------- printf

/// One conversion: flags, width, precision and letter as in C.
fn conversion(text: &str) -> Conversion {
    let mut c = Conversion::default();
    let mut chars = text.chars().peekable();
    while let Some(f) = chars.peek().copied() {
        match f {
            '#' => c.alternate = true,
            '0' => c.zero = true,
            '-' => c.left = true,
            '+' => c.plus = true,
            ' ' => c.space = true,
            '\'' => c.group = true,
            '@' => c.aggregation = true,
            _ => break,
        }
        chars.next();
    }
    let count = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut n = None;
        while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
            n = Some(n.unwrap_or(0) * 10 + d);
            chars.next();
        }
        n.map(Count::Fixed)
    };
    c.width = count(&mut chars);
    if chars.peek() == Some(&'.') {
        chars.next();
        c.precision = Some(count(&mut chars).unwrap_or(Count::Fixed(0)));
    }
    c.letter = chars.next().unwrap_or('d');
    c
}

fn formatted(text: &str, data: &[Data<'_>]) -> String {
    let format = Format { pieces: vec![FormatPiece::Conversion(conversion(text))] };
    let mut out = String::new();
    let mut symbols = FakeSymbols;
    printf(&mut out, &mut around(&mut symbols), &format, &mut data.iter().copied());
    out
}

fn int(value: i64, bytes: u8, signed: bool) -> Data<'static> {
    Data::Int { value, bytes, signed }
}

#[test]
fn integers_adapt_to_their_argument() {
    assert_eq!(formatted("d", &[int(-5, 4, true)]), "-5");
    assert_eq!(formatted("d", &[int(0xffff_fffb, 4, false)]), "4294967291");
    assert_eq!(formatted("x", &[int(-1, 4, true)]), "ffffffff");
    assert_eq!(formatted("x", &[int(-1, 1, true)]), "ff");
    assert_eq!(formatted("u", &[int(-1, 8, true)]), u64::MAX.to_string());
    assert_eq!(formatted("o", &[int(8, 4, true)]), "10");
    assert_eq!(formatted("#x", &[int(255, 4, true)]), "0xff");
    assert_eq!(formatted("#o", &[int(8, 4, true)]), "010");
    assert_eq!(formatted("+d", &[int(5, 4, true)]), "+5");
    assert_eq!(formatted("-6d", &[int(5, 4, true)]), "5     ");
    assert_eq!(formatted("06d", &[int(-5, 4, true)]), "-00005");
    assert_eq!(formatted(".3d", &[int(5, 4, true)]), "005");
    assert_eq!(formatted("'d", &[int(1_234_567, 4, true)]), "1,234,567");
    assert_eq!(formatted("p", &[int(0xdead, 8, false)]), "dead");
    assert_eq!(formatted("c", &[int(65, 4, true)]), "A");
    assert_eq!(formatted("C", &[int(10, 4, true)]), "\\n");
}

#[test]
fn text_stops_at_its_nul() {
    assert_eq!(formatted("s", &[Data::Bytes(b"ab\0cd")]), "ab");
    assert_eq!(formatted(".2s", &[Data::Text(b"abcd")]), "ab");
    assert_eq!(formatted("6s", &[Data::Text(b"abcd")]), "  abcd");
    assert_eq!(formatted("S", &[Data::Text(b"a\tb\"\x01")]), "a\\tb\\\"\\001");
}

#[test]
fn addresses_become_names() {
    assert_eq!(formatted("a", &[int(0x1010, 8, false)]), "vmlinux`vfs_read+0x10");
    assert_eq!(formatted("a", &[int(0x1000, 8, false)]), "vmlinux`vfs_read");
    assert_eq!(formatted("a", &[int(0x9000, 8, false)]), "0x9000");
    let user = Data::UserSymbol(SymbolKind::Address, 7, 0x4004);
    assert_eq!(formatted("A", &[user]), "libc.so.6`write+0x4");
    // A plain number is an address of the traced process.
    assert_eq!(formatted("A", &[int(0x4004, 8, false)]), "libc.so.6`write+0x4");
}

/// A stack of process 7 of at most three frames, copied in full or in part.
fn copied_stack(frames: [u64; 3], memory: &[u64], room: u32) -> Vec<u8> {
    let registers = vec![0; copied::REGISTERS as usize];
    let mut words = [&[7], &frames[..], &registers, &[8 * memory.len() as u64], memory].concat();
    words.resize((copied::bytes(3, 0) + room) as usize / 8, 0xffff);
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

#[test]
fn copied_stacks_are_unwound() {
    let datum = |room| Datum {
        offset: 0,
        size: copied::bytes(3, 0) + room,
        kind: DatumKind::CopiedStack { frames: 3, returns: 0 },
    };
    let shown = |frames: [u64; 3], memory: &[u64], room: u32| {
        let bytes = copied_stack(frames, memory, room);
        formatted("-2k", &[decode(&bytes, &datum(room))])
    };
    let unwound = "\n  libc.so.6`write\n  libc.so.6`write+0x1\n";
    assert_eq!(shown([0x4000, 0, 0], &[0x4000, 0x4001], 32), unwound);
    // No more than there can be, whatever there is.
    assert_eq!(shown([0; 3], &[0x4000; 9], 80).lines().count(), 4);
    // Nothing was copied.
    assert_eq!(shown([0x4000, 0x4001, 0], &[], 32), unwound);
    let why = "  (its caller isn't known: there is no more)\n";
    let expected = format!("\n  libc.so.6`write+0x3{why}");
    assert_eq!(shown([0x4000, 0, 0], &[0x4003], 8), expected);
    // A length that can't be.
    let mut bytes = copied_stack([0x4000, 0, 0], &[0x4002], 8);
    bytes[copied::length(3) as usize..][..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let text = formatted("-2k", &[decode(&bytes, &datum(8))]);
    assert_eq!(text, expected.replace("+0x3", "+0x2"));
}

#[test]
fn floats_are_the_numbers() {
    assert_eq!(formatted("f", &[int(3, 4, true)]), "3.000000");
    assert_eq!(formatted(".1e", &[int(12345, 4, true)]), "1.2e+04");
    assert_eq!(formatted("g", &[int(1_000_000, 4, true)]), "1e+06");
    assert_eq!(formatted("g", &[int(42, 4, true)]), "42");
    assert_eq!(formatted("010.2f", &[Data::Float(-1.5)]), "-000001.50");
    assert_eq!(formatted("#.3g", &[Data::Float(2.0)]), "2.00");
    assert_eq!(formatted("+E", &[Data::Float(f64::INFINITY)]), "+INF");
}

proptest! {
    #[test]
    fn integers_as_rust_has_them(v in any::<i64>(), width in 0u32..30) {
        prop_assert_eq!(
            formatted(&format!("{width}d"), &[int(v, 8, true)]),
            format!("{:>1$}", v, width as usize)
        );
        prop_assert_eq!(
            formatted(&format!("#{width}x"), &[int(v, 8, true)]),
            if v == 0 { format!("{:>1$}", 0, width as usize) }
            else { format!("{:>1$}", format!("{v:#x}"), width as usize) }
        );
    }
}

#[test]
fn traced_values_have_columns() {
    let mut symbols = FakeSymbols;
    let mut show = |data: Data<'_>, quiet| {
        let mut out = String::new();
        print::trace(&mut out, &mut around(&mut symbols), &data, quiet);
        out
    };
    assert_eq!(show(int(-1, 8, true), false), " ".repeat(18) + "-1");
    assert_eq!(show(int(1, 8, false), false), " ".repeat(20) + "1");
    assert_eq!(show(int(1, 4, true), false), " ".repeat(10) + "1");
    assert_eq!(show(Data::Text(b"abc"), false), format!("  {:<33}", "abc"));
    assert_eq!(show(Data::Text(b"abc"), true), "abc");
    insta::assert_snapshot!(show(Data::Bytes(b"0123456789abcdefXY\0"), false));
}

// ------------------------------------------------------------------ histograms

fn histogram(function: AggregatingFunction, counts: &[(usize, i64)], normal: i64) -> String {
    let mut buckets = vec![0; words(&function) as usize - 1];
    for (i, n) in counts {
        buckets[*i] = *n;
    }
    let mut out = String::new();
    quantize::histogram(&mut out, &function, &buckets, normal);
    out
}

#[test]
fn quantize_shapes() {
    use AggregatingFunction::Quantize;
    insta::assert_snapshot!(
        [
            histogram(Quantize, &[(64, 1), (65, 3), (67, 10)], 1),
            histogram(Quantize, &[(60, 2), (63, 1), (66, 2)], 1),
            histogram(Quantize, &[(64, -4), (65, -1)], 1),
            histogram(Quantize, &[(64, -4), (65, 4)], 1),
            histogram(Quantize, &[], 1),
            histogram(Quantize, &[(126, 100)], 10),
        ]
        .concat()
    );
}

#[test]
fn lquantize_and_llquantize_shapes() {
    let linear = AggregatingFunction::Lquantize { low: -10, high: 10, step: 5 };
    let log = AggregatingFunction::Llquantize { factor: 10, low: 1, high: 2, steps: 10 };
    let from_one = AggregatingFunction::Llquantize { factor: 10, low: 0, high: 1, steps: 10 };
    let n = words(&log) as usize - 1;
    insta::assert_snapshot!(
        [
            histogram(linear, &[(0, 1), (2, 2), (5, 3)], 1),
            histogram(linear, &[], 1),
            histogram(log, &[(n / 2, 1), (n / 2 + 1, 2), (n - 1, 3)], 1),
            histogram(log, &[(0, 1), (n / 2 - 3, 2)], 1),
            histogram(from_one, &[(19, 5), (20, 1), (28, 1), (29, 1)], 1),
        ]
        .concat()
    );
}

// ---------------------------------------------------------------- aggregations

/// Elements by key, with a value for each CPU.
type FakeMap = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// Maps in memory.
#[derive(Default, Clone)]
struct FakeKernel {
    maps: Rc<RefCell<BTreeMap<String, FakeMap>>>,
}

impl FakeKernel {
    fn set(&self, map: &str, key: &[u8], cpus: &[&[i64]]) {
        let values =
            cpus.iter().map(|w| w.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
        self.maps.borrow_mut().entry(map.to_owned()).or_default().insert(key.to_vec(), values);
    }
}

impl Source for FakeKernel {
    fn read(&mut self, map: &str) -> Result<Vec<Element>, String> {
        let maps = self.maps.borrow();
        Ok(maps.get(map).into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn delete(&mut self, map: &str, key: &[u8]) -> Result<(), String> {
        self.maps.borrow_mut().entry(map.to_owned()).or_default().remove(key);
        Ok(())
    }

    fn zero(&mut self, map: &str, key: &[u8], size: u32) -> Result<(), String> {
        let mut maps = self.maps.borrow_mut();
        if let Some(values) = maps.get_mut(map).and_then(|m| m.get_mut(key)) {
            values.iter_mut().for_each(|v| *v = vec![0; size as usize]);
        }
        Ok(())
    }
}

fn aggregation(name: &str, function: AggregatingFunction, keyed: bool) -> Aggregation {
    let key = Datum { offset: 0, size: 8, kind: DatumKind::String };
    Aggregation {
        number: None,
        name: name.to_owned(),
        map: name.to_owned(),
        function,
        keys: if keyed { vec![key] } else { Vec::new() },
        key_size: if keyed { 8 } else { 4 },
        value_size: 8 * words(&function),
        short: None,
    }
}

fn key(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(8, 0);
    bytes
}

/// A writer whose text can be looked at.
#[derive(Default, Clone)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Session {
    manifest: Manifest,
    kernel: FakeKernel,
    quiet: bool,
}

impl Session {
    fn new(actions: Vec<(bool, bool, Vec<Action>)>, aggregations: Vec<Aggregation>) -> Self {
        let records = actions
            .into_iter()
            .map(|(first, last, actions)| Record { clause: 0, size: 64, first, last, actions })
            .collect();
        let probe = Probe {
            id: 5,
            provider: "syscall".to_owned(),
            module: "vmlinux".to_owned(),
            function: "read".to_owned(),
            name: "entry".to_owned(),
        };
        let site = FaultSite {
            clause: 0,
            file: "x.d".to_owned(),
            line: 3,
            column: 9,
            text: "*p".to_owned(),
        };
        Session {
            manifest: Manifest {
                records,
                aggregations,
                probes: vec![probe],
                faults: vec![site],
                ..Manifest::default()
            },
            kernel: FakeKernel::default(),
            quiet: false,
        }
    }

    /// Runs records (layout, CPU, speculation, data) to the end; what was printed, and
    /// the last thing that the consumer wanted.
    fn run(&self, records: &[(u32, u32, u32, &[u8])]) -> (String, Control) {
        let (out, messages) = (Shared::default(), Shared::default());
        let look = Look {
            quiet: self.quiet,
            testing: false,
            stack_indent: 14,
            noresolve: false,
            specsize: 1 << 20,
            raw_bytes: false,
            print_size: 8192,
            program: "strand".to_owned(),
        };
        let mut consumer = Consumer::new(
            &self.manifest,
            look,
            Box::new(FakeSymbols),
            Output::to(Box::new(out.clone())),
            Box::new(messages.clone()),
        );
        let mut kernel = self.kernel.clone();
        let mut control = Control::Continue;
        for (layout, cpu, speculation, data) in records {
            let mut bytes = Vec::new();
            for word in [*layout, 5, *cpu, *speculation] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend_from_slice(data);
            control = consumer.record(&bytes, &mut kernel).expect("memory takes all");
        }
        let drops = [[3, 0, 1, 0, 0, 0, 0], [0, 2, 0, 0, 1, 0, 0]];
        if self.manifest.drops.is_some() {
            consumer.drops(&drops).expect("memory takes all");
        }
        consumer.finish(&mut kernel).expect("memory takes all");
        drop(consumer);
        let text = |s: Shared| String::from_utf8_lossy(&s.0.borrow()).into_owned();
        (format!("{}-- stderr --\n{}", text(out), text(messages)), control)
    }
}

fn datum(offset: u32) -> Datum {
    Datum { offset: 16 + offset, size: 4, kind: DatumKind::Int { signed: true } }
}

#[test]
fn lines_of_default_output() {
    let traced = vec![Action::Trace(datum(0))];
    let s = Session::new(
        vec![
            (true, true, traced.clone()),
            (true, false, vec![]),
            (false, false, traced),
            (false, true, vec![]),
        ],
        vec![],
    );
    // A line in pieces from CPU 1 is not torn by one from CPU 0.
    let one = 1i32.to_le_bytes();
    let two = 2i32.to_le_bytes();
    let (text, _) = s.run(&[(1, 1, 0, &[]), (2, 1, 0, &two), (0, 0, 0, &one), (3, 1, 0, &[])]);
    insta::assert_snapshot!(text);
}

#[test]
fn exit_gives_its_status() {
    let s = Session::new(vec![(true, true, vec![Action::Exit(datum(0))])], vec![]);
    assert_eq!(s.run(&[(0, 0, 0, &3i32.to_le_bytes())]).1, Control::Exit(3));
}

#[test]
fn faults_are_told_once() {
    let s = Session::new(vec![], vec![]);
    let mut data = Vec::new();
    data.extend(0u32.to_le_bytes());
    data.extend((Fault::BadAddress as u32).to_le_bytes());
    data.extend(42u64.to_le_bytes());
    data.extend(0x10u64.to_le_bytes());
    let record = (FAULT_RECORD, 0, 0, data.as_slice());
    insta::assert_snapshot!(s.run(&[record, record, record]).0);
}

#[test]
fn drops_are_told() {
    let mut s = Session::new(vec![], vec![]);
    s.manifest.drops = Some(0);
    insta::assert_snapshot!(s.run(&[]).0);
}

#[test]
fn speculations_wait_for_their_end() {
    let mut s = Session::new(
        vec![
            (true, true, vec![Action::Trace(datum(0))]),
            (true, true, vec![Action::Commit(datum(0))]),
        ],
        vec![],
    );
    s.quiet = true;
    s.manifest.speculation_bits = 2;
    let n = |v: i32| v.to_le_bytes();
    // Two of id 1, one after the other, and one of id 2.
    let (first, second, other) = (4 + 1, 12 + 1, 4 + 2);
    let (text, _) = s.run(&[
        (0, 0, first, &n(11)),
        (0, 0, other, &n(22)),
        (0, 0, 0, &n(33)),
        (0, 0, first, &n(44)),
        (1, 0, 0, &n(first as i32)),
        (0, 0, second, &n(55)),
        (1, 0, 0, &n(first as i32)),
        (1, 0, 0, &n(second as i32)),
    ]);
    assert!(text.starts_with("33114455\n"), "{text}");
}

#[test]
fn aggregations_at_the_end() {
    use AggregatingFunction::*;
    let s = Session::new(
        vec![],
        vec![
            aggregation("c", Count, true),
            aggregation("m", Min { signed: true }, false),
            aggregation("a", Avg { signed: true }, false),
            aggregation("d", Stddev { signed: true }, false),
            aggregation("none", Max { signed: true }, false),
        ],
    );
    s.kernel.set("c", &key("bash"), &[&[3], &[4]]);
    s.kernel.set("c", &key("sh"), &[&[1], &[0]]);
    s.kernel.set("c", &key("init"), &[&[7], &[0]]);
    s.kernel.set("m", &[0; 4], &[&[2, -5], &[1, 9]]);
    s.kernel.set("a", &[0; 4], &[&[2, 10], &[1, 20]]);
    s.kernel.set("d", &[0; 4], &[&[2, 6, 20, 0], &[0, 0, 0, 0]]);
    s.kernel.set("none", &[0; 4], &[&[0, 0], &[0, 0]]);
    insta::assert_snapshot!(s.run(&[]).0);
}

#[test]
fn aggregation_actions() {
    let counts = AggregatingFunction::Count;
    let format = Format {
        pieces: vec![
            FormatPiece::Conversion(conversion("-6s")),
            FormatPiece::Literal("=".to_owned()),
            FormatPiece::Conversion(conversion("@d")),
            FormatPiece::Literal("\n".to_owned()),
        ],
    };
    let printa = |format: Option<Format>| Action::Printa { format, aggregations: vec![0] };
    let mut s = Session::new(
        vec![
            (true, true, vec![printa(Some(format))]),
            (
                true,
                true,
                vec![Action::Normalize(0, datum(0)), printa(None), Action::Denormalize(0)],
            ),
            (true, true, vec![Action::Trunc(0, Some(datum(0))), printa(None)]),
            (true, true, vec![Action::Clear(0), printa(None)]),
        ],
        vec![aggregation("c", counts, true)],
    );
    s.quiet = true;
    for (name, n) in [("a", 10), ("b", 20), ("c", 30)] {
        s.kernel.set("c", &key(name), &[&[n]]);
    }
    let (ten, two) = (10i32.to_le_bytes(), 2i32.to_le_bytes());
    insta::assert_snapshot!(
        s.run(&[(0, 0, 0, &[]), (1, 0, 0, &ten), (2, 0, 0, &two), (3, 0, 0, &[])]).0
    );
}
