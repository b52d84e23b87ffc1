//! Short keys: aggregations and arrays by text or stacks have two maps.
//!
//! In: the layout of a key that ends with text or a stack, which could be long and mostly isn't.
//! Out: a second layout, of the same key cut off, and which of the two maps an element is in.
//! Decides what is short. To hash and compare a key takes the kernel longer than all else that is
//! done for an element, and it does so for every byte that the key could have.
//!
//! An element is in the map of short keys if the last unit there (a character, a frame) is zero:
//! then all that would follow is zero, too. So each key has one place, and what the runtime reads
//! is the same as if there were one map ([`crate::manifest::ShortKeys`]).

use super::context::{Context, Operand, Text};
use super::layout::KeyLayout;
use super::unit::Elements;
use crate::ir::{Cond, Helper, Layout, LayoutKind, MapId, Type, Value, Width};
use crate::manifest::{Datum, DatumKind, Fault};
use strand_grammar::source::Span;

/// Bytes of text, and of a stack's frames, that are short.
const SHORT: u32 = 64;

/// Text of fewer bytes isn't worth a second map.
const LONG_TEXT: u32 = 2 * SHORT;

/// Neither are stacks of fewer, which often have more frames than are short.
const LONG_STACK: u32 = 4 * SHORT;

/// The short form of a key.
#[derive(Debug, Clone)]
pub(crate) struct Short {
    /// Of its map.
    pub layout: Layout,
    /// Bytes of the last unit.
    pub unit: u32,
    /// Which of the key's parts is cut off.
    part: usize,
}

/// Bytes of text or a stack, without what stands before its frames; none for other data.
fn length(datum: &Datum) -> Option<u32> {
    match datum.kind {
        DatumKind::String | DatumKind::Stack => Some(datum.size),
        // The process comes first.
        DatumKind::UserStack => Some(datum.size.saturating_sub(8)),
        _ => None,
    }
}

/// The part that should be the last one, so that the key can be cut off there.
pub(crate) fn longest(parts: &[Datum]) -> Option<usize> {
    let long = |datum: &Datum| {
        let least = if datum.kind == DatumKind::String { LONG_TEXT } else { LONG_STACK };
        length(datum).filter(|size| *size >= least)
    };
    parts.iter().enumerate().filter_map(|(i, d)| Some((long(d)?, i))).max().map(|(_, i)| i)
}

impl Short {
    /// Of a key, if it has any.
    pub fn of(key: &KeyLayout) -> Option<Short> {
        let part = longest(&key.data)?;
        let datum = &key.data[part];
        let size = datum.offset + datum.size - length(datum)? + SHORT;
        let mut layout = key.layout.clone();
        let last = layout.fields.iter_mut().find(|f| f.offset == datum.offset)?;
        let (kind, unit) = match datum.kind {
            DatumKind::String => (LayoutKind::String(SHORT), 1),
            _ => (LayoutKind::Words((size - datum.offset) / 8), 8),
        };
        last.kind = kind;
        layout.size = size;
        Some(Short { layout, unit, part })
    }
}

impl Context<'_, '_> {
    /// Puts a key together, and emits `each` for the map that its element is in. What `each`
    /// gives, a value or nothing, is given on.
    pub(crate) fn with_map(
        &mut self,
        elements: &Elements,
        operands: &[Operand],
        span: Span,
        mut each: impl FnMut(&mut Self, MapId, Value) -> Option<Value>,
    ) -> Option<Value> {
        let Elements { map: long_map, key: layout, short } = elements;
        let Some((short, short_map)) = short else {
            let key = self.key(long_map.0, layout, operands, span);
            return each(self, *long_map, key);
        };
        let (key, is_long) = self.key_and_length(*long_map, layout, short, operands, span);
        let [in_short, in_long] = [(); 2].map(|()| self.b.block(&[]));
        self.b.branch_imm(Cond::Ne, is_long, 0, in_long, in_short);
        let mut ends = Vec::new();
        for (block, map) in [(in_short, *short_map), (in_long, *long_map)] {
            self.b.switch_to(block);
            let found = each(self, map, key);
            ends.push((self.b.current(), found));
        }
        let types: Vec<_> = ends[0].1.iter().map(|found| self.b.type_of(*found)).collect();
        let done = self.b.block(&types);
        for (block, found) in ends {
            self.b.switch_to(block);
            self.b.jump(done, found.as_slice());
        }
        self.b.switch_to(done);
        (!types.is_empty()).then(|| self.b.block_param(done, 0))
    }

