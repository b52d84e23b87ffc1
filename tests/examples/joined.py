"""What the proofs of write-back by function boundaries share.

Three processes write through the page cache: 16 pages one by one, three lines that end up in one
page, and 256 kB at once. Another has all written. The kernel has counted what each dirtied.
"""
import re

from proof import Workload, loop, same, shell, skip, trace

INITIATED = re.compile(r"^I/O initiated pid: (\d+) page: (0x[0-9a-f]+) (\d+)$", re.M)
STARTED = re.compile(r"^I/O started pid: (\d+) real pid: (\d+) page: (0x[0-9a-f]+) (\d+)$", re.M)


def probes(description):
    """Skips where there are no such functions to trace, and only there."""
    import os
    import subprocess
    strand = os.environ["STRAND"]
    done = subprocess.run([strand, "check", "-e", f"{description} {{ }}"], capture_output=True, text=True)
    if done.returncode:
        skip(f"{description}: {done.stderr.splitlines()[0]}")


def prove(example, kind, description):
    disk = loop(400)
    mount = disk.mount(kind)
    probes(description)
    workload = Workload(f"""
for name, sizes in {{"pages": [4096] * 16, "lines": [100] * 3, "large": [256 << 10]}}.items():
    if process(name):
        file = os.open({str(mount)!r} + "/" + name, os.O_WRONLY | os.O_CREAT)
        for size in sizes:
            assert os.write(file, bytes(size)) == size
        fact(name=name)
        os._exit(0)
if process("syncer"):
    syncfs({str(mount)!r})
    fact(name="syncer")
    os._exit(0)
""")
    shell(f"sync -f {mount}")
    with disk.counted() as counted:
        text = trace(example, workload.command, mount.stat().st_dev)
    facts = {fact["name"]: fact for fact in workload.facts()}
    syncer = facts.pop("syncer")["pid"]
    initiated = [(int(pid), page, int(when)) for pid, page, when in INITIATED.findall(text)]
    started = [(int(pid), int(real), page, int(when)) for pid, real, page, when in STARTED.findall(text)]
    by = {name: [page for pid, page, _ in initiated if pid == fact["pid"]] for name, fact in facts.items()}
    same("all lines", len(initiated) + len(started), len(text.split("\n")) - text.count("\n\n") - 1)
    same("who writes", {pid for pid, *_ in initiated}, {fact["pid"] for fact in facts.values()})
    same("writes of pages", (len(by["pages"]), len(set(by["pages"]))), (16, 16))
    same("writes of lines", (len(by["lines"]), len(set(by["lines"]))), (3, 1))
    # As many as there are folios, from one to 64.
    same("folios of a large write", len(by["large"]), len(set(by["large"])))
    assert 1 <= len(by["large"]) <= 64, len(by["large"])
    # The kernel counts what a process makes dirty.
    for name, kb in {"pages": 64, "lines": 4, "large": 256}.items():
        same(f"what {name} dirtied", facts[name]["io"]["write_bytes"], kb << 10)
    # Each page that was written to starts once, later, for the process that wrote to it.
    truth = sorted({(page, pid) for pid, page, _ in initiated})
    same("pages", sorted((page, real) for _, real, page, _ in started), truth)
    written = {page: when for _, page, when in initiated}
    assert all(when > written[page] for _, _, page, when in started), text
    # By whoever syncs, or a worker; not by who wrote.
    assert all(pid == syncer or pid not in {pid for pid, _ in truth} for pid, *_ in started)
    least = sum(kb for kb in (64, 4, 256)) * 2
    assert least <= counted["write_sectors"] <= 4 * least, counted
