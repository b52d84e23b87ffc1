//! What lowering shares over a whole program: the module, the manifest and all that is
//! made once — maps, read-only data, kernel fields, the places of variables.
//!
//! In: the typed program. Out: ids to refer to. Maps that no clause uses are not made.

use super::layout::{KeyLayout, Prefix, round_up};
use super::short::Short;
use super::strings::Bounds;
use crate::ir::{
    Field, FieldId, Function, FunctionId, Layout, LayoutField, LayoutKind, Map, MapId, MapKind,
    Module,
};
use crate::kernel::{Attach, Feature, Kernel};
use crate::manifest::{self, Manifest};
use crate::options::Options;
use crate::typed::walk::{self, Node};
use crate::typed::{
    Aggregation, AggregationId, Expr, ExprKind, Program, Shape, Target, Variable, VariableId,
};
use crate::types::{Type, TypeId, Types};
use rustc_hash::{FxHashMap, FxHashSet};
use strand_grammar::ast::Scope;
use strand_grammar::source::{Sources, Span};

const BPF_F_NO_PREALLOC: u32 = 1;

/// More aggregations than these share maps. A program can use 64 maps.
const MANY: usize = 32;

/// Where a variable lives.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// So many bytes into `.bss`.
    Bss(u32),
    /// So many bytes into the thread's storage.
    Thread(u32),
    /// So many bytes into the clause-locals of a firing.
    Clause(u32),
    /// Elements of a hash map.
    Elements(Elements),
}

/// Where elements with keys live.
#[derive(Debug, Clone)]
pub(crate) struct Elements {
    /// The map.
    pub map: MapId,
    /// Its key.
    pub key: KeyLayout,
    /// How the key looks cut off, and the map of elements that are as short.
    pub short: Option<(Short, MapId)>,
}

/// Where an aggregation lives.
#[derive(Debug, Clone)]
pub(crate) enum AggregationStorage {
    /// It has no keys: an array of one.
    One(MapId),
    /// It has keys.
    Elements(Elements),
}

/// Everything shared.
pub(crate) struct Unit<'a> {
    pub program: &'a Program,
    pub kernel: &'a dyn Kernel,
    pub options: &'a Options,
    pub sources: &'a Sources,
    pub module: Module,
    pub manifest: Manifest,
    pub storage: Vec<Storage>,
    pub aggregations: Vec<AggregationStorage>,
    /// Those that nothing else changes while a program does.
    pub exclusive: FxHashSet<AggregationId>,
    /// Arrays of which some clause frees elements.
    pub freed: FxHashSet<VariableId>,
    /// Bytes of a thread's storage, the thread's number among them.
    pub thread_size: u32,
    /// Bytes of the clause-locals of a firing.
    pub locals_size: u32,
    fields: FxHashMap<Field, FieldId>,
    /// Members of records that were looked for, by name.
    pub found_fields: FxHashMap<String, Option<Field>>,
    rodata: FxHashMap<Vec<u8>, u32>,
    records: Option<MapId>,
    threads: Option<MapId>,
    speculations: Option<Speculations>,
    speculation_counter: Option<u32>,
    /// Subprograms made once, by name.
    pub functions: FxHashMap<&'static str, FunctionId>,
    /// Indices of types in the manifest.
    pub type_layouts: FxHashMap<TypeId, u32>,
    /// Ids of the probes in the manifest.
    pub listed: FxHashSet<u32>,
    builtins: FxHashSet<&'static str>,
}

/// Arrays of which some clause frees elements.
fn freed(program: &Program) -> FxHashSet<VariableId> {
    let mut found = FxHashSet::default();
    for clause in program.enablings.iter().flat_map(|e| &e.clauses) {
        walk::clause(clause, &mut |node| {
            if let Node::Expr(Expr { kind: ExprKind::Assign { target, deletes: true, .. }, .. }) =
                node
                && let Target::Element(id, _) = target
            {
                found.insert(*id);
            }
        });
    }
    found
}

/// The map of elements with short keys, by the other map's name.
fn short_name(name: &str) -> String {
    format!("{name}_short")
}

/// Names of the built-in variables that a program uses.
fn builtins(program: &Program) -> FxHashSet<&'static str> {
    let mut found = FxHashSet::default();
    for clause in program.enablings.iter().flat_map(|e| &e.clauses) {
        walk::clause(clause, &mut |node| {
            if let Node::Expr(Expr { kind: ExprKind::Builtin(v), .. }) = node {
                found.insert(v.name);
            }
        });
    }
    found
}

