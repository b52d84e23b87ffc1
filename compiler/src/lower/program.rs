//! Programs: enablings as entry points.
//!
//! In: all enablings. Out: one BPF program for each site, except that system calls share one at
//! each of their ends ([`syscall`]). Places that are attached one by one (kprobes, places in user
//! programs) share a program too; each has its number as a cookie, which tells them apart.

use super::call_args::Mentions;
use super::context::{Column, Context, Env, Firing};
use super::exclusive::exclusive;
use super::fault::{FaultBlock, FaultTarget};
use super::loops::Area;
use super::syscall;
use super::unit::Unit;
use crate::builtins::LONGEST_FIELD;
use crate::ir::build::Builder;
use crate::ir::{
    BinOp, BlockId, Cond, FunctionKind, Helper, KernelFunction, Place, Type, Value, Width,
};
use crate::kernel::{Attach, Probe};
use crate::manifest::{self, State};
use crate::typed::walk::{self, Node};
use crate::typed::{Clause, EnabledSite, Enabling, Expr, ExprKind, StatementKind};
use crate::types::{Space, Types};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use strand_grammar::ast::BinaryOp;

/// What a clause makes use of.
#[derive(Default, Clone, Copy)]
pub(crate) struct Uses {
    pub timestamp: bool,
    pub timestamp_in_predicate: bool,
    /// How often each `argN` is mentioned, in all and in the predicate.
    pub args: Mentions,
    pub args_in_predicate: Mentions,
    pub loops: bool,
    /// Memory of its own.
    pub scratch: bool,
}

impl Uses {
    pub fn of(clause: &Clause, types: &Types) -> Self {
        let mut uses = Uses::default();
        walk::clause(clause, &mut |node| uses.node(node, types));
        if let Some(predicate) = &clause.predicate {
            let mut inside = Uses::default();
            walk::expr(predicate, &mut |node| inside.node(node, types));
            uses.timestamp_in_predicate = inside.timestamp;
            uses.args_in_predicate = inside.args;
        }
        uses
    }

    fn node(&mut self, node: Node, types: &Types) {
        match node {
            Node::Statement(s) => self.loops |= matches!(s.kind, StatementKind::Loop { .. }),
            Node::Expr(e) => {
                if let ExprKind::RawArg(n) = e.kind
                    && let Some(count) = self.args.get_mut(usize::from(n))
                {
                    *count += 1;
                }
                self.scratch |= types.space(e.ty) == Space::Scratch;
                self.timestamp |= matches!(
                    &e.kind,
                    ExprKind::Builtin(v) if v.name == "timestamp"
                );
            }
            Node::Variable(_) => {}
        }
    }
}

/// Whether an expression looks at numbers and at who runs where alone: it changes nothing, faults
/// nowhere and is quickly found out.
fn is_plain(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Int(_) => true,
        ExprKind::Builtin(v) => ["pid", "tid", "cpu"].contains(&v.name),
        ExprKind::Macro(name) => !name.starts_with("$$"),
        ExprKind::Unary(_, a) | ExprKind::Not(a) | ExprKind::Cast(a) => is_plain(a),
        ExprKind::Binary { op, a, b, .. } => {
            !matches!(op, BinaryOp::Div | BinaryOp::Rem) && is_plain(a) && is_plain(b)
        }
        ExprKind::Logical(_, a, b) => is_plain(a) && is_plain(b),
        _ => false,
    }
}

/// Lowers everything that fires.
pub(crate) fn lower_all(unit: &mut Unit) {
    let program = unit.program;
    unit.exclusive = exclusive(unit);
    let (mut entries, mut returns) = (Vec::new(), Vec::new());
    for enabling in &program.enablings {
        for site in &enabling.sites {
            list_probe(unit, site);
        }
        match enabling.sites.first().map(|s| &s.attach) {
            // ERROR's clauses are inline wherever something can fault.
            None | Some(Attach::Error) => {}
            Some(Attach::SyscallEntry { .. }) => entries.push(enabling),
            Some(Attach::SyscallReturn { .. }) => returns.push(enabling),
            Some(attach) if attach.takes_cookie() => {
                for sites in places(&enabling.sites) {
                    lower_places(unit, enabling, &sites);
                }
            }
            Some(_) => {
                for site in &enabling.sites {
                    lower_site(unit, enabling, site);
                }
            }
        }
    }
    syscall::lower(unit, &entries, &returns);
}

