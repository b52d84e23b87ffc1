//! Typed clauses made by hand, through all of the back end: what the IR verifier, the
//! register allocator and the object writer accept.

use crate::builtins;
use crate::fixture::FixtureKernel;
use crate::kernel::{Attach, Kernel, Probe, ProbePattern};
use crate::manifest::{AggregatingFunction, DatumKind, SymbolKind, copied};
use crate::options::Options;
use crate::typed::*;
use crate::types::{Type, TypeId, Types};
use strand_grammar::ast::{BinaryOp, Scope};
use strand_grammar::source::{SourceKind, Sources, Span};

struct Made {
    options: Options,
    types: Types,
    variables: Vec<Variable>,
    aggregations: Vec<Aggregation>,
}

impl Made {
    fn new() -> Self {
        let options = Options::default();
        Made { options, types: Types::new(256), variables: Vec::new(), aggregations: Vec::new() }
    }

    fn int(&mut self) -> TypeId {
        self.types.intern(Type::Integer { name: "int".to_owned(), bytes: 4, signed: true })
    }

    fn string(&mut self) -> TypeId {
        self.types.intern(Type::String)
    }

    fn n(&mut self, n: i64) -> Expr {
        let ty = self.int();
        Expr { kind: ExprKind::Int(n), ty, span: Span::default() }
    }

    fn text(&mut self, s: &str) -> Expr {
        let ty = self.string();
        Expr { kind: ExprKind::String(s.as_bytes().to_vec()), ty, span: Span::default() }
    }

    fn builtin(&mut self, name: &str, ty: TypeId) -> Expr {
        let v = builtins::variable(name).expect("a built-in");
        Expr { kind: ExprKind::Builtin(v), ty, span: Span::default() }
    }

    fn call(&mut self, name: &str, args: Vec<Expr>, ty: TypeId) -> Expr {
        let f = builtins::subroutine(name).expect("a subroutine");
        Expr { kind: ExprKind::Call(f, args), ty, span: Span::default() }
    }

    fn variable(&mut self, name: &str, scope: Scope, ty: TypeId, keys: &[TypeId]) -> VariableId {
        let shape = if keys.is_empty() { Shape::Scalar } else { Shape::Associative(keys.to_vec()) };
        let span = Span::default();
        self.variables.push(Variable { name: name.to_owned(), scope, ty, shape, span });
        VariableId(self.variables.len() as u32 - 1)
    }

    fn aggregation(&mut self, function: AggregatingFunction, keys: &[TypeId]) -> AggregationId {
        let span = Span::default();
        let name = format!("a{}", self.aggregations.len());
        self.aggregations.push(Aggregation { name, function, keys: keys.to_vec(), span });
        AggregationId(self.aggregations.len() as u32 - 1)
    }

    fn binary(&self, op: BinaryOp, a: Expr, b: Expr) -> Expr {
        let ty = a.ty;
        let kind = ExprKind::Binary { op, signed: true, a: Box::new(a), b: Box::new(b) };
        Expr { kind, ty, span: Span::default() }
    }

    fn assign(&self, target: Target, value: Expr, deletes: bool) -> Statement {
        let ty = value.ty;
        let kind = ExprKind::Assign { target, op: None, value: Box::new(value), deletes };
        statement(StatementKind::Expr(Expr { kind, ty, span: Span::default() }))
    }

