//! Reads the text form of IR, for tests and for people.
//!
//! In: text as [`super::print`] writes it. Out: a [`Module`], or the first line that
//! can't be read and why. Checks only what it needs to build one: whether the result
//! makes sense is [`super::verify`]'s matter.
//!
//! ```text
//! map seen hash entries 1024 flags 0x0
//!   key 16 align 8 { pid: u32 @0, dev: u64 @8 }
//!   value 8 align 8 { count: s64 @0 }
//! field:0 "bio.bi_iter.bi_sector" root 12 path [8, 0] offset 40 size 8
//! rodata "hello\x00"
//! bss 64
//!
//! program "tp_btf/block_rq_issue" @probe_0(%0: ptr) {
//!   $0 = slot 16 align 8 any
//! b0:
//!   %1: ptr = load.u64 %0  ; 0:12-20
//!   %2 = load.u64 %1 + field:0
//!   %3 = slot $0
//!   store.u64 %3 + 8, %2
//!   %4 = map seen
//!   %5 = helper map_lookup_elem(%4, %3)
//!   %6 = const 0
//!   br.eq %5, %6, b2, b1(%2)
//! b1(%7: i64):
//!   atomic_add.u64 %5, %7
//!   jump b2
//! b2:
//!   ret
//! }
//! ```
//!
//! Text after `;` that is not a span, and lines that start with `;`, are comments.

use super::{
    BinOp, Bits, Block, BlockId, Cond, Field, FieldId, FieldInfo, Function, FunctionId,
    FunctionKind, Helper, Inst, KernelFunction, Layout, LayoutField, LayoutKind, Map, MapId,
    MapKind, Module, Offset, Op, Place, Slot, SlotId, Target, Terminator, Type, UnOp, Value, Width,
};
use std::collections::HashMap;
use strand_grammar::source::{SourceId, Span};

/// Where and why text can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// 1-based.
    pub line: usize,
    /// What was expected.
    pub message: String,
}

type Result<T> = std::result::Result<T, String>;

/// Reads a module.
pub fn parse(text: &str) -> std::result::Result<Module, ParseError> {
    let mut parser = Parser::default();
    parser.declare(text);
    for (i, line) in text.lines().enumerate() {
        let mut cursor = Cursor { rest: line };
        parser.line(&mut cursor).map_err(|message| ParseError { line: i + 1, message })?;
    }
    match parser.function {
        Some(_) => {
            let line = text.lines().count();
            Err(ParseError { line, message: "the last function lacks its `}`".into() })
        }
        None => Ok(parser.module),
    }
}

#[derive(Default)]
struct Parser {
    module: Module,
    maps: HashMap<String, MapId>,
    functions: HashMap<String, FunctionId>,
    function: Option<Function>,
    /// By value of the current function: its type, once known.
    types: Vec<Option<Type>>,
}

impl Parser {
    /// Notes the names of functions, which may be called before they are written.
    fn declare(&mut self, text: &str) {
        let is_function = |l: &&str| l.starts_with("program ") || l.starts_with("sub ");
        for line in text.lines().filter(is_function) {
            let name = line.split_once('@').map(|(_, rest)| Cursor { rest }.name());
            if let Some(Ok(name)) = name {
                let id = FunctionId(self.functions.len() as u32);
                self.functions.entry(name).or_insert(id);
            }
        }
    }

    fn line(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        if c.at_end() {
            return Ok(());
        }
        match &mut self.function {
            Some(_) => self.function_line(c)?,
            None => self.module_line(c)?,
        }
        c.skip_comment();
        if c.at_end() { Ok(()) } else { Err(format!("nothing more was expected at `{}`", c.rest)) }
    }

    // --------------------------------------------------------------- module

    fn module_line(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        if c.eat("field:") {
            return self.field(c);
        }
        match c.word() {
            "map" => self.map(c),
            "key" => {
                let layout = c.layout()?;
                self.last_map()?.key = Some(layout);
                Ok(())
            }
            "value" => {
                let layout = c.layout()?;
                self.last_map()?.value = Some(layout);
                Ok(())
            }
            "rodata" => {
                let bytes = c.string()?;
                self.module.rodata.extend(bytes);
                Ok(())
            }
            "bss" => {
                self.module.bss = c.number()?;
                Ok(())
            }
            "program" => {
                let section = c.text()?;
                self.start_function(c, FunctionKind::Program { section })
            }
            "sub" => self.start_function(c, FunctionKind::Subprogram),
            other => Err(format!(
                "`{other}` doesn't start anything: map, key, value, field:, rodata, bss, program \
                 and sub do"
            )),
        }
    }

