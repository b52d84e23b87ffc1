"""What proofs of examples share: a disk, a workload, the example run around it, witnesses.

In: the environment variable STRAND, the program. A proof makes a disk, runs an example with
`trace` around a command whose truth is known, and compares with what somebody else counted:
`Disk.stat` (/sys/block), `fio` (its JSON) or `Witness` (the kernel's own tracepoints, as
blktrace has them). It ends well, or with an AssertionError; `skip` says why it can't be done.
Where it fails although an I/O may have ended unseen (`Unseen`), it is to be tried again.
"""

import atexit
import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STRAND = os.environ.get("STRAND", "strand")
# How much slower than usual the machine is.
PATIENCE = int(os.environ.get("STRAND_PATIENCE", "1"))
SKIPPED = 77
AGAIN = 75
OTHERS = 76
# Not the example itself but an executable of it runs: one from these folders, if it is there.
BUILT = os.environ.get("STRAND_BUILT")
# So many of those that are there lack what this kernel hasn't.
TRIED = int(os.environ.get("STRAND_TRIED", "0"))
# What an executable from elsewhere says where the kernel lacks what it needs.
LACKS = re.compile(r"^.* (can't be traced(:| on this kernel)|isn't there on this kernel) .*$", re.M)

# What is registered first is done last.
again = False
atexit.register(lambda: again and os._exit(AGAIN))
scratch = Path(tempfile.mkdtemp(prefix="strand-proof."))
atexit.register(shutil.rmtree, scratch, ignore_errors=True)


def skip(why):
    """Ends the proof, which lacks something here."""
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def needs(*commands):
    for command in commands:
        if not shutil.which(command):
            skip(f"there is no {command}")


def shell(command):
    """What a command prints, or None where it fails."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def trace(example, command, *args):
    """What an example prints that runs as its first line says, with `-c command` and arguments.

    Complaints are a failure, drops among them.
    """
    text, complaints = trace_lossy(example, command, *args)
    assert not complaints, f"{example}:\n{complaints[:4000]}"
    return text


def script(example):
    """The command that an example's first line stands for."""
    with (EXAMPLES / example).open() as file:
        words = file.readline().removeprefix("#!").split()
    program, *first = words[2:] if words[:2] == ["/usr/bin/env", "-S"] else words
    program = scratch / os.path.basename(program)
    with contextlib.suppress(FileExistsError):
        program.symlink_to(STRAND)
    return [program, *first, EXAMPLES / example]


def executables(example):
    """The executables that were built of an example elsewhere, but for those tried; or else one made here."""
    name = "-".join(Path(example).with_suffix("").parts)
    if BUILT and not os.path.isabs(example):
        found = [path for folder in BUILT.split(":") if (path := Path(folder) / name).exists()]
        if found:
            return found[TRIED:] or found[-1:]
    path = scratch / Path(example).stem
    done = subprocess.run([STRAND, "build", EXAMPLES / example, "-o", path], capture_output=True, text=True)
    assert done.returncode == 0, f"{example} can't be built:\n{done.stderr[:4000]}"
    return [path]


def trace_lossy(example, command, *args):
    """Likewise, with the complaints."""
    first, *others = [script(example)] if BUILT is None else [[path] for path in executables(example)]
    line = [*first, "-c", command, *map(str, args)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=60 * PATIENCE)
    lacks = LACKS.search(done.stderr) if BUILT else None
    # Where it goes on without probes that may be missing its output is another.
    if lacks and others:
        # The command may have run: all is done anew.
        sys.exit(OTHERS)
    if lacks:
        skip(lacks[0])
    assert done.returncode == 0, f"{example}: {done.returncode}\n{done.stderr[:4000]}"
    return done.stdout, done.stderr


