#!/usr/bin/env python3
"""lint.py [CHECK...]: what docs/style.md asks for, as a program. Prints each breach, what to write instead, and why."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import clang_tidy
import floors

ROOT = Path(__file__).resolve().parent.parent
FILE_BYTES_MAX = 1_000_000
FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 60
SUBJECT_CHARS_MAX = 72
OWN_PATH = "tools/lint.py"  # names what it forbids
CORPUS = "test/fuzz/corpus/"  # hostile input, not text of ours


@dataclass
class Rule:
    files: str  # regular expression over the path
    banned: str  # regular expression over a line
    instead: str
    why: str


CODE = r"\.(h|cc|ts|svelte|py|cmake)$|CMakeLists\.txt$|^dev$|^\.ci/"
CPP = r"\.(h|cc)$"
RULES = [
    Rule(CPP, r"\bstd::endl\b", r"'\n'", "it flushes; whoever needs a flush says so"),
    Rule(CPP, r"(?<![\w:.])assert\(", "check(condition, \"values\")", "assert vanishes from some builds and shows no values"),
    Rule(CPP, r"\b(this_thread::sleep_\w+|usleep|nanosleep)\b", "a timer of the runtime, or virtual time in a test",
         "a sleep blocks a shard's thread, and a test that sleeps is slow and still races"),
    Rule(CPP, r"\b(s?rand|random_shuffle)\(", "Random, passed in", "a run must be repeatable from its seed"),
    Rule(CPP, r"\b(std::)?((cout|cerr) *<<|f?printf\(|puts\()", "fmt::print, or the logger",
         "one way to print, checked when it is compiled"),
    Rule(CPP, r"\busing namespace std;", "std::", "it hides where a name comes from"),
    Rule(r"\.h$", r"\busing namespace (?![\w:]*(literals|operators);)", "the full name", "it reaches into every includer"),
    Rule(CPP, r"\bDISABLED_", "a test that runs", "what does not run proves nothing"),
    Rule(CPP, r"^#ifndef \w+_H_?$", "#pragma once", "one line, no name to get wrong"),
    Rule(CODE, r"\b(TODO|FIXME|XXX)\b", "the work, or a sentence in README.md on what is missing", "notes in code are never read"),
    Rule(r"\.cmake$|CMakeLists\.txt$", r"\bGLOB(_RECURSE)?\b(?!.*CONFIGURE_DEPENDS)", "the list of sources", "a build must see that a file was added"),
    Rule(r"^(test|tools)/.*\.py$", r"\btime\.sleep\(", "harness.wait_until(), which returns as soon as it is so",
         "a test that sleeps is slow and still races"),
    Rule(r"", r"(?<![\w./:])/(home|root|work)/\w", "a path relative to the repository", "nobody else has this directory"),
]
CAPTURING_COROUTINE = re.compile(r"\[[^\[\]]+\]\s*\([^()]*\)\s*(?:mutable\s*)?->\s*[\w:]*(?:Task|awaitable)<[^{;]*\{")
FUNCTION_HEAD = re.compile(r"^((?:  )?)(?!\s|namespace|class|struct|enum|union|extern|template|using|return|#|//)\S.*(?<!= )\{$")
SLEEPS_WITH_REASON = {"test/harness.py", "bench/kafka/pause.h"}


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True).stdout


def tracked_files():
    return [name for name in git("ls-files", "-z").split("\0") if name and (ROOT / name).is_file()]


def text_of(name):
    """The file's text, or None when it is not text."""
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return None


def banned_words(name, text):
    for rule in RULES:
        if not re.search(rule.files, name) or name == OWN_PATH or (name in SLEEPS_WITH_REASON and "sleep" in rule.banned):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.search(rule.banned, line):
                yield f"{name}:{number}: `{found.group(0)}` is not used here: {rule.why}. Instead: {rule.instead}"


def sizes(name, text):
    size = (ROOT / name).stat().st_size
    if size > FILE_BYTES_MAX:
        yield f"{name}: {size} bytes; no file is over {FILE_BYTES_MAX}"
    if text is not None and re.search(r"\.(h|cc|ts|svelte|py|css)$", name):
        if (lines := text.count("\n")) > FILE_LINES_MAX:
            yield f"{name}: {lines} lines; over {FILE_LINES_MAX} a file is two ideas. Instead: split it"


