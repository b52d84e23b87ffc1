//! `trace()`, default output of values, and hex dumps.

use super::{Surroundings, stack, to_text};
use crate::record::Data;
use crate::symbolize::write_symbol;
use std::fmt::Write;

/// A value as `trace()` shows it: in columns, or bare if `quiet`.
pub fn trace(out: &mut String, around: &mut Surroundings<'_>, data: &Data<'_>, quiet: bool) {
    let _ = match data {
        Data::Int { value, .. } if quiet => match data {
            Data::Int { signed: true, .. } => write!(out, "{value}"),
            _ => write!(out, "{}", *value as u64),
        },
        Data::Int { value, bytes, signed: true } => match bytes {
            8 => write!(out, " {value:19}"),
            4 => write!(out, " {value:10}"),
            2 => write!(out, " {value:5}"),
            _ => write!(out, " {value:3}"),
        },
        Data::Int { value, bytes, signed: false } => {
            let value = *value as u64;
            match bytes {
                8 => write!(out, " {value:20}"),
                4 => write!(out, " {value:10}"),
                2 => write!(out, " {value:5}"),
                _ => write!(out, " {value:3}"),
            }
        }
        Data::Text(bytes) if quiet => write!(out, "{}", to_text(bytes)),
        Data::Text(bytes) => write!(out, "  {:<33}", to_text(bytes)),
        Data::Bytes(bytes) => {
            hex_dump(out, bytes);
            Ok(())
        }
        other => {
            value(out, around, other, quiet);
            Ok(())
        }
    };
}

/// The bytes of a value as they were stored, text with its NUL and what is behind it.
pub fn raw(out: &mut String, data: &Data<'_>, strsize: u32) {
    match data {
        Data::Int { value, bytes, .. } => {
            let raw = value.to_le_bytes();
            hex_dump(out, &raw[..usize::from(*bytes).min(raw.len())]);
        }
        Data::Text(text) => {
            let mut text = text.to_vec();
            text.resize((strsize as usize).max(text.len() + 1), 0);
            hex_dump(out, &text);
        }
        Data::Bytes(bytes) => hex_dump(out, bytes),
        other => hex_dump(out, &other.number().to_le_bytes()),
    }
}

/// A value as keys of aggregations and shown actions have it.
pub fn value(out: &mut String, around: &mut Surroundings<'_>, data: &Data<'_>, bare: bool) {
    let width = if bare { 0 } else { 50 };
    let lead = if bare { "" } else { "  " };
    match data {
        Data::Int { value, bytes, .. } => {
            // Whatever their type: the wide ones signed, the narrow ones not.
            let value = match bytes {
                8 => *value,
                4 => i64::from(*value as i32),
                2 => i64::from(*value as u16),
                _ => i64::from(*value as u8),
            };
            let text = value.to_string();
            let columns = match (bare, bytes) {
                (true, _) => 0,
                (_, 8) => 16,
                (_, 4) => 8,
                (_, 2) => 5,
                _ => 3,
            };
            let lead = if bare { "" } else { " " };
            let _ = write!(out, "{lead}{text:>columns$}");
        }
        Data::Float(v) => {
            let _ = write!(out, "{lead}{v}");
        }
        Data::Text(bytes) => {
            let _ = write!(out, "{lead}{:<width$}", to_text(bytes));
        }
        Data::Bytes(bytes) if bytes.iter().all(|b| (32..127).contains(b) || *b == 0) => {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            let _ = write!(out, "{lead}{:<width$}", to_text(&bytes[..end]));
        }
        Data::Bytes(bytes) => hex_dump(out, bytes),
        Data::Stack(frames) => {
            let indent = around.stack_indent;
            stack::kernel(out, around, *frames, indent);
        }
        Data::UserStack(tgid, frames) => {
            let indent = around.stack_indent;
            stack::user(out, around, *tgid, *frames, indent);
        }
        Data::CopiedStack(tgid, frames, copied) => {
            let indent = around.stack_indent;
            stack::copied(out, around, *tgid, (*frames, copied), indent);
        }
        Data::Symbol(kind, address) => {
            let named = around.symbols.kernel(*address);
            let mut text = String::new();
            write_symbol(&mut text, named.as_ref(), *address, *kind);
            let _ = write!(out, "{lead}{text:<width$}");
        }
        Data::UserSymbol(kind, tgid, address) => {
            let named = around.symbols.user(*tgid, *address);
            let mut text = String::new();
            write_symbol(&mut text, named.as_ref(), *address, *kind);
            let _ = write!(out, "{lead}{text:<width$}");
        }
    }
}

/// Sixteen bytes a line, in hexadecimal and as text.
pub fn hex_dump(out: &mut String, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    const MARGIN: &str = "     ";
    out.push('\n');
    out.push_str(MARGIN);
    out.push_str("      ");
    for i in 0..16 {
        let _ = write!(out, "  {i:x}");
    }
    out.push_str("  0123456789abcdef\n");
    for (i, line) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{MARGIN}{:5x}:", i * 16);
        for b in line {
            let _ = write!(out, " {b:02x}");
        }
        for _ in line.len()..16 {
            out.push_str("   ");
        }
        out.push_str("  ");
        for b in line {
            out.push(if (32..127).contains(b) { char::from(*b) } else { '.' });
        }
        out.push('\n');
    }
}
