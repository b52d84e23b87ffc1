"""fsync.d: the parts of fsync, by whether there is something to commit.

One process appends and calls fsync each time, which takes a commit; another overwrites what is
there and calls fdatasync, which takes none. They have measured their calls themselves, the
kernel has counted commits and flushes.
"""
from pathlib import Path

from proof import Workload, loop, rows, same, shell, trace

CALLS = 15
disk = loop(400)
mount = disk.mount("ext4")
for name in ["append", "overwrite"]:
    (mount / name).write_bytes(bytes(CALLS << 16))
shell(f"sync -f {mount}")
workload = Workload(f"""
for name, sync in [("append", os.fsync), ("overwrite", os.fdatasync)]:
    if process(name):
        file = os.open({str(mount)!r} + "/" + name, os.O_WRONLY)
        spent = 0
        for n in range({CALLS}):
            os.pwrite(file, bytes(65536), (n + (name == "append") * {CALLS}) << 16)
            before = time.monotonic()
            sync(file)
            spent += time.monotonic() - before
        fact(name=name, us=spent / {CALLS} * 1e6)
        os._exit(0)
""")


def commits():
    """Transactions that the journal has had, as it says itself."""
    [info] = Path("/proc/fs/jbd2").glob(f"{disk.name}-*/info")
    return int(info.read_text().split()[0])


before = commits()
with disk.counted() as counted:
    text = trace("ext4/fsync.d", workload.command, mount.stat().st_dev)
same("commits", commits() - before, CALLS)
table = {row[0]: list(map(int, row[1:8])) for row in rows(text, "PROCESS              PID")}
longest = {(process, what): int(us) for process, what, us in rows(text, "PROCESS                       MAX")}
for fact in workload.facts():
    pid, calls, total, *parts = table.pop(fact["name"])
    data, journal, flush, _ = parts
    same("calls", (pid, calls), (fact["pid"], CALLS))
    # Each is rounded down.
    assert 0 <= total - sum(parts) <= 4, text
    assert fact["us"] / 2 <= total <= fact["us"], f"{fact}\n{text}"
    assert flush > 0 and (journal > 0) == (fact["name"] == "append"), text
    assert longest[fact["name"], "all"] >= total and longest[fact["name"], "flush"] >= flush, text
same("others", table, {})
# A commit flushes before and after its last block, fdatasync once.
same("flushes", counted["flushes"], 3 * CALLS)