    fn last_map(&mut self) -> Result<&mut Map> {
        self.module.maps.last_mut().ok_or_else(|| "key and value follow a map".into())
    }

    fn map(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        let name = c.name()?;
        let kind = c.named(MapKind::NAMES, "a kind of map")?;
        let entries = c.keyed("entries")?;
        let flags = c.keyed("flags")?;
        self.maps.insert(name.clone(), MapId(self.module.maps.len() as u32));
        self.module.maps.push(Map { name, kind, key: None, value: None, entries, flags });
        Ok(())
    }

    fn field(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        let index: usize = c.number()?;
        if index != self.module.fields.len() {
            return Err(format!("field:{} comes next", self.module.fields.len()));
        }
        let name = c.text()?;
        let root = c.keyed("root")?;
        c.keyword("path")?;
        c.expect("[")?;
        let mut path = Vec::new();
        while !c.eat("]") {
            if !path.is_empty() {
                c.expect(",")?;
            }
            path.push(c.number()?);
        }
        let (offset, size) = (c.keyed("offset")?, c.keyed("size")?);
        let signed = c.eat("signed");
        let mut bits = None;
        if c.eat("bits") {
            let offset = c.number()?;
            c.expect("+")?;
            bits = Some(Bits { offset, size: c.number()? });
        }
        let module = if c.eat("module") { Some(c.name()?) } else { None };
        let field = Field { module, root, path, name, offset, size, signed, bits };
        self.module.fields.push(field);
        Ok(())
    }

    // ------------------------------------------------------------- function

    fn start_function(&mut self, c: &mut Cursor<'_>, kind: FunctionKind) -> Result<()> {
        c.expect("@")?;
        let name = c.name()?;
        self.types.clear();
        c.expect("(")?;
        let params = if c.eat(")") { Vec::new() } else { self.params(c, Some(")"))? };
        c.expect("{")?;
        self.function = Some(Function {
            name,
            kind,
            params,
            values: Vec::new(),
            slots: Vec::new(),
            blocks: Vec::new(),
        });
        Ok(())
    }

    /// `%1: ptr, %2: i64` up to `end`.
    fn params(&mut self, c: &mut Cursor<'_>, end: Option<&str>) -> Result<Vec<Value>> {
        let mut params = Vec::new();
        loop {
            let v = c.value()?;
            c.expect(":")?;
            let ty = c.named(Type::NAMES, "a type")?;
            self.define(v, ty)?;
            params.push(v);
            match end {
                Some(end) if c.eat(end) => return Ok(params),
                None if c.at_end() => return Ok(params),
                _ => c.expect(",")?,
            }
        }
    }

    fn define(&mut self, v: Value, ty: Type) -> Result<()> {
        if v.0 > 1 << 24 {
            return Err(format!("{v} is too large a number for a value"));
        }
        if self.types.len() <= v.index() {
            self.types.resize(v.index() + 1, None);
        }
        match self.types[v.index()].replace(ty) {
            Some(_) => Err(format!("{v} is defined twice")),
            None => Ok(()),
        }
    }

    fn function_line(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        if c.eat("}") {
            if let Some(mut function) = self.function.take() {
                function.values = self.types.iter().map(|t| t.unwrap_or(Type::I64)).collect();
                self.module.functions.push(function);
            }
            return Ok(());
        }
        if c.peek("$") {
            return self.slot(c);
        }
        if c.eat("unused") {
            self.params(c, None)?;
            return Ok(());
        }
        if c.peek_block() {
            return self.start_block(c);
        }
        if let Some(term) = self.terminator(c)? {
            let block = self.block()?;
            if block.term != Terminator::Missing {
                return Err("this block has ended already".into());
            }
            block.term = term;
            return Ok(());
        }
        self.inst(c)
    }

    fn in_function(&mut self) -> Result<&mut Function> {
        self.function.as_mut().ok_or_else(|| "this belongs into a function".into())
    }

    fn block(&mut self) -> Result<&mut Block> {
        self.in_function()?
            .blocks
            .last_mut()
            .ok_or_else(|| "a block such as `b0:` comes first".into())
    }

