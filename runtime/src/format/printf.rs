//! `printf` and the conversions of `printa`.
//!
//! In: a parsed [`Format`] and data in order. Out: text. D's conversions adapt to the
//! size and signedness of their argument, so `%d` needs no `l`; the sizes that were
//! written are accepted and ignored.

use super::{Surroundings, stack, time, to_text};
use crate::record::Data;
use crate::symbolize::{write_address, write_symbol};
use std::fmt::Write;
use strand_compiler::manifest::{Conversion, Count, Format, FormatPiece};

/// Digits of a pointer, for the `?` width.
const POINTER_WIDTH: usize = 16;

/// Formats data by a `printf` format.
pub fn printf<'a>(
    out: &mut String,
    around: &mut Surroundings<'_>,
    format: &Format,
    args: &mut dyn Iterator<Item = Data<'a>>,
) {
    for piece in &format.pieces {
        match piece {
            FormatPiece::Literal(text) => out.push_str(text),
            FormatPiece::Conversion(c) if c.letter == '%' => out.push('%'),
            FormatPiece::Conversion(c) => {
                let spec = Spec::new(c, args);
                if let Some(data) = args.next() {
                    spec.conversion(out, around, &data);
                }
            }
        }
    }
}

/// A conversion with its width and precision known.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'c> {
    conversion: &'c Conversion,
    left: bool,
    width: usize,
    precision: Option<usize>,
}

