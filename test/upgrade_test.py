"""A data directory that an earlier version has written is brought up to date, and nothing of it is lost."""

import json
import shutil
import tarfile
import tempfile
import unittest
from pathlib import Path

from harness import Server

# Five orders in a topic and a queue over it of which one is leased, as servers of each version left them when they
# were killed.
KEPT = {version: Path(__file__).parent / "data" / f"version-{version}.tar.gz" for version in ("1", "2")}
CURRENT = "3"


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-upgrade-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def test_a_directory_of_version_1_is_brought_up_to_date(self):
        self.check_upgrade("1")

    def test_a_directory_of_version_2_is_brought_up_to_date(self):
        self.check_upgrade("2")

    def check_upgrade(self, version):
        """Starts the server twice on what `version` left, and looks for all of it."""
        with tarfile.open(KEPT[version]) as kept:
            kept.extractall(self.scratch)
        self.data = self.scratch / "data"
        self.assertEqual((self.data / "VERSION").read_text(), f"{version}\n")
        for start in ("the first", "the second"):
            with self.subTest(start), Server(self.data) as server, server.api() as api:
                status, _, answer = api.request("GET", "/v1/topics/orders/records?partition=0&offset=0")
                self.assertEqual(status, 200)
                self.assertEqual([record["value"]["order"] for record in json.loads(answer)["records"]], [1, 2, 3, 4, 5])
                status, _, answer = api.request("GET", "/v1/queues/mails")
                queue = json.loads(answer)
                self.assertEqual((status, queue["ready"] + queue["leased"]), (200, 5))
            self.assertEqual((self.data / "VERSION").read_text(), f"{CURRENT}\n")


if __name__ == "__main__":
    unittest.main()
