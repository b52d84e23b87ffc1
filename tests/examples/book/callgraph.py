"""callgraph.d: the kernel's functions for a file that isn't there: each that is entered returns, in order.

The system call's result, and what the function that looks the file up gives, is ENOENT.
"""
import re

from joined import probes
from proof import Workload, same, trace_lossy

probes("fbt::do_fil*_open:entry")
ENOENT = 2
workload = Workload("""
for name in ["not_exists", "/etc/passwd"]:
    try:
        os.close(os.open(name, os.O_RDONLY))
    except FileNotFoundError:
        fact(name=name)
""")
text, complaints = trace_lossy("book/callgraph.d", workload.command)
# The name of a file may be in memory that its program hasn't touched yet.
known = re.compile(r"matched \d+ probes|invalid address .* copyinstr|^strand: the error on line \d+ happened")
same("complaints", [line for line in complaints.splitlines() if not known.search(line.replace("`", " "))], [])
same("files that aren't there", [fact["name"] for fact in workload.facts()], ["not_exists"])

within, returned, deepest, result = [], set(), 0, None
for arrow, function, value in re.findall(r"^ *\d+ +(->|<-|<=) (\S+) *(.*)$", text, re.M):
    if arrow == "->":
        within.append(function)
        deepest = max(deepest, len(within))
    elif arrow == "<-":
        same("what returns", function, within.pop())
        returned.add((function, value.strip()))
    else:
        result = (function, value.strip())
same("what has not returned", within, [])
same("the call's errno", result, ("openat", str(ENOENT)))
assert deepest > 3, text
assert ("path_openat", str(-ENOENT)) in returned, text