fn list_probe(unit: &mut Unit, site: &EnabledSite) {
    let probe = &site.probe;
    if !unit.listed.insert(probe.id) {
        return;
    }
    unit.manifest.probes.push(manifest::Probe {
        id: probe.id,
        provider: probe.provider.clone(),
        module: probe.module.clone(),
        function: probe.function.clone(),
        name: probe.name.clone(),
    });
}

/// A function name out of a probe's.
pub(super) fn symbol(unit: &Unit, text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("p{}_{}", unit.manifest.programs.len(), text.trim_matches('_'))
}

fn lower_site(unit: &mut Unit, enabling: &Enabling, site: &EnabledSite) {
    let probe = &site.probe;
    let what = if probe.function.is_empty() { &probe.name } else { &probe.function };
    let name = symbol(unit, what);
    let mut cx = start(unit, &name, enabling, site);
    let out = cx.b.block(&[]);
    cx.ask_ahead(&[enabling], out);
    cx.prologue(&site.attach, out);
    cx.locals(&[enabling]);
    let mut ordinals = Vec::new();
    cx.clauses(enabling, &mut ordinals, out);
    cx.b.jump(out, &[]);
    cx.finish(&ordinals, out);
    let function = cx.b.finish();
    unit.add_function(function);
    unit.manifest.programs.push(manifest::Program::new(
        name,
        vec![site.attach.clone()],
        vec![probe.id],
    ));
}

/// A program's context.
pub(super) fn start<'u, 'a>(
    unit: &'u mut Unit<'a>,
    name: &str,
    enabling: &Enabling,
    site: &EnabledSite,
) -> Context<'u, 'a> {
    let kind = FunctionKind::Program { section: site.attach.section() };
    let b = Builder::new(name, kind, &[Type::Ptr]);
    let env = Env {
        site: Rc::new(site.clone()),
        bpf: b.param(0),
        keeps_processor: false,
        firing: Firing::One,
        compat: None,
        clause: enabling.clauses.first().map_or(0, |c| c.index),
        asked: None,
        call_args: Vec::new(),
        timestamp: None,
        locals: None,
        fault: FaultTarget::Block(0),
        record: None,
        whole: false,
        recorded: None,
        speculation: None,
        error_args: None,
        end: BlockId(0),
        frame: None,
    };
    Context {
        scratch: None,
        unit,
        b,
        env,
        lets: FxHashMap::default(),
        faults: FaultBlock::default(),
        key_slots: FxHashMap::default(),
        area: Area::default(),
    }
}

impl Context<'_, '_> {
    /// Tests the state of tracing; `out` is the block that ends the program.
    fn prologue(&mut self, attach: &Attach, out: BlockId) {
        let expected = match attach {
            Attach::Begin => State::Starting,
            // END runs whatever the state.
            Attach::End => return,
            _ => State::Active,
        };
        self.go_on_in_state(expected, out);
    }

    /// If all that there is to do is a clause whose predicate is plain, asks that: most often
    /// nothing else is to be found out then.
    pub(super) fn ask_ahead(&mut self, enablings: &[&Enabling], out: BlockId) {
        let [enabling] = enablings else { return };
        if let [clause] = &enabling.clauses[..]
            && let Some(predicate) = clause.predicate.as_ref().filter(|e| is_plain(e))
        {
            let next = self.b.block(&[]);
            self.branch_on(predicate, next, out);
            self.b.switch_to(next);
            self.env.asked = Some(clause.index);
        }
    }

    /// Keeps the processor from here on, where another thread could take it and run the same
    /// program, and the kernel doesn't keep it from that: in user programs. What is prepared
    /// in memory that each processor has once would be changed in between. Gives the block
    /// that ends this and the program. Kernels before 6.10 have no means for it.
    ///
    /// Elsewhere the kernel leaves such firings out, and counts them.
    fn without_preemption(&mut self, attach: &Attach, out: BlockId) -> BlockId {
        if !matches!(attach, Attach::Uprobe(_) | Attach::Uretprobe(_) | Attach::Usdt { .. }) {
            return out;
        }
        self.b.call_kernel(KernelFunction::PreemptDisable);
        let (here, end) = (self.b.current(), self.b.block(&[]));
        self.b.switch_to(out);
        let zero = self.int(0);
        self.b.ret(Some(zero));
        self.b.switch_to(here);
        self.env.keeps_processor = true;
        end
    }