class Disk:
    """A disk of the proof's own."""

    def __init__(self, name):
        self.name = name
        self.path = f"/dev/{name}"
        self.sys = Path("/sys/block") / name
        # As stat(1) shows it, and as the kernel prints it.
        self.number = os.stat(self.path).st_rdev
        self.major, self.minor = os.major(self.number), os.minor(self.number)

    def scheduler(self, name):
        shell(f"modprobe {'kyber-iosched' if name == 'kyber' else name}")
        try:
            (self.sys / "queue/scheduler").write_text(name)
        except OSError:
            skip(f"{self.name} has no scheduler {name}")

    def set(self, name, value):
        """An attribute under queue/ or device/."""
        (self.sys / name).write_text(f"{value}\n")

    def stat(self):
        """What the kernel has counted: I/Os, merges, sectors, in flight."""
        names = ["reads", "read_merges", "read_sectors", "read_ms", "writes", "write_merges",
                 "write_sectors", "write_ms", "in_flight", "io_ms", "queue_ms", "discards",
                 "discard_merges", "discard_sectors", "discard_ms", "flushes", "flush_ms"]
        return dict(zip(names, map(int, (self.sys / "stat").read_text().split())))

    def mount(self, kind):
        """A new file system of this kind; its folder."""
        needs(f"mkfs.{kind}")
        folder = scratch / f"mount-{self.name}"
        folder.mkdir()
        # What the file system would do by itself after a while is no part of the truth.
        make, options = {"ext4": ("-F -E lazy_itable_init=0,lazy_journal_init=0",
                                  "-o noinit_itable,no_prefetch_block_bitmaps,commit=300")}.get(kind, ("-f", ""))
        made = shell(f"mkfs.{kind} -q {make} {self.path} && mount {options} {self.path} {folder}")
        if made is None:
            skip(f"no {kind} can be mounted")
        atexit.register(shell, f"umount {folder}")
        return folder

    @contextlib.contextmanager
    def counted(self):
        """What was counted within, in the dictionary that it gives."""
        before, difference = self.stat(), {}
        yield difference
        difference.update({name: n - before[name] for name, n in self.stat().items()})


def loop(megabytes=64):
    """A file of memory as a disk."""
    image = scratch / f"image{len(list(scratch.iterdir()))}"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    path = shell(f"losetup --show -f {image}")
    if not path:
        skip("there are no loop devices")
    atexit.register(shell, f"losetup -d {path}")
    disk = Disk(path.removeprefix("/dev/"))
    # It keeps what was set for another file.
    disk.set("queue/max_sectors_kb", (disk.sys / "queue/max_hw_sectors_kb").read_text().strip())
    return disk


def scsi_debug():
    """The disk of scsi_debug, which is only memory."""
    adapter = "/sys/bus/pseudo/drivers/scsi_debug/adapter0"
    shell("modprobe sd_mod; modprobe scsi_debug dev_size_mb=64")
    found = []
    for _ in range(50 * PATIENCE):
        found = glob.glob(f"{adapter}/host*/target*/*/block/*")
        if found or not os.path.exists(adapter):
            break
        time.sleep(0.02)
    return Disk(os.path.basename(found[0])) if found else skip("the kernel has no scsi_debug")


def null_blk():
    """A disk whose requests a timer ends."""
    if not os.path.exists("/dev/nullb0"):
        shell("modprobe null_blk nr_devices=1 gb=1 queue_mode=2 irqmode=2 completion_nsec=100000")
    return Disk("nullb0") if os.path.exists("/dev/nullb0") else skip("the kernel has no null_blk")


def virtio():
    """An empty virtio disk of the virtual machine's."""
    root = os.stat("/").st_dev
    for path in sorted(glob.glob("/sys/block/vd*")):
        disk = Disk(os.path.basename(path))
        # One that somebody uses has partitions, is mounted, or is the root.
        busy = glob.glob(f"{path}/{disk.name}*") or root == disk.number
        if not busy and disk.path not in Path("/proc/mounts").read_text():
            return disk
    return skip("there is no virtio disk to spare")


DISKS = {"loop": loop, "scsi_debug": scsi_debug, "null_blk": null_blk, "virtio": virtio}


class Fio:
    """A workload, `command`, and what fio has counted of it."""

    def __init__(self, disk, **options):
        needs("fio")
        self.file = scratch / "fio.json"
        options = {"name": "proof", "filename": disk.path, "direct": 1, "bs": "4k",
                   "ioengine": "libaio", **options}
        words = [f"--{name}={value}" for name, value in options.items()]
        self.command = " ".join(["fio", *words, "--output-format=json", f"--output={self.file}"])

    def jobs(self):
        return json.loads(self.file.read_text())["jobs"]

    def count(self, direction, what="total_ios"):
        """Over all jobs: of "read" or "write"."""
        return sum(job[direction][what] for job in self.jobs())


def tracing():
    """Where tracefs is; one of our own if it isn't where it should be."""
    usual = Path("/sys/kernel/tracing")
    if (usual / "events").exists():
        return usual
    # Not in `scratch`, which is removed with all that is in it.
    own = Path(tempfile.mkdtemp(prefix="strand-tracing."))
    atexit.register(shell, f"umount {own}; rmdir {own}")
    return own if shell(f"mount -t tracefs tracefs {own}") is not None else None


