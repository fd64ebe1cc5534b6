#!/usr/bin/env python3
"""run_tests.py [unit] [system] [console] [clients[:NAME]]: runs stages of the tests against build/debug and counts what they
did; without a word the first three.

unit     every test that CMake registered, by ctest
system   test/*_test.py: the real programs under load, faults and cuts of the power
console  `npm test` in console/, in a headless Chromium
clients  test/clients/*_test.py, or NAME_test.py alone: Kafka's clients of other languages, as their package managers bring them

Ends with one plain line, `N passed, N failed, N skipped`, after naming whatever failed or could not run. Skipped tests
are never silent: each says why.
"""

import os
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/debug"


@dataclass
class Outcome:
    passed: int = 0
    failed: list = field(default_factory=list)  # names
    skipped: list = field(default_factory=list)  # "name: why"

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def cases_in(junit):
    """The cases of a JUnit file, as GoogleTest and vitest write it."""
    outcome = Outcome()
    for case in ElementTree.parse(junit).iter("testcase"):
        title = f"{case.get('classname')}: {case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(title)
        elif (skip := case.find("skipped")) is not None:
            outcome.skipped.append(f"{title}: {(skip.get('message') or 'see above').strip()}")
        elif case.get("status", "run") == "run":
            outcome.passed += 1
        else:
            outcome.skipped.append(f"{title}: disabled")
    return outcome


def cases_of(name, ran_well, results):
    """What one program of ctest's did: its own cases when it wrote them down (GoogleTest does), else itself as one."""
    own = results / f"{name}.xml"
    outcome = cases_in(own) if own.exists() else Outcome(1 if ran_well else 0)
    if not ran_well and not outcome.failed:
        outcome.failed.append(f"{name} ended with an error")
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
        outcome.add(cases_of(case.get("name"), case.get("status") == "run", results))
    return outcome


class Counting(unittest.TextTestResult):
    """Counts what passed; unittest itself only remembers the rest."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def system():
    return python_tests(ROOT / "test", "*_test.py")


def clients(name="*"):
    return python_tests(ROOT / "test/clients", f"{name}_test.py")


def python_tests(directory, pattern):
    tests = unittest.TestLoader().discover(str(directory), pattern=pattern)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Counting).run(tests)
    failed = [str(test) for test, _ in result.failures + result.errors] + [str(t) for t in result.unexpectedSuccesses]
    return Outcome(result.passed, failed, [f"{test}: {why}" for test, why in result.skipped])


def console():
    directory = ROOT / "console"
    if not (directory / "package.json").exists():
        return Outcome()
    junit = BUILD / "results/console.junit"
    junit.parent.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    done = subprocess.run(["npm", "test", "--silent", "--", "--reporter=default", "--reporter=junit",
                           f"--outputFile.junit={junit}"], cwd=directory)
    outcome = cases_in(junit) if junit.exists() else Outcome()
    if done.returncode != 0 and not outcome.failed:
        outcome.failed.append("console: npm test ended with an error")
    return outcome


STAGES = {"unit": unit, "system": system, "console": console, "clients": clients}
USUAL = ["unit", "system", "console"]


def main():
    total = Outcome()
    words = sys.argv[1:] or USUAL
    for word in words:
        print(f"== {word} tests", flush=True)
        name, *which = word.split(":")
        total.add(STAGES[name](*which))
    print()
    for line in total.skipped:
        print(f"SKIPPED  {line}")
    for line in total.failed:
        print(f"FAILED   {line}")
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    may_all_be_skipped = all(word.startswith("clients") for word in words)
    sys.exit(1 if total.failed or not (total.passed or may_all_be_skipped) else 0)


if __name__ == "__main__":
    main()