    pub(crate) fn go_on_in_state(&mut self, expected: State, out: BlockId) {
        let state = self.b.bss(manifest::STATE_OFFSET);
        let state = self.b.load(Width::W32, false, state, 0);
        let wanted = self.int(expected as i64);
        self.go_on_if(Cond::Eq, state, wanted, out);
        // BEGIN, END and ERROR fire wherever they do.
        if let (State::Active, Some(cpu)) = (expected, self.unit.options.cpu) {
            let here = self.helper(Helper::GET_SMP_PROCESSOR_ID, &[]);
            let cpu = self.int(cpu.into());
            self.go_on_if(Cond::Eq, here, cpu, out);
        }
    }

    /// Makes room for clause-locals, all zero. They go where the verifier doesn't follow
    /// them if a loop could change them.
    pub(super) fn locals(&mut self, enablings: &[&Enabling]) {
        let size = self.unit.locals_size;
        if size == 0 {
            return;
        }
        let program = self.unit.program;
        let is_error = |e: &&Enabling| e.sites.iter().any(|s| s.attach == Attach::Error);
        let mut clauses = enablings
            .iter()
            .copied()
            .chain(program.enablings.iter().filter(is_error))
            .flat_map(|e| &e.clauses);
        let loops = clauses.any(|c| Uses::of(c, self.unit.types()).loops);
        let place = if loops { Place::Scratch } else { Place::Any };
        let slot = self.b.slot(size, 8, place);
        let at = self.b.slot_addr(slot);
        self.clear(at, 0, size);
        self.env.locals = Some(at);
    }

    /// All clauses of an enabling; `ordinals` gets the block behind each.
    pub(super) fn clauses(
        &mut self,
        enabling: &Enabling,
        ordinals: &mut Vec<BlockId>,
        out: BlockId,
    ) {
        let attach = self.env.site.attach.clone();
        self.env.call_args.clear();
        self.read_shared_args(&enabling.clauses);
        let shared = self.env.call_args.len();
        for (i, clause) in enabling.clauses.iter().enumerate() {
            self.env.fault = FaultTarget::Block(ordinals.len() as u32);
            self.clause(clause);
            // What was read in a clause isn't there if the clause wasn't run.
            self.env.call_args.truncate(shared);
            ordinals.push(self.b.current());
            let exits = matches!(attach, Attach::End)
                || !super::clause::exits(clause)
                || i + 1 == enabling.clauses.len();
            if !exits {
                // After exit() the probe's later clauses don't run.
                let state = match attach {
                    Attach::Begin => State::Starting,
                    _ => State::Active,
                };
                self.go_on_in_state(state, out);
            }
        }
    }

    /// Emits the fault block and the end.
    pub(super) fn finish(&mut self, ordinals: &[BlockId], out: BlockId) {
        self.finish_faults(|n| ordinals.get(n as usize).copied().unwrap_or(out), out);
        self.b.switch_to(out);
        if self.env.keeps_processor {
            self.b.call_kernel(KernelFunction::PreemptEnable);
        }
        let zero = self.int(0);
        self.b.ret(Some(zero));
    }

    /// `timestamp`, once for each clause that wants it.
    pub(crate) fn take_timestamp(&mut self) {
        if self.env.timestamp.is_none() {
            let now = self.helper(Helper::KTIME_GET_NS, &[]);
            self.env.timestamp = Some(now);
        }
    }

    /// The firing probe's id.
    pub fn probe_id(&mut self) -> Value {
        match self.env.firing.clone() {
            Firing::One => self.int(i64::from(self.env.site.probe.id)),
            Firing::Table { index, len, ids, .. } => {
                let index = self.bounded(index, len);
                let offset = self.b.binary_imm(BinOp::Shl, index, 2);
                let table = self.b.rodata(ids);
                let at = self.b.binary(BinOp::Add, table, offset);
                self.b.load(Width::W32, false, at, 0)
            }
        }
    }

    /// An index that the verifier knows is below `len`, a power of two.
    pub(crate) fn bounded(&mut self, index: Value, len: u32) -> Value {
        self.b.binary_imm(BinOp::And, index, i64::from(len) - 1)
    }