    fn slot(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        let id = c.slot()?;
        c.expect("=")?;
        let size = c.keyed("slot")?;
        let align = c.keyed("align")?;
        let place = c.named(Place::NAMES, "a place: any, stack or scratch")?;
        let slots = &mut self.in_function()?.slots;
        if id.index() != slots.len() {
            return Err(format!("slot ${} comes next", slots.len()));
        }
        slots.push(Slot { size, align, place });
        Ok(())
    }

    fn start_block(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        let id = c.block()?;
        let next = self.in_function()?.blocks.len();
        if id.index() != next {
            return Err(format!("block b{next} comes next"));
        }
        let params = if c.eat("(") { self.params(c, Some(")"))? } else { Vec::new() };
        c.expect(":")?;
        self.in_function()?.blocks.push(Block { params, ..Block::default() });
        Ok(())
    }

    fn terminator(&mut self, c: &mut Cursor<'_>) -> Result<Option<Terminator>> {
        if c.eat_word("missing") {
            return Ok(Some(Terminator::Missing));
        }
        if c.eat_word("jump") {
            return Ok(Some(Terminator::Jump(c.target()?)));
        }
        if c.eat("br.") {
            let cond = c.named(Cond::NAMES, "a comparison")?;
            let a = c.value()?;
            c.expect(",")?;
            let b = c.value()?;
            c.expect(",")?;
            let then = c.target()?;
            c.expect(",")?;
            let otherwise = c.target()?;
            return Ok(Some(Terminator::Branch { cond, a, b, then, otherwise }));
        }
        if c.eat_word("ret") {
            let v = if c.peek("%") { Some(c.value()?) } else { None };
            return Ok(Some(Terminator::Return(v)));
        }
        Ok(None)
    }

    fn inst(&mut self, c: &mut Cursor<'_>) -> Result<()> {
        let mut result = None;
        let mut ty = None;
        if c.peek("%") {
            result = Some(c.value()?);
            if c.eat(":") {
                ty = Some(c.named(Type::NAMES, "a type")?);
            }
            c.expect("=")?;
        }
        let op = self.op(c)?;
        if let Some(v) = result {
            let types = &self.types;
            let usual =
                op.usual_type(|v| types.get(v.index()).copied().flatten().unwrap_or(Type::I64));
            self.define(v, ty.unwrap_or(usual))?;
        }
        let span = c.span();
        let block = self.block()?;
        if block.term != Terminator::Missing {
            return Err("this block has ended already".into());
        }
        block.insts.push(Inst { result, op, span });
        Ok(())
    }

    fn op(&mut self, c: &mut Cursor<'_>) -> Result<Op> {
        let word = c.word();
        if let Some((op, _)) = BinOp::NAMES.iter().find(|(_, n)| *n == word) {
            let (a, b) = c.pair()?;
            return Ok(Op::Binary(*op, a, b));
        }
        if let Some((op, _)) = UnOp::NAMES.iter().find(|(_, n)| *n == word) {
            return Ok(Op::Unary(*op, c.value()?));
        }
        Ok(match word {
            "const" => Op::Const(c.number()?),
            "cmp" => {
                c.expect(".")?;
                let cond = c.named(Cond::NAMES, "a comparison")?;
                let (a, b) = c.pair()?;
                Op::Compare(cond, a, b)
            }
            "load" => {
                let (signed, width) = c.width()?;
                let base = c.value()?;
                let field = c.eat("+ field:");
                let offset = if field {
                    Offset::Field(FieldId(c.number()?))
                } else {
                    Offset::Bytes(c.offset()?)
                };
                Op::Load { width, signed, base, offset }
            }
            "store" => {
                let (width, base, offset, value) = c.access()?;
                Op::Store { width, base, offset, value }
            }
            "atomic_add" => {
                let (width, base, offset, value) = c.access()?;
                Op::AtomicAdd { width, base, offset, value }
            }
            "atomic_fetch_add" => {
                let (width, base, offset, value) = c.access()?;
                Op::AtomicFetchAdd { width, base, offset, value }
            }
            "atomic_cmpxchg" => {
                let (width, base, offset, expected) = c.access()?;
                c.expect(",")?;
                let new = c.value()?;
                Op::AtomicCompareExchange { width, base, offset, expected, new }
            }
            "info" => {
                c.expect(".")?;
                let info = c.named(FieldInfo::NAMES, "a fact about a field")?;
                c.expect("field:")?;
                Op::FieldInfo(FieldId(c.number()?), info)
            }
            "map" => Op::Map(self.map_id(c)?),
            "rodata" => Op::Rodata(c.number()?),
            "bss" => Op::Bss(c.number()?),
            "faultpc" => Op::FaultPc(c.number()?),
            "slot" => Op::Slot(c.slot()?),
            "func" => Op::Function(self.function_id(c)?),
            "kfunc" => Op::KernelFunction(c.named(KernelFunction::NAMES, "a kernel function")?),
            "call_kfunc" => Op::CallKernel(c.named(KernelFunction::NAMES, "a kernel function")?),
            "call" => {
                let f = self.function_id(c)?;
                Op::Call(f, c.args()?)
            }
            "helper" => {
                let helper = c.helper()?;
                Op::Helper(helper, c.args()?)
            }
            other => return Err(format!("`{other}` is no operation")),
        })
    }

