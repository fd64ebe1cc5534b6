"""What floors.py lets pass and what it stops."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent / "floors.py"


class FloorsTest(unittest.TestCase):
    def run_on(self, files):
        """Runs the check on a tree of {path: text}; its exit status and what it said."""
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "src").mkdir()
            for name, text in files.items():
                path = Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, TOOL, root], capture_output=True, text=True)
            return done.returncode, done.stderr

    def assert_passes(self, files):
        self.assertEqual(self.run_on(files), (0, ""))

    def assert_stops(self, files, words):
        status, said = self.run_on(files)
        self.assertEqual(status, 1)
        self.assertIn(words, said)

    def test_own_directory_lower_floors_and_foreign_headers_pass(self):
        self.assert_passes({
            "src/log/a.cc": '#include "log/b.h"\n#include "base/bytes.h"\n#include <engine/x.h>\n#include "fmt/core.h"\n',
            "src/flows/a.cc": '#include "calls/policy.h"\n#include "broker/queue.h"\n',
        })

    def test_a_higher_floor_is_stopped_with_file_and_line(self):
        self.assert_stops({"src/base/a.h": '#pragma once\n#include "runtime/shard.h"\n'},
                          'src/base/a.h:2: includes "runtime/shard.h"')

    def test_the_wings_do_not_meet(self):
        self.assert_stops({"src/log/a.cc": '#include "calls/policy.h"\n'}, "src/log/a.cc:1")
        self.assert_stops({"src/relay/a.cc": '#include "log/journal.h"\n'}, "src/relay/a.cc:1")

    def test_the_sdk_uses_nothing_of_the_server(self):
        self.assert_passes({"sdk/cpp/a.cc": '#include "relay/outbox.h"\n'})
        self.assert_stops({"sdk/cpp/a.cc": '#include "broker/queue.h"\n'}, "sdk/cpp/a.cc:1")

    def test_a_directory_without_a_floor_is_named(self):
        self.assert_stops({"src/attic/a.cc": ""}, "src/attic: this directory stands on no floor")


if __name__ == "__main__":
    unittest.main()
