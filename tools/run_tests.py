#!/usr/bin/env python3
"""run_tests.py [unit] [system] [console]: runs the stages of the tests against build/debug and counts what they did.

unit     every test that CMake registered, by ctest
system   test/*_test.py: the real programs under load, faults and cuts of the power
console  `npm test` in console/, in a headless Chromium

Ends with one plain line, `N passed, N failed, N skipped`, after naming whatever failed or could not run. Skipped tests
are never silent: each says why.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/debug"
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


@dataclass
class Outcome:
    passed: int = 0
    failed: list = field(default_factory=list)  # names
    skipped: list = field(default_factory=list)  # "name: why"

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def cases_of(name, ctest_case, results):
    """What one program of ctest's did: its own cases when it wrote them down (GoogleTest does), else itself as one."""
    own = results / f"{name}.xml"
    if not own.exists():
        done = ctest_case.get("status") == "run"
        return Outcome(1) if done else Outcome(failed=[name])
    outcome = Outcome()
    for case in ElementTree.parse(own).iter("testcase"):
        title = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            outcome.failed.append(title)
        elif (skip := case.find("skipped")) is not None:
            outcome.skipped.append(f"{title}: {skip.get('message', '').strip()}")
        elif case.get("status") == "run":
            outcome.passed += 1
        else:
            outcome.skipped.append(f"{title}: disabled")
    if ctest_case.get("status") != "run" and not outcome.failed:
        outcome.failed.append(f"{name} (it stopped with an error after its last case)")
    return outcome


def unit():
    results = BUILD / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    junit = results / "ctest.junit"
    jobs = str(os.cpu_count() or 1)
    subprocess.run(
        ["ctest", "--test-dir", BUILD, "-j", jobs, "--output-on-failure", "--no-tests=error", "--output-junit", junit],
        env={**os.environ, "GTEST_OUTPUT": f"xml:{results}/"})
    outcome = Outcome()
    for case in ElementTree.parse(junit).iter("testcase"):
        outcome.add(cases_of(case.get("name"), case, results))
    return outcome


class Counting(unittest.TextTestResult):
    """Counts what passed; unittest itself only remembers the rest."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def system():
    tests = unittest.defaultTestLoader.discover(str(ROOT / "test"), pattern="*_test.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Counting).run(tests)
    failed = [str(test) for test, _ in result.failures + result.errors] + [str(t) for t in result.unexpectedSuccesses]
    return Outcome(result.passed, failed, [f"{test}: {why}" for test, why in result.skipped])


def console():
    manifest = ROOT / "console/package.json"
    if not manifest.exists() or "test" not in json.loads(manifest.read_text()).get("scripts", {}):
        return Outcome()
    done = subprocess.run(["npm", "test", "--silent"], cwd=manifest.parent, stdout=subprocess.PIPE, text=True)
    print(done.stdout, flush=True)
    counts = SUMMARY.findall(done.stdout)
    if not counts:
        return Outcome(1) if done.returncode == 0 else Outcome(failed=["console: npm test"])
    passed, failed, skipped = map(int, counts[-1])
    outcome = Outcome(passed, [f"console: case {n + 1} of the failed" for n in range(failed)],
                      [f"console: case {n + 1} of the skipped (its reason stands above)" for n in range(skipped)])
    if done.returncode != 0 and not failed:
        outcome.failed.append("console: npm test ended with an error")
    return outcome


STAGES = {"unit": unit, "system": system, "console": console}


def main():
    total = Outcome()
    for name in sys.argv[1:] or STAGES:
        print(f"== {name} tests", flush=True)
        total.add(STAGES[name]())
    print()
    for line in total.skipped:
        print(f"SKIPPED  {line}")
    for line in total.failed:
        print(f"FAILED   {line}")
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