    /// A key, and a number that isn't 0 if it isn't short.
    fn key_and_length(
        &mut self,
        map: MapId,
        layout: &KeyLayout,
        short: &Short,
        operands: &[Operand],
        span: Span,
    ) -> (Value, Value) {
        let datum = &layout.data[short.part];
        // Text that is somewhere else is read as short first, which it mostly is.
        if let Operand::Text(
            text @ (Text::User(..)
            | Text::Kernel(..)
            | Text::Memory(..)
            | Text::Padded(..)
            | Text::Stored(..)),
        ) = &operands[short.part]
            && self.text_size(text) > SHORT + 1
        {
            let key = self.key_without(map.0, layout, operands, Some(short.part), span);
            let is_long = self.place_short_text(key, datum, text, span);
            return (key, is_long);
        }
        let key = self.key(map.0, layout, operands, span);
        let last = (short.layout.size - short.unit) as i32;
        let width = if short.unit == 1 { Width::W8 } else { Width::W64 };
        (key, self.b.load(width, false, key, last))
    }

    /// Text as a key has it; what follows it is zero only as far as the map looks at it. 0 if
    /// that is short.
    fn place_short_text(&mut self, at: Value, datum: &Datum, text: &Text, span: Span) -> Value {
        let (helper, from) = match text {
            Text::User(from, _) => (Helper::PROBE_READ_USER_STR, *from),
            Text::Kernel(from, _)
            | Text::Memory(from, _)
            | Text::Padded(from, _)
            | Text::Stored(from, _) => (Helper::PROBE_READ_KERNEL_STR, *from),
            _ => unreachable!("all other text is written, not copied"),
        };
        let (long, done) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        self.clear(at, datum.offset, SHORT);
        let to = self.b.add_imm(at, i64::from(datum.offset));
        // One more, so that text of just this length is told from text that was cut off.
        let most = self.int(i64::from(SHORT) + 1);
        let n = self.helper(helper, &[to, most, from]);
        if matches!(text, Text::User(..) | Text::Kernel(..)) {
            self.fault_if_negative(n, Fault::BadAddress, from, span);
        }
        let (limit, zero) = (self.int(i64::from(SHORT)), self.int(0));
        self.b.branch_with(Cond::SLe, n, limit, Self::to(done, &[zero]), Self::to(long, &[]));
        self.b.switch_to(long);
        let n = self.copy_text(at, datum.offset, datum.size, text, true, span);
        // Somebody may have changed it since.
        let limit = self.int(i64::from(SHORT));
        let is_long = self.b.compare(Cond::SGt, n, limit);
        self.b.jump(done, &[is_long]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Prefix;
    use super::*;
    use crate::manifest::ShortKeys;
    use crate::types::{Type as DType, Types};

    fn key(keys: &[DType], bounds: &[u32]) -> (KeyLayout, Option<(u32, u32)>) {
        let mut types = Types::new(256);
        let keys: Vec<_> = keys.iter().map(|k| types.intern(k.clone())).collect();
        let layout = KeyLayout::new(&types, &keys, bounds, Prefix::None);
        let short = Short::of(&layout).map(|s| (s.layout.size, s.unit));
        (layout, short)
    }

    /// The longest part is the last one; of stacks, 8 frames stay, of users' the process, too.
    #[test]
    fn keys_are_cut_off_in_their_longest_part() {
        let offsets = |k: &KeyLayout| k.data.iter().map(|d| d.offset).collect::<Vec<_>>();
        let (layout, short) = key(&[DType::String, DType::Stack(20)], &[256, 0]);
        assert_eq!((offsets(&layout), short), (vec![160, 0], Some((160 + SHORT, 1))));
        let (layout, short) = key(&[DType::UserStack(100), DType::String], &[0, 16]);
        assert_eq!((offsets(&layout), short), (vec![16, 0], Some((16 + 8 + SHORT, 8))));
        assert_eq!(key(&[DType::String], &[64]).1, None);
        assert_eq!(key(&[DType::Stack(20)], &[0]).1, None);
    }

    /// What the program asks of a key is what the runtime asks.
    #[test]
    fn short_keys_end_with_a_zero() {
        let text = ShortKeys { map: String::new(), size: 4, unit: 1 };
        assert_eq!(text.cut(b"abc\0\0\0"), Some(&b"abc\0"[..]));
        assert_eq!(text.cut(b"abcd\0\0"), None);
        let stack = ShortKeys { map: String::new(), size: 16, unit: 8 };
        assert_eq!(stack.cut(&[[1; 8], [0; 8], [0; 8]].concat()).map(<[u8]>::len), Some(16));
        assert_eq!(stack.cut(&[[1; 8], [0, 0, 0, 0, 0, 0, 0, 1], [0; 8]].concat()), None);
    }
}