    /// Unique for each pair of probe and clause.
    pub fn epid(&mut self) -> Value {
        let id = self.probe_id();
        let clauses = self.unit.program.clauses.len() as i64;
        let scaled = self.b.binary_imm(BinOp::Mul, id, clauses.max(1));
        self.b.add_imm(scaled, i64::from(self.env.clause))
    }
}

// ------------------------------------------------------------------------- places

/// Sites in groups in which none attaches where another does: of two probes at one place a
/// cookie could tell only one.
pub(super) fn places(sites: &[EnabledSite]) -> Vec<Vec<&EnabledSite>> {
    let mut groups: Vec<Vec<&EnabledSite>> = Vec::new();
    let mut met: FxHashMap<&Attach, usize> = FxHashMap::default();
    for site in sites {
        let nth = met.entry(&site.attach).or_default();
        if *nth == groups.len() {
            groups.push(Vec::new());
        }
        groups[*nth].push(site);
        *nth += 1;
    }
    groups
}

/// One program for all places that run the same clauses.
fn lower_places(unit: &mut Unit, enabling: &Enabling, sites: &[&EnabledSite]) {
    let Some(site) = sites.first() else { return };
    let probe = &site.probe;
    let what = if probe.function.is_empty() { &probe.name } else { &probe.function };
    let name = symbol(unit, what);
    let table = places_table(unit, sites);
    let mut cx = start(unit, &name, enabling, site);
    let out = cx.b.block(&[]);
    cx.prologue(&site.attach, out);
    let out = cx.without_preemption(&site.attach, out);
    if let Some((len, ids, fields)) = table {
        let bpf = cx.env.bpf;
        let index = cx.helper(Helper::GET_ATTACH_COOKIE, &[bpf]);
        cx.env.firing = Firing::Table { index, len, ids, fields };
    }
    cx.locals(&[enabling]);
    let mut ordinals = Vec::new();
    cx.clauses(enabling, &mut ordinals, out);
    cx.b.jump(out, &[]);
    cx.finish(&ordinals, out);
    let function = cx.b.finish();
    unit.add_function(function);
    unit.manifest.programs.push(manifest::Program::new(
        name,
        sites.iter().map(|s| s.attach.clone()).collect(),
        sites.iter().map(|s| s.probe.id).collect(),
    ));
}

/// Number of entries, ids, texts: by a place's number. None if there is one probe only.
type PlacesTable = (u32, u32, [Option<Column>; 4]);

fn places_table(unit: &mut Unit, sites: &[&EnabledSite]) -> Option<PlacesTable> {
    let first = sites.first()?.probe.id;
    if sites.iter().all(|s| s.probe.id == first) {
        return None;
    }
    let len = (sites.len() as u32).next_power_of_two();
    let mut ids: Vec<u8> = sites.iter().flat_map(|s| s.probe.id.to_le_bytes()).collect();
    ids.resize(4 * len as usize, 0);
    let ids = unit.rodata(ids);
    type Field = fn(&Probe) -> &String;
    let of: [(&str, Field); 4] = [
        ("probeprov", |p| &p.provider),
        ("probemod", |p| &p.module),
        ("probefunc", |p| &p.function),
        ("probename", |p| &p.name),
    ];
    let fields = of.map(|(variable, field)| {
        // For thousands of places these are large.
        let used = unit.uses_variable(variable);
        used.then(|| column(unit, sites, len, field)).flatten()
    });
    Some((len, ids, fields))
}

/// A field of the probes at all places; none if it is the same for all.
fn column(
    unit: &mut Unit,
    sites: &[&EnabledSite],
    len: u32,
    field: fn(&Probe) -> &String,
) -> Option<Column> {
    let text = |s: &EnabledSite| {
        let text = field(&s.probe).as_bytes();
        text[..text.len().min(LONGEST_FIELD as usize - 1)].to_vec()
    };
    let first = text(sites[0]);
    if sites.iter().all(|s| text(s) == first) {
        return None;
    }
    let longest = sites.iter().map(|s| text(s).len()).max().unwrap_or(0) as u32;
    let stride = super::layout::round_up(longest + 1, 8);
    let mut texts = vec![0u8; (stride * len) as usize];
    for (site, row) in sites.iter().zip(texts.chunks_exact_mut(stride as usize)) {
        let text = text(site);
        row[..text.len()].copy_from_slice(&text);
    }
    Some(Column { at: unit.rodata(texts), stride })
}
