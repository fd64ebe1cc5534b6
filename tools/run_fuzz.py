#!/usr/bin/env python3
"""run_fuzz.py SECONDS [TARGET]: runs each fuzz target of build/fuzz for SECONDS, or the named one alone.

A target begins with test/fuzz/corpus/TARGET and with what earlier runs have left in build/fuzz/corpus/TARGET, where new
inputs go. What crashes, hangs or takes too much memory is kept in build/fuzz/findings/TARGET; the run then goes on with
the next target and ends with status 1. One line for each target says what it did.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/fuzz"
INPUT_BYTES_MAX = 4096
RSS_MB_MAX = 2048
INPUT_SECONDS_MAX = 10
LINE = "{:<18} {:>12} {:>8} {:>8} {:>8}"


def targets():
    return sorted(path.name.removesuffix("_fuzz") for path in BUILD.glob("*_fuzz") if os.access(path, os.X_OK))


def environment():
    """Stack traces with names, when Debian's symbolizer is there."""
    symbolizer = shutil.which("llvm-symbolizer-19")
    if not symbolizer:
        return os.environ
    option = f"external_symbolizer_path={symbolizer}"
    return {**os.environ, "ASAN_OPTIONS": option, "UBSAN_OPTIONS": f"{option}:print_stacktrace=1"}


def number(pattern, text):
    """The last number that the pattern finds, 0 when there is none."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def run(target, seconds):
    """Prints the target's line; True when nothing was found."""
    seeds = ROOT / "test/fuzz/corpus" / target
    found = BUILD / "corpus" / target
    findings = BUILD / "findings" / target
    for directory in (found, findings):
        directory.mkdir(parents=True, exist_ok=True)
    log = findings / "log"
    arguments = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", f"-rss_limit_mb={RSS_MB_MAX}",
                 f"-timeout={INPUT_SECONDS_MAX}", "-print_final_stats=1", f"-artifact_prefix={findings}/"]
    before = len(list(findings.iterdir()))
    with log.open("w") as out:
        status = subprocess.run([BUILD / f"{target}_fuzz", *arguments, found, seeds], stdout=out, stderr=out,
                                env=environment()).returncode
    text = log.read_text(errors="replace")
    log.unlink() if status == 0 else None
    new = sorted((p for p in findings.iterdir() if p.name != "log"), key=lambda p: p.stat().st_mtime)
    runs = number(r"stat::number_of_executed_units: (\d+)", text) or number(r"#(\d+)\s", text)
    print(LINE.format(target, runs, number(r" cov: (\d+)", text), number(r"stat::new_units_added: +(\d+)", text),
                      0 if status == 0 else 1), flush=True)
    if status == 0:
        return True
    interesting = [line for line in text.splitlines() if re.search(r"ERROR:|runtime error:|check failed:|SUMMARY:", line)]
    for line in interesting[:4]:
        print(f"  {line}")
    print(f"  all of it: {log.relative_to(ROOT)}")
    if len(new) + 1 > before and new:
        print(f"  again: build/fuzz/{target}_fuzz {new[-1].relative_to(ROOT)}", flush=True)
    return False


def main():
    if len(sys.argv) not in (2, 3) or not re.fullmatch(r"[1-9]\d*", sys.argv[1]):
        sys.exit("fuzz takes SECONDS for each target, and may be one target's name")
    names = targets()
    if len(sys.argv) == 3 and sys.argv[2] not in names:
        sys.exit(f"fuzz: unknown target '{sys.argv[2]}': {', '.join(names)}")
    print(LINE.format("target", "executions", "coverage", "new", "findings"))
    well = [run(name, sys.argv[1]) for name in (sys.argv[2:] or names)]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