    /// Compiles one clause on the probes that match; the names of the records' actions.
    #[track_caller]
    fn compile(
        self,
        probe: &str,
        predicate: Option<Expr>,
        body: Vec<Statement>,
    ) -> crate::Compiled {
        let kernel = FixtureKernel::new();
        let name = probe.rsplit(':').next().unwrap_or("").to_owned();
        let fields: Vec<&str> = probe.split(':').collect();
        let pattern = ProbePattern {
            id: None,
            provider: if fields.len() > 1 { fields[0].to_owned() } else { String::new() },
            module: String::new(),
            function: fields.get(2).map_or_else(String::new, |f| (*f).to_owned()),
            name,
        };
        let probes: Vec<Probe> = kernel.probes(&pattern).expect("a good description");
        assert!(!probes.is_empty(), "no probe {probe}");
        let sites = probes
            .iter()
            .map(|p| EnabledSite { probe: p.clone(), attach: p.sites[0].attach.clone() })
            .collect();
        let clause = Clause { index: 0, predicate, default_action: body.is_empty(), body };
        let error = Probe {
            id: 3,
            provider: "dtrace".to_owned(),
            name: "ERROR".to_owned(),
            ..Probe::default()
        };
        let on_error = Enabling {
            sites: vec![EnabledSite { probe: error, attach: Attach::Error }],
            clauses: vec![Clause {
                index: 1,
                predicate: None,
                body: Vec::new(),
                default_action: true,
            }],
        };
        let program = Program {
            destructive: Vec::new(),
            stability: Vec::new(),
            types: self.types,
            variables: self.variables,
            aggregations: self.aggregations,
            clauses: vec![Span::default(), Span::default()],
            enablings: vec![Enabling { sites, clauses: vec![clause] }, on_error],
            probe_fields: [64; 4],
        };
        let mut sources = Sources::new();
        sources.add("test.d", "BEGIN { }\n", SourceKind::Script);
        match crate::compile_typed(&program, &sources, &kernel, &self.options) {
            Ok(compiled) => compiled,
            Err(d) => panic!("{}", d.message),
        }
    }
}

fn statement(kind: StatementKind) -> Statement {
    Statement { kind, span: Span::default() }
}

fn trace(e: Expr) -> Statement {
    statement(StatementKind::Action(Action::Trace(e)))
}

#[test]
fn records_hold_what_is_traced() {
    let mut m = Made::new();
    let (one, two, s) = (m.n(1), m.n(2), m.text("hello"));
    let sum = m.binary(BinaryOp::Add, one, two);
    let c = m.compile("BEGIN", None, vec![trace(sum), trace(s)]);
    let record = &c.manifest.records[0];
    assert!(record.first && record.last);
    assert_eq!(record.actions.len(), 2);
    assert_eq!(record.size, 16 + 4 + 4 + 8);
    assert_eq!(c.manifest.programs[0].probes, [1]);
}

#[test]
fn every_aggregating_function_compiles() {
    use AggregatingFunction::*;
    for function in [
        Count,
        Sum { signed: true },
        Avg { signed: true },
        Min { signed: true },
        Max { signed: false },
        Stddev { signed: true },
        Quantize,
        Lquantize { low: 0, high: 100, step: 10 },
        Llquantize { factor: 10, low: 0, high: 6, steps: 20 },
    ] {
        let mut m = Made::new();
        let (int, string) = (m.int(), m.string());
        let key = m.builtin("execname", string);
        let pid = m.builtin("pid", int);
        let aggregation = m.aggregation(function, &[string, int]);
        let value = (function != Count).then(|| m.n(5));
        let body = vec![statement(StatementKind::Aggregate {
            aggregation,
            keys: vec![key, pid],
            value,
            increment: None,
        })];
        let c = m.compile("sdt:::sched_switch", None, body);
        // A key that is only ever execname takes 16 bytes.
        assert_eq!(c.manifest.aggregations[0].key_size, 24);
        assert!(c.manifest.records.is_empty());
    }
}