    fn map_id(&self, c: &mut Cursor<'_>) -> Result<MapId> {
        let name = c.name()?;
        self.maps.get(&name).copied().ok_or_else(|| format!("there is no map `{name}`"))
    }

    fn function_id(&self, c: &mut Cursor<'_>) -> Result<FunctionId> {
        c.expect("@")?;
        let name = c.name()?;
        self.functions.get(&name).copied().ok_or_else(|| format!("there is no function `@{name}`"))
    }
}

/// The rest of a line.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn trim(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn at_end(&mut self) -> bool {
        self.trim();
        self.rest.is_empty() || self.rest.starts_with(';')
    }

    fn skip_comment(&mut self) {
        if self.at_end() {
            self.rest = "";
        }
    }

    fn peek(&mut self, token: &str) -> bool {
        self.trim();
        self.rest.starts_with(token)
    }

    fn eat(&mut self, token: &str) -> bool {
        self.trim();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.trim();
        let found = self.peek_word() == word;
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(format!("`{token}` was expected at `{}`", self.rest))
        }
    }

    fn keyword(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(format!("`{word}` was expected at `{}`", self.rest))
        }
    }

    fn peek_word(&self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &self.rest[..end.unwrap_or(self.rest.len())]
    }

    fn word(&mut self) -> &'a str {
        self.trim();
        let word = self.peek_word();
        self.rest = &self.rest[word.len()..];
        word
    }

    /// `b3` at the start of a block, not the operation of an instruction.
    fn peek_block(&mut self) -> bool {
        self.trim();
        let digits = self.peek_word().strip_prefix('b').unwrap_or("");
        !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit())
    }

    fn number<T: TryFrom<i128>>(&mut self) -> Result<T> {
        let negative = self.eat("-");
        self.trim();
        let word = self.peek_word();
        let n = match word.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16),
            None => word.parse::<i128>(),
        };
        let n = n.map_err(|_| format!("a number was expected at `{}`", self.rest))?;
        self.rest = &self.rest[word.len()..];
        T::try_from(if negative { -n } else { n }).map_err(|_| format!("{word} is out of range"))
    }

    fn keyed<T: TryFrom<i128>>(&mut self, key: &str) -> Result<T> {
        self.keyword(key)?;
        self.number()
    }

    fn named<T: Copy>(&mut self, names: &[(T, &str)], what: &str) -> Result<T> {
        let word = self.word();
        let found = names.iter().find(|(_, n)| *n == word).map(|(t, _)| *t);
        found.ok_or_else(|| format!("{what} was expected, not `{word}`"))
    }

    fn name(&mut self) -> Result<String> {
        self.trim();
        if self.peek("\"") {
            return self.text();
        }
        match self.word() {
            "" => Err(format!("a name was expected at `{}`", self.rest)),
            word => Ok(word.into()),
        }
    }

    fn text(&mut self) -> Result<String> {
        String::from_utf8(self.string()?).map_err(|_| "this text is not UTF-8".into())
    }

    fn string(&mut self) -> Result<Vec<u8>> {
        self.expect("\"")?;
        let mut out = Vec::new();
        let mut chars = self.rest.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[i + 1..];
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((i, 'x')) => {
                        let hex = self.rest.get(i + 1..i + 3).unwrap_or("");
                        let byte = u8::from_str_radix(hex, 16);
                        out.push(byte.map_err(|_| "two digits follow \\x".to_string())?);
                        chars.next();
                        chars.next();
                    }
                    Some((_, c @ ('"' | '\\'))) => out.push(c as u8),
                    _ => return Err("after \\ come x, \" or \\".into()),
                },
                c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        Err("this text lacks its closing quote".into())
    }

    fn value(&mut self) -> Result<Value> {
        self.expect("%")?;
        self.number().map(Value)
    }

    fn slot(&mut self) -> Result<SlotId> {
        self.expect("$")?;
        self.number().map(SlotId)
    }

    fn block(&mut self) -> Result<BlockId> {
        self.expect("b")?;
        self.number().map(BlockId)
    }

    fn pair(&mut self) -> Result<(Value, Value)> {
        let a = self.value()?;
        self.expect(",")?;
        Ok((a, self.value()?))
    }

    /// `(%1, %2)`
    fn args(&mut self) -> Result<Vec<Value>> {
        self.expect("(")?;
        let mut args = Vec::new();
        while !self.eat(")") {
            if !args.is_empty() {
                self.expect(",")?;
            }
            args.push(self.value()?);
        }
        Ok(args)
    }

    fn target(&mut self) -> Result<Target> {
        let block = self.block()?;
        let args = if self.peek("(") { self.args()? } else { Vec::new() };
        Ok(Target { block, args })
    }

    /// `.u32`
    fn width(&mut self) -> Result<(bool, Width)> {
        self.expect(".")?;
        let word = self.word();
        let signed = word.starts_with('s');
        let bits = word.strip_prefix(['s', 'u']).and_then(|n| n.parse::<u32>().ok());
        bits.filter(|n| n % 8 == 0)
            .and_then(|n| Width::of(n / 8))
            .map(|w| (signed, w))
            .ok_or_else(|| format!("`{word}` is no width such as u32 or s8"))
    }

    /// ` + 8` or ` - 8` or nothing
    fn offset(&mut self) -> Result<i32> {
        if self.eat("+") || self.peek("-") { self.number() } else { Ok(0) }
    }

    /// `.u32 %1 + 8, %2`
    fn access(&mut self) -> Result<(Width, Value, i32, Value)> {
        let (_, width) = self.width()?;
        let base = self.value()?;
        let offset = self.offset()?;
        self.expect(",")?;
        Ok((width, base, offset, self.value()?))
    }

    fn helper(&mut self) -> Result<Helper> {
        let word = self.word();
        if let Ok(n) = word.parse() {
            return Ok(Helper(n));
        }
        let found = Helper::ALL.iter().find(|(_, n, _)| *n == word).map(|(h, ..)| *h);
        found.ok_or_else(|| format!("`{word}` is no helper"))
    }

    /// `; 0:12-20`
    fn span(&mut self) -> Option<Span> {
        self.trim();
        let text = self.rest.strip_prefix(';')?.trim();
        let (source, range) = text.split_once(':')?;
        let (start, end) = range.split_once('-')?;
        let span = Span {
            source: SourceId(source.parse().ok()?),
            start: start.parse().ok()?,
            end: end.parse().ok()?,
        };
        Some(span)
    }

    fn layout(&mut self) -> Result<Layout> {
        let size = self.number()?;
        let align = self.keyed("align")?;
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.eat("}") {
            if !fields.is_empty() {
                self.expect(",")?;
            }
            let name = self.name()?;
            self.expect(":")?;
            let kind = self.layout_kind()?;
            self.expect("@")?;
            fields.push(LayoutField { name, offset: self.number()?, kind });
        }
        Ok(Layout { size, align, fields })
    }

    fn layout_kind(&mut self) -> Result<LayoutKind> {
        let word = self.word();
        if self.eat("[") {
            let n = self.number()?;
            self.expect("]")?;
            return match word {
                "str" => Ok(LayoutKind::String(n)),
                "bytes" => Ok(LayoutKind::Bytes(n)),
                "words" => Ok(LayoutKind::Words(n)),
                _ => Err(format!("`{word}[...]` is not str, bytes or words")),
            };
        }
        let bits: Option<u8> = word.strip_prefix(['s', 'u']).and_then(|n| n.parse().ok());
        match bits.filter(|b| b % 8 == 0) {
            Some(bits) => Ok(LayoutKind::Int { bytes: bits / 8, signed: word.starts_with('s') }),
            None => Err(format!("`{word}` is no kind such as u32 or str[16]")),
        }
    }
}
