"""scsitrace.d with far too few speculations, or too small ones: what is missing is counted.

A disk without a scheduler gives each request one chance to get a speculation.
"""
#@ case: nspec=8
#@ case: specsize=500

import re
import sys

from proof import EXAMPLES, Fio, loop, same, scratch, trace_lossy

NUMBER = re.compile(r"^\w+: (\d+) (failed speculation|speculative drop)", re.M)


def main(option):
    disk = loop()
    disk.scheduler("none")
    fio = Fio(disk, rw="randread", iodepth=1 if option.startswith("specsize") else 16, size="2m")
    source = (EXAMPLES / "block/scsitrace.d").read_text()
    changed = source.replace("#pragma D option nspec=16384", f"#pragma D option {option}\n" +
                             "#pragma D option nspec=16384" * option.startswith("specsize"))
    assert changed != source
    script = scratch / "lossy.d"
    script.write_text(changed)
    with disk.counted() as counted:
        text, complaints = trace_lossy(script, fio.command, disk.number)
    lives = [life for life in text.split("----------\n") if "request-complete " in life]
    told = sum(int(n) for n, _ in NUMBER.findall(complaints))
    if option.startswith("nspec"):
        assert told > 0, "nothing is missing"
        same("requests shown or told", len(lives) + told, counted["reads"])
        return
    # All lives are alike, so that each misses as many records.
    missing = text.count("request-issue ") * 3 - sum(
        text.count(name) for name in ("request-get ", "PROC: ", "bio-done "))
    assert missing > 0, "nothing is missing"
    assert told > 0 and told % counted["reads"] == 0, complaints


main(*sys.argv[1:])
