//! Paths of files: `d_path()`, and `_path()` for the standard library.
//!
//! bpf_d_path may only be called from a few functions, so the names are gathered here: from
//! the file up through its parents, and through mounts to what they are mounted on, until
//! the root of the current process (or of all, if the file is outside of that). Text is
//! written from the end of the buffer, since the last name comes first.
//!
//! What changes from one name to the next is kept in the buffer's first words, whose
//! content the verifier doesn't follow: every turn of the loop looks the same to it.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::build::Builder;
use crate::ir::{
    BinOp, Cond, FieldId, FieldInfo, Function, FunctionKind, Helper, Place, Target, Type, Value,
    Width,
};
use crate::lower::Text;
use crate::manifest::Fault;

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "d_path",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Address)],
        doc: "the path that a `struct path` leads to, as the current process sees it",
        allocates: false,
        lower: d_path,
    },
    Subroutine {
        name: "_path",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Address), required(ParamKind::Address)],
        doc: "the path of a `struct dentry` in a `struct vfsmount`",
        allocates: false,
        lower: |cx, call| {
            let [dentry, mount] = [0, 1].map(|i| {
                let operand = cx.expr(&call.args[i]);
                cx.number(&operand)
            });
            path(cx, dentry, mount)
        },
    },
];

/// Most names of a path, mounts included.
const NAMES: i64 = 64;

/// The longest name that file systems have.
const NAME: u32 = 255;

/// The buffer's first words: where the text begins, the dentry, the mount.
mod at {
    pub const START: i32 = 0;
    pub const DENTRY: i32 = 8;
    pub const MOUNT: i32 = 16;
    pub const TEXT: u32 = 24;
}

/// The fields that the walk reads.
#[derive(Clone, Copy)]
struct Fields {
    parent: FieldId,
    name: FieldId,
    len: FieldId,
    mount_root: FieldId,
    /// In a `struct mount`: the vfsmount that everything outside of the kernel's mount code
    /// points to.
    vfsmount: FieldId,
    mount_parent: FieldId,
    mountpoint: FieldId,
}

impl Fields {
    fn of(cx: &mut Context) -> Option<Fields> {
        Some(Fields {
            parent: cx.field_of("dentry", &["d_parent"])?,
            name: cx.field_of("dentry", &["d_name", "name"])?,
            len: cx.field_of("dentry", &["d_name", "len"])?,
            mount_root: cx.field_of("vfsmount", &["mnt_root"])?,
            vfsmount: cx.field_of("mount", &["mnt"])?,
            mount_parent: cx.field_of("mount", &["mnt_parent"])?,
            mountpoint: cx.field_of("mount", &["mnt_mountpoint"])?,
        })
    }
}

fn d_path(cx: &mut Context, call: &Call) -> Operand {
    let address = cx.expr(&call.args[0]);
    let address = cx.number(&address);
    let Some((dentry, mount)) = cx.field_of("path", &["dentry"]).zip(cx.field_of("path", &["mnt"]))
    else {
        return Operand::Text(Text::Literal(Vec::new()));
    };
    let to = cx.memory(8);
    let [dentry, mount] = [dentry, mount].map(|field| {
        let offset = cx.b.field_info(field, FieldInfo::Offset);
        let from = cx.b.binary(BinOp::Add, address, offset);
        let size = cx.int(8);
        let result = cx.helper(Helper::PROBE_READ_KERNEL, &[to, size, from]);
        cx.fault_if_negative(result, Fault::BadAddress, address, call.expr.span);
        cx.b.load(Width::W64, false, to, 0)
    });
    path(cx, dentry, mount)
}

