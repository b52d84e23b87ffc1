"""What the benchmarks of events share.

In: the environment. Out: the program to measure, file systems where bpftrace finds tracepoints, and
how a verdict is printed.
"""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def strand():
    """STRAND, or that of the last release build."""
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return os.environ.get("STRAND") or str(Path(target) / "release/strand")


def mount():
    """Starts the script anew with mounts of its own, so that the machine's stay as they are.

    To be called before anything else is done.
    """
    if not os.environ.get("STRAND_BENCH_MOUNTS"):
        os.environ["STRAND_BENCH_MOUNTS"] = "its own"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    for kind, folder in [("tracefs", "tracing"), ("debugfs", "debug")]:
        subprocess.run(["mount", "-t", kind, kind, f"/sys/kernel/{folder}"], stderr=subprocess.DEVNULL)


def report(what, good):
    print(f"{'pass' if good else 'falls short':12}{what}")
