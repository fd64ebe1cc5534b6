"""A data directory that the version before has written is brought up to date, and nothing of it is lost."""

import json
import shutil
import tarfile
import tempfile
import unittest
from pathlib import Path

from harness import Server

# Five orders in a topic and a queue over it of which one is leased, as a server of version 1 left them when it was killed.
KEPT = Path(__file__).parent / "data" / "version-1.tar.gz"


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-upgrade-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        with tarfile.open(KEPT) as kept:
            kept.extractall(self.scratch)
        self.data = self.scratch / "data"

    def test_a_directory_of_version_1_is_read_and_becomes_version_2(self):
        self.assertEqual((self.data / "VERSION").read_text(), "1\n")
        for start in ("the first", "the second"):
            with self.subTest(start), Server(self.data) as server, server.api() as api:
                status, _, answer = api.request("GET", "/v1/topics/orders/records?partition=0&offset=0")
                self.assertEqual(status, 200)
                self.assertEqual([record["value"]["order"] for record in json.loads(answer)["records"]], [1, 2, 3, 4, 5])
                status, _, answer = api.request("GET", "/v1/queues/mails")
                queue = json.loads(answer)
                self.assertEqual((status, queue["ready"] + queue["leased"]), (200, 5))
            self.assertEqual((self.data / "VERSION").read_text(), "2\n")


if __name__ == "__main__":
    unittest.main()