/// The path of a dentry in a vfsmount.
fn path(cx: &mut Context, dentry: Value, mount: Value) -> Operand {
    let Some(fields) = Fields::of(cx) else {
        return Operand::Text(Text::Literal(Vec::new()));
    };
    let strsize = cx.strsize();
    // Masking an index keeps it below a power of two; names and the text's reader reach
    // beyond it.
    let room = strsize.next_power_of_two();
    let buffer = cx.scratch(at::TEXT + room + strsize.max(NAME + 1));
    let task = cx.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
    let [root, root_mount] = ["dentry", "mnt"].map(|name| {
        let operand = cx.task_field(task, &["fs", "root", name]);
        cx.number(&operand)
    });
    cx.b.store(Width::W64, buffer, at::DENTRY, dentry);
    cx.b.store(Width::W64, buffer, at::MOUNT, mount);
    let walk = cx.subprogram("strand_path", |name| walk(name, fields, room));
    cx.b.call(walk, &[buffer, root, root_mount]);
    let start = cx.b.load(Width::W64, false, buffer, at::START);
    let start = cx.b.binary_imm(BinOp::And, start, i64::from(room) - 1);
    let text = cx.b.binary(BinOp::Add, buffer, start);
    let text = cx.b.add_imm(text, i64::from(at::TEXT));
    Operand::Text(Text::Memory(text, strsize))
}

/// The walk in the making.
struct Walk {
    b: Builder,
    fields: Fields,
    /// What was read last.
    word: Value,
    room: i64,
}

/// `strand_path(buffer, root, root_mount)`
fn walk(name: &str, fields: Fields, room: u32) -> Function {
    let params = [Type::Ptr, Type::I64, Type::I64];
    let mut b = Builder::new(name, FunctionKind::Subprogram, &params);
    let (buffer, root, root_mount) = (b.param(0), b.param(1), b.param(2));
    let slot = b.slot(8, 8, Place::Stack);
    let word = b.slot_addr(slot);
    let room = i64::from(room);
    let mut w = Walk { b, fields, word, room };
    w.b.store_imm(Width::W64, buffer, at::START, room - 1);
    let end = w.b.add_imm(buffer, i64::from(at::TEXT) + room - 1);
    w.b.store_imm(Width::W8, end, 0, 0);
    let (head, body, next, done) =
        (w.b.block(&[Type::I64]), w.b.block(&[]), w.b.block(&[]), w.b.block(&[]));
    let zero = w.b.iconst(0);
    w.b.jump(head, &[zero]);
    w.b.switch_to(head);
    let turn = w.b.block_param(head, 0);
    w.b.branch_imm(Cond::ULt, turn, NAMES, body, done);
    w.b.switch_to(body);
    w.turn(buffer, (root, root_mount), next, done);
    w.b.switch_to(next);
    let following = w.b.binary_imm(BinOp::Add, turn, 1);
    w.b.jump(head, &[following]);
    w.b.switch_to(done);
    w.only_root(buffer);
    let zero = w.b.iconst(0);
    w.b.ret(Some(zero));
    w.b.finish()
}

impl Walk {
    /// Reads a pointer or, of 4 bytes, a number.
    fn read(&mut self, address: Value, field: FieldId, bytes: i64) -> Value {
        let offset = self.b.field_info(field, FieldInfo::Offset);
        let from = self.b.binary(BinOp::Add, address, offset);
        self.b.store_imm(Width::W64, self.word, 0, 0);
        let size = self.b.iconst(bytes);
        self.b.helper(Helper::PROBE_READ_KERNEL, &[self.word, size, from]);
        self.b.load(Width::W64, false, self.word, 0)
    }