impl<'c> Spec<'c> {
    /// Takes `*` widths and precisions from the arguments.
    pub fn new<'a>(c: &'c Conversion, args: &mut dyn Iterator<Item = Data<'a>>) -> Self {
        let mut count = |count: Option<Count>| match count {
            None => None,
            Some(Count::Fixed(n)) => Some(i64::from(n)),
            Some(Count::Pointer) => Some(POINTER_WIDTH as i64),
            Some(Count::Argument) => args.next().map(|d| d.number()),
        };
        const MOST: i64 = 65536;
        let width = count(c.width).unwrap_or(0).clamp(-MOST, MOST);
        let precision = count(c.precision).filter(|p| *p >= 0).map(|p| p.min(MOST) as usize);
        Spec {
            conversion: c,
            left: c.left || width < 0,
            width: width.unsigned_abs() as usize,
            precision,
        }
    }

    /// Formats one datum.
    pub fn conversion(&self, out: &mut String, around: &mut Surroundings<'_>, data: &Data<'_>) {
        let letter = self.conversion.letter;
        let is_char = letter == 'c';
        match (letter, data) {
            ('k', Data::Stack(frames)) => {
                stack::kernel(out, around, *frames, self.indent(around));
            }
            ('k', Data::UserStack(tgid, frames)) => {
                stack::user(out, around, *tgid, *frames, self.indent(around));
            }
            ('k', Data::CopiedStack(tgid, frames, copied)) => {
                stack::copied(out, around, *tgid, (*frames, copied), self.indent(around));
            }
            (_, Data::Stack(_) | Data::UserStack(..) | Data::CopiedStack(..)) => {
                let mut text = String::new();
                super::print::value(&mut text, around, data, true);
                out.push_str(&text);
            }
            (_, Data::Symbol(kind, address)) if matches!(letter, 's' | 'a' | 'A') => {
                let named = around.symbols.kernel(*address);
                let mut text = String::new();
                match letter {
                    's' => write_symbol(&mut text, named.as_ref(), *address, *kind),
                    _ => write_address(&mut text, named.as_ref(), *address, true),
                }
                self.pad(out, &text);
            }
            (_, Data::UserSymbol(kind, tgid, address)) if matches!(letter, 's' | 'a' | 'A') => {
                let named = around.symbols.user(*tgid, *address);
                let mut text = String::new();
                match letter {
                    's' => write_symbol(&mut text, named.as_ref(), *address, *kind),
                    _ => write_address(&mut text, named.as_ref(), *address, true),
                }
                self.pad(out, &text);
            }
            ('A', data) => {
                let address = data.number() as u64;
                let named = match around.target {
                    0 => None,
                    target => around.symbols.user(target, address),
                };
                let mut text = String::new();
                write_address(&mut text, named.as_ref(), address, true);
                self.pad(out, &text);
            }
            ('a', data) => {
                let address = data.number() as u64;
                let named = around.symbols.kernel(address);
                let mut text = String::new();
                write_address(&mut text, named.as_ref(), address, true);
                self.pad(out, &text);
            }
            ('S' | 'C', Data::Text(bytes) | Data::Bytes(bytes)) => {
                self.text(out, escape(bytes).as_bytes());
            }
            ('C', data) => self.text(out, escape(&[data.number() as u8]).as_bytes()),
            ('Y', data) => self.pad(out, &time::year(data.number())),
            ('T', data) => self.pad(out, &time::rfc822(data.number())),
            ('c', data) => {
                let byte = [data.number() as u8];
                debug_assert!(is_char);
                self.pad(out, &to_text(&byte));
            }
            (_, Data::Text(bytes) | Data::Bytes(bytes)) => self.text(out, until_nul(bytes)),
            ('e' | 'E' | 'f' | 'g' | 'G', Data::Float(v)) => self.float(out, *v),
            ('e' | 'E' | 'f' | 'g' | 'G', data) => self.float(out, data.number() as f64),
            ('s', data) => self.pad(out, &data.number().to_string()),
            (_, data) => self.integer(out, data),
        }
    }

    fn indent(&self, around: &Surroundings<'_>) -> usize {
        if self.left && self.width != 0 { self.width } else { around.stack_indent }
    }

    fn text(&self, out: &mut String, bytes: &[u8]) {
        // In D, a precision of 0 keeps all of a text.
        let keep = self.precision.filter(|p| *p > 0).unwrap_or(usize::MAX).min(bytes.len());
        self.pad(out, &to_text(&bytes[..keep]));
    }

    /// Pads text with blanks to the width.
    pub fn pad(&self, out: &mut String, text: &str) {
        let blanks = self.width.saturating_sub(text.chars().count());
        if self.left {
            out.push_str(text);
        }
        out.extend(std::iter::repeat_n(' ', blanks));
        if !self.left {
            out.push_str(text);
        }
    }

    fn integer(&self, out: &mut String, data: &Data<'_>) {
        let (value, bytes, signed) = match data {
            Data::Int { value, bytes, signed } => (*value, *bytes, *signed),
            other => (other.number(), 8, false),
        };
        let c = self.conversion;
        let bits = 8 * u32::from(bytes.clamp(1, 8));
        let unsigned = if bits == 64 { value as u64 } else { value as u64 & ((1 << bits) - 1) };
        let is_decimal =
            matches!(c.letter, 'd' | 'i') || !matches!(c.letter, 'u' | 'x' | 'X' | 'o' | 'p');
        // A written size means a signed argument too.
        let negative = is_decimal && (signed || !c.size.is_empty()) && value < 0;
        let mut digits = String::new();
        let _ = match c.letter {
            'x' | 'p' => write!(digits, "{unsigned:x}"),
            'X' => write!(digits, "{unsigned:X}"),
            'o' => write!(digits, "{unsigned:o}"),
            _ if negative => write!(digits, "{}", value.unsigned_abs()),
            _ => write!(digits, "{unsigned}"),
        };
        if let Some(p) = self.precision {
            if p == 0 && unsigned == 0 {
                digits.clear();
            }
            let missing = p.saturating_sub(digits.len());
            digits.insert_str(0, &"0".repeat(missing));
        }
        if c.group && is_decimal | (c.letter == 'u') {
            digits = group(&digits);
        }
        let mut sign = match (negative, c.plus, c.space) {
            (true, ..) => "-",
            (_, true, _) if is_decimal => "+",
            (_, _, true) if is_decimal => " ",
            _ => "",
        };
        if c.alternate && unsigned != 0 {
            match c.letter {
                'x' | 'p' => sign = "0x",
                'X' => sign = "0X",
                'o' if !digits.starts_with('0') => sign = "0",
                _ => {}
            }
        }
        if c.zero && !self.left && self.precision.is_none() {
            let missing = self.width.saturating_sub(sign.len() + digits.len());
            digits.insert_str(0, &"0".repeat(missing));
        }
        digits.insert_str(0, sign);
        self.pad(out, &digits);
    }

    fn float(&self, out: &mut String, v: f64) {
        let c = self.conversion;
        let p = self.precision.unwrap_or(6);
        let size = v.abs();
        let mut text = match c.letter {
            _ if !v.is_finite() => if v.is_nan() { "nan" } else { "inf" }.to_owned(),
            'f' => format!("{size:.p$}"),
            'e' | 'E' => exponential(size, p),
            _ => general(size, p.max(1), c.alternate),
        };
        if c.alternate && p == 0 && matches!(c.letter, 'f' | 'e' | 'E') && v.is_finite() {
            let end = text.find('e').unwrap_or(text.len());
            text.insert(end, '.');
        }
        if c.letter.is_ascii_uppercase() {
            text.make_ascii_uppercase();
        }
        let sign = match (v.is_sign_negative() && !v.is_nan(), c.plus, c.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if c.zero && !self.left && v.is_finite() {
            let missing = self.width.saturating_sub(sign.len() + text.len());
            text.insert_str(0, &"0".repeat(missing));
        }
        text.insert_str(0, sign);
        self.pad(out, &text);
    }
}

/// C's `%e`: at least two digits of exponent.
fn exponential(v: f64, precision: usize) -> String {
    let text = format!("{v:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let n: i32 = exponent.parse().unwrap_or(0);
            let sign = if n < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", n.abs())
        }
        None => text,
    }
}

/// C's `%g`; `full` keeps zeros at the end.
fn general(v: f64, precision: usize, full: bool) -> String {
    let scientific = exponential(v, precision - 1);
    // As rounded: 9.9999999 has the exponent of 10.
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |text: String| {
        if text.contains('.') && !full {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    if exponent < -4 || exponent >= precision as i32 {
        return match scientific.split_once('e') {
            Some((m, e)) => format!("{}e{e}", trim(m.to_owned())),
            None => scientific,
        };
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    trim(format!("{v:.decimals$}"))
}

/// Thousands in groups.
fn group(digits: &str) -> String {
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i != 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Text with everything unprintable as C escapes.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for b in until_nul(bytes) {
        match b {
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            11 => out.push_str("\\v"),
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            32..127 => out.push(char::from(*b)),
            other => {
                let _ = write!(out, "\\{other:03o}");
            }
        }
    }
    out
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}