def functions(name, text):
    """Functions as clang-format lays them out: the brace that ends one stands under its first letter."""
    if not re.search(CPP, name):
        return
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if head := FUNCTION_HEAD.match(line):
            end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith(head.group(1) + "}")), start)
            if end - start + 1 > FUNCTION_LINES_MAX:
                yield (f"{name}:{start + 1}: a function of {end - start + 1} lines; over {FUNCTION_LINES_MAX} it is two ideas. "
                       "Instead: name its parts")


def manners(name, text):
    if not text or name.endswith((".png", ".svg", ".gz")) or name == "LICENSE":
        return
    if not text.endswith("\n"):
        yield f"{name}: the last line does not end"
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}: has no #pragma once"
    if not name.endswith(".md"):
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: white space at the end of the line"


def coroutines(name, text):
    """A coroutine lambda that is called on the spot is gone when it first resumes, and its captures with it."""
    if not re.search(CPP, name):
        return
    for found in CAPTURING_COROUTINE.finditer(text):
        end, depth = found.end(), 1
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        if text[end:end + 1] == "(":
            line = text.count("\n", 0, found.start()) + 1
            yield (f"{name}:{line}: a coroutine lambda with captures is called on the spot: they are gone when it resumes. "
                   "Instead: hand the lambda to runtime::on() or co_spawn(), which keep it")


def lock_files(name, text):
    """A lock file that names an address can be installed only by those who reach it."""
    if name.endswith("package-lock.json"):
        for package, entry in json.loads(text).get("packages", {}).items():
            if "resolved" in entry:
                yield f"{name}: {package} comes from {entry['resolved']}. Instead: npm's omit-lockfile-registry-resolved"


def scripts(name, text):
    if text and re.match(r"#!.*\bbash\b", text):
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
        yield from (f"{name}: {line}" for line in done.stderr.splitlines())
        if "set -euo pipefail" not in text:
            yield f"{name}: has no `set -euo pipefail`: it would go on after an error"
    if name.endswith(".py"):
        try:
            compile(text, name, "exec")
        except SyntaxError as problem:
            yield f"{name}:{problem.lineno}: {problem.msg}"


def text_complaints():
    for name in tracked_files():
        text = None if name.startswith(CORPUS) else text_of(name)
        yield from sizes(name, text)
        if text is not None:
            for check in (banned_words, coroutines, functions, manners, lock_files, scripts):
                yield from check(name, text)


def subject_complaints():
    """The commits that are not on the main branch yet, at least the last."""
    mains = git("for-each-ref", "--format=%(refname)", "refs/remotes/origin/main", "refs/heads/main").split()
    subjects = set(git("log", "-1", "--no-merges", "--format=%s").splitlines())
    for main in mains[:1]:
        subjects |= set(git("log", "--no-merges", "--format=%s", f"{main}..HEAD").splitlines())
    for subject in sorted(subjects):
        if len(subject) > SUBJECT_CHARS_MAX or not re.match(r"[a-z][\w./, -]*: \S", subject):
            yield f"commit subject `{subject}`: write `area: what it does`, at most {SUBJECT_CHARS_MAX} characters"


def format_complaints():
    files = [name for name in tracked_files() if re.search(CPP, name)]
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True)
    found = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
    return [f"{name}: not in our format. Instead: ./dev format" for name in found] or ([done.stderr] if done.returncode else [])


def tidy_complaints():
    build = ROOT / "build/debug"
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = {str(Path(c["file"]).resolve().relative_to(ROOT)) for c in commands if ROOT in Path(c["file"]).parents}
    tracked = set(tracked_files())
    sources = sorted(name for name in compiled & tracked if name.endswith(".cc") and not name.endswith("_test.cc"))
    return clang_tidy.complaints(ROOT, build, sources)


CHECKS = {
    "text": text_complaints,
    "subjects": subject_complaints,
    "floors": lambda: floors.check(ROOT, floors.read_floors((ROOT / "tools/floors.txt").read_text())),
    "clang-format": format_complaints,
    "clang-tidy": tidy_complaints,
}


def main():
    count = 0
    if unknown := set(sys.argv[1:]) - CHECKS.keys():
        sys.exit(f"lint: unknown check {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}")
    for name in sys.argv[1:] or CHECKS:
        found = list(CHECKS[name]())
        count += len(found)
        print(f"lint: {name}: {len(found) or 'no'} complaint{'' if len(found) == 1 else 's'}", flush=True)
        for line in found:
            print(f"  {line}")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