    /// Adds one name or crosses one mount; then `next`, or `done` at the top.
    fn turn(
        &mut self,
        buffer: Value,
        (root, root_mount): (Value, Value),
        next: crate::ir::BlockId,
        done: crate::ir::BlockId,
    ) {
        let dentry = self.b.load(Width::W64, false, buffer, at::DENTRY);
        let mount = self.b.load(Width::W64, false, buffer, at::MOUNT);
        let (same, inner) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch(Cond::Eq, dentry, root, same, inner);
        self.b.switch_to(same);
        self.b.branch(Cond::Eq, mount, root_mount, done, inner);
        self.b.switch_to(inner);
        let parent = self.read(dentry, self.fields.parent, 8);
        let top = self.read(mount, self.fields.mount_root, 8);
        let (up, at_top, named) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[]));
        self.b.branch(Cond::Eq, dentry, top, at_top, up);
        self.b.switch_to(up);
        // A parent of 0 is memory that couldn't be read.
        let orphan = self.b.block(&[]);
        self.b.branch_imm(Cond::Eq, parent, 0, done, orphan);
        self.b.switch_to(orphan);
        self.b.branch(Cond::Eq, dentry, parent, done, named);
        self.b.switch_to(at_top);
        self.cross(buffer, mount, next, done);
        self.b.switch_to(named);
        self.prepend(buffer, dentry, parent, next, done);
    }

    /// From the root of a mount to what it is mounted on.
    fn cross(
        &mut self,
        buffer: Value,
        mount: Value,
        next: crate::ir::BlockId,
        done: crate::ir::BlockId,
    ) {
        let within = self.b.field_info(self.fields.vfsmount, FieldInfo::Offset);
        let whole = self.b.binary(BinOp::Sub, mount, within);
        let parent = self.read(whole, self.fields.mount_parent, 8);
        let mountpoint = self.read(whole, self.fields.mountpoint, 8);
        let (readable, on) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Eq, parent, 0, done, readable);
        self.b.switch_to(readable);
        self.b.branch(Cond::Eq, parent, whole, done, on);
        self.b.switch_to(on);
        let parent = self.b.binary(BinOp::Add, parent, within);
        self.b.store(Width::W64, buffer, at::MOUNT, parent);
        self.b.store(Width::W64, buffer, at::DENTRY, mountpoint);
        self.b.jump(next, &[]);
    }

    /// Puts `/name` before the text, if there is room.
    fn prepend(
        &mut self,
        buffer: Value,
        dentry: Value,
        parent: Value,
        next: crate::ir::BlockId,
        done: crate::ir::BlockId,
    ) {
        let name = self.read(dentry, self.fields.name, 8);
        let len = self.read(dentry, self.fields.len, 4);
        let len = self.b.binary_imm(BinOp::And, len, i64::from(NAME));
        let start = self.b.load(Width::W64, false, buffer, at::START);
        let with_slash = self.b.binary_imm(BinOp::Add, len, 1);
        let fits = self.b.block(&[]);
        self.b.branch(Cond::ULt, start, with_slash, done, fits);
        self.b.switch_to(fits);
        let start = self.b.binary(BinOp::Sub, start, with_slash);
        self.b.store(Width::W64, buffer, at::START, start);
        self.b.store(Width::W64, buffer, at::DENTRY, parent);
        let start = self.b.binary_imm(BinOp::And, start, self.room - 1);
        let to = self.b.binary(BinOp::Add, buffer, start);
        self.b.store_imm(Width::W8, to, at::TEXT as i32, i64::from(b'/'));
        let to = self.b.add_imm(to, i64::from(at::TEXT) + 1);
        self.b.helper(Helper::PROBE_READ_KERNEL, &[to, len, name]);
        self.b.jump(next, &[]);
    }

    /// The root itself has no name.
    fn only_root(&mut self, buffer: Value) {
        let start = self.b.load(Width::W64, false, buffer, at::START);
        let (empty, over) = (self.b.block(&[]), self.b.block(&[]));
        let target = |block| Target { block, args: Vec::new() };
        let last = self.b.iconst(self.room - 1);
        self.b.branch_with(Cond::Eq, start, last, target(empty), target(over));
        self.b.switch_to(empty);
        self.b.store_imm(Width::W64, buffer, at::START, self.room - 2);
        let slash = self.b.add_imm(buffer, i64::from(at::TEXT) + self.room - 2);
        self.b.store_imm(Width::W8, slash, 0, i64::from(b'/'));
        self.b.jump(over, &[]);
        self.b.switch_to(over);
    }
}