/// So few speculations are tried one by one: a queue takes a lock for each that is taken or given
/// back.
const FEW_SPECULATIONS: u32 = 4;

/// Where speculations' states are: a u64 by id, of which the lowest bit says that it is active. It
/// is one more each time that an id is taken or given back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Speculations {
    /// So many bytes into `.bss`.
    Few(u32),
    /// An array, and a queue of ids that were given back.
    Many { states: MapId, queue: MapId },
}

/// Bytes at the start of a thread's storage: its number, for keys of `self->a[k]`.
pub(crate) const THREAD_NUMBER: u32 = 8;

impl<'a> Unit<'a> {
    pub fn new(
        program: &'a Program,
        kernel: &'a dyn Kernel,
        options: &'a Options,
        sources: &'a Sources,
    ) -> Self {
        let mut unit = Unit {
            program,
            kernel,
            options,
            sources,
            module: Module { bss: manifest::BSS_START, ..Module::default() },
            manifest: Manifest {
                version: manifest::VERSION,
                strsize: options.strsize,
                ..Manifest::default()
            },
            storage: Vec::new(),
            aggregations: Vec::new(),
            exclusive: FxHashSet::default(),
            freed: freed(program),
            thread_size: THREAD_NUMBER,
            locals_size: 0,
            fields: FxHashMap::default(),
            found_fields: FxHashMap::default(),
            rodata: FxHashMap::default(),
            records: None,
            threads: None,
            speculations: None,
            speculation_counter: None,
            functions: FxHashMap::default(),
            type_layouts: FxHashMap::default(),
            listed: FxHashSet::default(),
            builtins: builtins(program),
        };
        let bounds = Bounds::of(program);
        unit.place_variables(&bounds);
        unit.place_aggregations(&bounds);
        unit.list_clauses();
        unit
    }

