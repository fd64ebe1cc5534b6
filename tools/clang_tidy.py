"""Runs clang-tidy over the project's sources, remembering by content what passed.

A file passes again without a run when it, the project's headers that it reaches, .clang-tidy and clang-tidy itself are
what they were. The memory is a directory of empty files named by hash, in the user's cache, so that a fresh clone
profits as it does from ccache; deleting it costs only time.
"""

import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLANG_TIDY = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


class Memory:
    def __init__(self, root, include_dirs):
        self.root = root
        self.include_dirs = [root / d for d in include_dirs]
        version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
        self.salt = version + (root / ".clang-tidy").read_bytes() + (root / "cmake/toolchain.cmake").read_bytes()
        self.directory = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pabal/clang-tidy"
        self.directory.mkdir(parents=True, exist_ok=True)

    def reached_by(self, path):
        """The file and every header of the project that it includes, directly or not."""
        seen, waiting = {path}, [path]
        while waiting:
            here = waiting.pop()
            for name in INCLUDE.findall(here.read_text()):
                for directory in [here.parent, *self.include_dirs]:
                    header = (directory / name).resolve()
                    if header.is_file():
                        if header not in seen:
                            seen.add(header)
                            waiting.append(header)
                        break
        return sorted(seen)

    def stamp_of(self, path):
        digest = hashlib.sha256(self.salt)
        for file in self.reached_by(path):
            digest.update(str(file.relative_to(self.root)).encode() + b"\0" + file.read_bytes() + b"\0")
        return self.directory / digest.hexdigest()


def complaints(root, build, sources):
    """What clang-tidy finds in `sources`, as printed by it; empty when all is well."""
    memory = Memory(root, ["src", "sdk/cpp", "examples"])
    waiting = [(source, stamp) for source in sources if not (stamp := memory.stamp_of(root / source)).exists()]

    def run(job):
        source, stamp = job
        done = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", root / source], capture_output=True, text=True)
        if done.returncode == 0:
            stamp.touch()
            return None
        return done.stdout + "".join(line for line in done.stderr.splitlines(True) if "error" in line)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [said for said in pool.map(run, waiting) if said]
