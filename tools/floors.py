#!/usr/bin/env python3
"""floors.py [ROOT]: fails when a C++ file includes from a floor that it may not use. The floors stand in floors.txt."""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SUFFIXES = {".h", ".cc"}


def read_floors(text):
    """The allowed rooms per directory, in the order of the file: {"src/log": {"base", "runtime", …}}."""
    allowed = {}
    below = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        directory, rule, names = words[0], words[1:2], words[2:]
        room = directory.removeprefix("src/")
        if rule == ["only"]:
            allowed[directory] = {room, *names}
        else:
            allowed[directory] = {room, *below} - set(names)
        if directory.startswith("src/"):
            below.append(room)
    return allowed


def climbs(path, text, rooms, allowed):
    """The lines of one file that include a room which is not among the allowed ones."""
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        room = found and found.group(1).removeprefix("src/").split("/")[0]
        if room in rooms and room not in allowed:
            yield f'{path}:{number}: includes "{found.group(1)}", but may use only {", ".join(sorted(allowed))}'


def check(root, floors):
    """Every complaint about the tree at `root`, as lines for people."""
    rooms = {directory.removeprefix("src/") for directory in floors if directory.startswith("src/")}
    for directory in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        name = f"src/{directory.name}"
        if name not in floors:
            yield f"{name}: this directory stands on no floor; add it to tools/floors.txt"
    for directory, allowed in floors.items():
        for path in sorted((root / directory).rglob("*")):
            if path.suffix in SUFFIXES:
                yield from climbs(path.relative_to(root), path.read_text(), rooms, allowed)


def main():
    here = Path(__file__).resolve().parent
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent
    complaints = list(check(root, read_floors((here / "floors.txt").read_text())))
    for line in complaints:
        print(line, file=sys.stderr)
    if complaints:
        sys.exit("floors: a file may include only from its own directory and from floors below (tools/floors.txt)")


if __name__ == "__main__":
    main()