    pub fn types(&self) -> &'a Types {
        &self.program.types
    }

    /// Whether some clause uses a built-in variable.
    pub fn uses_variable(&self, name: &str) -> bool {
        self.builtins.contains(name)
    }

    /// Bytes that a value of this type takes where it is stored.
    pub fn size(&self, ty: TypeId) -> u32 {
        let size = self.types().size(ty).unwrap_or(8);
        match self.types().resolved(ty) {
            Type::String => round_up(size, 8),
            _ => size,
        }
    }

    fn place_variables(&mut self, bounds: &Bounds) {
        let has_elements = |v: &&Variable| matches!(v.shape, Shape::Associative(_));
        let two_maps = self.program.variables.iter().filter(has_elements).count() <= MANY / 4;
        for (i, v) in self.program.variables.iter().enumerate() {
            let size = self.size(v.ty);
            let align = match self.types().resolved(v.ty) {
                // Text is copied and cleared in words.
                Type::String | Type::Record(_) | Type::Array { .. } => 8,
                _ => self.types().align(v.ty),
            };
            let take = |end: &mut u32| {
                let at = round_up(*end, align);
                *end = at + size;
                at
            };
            let storage = match (&v.shape, v.scope) {
                (Shape::Associative(keys), scope) => {
                    let key = KeyLayout::new(
                        self.types(),
                        keys,
                        bounds.variable(VariableId(i as u32)),
                        if scope == Scope::Thread { Prefix::Thread } else { Prefix::None },
                    );
                    let value = self.value_layout(v.ty, &v.name);
                    let name = format!("{}_{i}", v.name.trim_start_matches('_'));
                    let map = self.hash(&name, key.layout.clone(), value.clone());
                    let short = Short::of(&key).filter(|_| two_maps).map(|short| {
                        let map = self.hash(&short_name(&name), short.layout.clone(), value);
                        (short, map)
                    });
                    Storage::Elements(Elements { map, key, short })
                }
                (Shape::Scalar, Scope::Global) => Storage::Bss(take(&mut self.module.bss)),
                (Shape::Scalar, Scope::Thread) => Storage::Thread(take(&mut self.thread_size)),
                (Shape::Scalar, Scope::Clause) => Storage::Clause(take(&mut self.locals_size)),
            };
            self.storage.push(storage);
        }
        self.thread_size = round_up(self.thread_size, 8);
        self.locals_size = round_up(self.locals_size, 8);
    }

    fn hash(&mut self, name: &str, key: Layout, value: Layout) -> MapId {
        // What `dynvarsize` counts for an element besides its key and value, whatever the
        // kernel spends: scripts have always counted so.
        const HEADER: u64 = 8;
        let bytes = u64::from(round_up(key.size, 8) + round_up(value.size, 8)) + HEADER;
        let entries = (self.options.dynvarsize / bytes).clamp(1, u64::from(u32::MAX)) as u32;
        let flags = if self.kernel.has(Feature::HashNoPrealloc) { BPF_F_NO_PREALLOC } else { 0 };
        self.add_map(Map {
            name: name.to_owned(),
            kind: MapKind::Hash,
            key: Some(key),
            value: Some(value),
            entries,
            flags,
        })
    }

    /// Whether elements take memory when they come. Where interrupts are off, as in a sample,
    /// the kernel has few in reserve for maps of each CPU: new elements in several aggregations
    /// at once would be lost.
    fn aggregation_flags(&self) -> u32 {
        let mut sites = self.program.enablings.iter().flat_map(|e| &e.sites);
        let samples = sites.any(|s| matches!(s.attach, Attach::Sample { .. }));
        let several = self.program.aggregations.iter().filter(|a| !a.keys.is_empty()).count() > 1;
        let ahead = samples && several || !self.kernel.has(Feature::HashNoPrealloc);
        if ahead { 0 } else { BPF_F_NO_PREALLOC }
    }

    fn value_layout(&self, ty: TypeId, name: &str) -> Layout {
        let size = self.size(ty);
        let kind = match self.types().resolved(ty) {
            Type::String => LayoutKind::String(size),
            _ if self.types().is_scalar(ty) => {
                LayoutKind::Int { bytes: size as u8, signed: self.types().is_signed(ty) }
            }
            _ => LayoutKind::Bytes(size),
        };
        let name = if name.is_empty() { "value".to_owned() } else { name.to_owned() };
        let align = if self.types().is_scalar(ty) { size } else { 8 };
        Layout { size, align, fields: vec![LayoutField { name, offset: 0, kind }] }
    }

    /// Gives every aggregation a map of its own, and one for its short keys; if they are many, one
    /// to all whose keys and values are alike, since a program can't use many maps.
    fn place_aggregations(&mut self, bounds: &Bounds) {
        let share = self.program.aggregations.len() > MANY;
        let two_maps = self.program.aggregations.len() <= MANY / 2;
        let mut shared: FxHashMap<(Layout, u32), MapId> = FxHashMap::default();
        for (i, a) in self.program.aggregations.iter().enumerate() {
            let words = crate::buckets::words(&a.function);
            let name = format!("agg_{}_{i}", a.name.trim_start_matches('_'));
            let value = super::aggregation::value_layout(&a.function);
            let storage = if a.keys.is_empty() && !share {
                AggregationStorage::One(self.aggregation_map(name, None, value))
            } else {
                let prefix = if share { Prefix::Aggregation(i as u32) } else { Prefix::None };
                let bounds = bounds.aggregation(AggregationId(i as u32));
                let key = KeyLayout::new(self.types(), &a.keys, bounds, prefix);
                let mut make =
                    |name, layout: &Layout| self.aggregation_map(name, Some(layout), value.clone());
                let map = match share {
                    true => *shared
                        .entry((key.layout.clone(), words))
                        .or_insert_with(|| make(name.clone(), &key.layout)),
                    false => make(name.clone(), &key.layout),
                };
                let short = Short::of(&key).filter(|_| two_maps);
                let short = short.map(|short| {
                    let map = make(short_name(&name), &short.layout);
                    (short, map)
                });
                AggregationStorage::Elements(Elements { map, key, short })
            };
            self.list_aggregation(a, &storage, share.then_some(i as u32));
            self.aggregations.push(storage);
        }
    }

    /// Tells the runtime where an aggregation is; `number`: it shares its map, and this begins its
    /// keys.
    fn list_aggregation(
        &mut self,
        a: &Aggregation,
        storage: &AggregationStorage,
        number: Option<u32>,
    ) {
        let name_of = |map: MapId| self.module.maps[map.0 as usize].name.clone();
        let (map, keys, key_size, short) = match storage {
            AggregationStorage::One(map) => (*map, Vec::new(), 4, None),
            AggregationStorage::Elements(Elements { map, key, short }) => {
                let short = short.as_ref().map(|(short, map)| manifest::ShortKeys {
                    map: name_of(*map),
                    size: short.layout.size,
                    unit: short.unit,
                });
                (*map, key.data.clone(), key.layout.size, short)
            }
        };
        let map = name_of(map);
        self.manifest.aggregations.push(manifest::Aggregation {
            name: a.name.clone(),
            map,
            number,
            function: a.function,
            keys,
            key_size,
            value_size: 8 * crate::buckets::words(&a.function),
            short,
        });
    }

    /// A map for elements with this key, or an array of one for an aggregation without.
    fn aggregation_map(&mut self, name: String, key: Option<&Layout>, value: Layout) -> MapId {
        let Some(key) = key else {
            return self.add_map(Map {
                name,
                kind: MapKind::PercpuArray,
                key: Some(index_layout()),
                value: Some(value),
                entries: 1,
                flags: 0,
            });
        };
        let bytes = u64::from(round_up(key.size, 8) + value.size) + 64;
        let entries = (self.options.aggsize / bytes).clamp(1, 1 << 24) as u32;
        let flags = self.aggregation_flags();
        self.add_map(Map {
            name,
            kind: MapKind::PercpuHash,
            key: Some(key.clone()),
            value: Some(value),
            entries,
            flags,
        })
    }

    fn list_clauses(&mut self) {
        for span in &self.program.clauses {
            let source = self.sources.get(span.source);
            self.manifest.clauses.push(manifest::Clause {
                file: source.name.clone(),
                line: self.sources.line(*span) as u32,
            });
        }
    }

    pub fn add_map(&mut self, map: Map) -> MapId {
        self.module.maps.push(map);
        MapId(self.module.maps.len() as u32 - 1)
    }

    /// Reserves a function, to be filled in by [`Unit::set_function`].
    pub fn reserve_function(&mut self) -> FunctionId {
        let placeholder =
            crate::ir::build::Builder::new("", crate::ir::FunctionKind::Subprogram, &[]).finish();
        self.module.functions.push(placeholder);
        FunctionId(self.module.functions.len() as u32 - 1)
    }

    pub fn set_function(&mut self, id: FunctionId, function: Function) {
        self.module.functions[id.index()] = function;
    }

    pub fn add_function(&mut self, function: Function) -> FunctionId {
        self.module.functions.push(function);
        FunctionId(self.module.functions.len() as u32 - 1)
    }

    pub fn field(&mut self, field: Field) -> FieldId {
        if let Some(id) = self.fields.get(&field) {
            return *id;
        }
        let id = FieldId(self.module.fields.len() as u32);
        self.module.fields.push(field.clone());
        self.fields.insert(field, id);
        id
    }

    /// The table of processors: where it is in `.bss`, and how many it has.
    pub fn processors(&mut self) -> (u32, u32) {
        let table = match self.manifest.processors {
            Some(table) => table,
            None => {
                let offset = round_up(self.module.bss, 8);
                let count = self.kernel.cpus().max(1);
                self.module.bss = offset + count * manifest::PROCESSOR_SIZE;
                *self.manifest.processors.insert(manifest::Processors { offset, count })
            }
        };
        (table.offset, table.count)
    }

    /// Read-only data, stored once and aligned to 8 bytes; its offset.
    pub fn rodata(&mut self, bytes: Vec<u8>) -> u32 {
        if let Some(at) = self.rodata.get(&bytes) {
            return *at;
        }
        let at = round_up(self.module.rodata.len() as u32, 8);
        self.module.rodata.resize(at as usize, 0);
        self.module.rodata.extend_from_slice(&bytes);
        self.rodata.insert(bytes, at);
        at
    }

    /// Where a macro's value is that is known only when the program runs, and its bytes.
    pub fn late_macro(&mut self, name: &str) -> (u32, u32) {
        if let Some(known) = self.manifest.macros.iter().find(|m| m.name == name) {
            return (known.offset, known.size);
        }
        let text = name.starts_with("$$");
        let size = if text { round_up(self.options.strsize, 8) } else { 8 };
        let offset = round_up(self.module.rodata.len() as u32, 8);
        self.module.rodata.resize((offset + size) as usize, 0);
        let (name, value) = (name.to_owned(), Vec::new());
        self.manifest.macros.push(manifest::Macro { name, offset, size, value });
        (offset, size)
    }

    /// At least so many zero bytes of read-only data.
    pub fn zeros(&mut self, size: u32) -> u32 {
        // One region serves all sizes up to 1 KiB.
        self.rodata(vec![0; round_up(size.max(1024), 1024) as usize])
    }

    pub fn records(&mut self) -> MapId {
        if let Some(map) = self.records {
            return map;
        }
        let size = self.options.bufsize.clamp(4096, 1 << 30).next_power_of_two();
        let map = self.add_map(Map {
            name: "records".to_owned(),
            kind: MapKind::Ringbuf,
            key: None,
            value: None,
            entries: size as u32,
            flags: 0,
        });
        self.manifest.maps.records = Some("records".to_owned());
        self.records = Some(map);
        map
    }

    /// Where in `.bss` the counters of drops are.
    pub fn drops(&mut self) -> u32 {
        if let Some(at) = self.manifest.drops {
            return at;
        }
        let at = round_up(self.module.bss, 8);
        self.module.bss = at + manifest::DROPS_SIZE;
        *self.manifest.drops.insert(at)
    }

    pub fn threads(&mut self) -> MapId {
        if let Some(map) = self.threads {
            return map;
        }
        let size = self.thread_size;
        let map = self.add_map(Map {
            name: "threads".to_owned(),
            kind: MapKind::TaskStorage,
            key: Some(Layout {
                size: 4,
                align: 4,
                fields: vec![LayoutField {
                    name: "pidfd".to_owned(),
                    offset: 0,
                    kind: LayoutKind::Int { bytes: 4, signed: true },
                }],
            }),
            value: Some(words_layout("thread", size / 8)),
            entries: 0,
            flags: BPF_F_NO_PREALLOC,
        });
        self.threads = Some(map);
        map
    }

    /// The `.bss` word that counts ids which were taken for the first time.
    pub fn speculation_counter(&mut self) -> u32 {
        *self.speculation_counter.get_or_insert_with(|| {
            let offset = round_up(self.module.bss, 8);
            self.module.bss = offset + 8;
            offset
        })
    }

    /// The states of speculations.
    pub fn speculations(&mut self) -> Speculations {
        if let Some(known) = self.speculations {
            return known;
        }
        let nspec = self.options.nspec;
        let made = if nspec <= FEW_SPECULATIONS {
            let offset = round_up(self.module.bss, 8);
            self.module.bss = offset + 8 * (nspec + 1);
            Speculations::Few(offset)
        } else {
            let queue = self.add_map(Map {
                name: "spec_ids".to_owned(),
                kind: MapKind::Queue,
                key: None,
                value: Some(words32("id")),
                entries: nspec,
                flags: 0,
            });
            let states = self.add_map(Map {
                name: "spec_states".to_owned(),
                kind: MapKind::Array,
                key: Some(index_layout()),
                value: Some(words_layout("state", 1)),
                entries: nspec + 1,
                flags: 0,
            });
            Speculations::Many { states, queue }
        };
        self.manifest.speculation_bits = u32::BITS - nspec.leading_zeros();
        *self.speculations.insert(made)
    }

    /// A new fault site for the text under `span`.
    pub fn fault_site(&mut self, clause: u32, span: Span) -> u32 {
        let source = self.sources.get(span.source);
        let (file, line) = source.place(span.start);
        let (file, line) = (file.to_owned(), line as u32);
        let start = span.start as usize;
        let line_start =
            source.text[..start.min(source.text.len())].rfind('\n').map_or(0, |n| n + 1);
        let text = self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let site = manifest::FaultSite {
            clause,
            file,
            line,
            column: (start - line_start) as u32 + 1,
            text,
        };
        if let Some(i) = self.manifest.faults.iter().position(|f| *f == site) {
            return i as u32;
        }
        self.manifest.faults.push(site);
        self.manifest.faults.len() as u32 - 1
    }
}

fn words32(name: &str) -> Layout {
    let kind = LayoutKind::Int { bytes: 4, signed: false };
    Layout {
        size: 4,
        align: 4,
        fields: vec![LayoutField { name: name.to_owned(), offset: 0, kind }],
    }
}

/// The key of an array.
pub(crate) fn index_layout() -> Layout {
    words32("index")
}

/// So many u64 words.
pub(crate) fn words_layout(name: &str, words: u32) -> Layout {
    Layout {
        size: 8 * words,
        align: 8,
        fields: vec![LayoutField {
            name: name.to_owned(),
            offset: 0,
            kind: LayoutKind::Words(words),
        }],
    }
}