TRACING = tracing()


def instance(purpose):
    """A folder of tracefs for events of our own, or None."""
    if not TRACING:
        return None
    folder = TRACING / "instances" / f"strand-{purpose}-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return folder if (folder / "events").exists() else None


class Unseen:
    """I/Os that ended while the processor was in process 1.

    Some machines have an agent as process 1 that their kernel keeps from being traced: while it
    has the processor no BPF program runs, nor does it count as missed. An interrupt that comes
    meanwhile is seen by tracefs, and by no tracer. What a proof misses then isn't Strand's.
    """

    def __init__(self):
        self.folder, self.failed = instance("unseen"), False
        atexit.register(self.end)
        sys.excepthook = self.hook
        if self.folder:
            threads = os.listdir("/proc/1/task")
            (self.folder / "set_event_pid").write_text(" ".join(threads))
            (self.folder / "events/block/block_rq_complete/enable").write_text("1")

    def hook(self, *what):
        sys.__excepthook__(*what)
        self.failed = True

    def end(self):
        global again
        if self.folder:
            ended = "block_rq_complete: " in (self.folder / "trace").read_text(errors="replace")
            again = self.failed and ended
            self.folder.rmdir()


class Witness:
    """Counts the kernel's own tracepoints of a disk, by name, in `with`; `there` if it can."""

    def __init__(self, disk, *events):
        self.disk, self.events, self.lines = disk, events, []
        self.folder = instance("witness")
        self.there = self.folder is not None

    def __enter__(self):
        if self.there:
            (self.folder / "buffer_size_kb").write_text("16384")
            for event in self.events:
                folder = self.folder / "events" / event
                if "/scsi_" not in str(folder):
                    device = self.disk.major << 20 | self.disk.minor
                    (folder / "filter").write_text(f"dev == {device}")
                (folder / "enable").write_text("1")
        return self

    def __exit__(self, *_):
        if self.there:
            (self.folder / "tracing_on").write_text("0")
            self.lines = [l for l in (self.folder / "trace").read_text(errors="replace").splitlines()
                          if not l.startswith("#")]
            self.folder.rmdir()

    def count(self, event):
        return sum(f" {event}: " in line for line in self.lines)


def named(name, program):
    """The path of a program under another name, which is its `execname`."""
    path = scratch / name
    path.symlink_to(shutil.which(program))
    return path


class Workload:
    """A workload in Python whose processes note down what they know of themselves.

    In the text, `fact(NAME=…)` writes down facts beside this process's pid and what the kernel
    has counted for it in /proc/self/io, and `process(name)` starts another, whose `execname` is
    its name: `if process("a"): …` runs in it, and the parent waits for its end. `syncfs(folder)`
    writes a file system.
    """

    BEGINNING = """
import ctypes, fcntl, json, mmap, os, sys, time
def fact(**facts):
    io = dict(line.split(": ") for line in open("/proc/self/io").read().splitlines())
    facts |= {"pid": os.getpid(), "io": {name: int(n) for name, n in io.items()}}
    with open(FACTS, "a") as file:
        file.write(json.dumps(facts) + "\\n")
def syncfs(folder):
    assert ctypes.CDLL(None).syncfs(os.open(folder, 0)) == 0
def process(name):
    if pid := os.fork():
        assert os.waitpid(pid, 0)[1] == 0, name
        return False
    sys.excepthook = lambda *what: (sys.__excepthook__(*what), os._exit(1))
    with open("/proc/self/comm", "w") as file:
        file.write(name)
    return True
"""

    def __init__(self, text):
        self.path = scratch / f"workload{len(list(scratch.iterdir()))}.py"
        self.file = self.path.with_suffix(".facts")
        self.path.write_text(f"FACTS = {str(self.file)!r}\n{self.BEGINNING}{text}\n")
        self.command = f"python3 -B {self.path}"

    def facts(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()]


def rows(text, title):
    """The rows of a table whose title line begins so, up to an empty line, as lists of words."""
    lines = iter(text.splitlines())
    assert any(line.startswith(title) for line in lines), f"no table {title} in:\n{text}"
    found = []
    for line in lines:
        if not line.strip():
            break
        found.append(line.split())
    return found


def same(what, ours, theirs):
    """Two counts of the same thing."""
    assert ours == theirs, f"{what}: the example has {ours}, {theirs} it should be"


UNSEEN = Unseen()