#[test]
fn variables_of_all_scopes() {
    let mut m = Made::new();
    let (int, string) = (m.int(), m.string());
    let global = m.variable("g", Scope::Global, int, &[]);
    let thread = m.variable("t", Scope::Thread, string, &[]);
    let clause = m.variable("c", Scope::Clause, int, &[]);
    let array = m.variable("a", Scope::Global, int, &[int, string]);
    let own = m.variable("o", Scope::Thread, int, &[int]);
    let (one, hello, two) = (m.n(1), m.text("hello"), m.n(2));
    let keys = vec![m.n(3), m.text("k")];
    let read = Expr { kind: ExprKind::Variable(thread), ty: string, span: Span::default() };
    let zero = m.n(0);
    let element = |id, keys: &[Expr]| Expr {
        kind: ExprKind::Element(id, keys.to_vec()),
        ty: int,
        span: Span::default(),
    };
    let got = element(array, &keys);
    let mine = vec![m.n(4)];
    let increment = Expr {
        kind: ExprKind::Increment {
            target: Target::Element(own, mine.clone()),
            by: 1,
            prefix: false,
        },
        ty: int,
        span: Span::default(),
    };
    let body = vec![
        m.assign(Target::Variable(global), one, false),
        m.assign(Target::Variable(thread), hello, false),
        m.assign(Target::Variable(clause), two, false),
        m.assign(Target::Element(array, keys.clone()), got.clone(), false),
        trace(read),
        trace(got),
        statement(StatementKind::Expr(increment)),
        m.assign(Target::Element(array, keys), zero.clone(), true),
        m.assign(Target::Variable(thread), zero, true),
    ];
    m.compile("syscall:vmlinux:read:entry", None, body);
}

#[test]
fn strings_and_faults() {
    let mut m = Made::new();
    let (int, string) = (m.int(), m.string());
    let size = m.types.intern(Type::Integer { name: "size_t".to_owned(), bytes: 8, signed: false });
    let name = m.builtin("execname", string);
    let joined = vec![name.clone(), m.text("/tail")];
    let joined = m.call("strjoin", joined, string);
    let base = m.call("basename", vec![joined.clone()], string);
    let args = vec![joined.clone(), m.n(-3), m.n(2)];
    let sub = m.call("substr", args, string);
    let length = m.call("strlen", vec![joined.clone()], size);
    let compare = |op, a: &Expr, b: &Expr| Expr {
        kind: ExprKind::CompareStrings(op, Box::new(a.clone()), Box::new(b.clone())),
        ty: int,
        span: Span::default(),
    };
    let bash = m.text("bash");
    let (less, equal) =
        (compare(BinaryOp::Lt, &joined, &base), compare(BinaryOp::Eq, &name, &bash));
    let pid = m.builtin("pid", int);
    let one = m.n(1);
    let quotient = m.binary(BinaryOp::Div, one, pid);
    let body = vec![trace(base), trace(sub), trace(length), trace(less), trace(quotient)];
    let c = m.compile("BEGIN", Some(equal), body);
    assert_eq!(c.manifest.faults.len(), 1);
}

#[test]
fn loops_are_callbacks() {
    let mut m = Made::new();
    let (int, string) = (m.int(), m.string());
    let i = m.variable("i", Scope::Clause, int, &[]);
    let read = || Expr { kind: ExprKind::Variable(i), ty: int, span: Span::default() };
    let (zero, ten) = (m.n(0), m.n(10));
    let condition = m.binary(BinaryOp::Lt, read(), ten);
    let step = Expr {
        kind: ExprKind::Increment { target: Target::Variable(i), by: 1, prefix: false },
        ty: int,
        span: Span::default(),
    };
    let name = m.builtin("execname", string);
    let joined = vec![name, m.text("x")];
    let joined = m.call("strjoin", joined, string);
    let five = m.n(5);
    let middle = m.binary(BinaryOp::Eq, read(), five);
    let leave = statement(StatementKind::If {
        condition: middle,
        then: vec![statement(StatementKind::Break)],
        otherwise: vec![statement(StatementKind::Continue)],
    });
    let body = vec![
        m.assign(Target::Variable(i), zero, false),
        statement(StatementKind::Loop {
            condition: Some(condition),
            step: Some(step),
            body: vec![trace(read()), trace(joined), leave],
        }),
        trace(read()),
    ];
    let c = m.compile("BEGIN", None, body);
    let shape: Vec<_> = c.manifest.records.iter().map(|r| (r.first, r.last)).collect();
    // An opening record, the loop's, the last, and that of ERROR.
    assert_eq!(shape, [(true, false), (false, false), (false, true), (true, true)]);
}

