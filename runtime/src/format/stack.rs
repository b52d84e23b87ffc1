//! Stacks and symbols.

use super::Surroundings;
use crate::record::{Copied, Frames};
use crate::symbolize::write_address;

/// A kernel stack: a line for each frame after an empty one.
pub fn kernel(out: &mut String, around: &mut Surroundings<'_>, frames: Frames<'_>, indent: usize) {
    out.push('\n');
    for address in frames.iter() {
        push_blanks(out, indent);
        let named = around.symbols.kernel(address);
        write_address(out, named.as_ref(), address, true);
        out.push('\n');
    }
}

/// A user stack.
pub fn user(
    out: &mut String,
    around: &mut Surroundings<'_>,
    tgid: u64,
    frames: Frames<'_>,
    indent: usize,
) {
    lines(out, around, tgid, frames.iter(), indent);
}

/// A user stack that was copied: as it was unwound, else what frame pointers gave.
pub fn copied(
    out: &mut String,
    around: &mut Surroundings<'_>,
    tgid: u64,
    (frames, copied): (Frames<'_>, &Copied<'_>),
    indent: usize,
) {
    let Some(unwound) = around.symbols.unwind(tgid, copied, frames) else {
        return user(out, around, tgid, frames, indent);
    };
    let explained = lines(out, around, tgid, unwound.frames.iter().copied(), indent);
    if let (false, Some(why)) = (explained, unwound.why) {
        // Behind the last frame.
        out.pop();
        out.push_str("  (its caller isn't known: ");
        out.push_str(&why);
        out.push_str(")\n");
    }
}

/// A line for each frame after an empty one; whether the last says why it has no name.
fn lines(
    out: &mut String,
    around: &mut Surroundings<'_>,
    tgid: u64,
    frames: impl Iterator<Item = u64>,
    indent: usize,
) -> bool {
    let mut explained = false;
    out.push('\n');
    for address in frames {
        push_blanks(out, indent);
        let named = if around.noresolve { None } else { around.symbols.user(tgid, address) };
        write_address(out, named.as_ref(), address, true);
        let unnamed = named.is_none() && !around.noresolve;
        let why = if unnamed { around.symbols.why_none(tgid) } else { None };
        explained = why.is_some();
        if let Some(why) = why {
            out.push_str("  (");
            out.push_str(why);
            out.push(')');
        }
        out.push('\n');
    }
    explained
}

fn push_blanks(out: &mut String, n: usize) {
    out.extend(std::iter::repeat_n(' ', n));
}
