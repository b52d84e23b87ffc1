"""cgroups.d: kB by the cgroup that dirtied them, and by the one that the kernel charges.

In one cgroup a process writes a file of its own, in another one to a file of its own and to
one that the first has most of. What is charged, the kernel counts in io.stat.
"""
import atexit
import os
from pathlib import Path

from proof import Workload, loop, rows, same, shell, skip, trace

roots = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"]
if not roots:
    skip("no cgroups of version 2 are mounted")
root = Path(roots[0])
# Write-back is charged to cgroups only if both are there.
charging = {"io", "memory"} <= set((root / "cgroup.controllers").read_text().split())
if charging:
    (root / "cgroup.subtree_control").write_text("+io +memory")
groups = {name: root / f"proof-{name}-{os.getpid()}" for name in ["owner", "guest"]}
for folder in groups.values():
    folder.mkdir()
    atexit.register(shell, f"rmdir {folder}")

disk = loop(400)
mount = disk.mount("ext4")
workload = Workload(f"""
def write(name, group, file, at, size):
    if process(name):
        with open(group + "/cgroup.procs", "w") as procs:
            procs.write(str(os.getpid()))
        file = os.open({str(mount)!r} + "/" + file, os.O_WRONLY | os.O_CREAT)
        for offset in range(at, at + size, 4096):
            os.pwrite(file, bytes(4096), offset)
        fact(name=name)
        os._exit(0)
owner, guest = {[str(folder) for folder in groups.values()]!r}
write("host", owner, "shared", 0, 1 << 20)
write("own", guest, "own", 0, 256 << 10)
write("lodger", guest, "shared", 1 << 20, 64 << 10)
time.sleep(0.2)
if process("syncer"):
    syncfs({str(mount)!r})
    os._exit(0)
""")


def charged():
    """kB by cgroup that the kernel has charged for writes to the disk."""
    found = {}
    for name, folder in groups.items():
        lines = (folder / "io.stat").read_text().splitlines() if charging else []
        words = [word for line in lines if line.startswith(f"{disk.major}:{disk.minor} ") for word in line.split()]
        found[name] = sum(int(word[7:]) for word in words if word.startswith("wbytes=")) // 1024
    return found


shell(f"sync -f {mount}")
text = trace("ext4/cgroups.d", workload.command, mount.stat().st_dev)
facts = {fact["name"]: fact for fact in workload.facts()}
owner, guest = [folder.name for folder in groups.values()]
kb = {"host": (owner, 1024), "own": (guest, 256), "lodger": (guest, 64)}
dirtied = {(group, name): [int(pid), int(n)] for group, name, pid, n in rows(text, f"{'DIRTIED IN':24} PROCESS")}
same("dirtied", dirtied, {(group, name): [facts[name]["pid"], n] for name, (group, n) in kb.items()})

written = [(*row[:3], *map(int, row[3:])) for row in rows(text, f"{'DIRTIED IN':24} CHARGED")]
truth = {(owner, "/"): 1024, (guest, "/"): 320}
if charging:
    # The shared file is the owner's, by the most of it.
    truth = {(owner, owner): 1024, (guest, guest): 256, (guest, owner): 64}
ours = {}
for whose, payer, starter, n, age in written:
    ours[whose, payer] = ours.get((whose, payer), 0) + n
    assert starter in ["kworker", "syncer"] and 200 <= age <= 30000, text
same("written", ours, truth)
for name, group in [("owner", owner), ("guest", guest)]:
    pays = sum(n for (_, payer), n in ours.items() if payer == group)
    same(f"what the kernel has charged to the {name}", pays, charged()[name])
others = {row[0]: list(map(int, row[1:])) for row in rows(text, f"{'DIRTIED IN':24}        KB")}
same("what others pay", others, {group: [sum(n for (whose, _), n in truth.items() if whose == group),
                                         sum(n for (whose, payer), n in truth.items()
                                             if whose == group and payer != group)]
                                 for group in (owner, guest)})