#[test]
fn system_calls_share_a_program() {
    let m = Made::new();
    let c = m.compile("syscall:::entry", None, Vec::new());
    assert_eq!(c.manifest.programs.len(), 1);
    assert!(c.manifest.programs[0].attach.len() > 1);
}

#[test]
fn stacks_and_symbols() {
    let mut m = Made::new();
    let stack = m.types.intern(Type::Stack(8));
    let ustack = m.types.intern(Type::UserStack(8));
    let kinds = (
        m.types.intern(Type::Symbol(SymbolKind::Symbol)),
        m.types.intern(Type::UserSymbol(SymbolKind::Module)),
    );
    let address = m.n(4096);
    let calls = [
        m.call("stack", Vec::new(), stack),
        m.call("ustack", Vec::new(), ustack),
        m.call("sym", vec![address.clone()], kinds.0),
        m.call("umod", vec![address], kinds.1),
    ];
    let aggregation = m.aggregation(AggregatingFunction::Count, &[stack, ustack]);
    let mut body: Vec<_> =
        calls.iter().cloned().map(|e| statement(StatementKind::Action(Action::Show(e)))).collect();
    body.push(statement(StatementKind::Aggregate {
        aggregation,
        keys: calls[..2].to_vec(),
        value: None,
        increment: None,
    }));
    m.compile("sdt:::sched_switch", None, body);
}

/// Records have copies, of all sizes; keys have none, and neither have stacks without frames.
#[test]
fn copied_stacks() {
    for (copy, frames) in [(1, 4), (4095, 4), (4096, 4), (8192, 4), (32768, 100), (8192, 0)] {
        let mut m = Made::new();
        m.options.ustackcopy = copy;
        let ty = m.types.intern(Type::UserStack(frames));
        let stack = m.call("ustack", Vec::new(), ty);
        let aggregation = m.aggregation(AggregatingFunction::Count, &[ty]);
        let show = statement(StatementKind::Action(Action::Show(stack.clone())));
        let count = StatementKind::Aggregate {
            aggregation,
            keys: vec![stack],
            value: None,
            increment: None,
        };
        let c = m.compile("sdt:::sched_switch", None, vec![show, statement(count)]);
        let crate::manifest::Action::Show(datum) = &c.manifest.records[0].actions[0] else {
            panic!("{:?}", c.manifest.records[0]);
        };
        let without = 8 + 8 * frames;
        let (size, kind) = match frames {
            0 => (without, DatumKind::UserStack),
            _ => {
                let size = copied::bytes(frames, 0) + copy.next_multiple_of(8);
                (size, DatumKind::CopiedStack { frames, returns: 0 })
            }
        };
        assert_eq!((datum.size, datum.kind), (size, kind));
        assert_eq!(c.manifest.aggregations[0].keys[0].kind, DatumKind::UserStack);
        assert_eq!(c.manifest.aggregations[0].keys[0].size, without);
    }
}

#[test]
fn speculations() {
    let mut m = Made::new();
    let int = m.int();
    let id = m.variable("id", Scope::Thread, int, &[]);
    let take = m.call("speculation", Vec::new(), int);
    let read = || Expr { kind: ExprKind::Variable(id), ty: int, span: Span::default() };
    let one = m.n(1);
    let body = vec![
        m.assign(Target::Variable(id), take, false),
        statement(StatementKind::Action(Action::Speculate(read()))),
        trace(one),
        statement(StatementKind::Action(Action::Commit(read()))),
    ];
    let c = m.compile("BEGIN", None, body);
    assert_eq!(c.manifest.speculation_bits, 1);
}
