//! Stacks and symbols.

use super::Surroundings;
use crate::record::Frames;
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
    out.push('\n');
    for address in frames.iter() {
        push_blanks(out, indent);
        let named = if around.noresolve { None } else { around.symbols.user(tgid, address) };
        write_address(out, named.as_ref(), address, true);
        if named.is_none()
            && !around.noresolve
            && let Some(why) = around.symbols.why_none(tgid)
        {
            out.push_str("  (");
            out.push_str(why);
            out.push(')');
        }
        out.push('\n');
    }
}

fn push_blanks(out: &mut String, n: usize) {
    out.extend(std::iter::repeat_n(' ', n));
}
