"""`pabal backup` of a server under load: what it holds, what a cut-off one says, and a target without space."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import PABAL, Disk, DidNotStart, NoLoopDevice, OutcomeUnknown, Refused, Server, wait_until

MARK = "BACKUP-UNFINISHED"
PARTITIONS = 3
PRODUCERS = 4
KEYS_OF_A_PRODUCER = 5
BATCH_RECORDS = 5
PUBLISH_SECONDS_MAX = 10
BIG_RECORDS = 60  # of 1 MiB less a little


class Producer(threading.Thread):
    """Publishes numbers until it is told to end, and remembers where each acknowledged one stands."""

    def __init__(self, server, name):
        super().__init__(name=name)
        self.server = server
        self.acked = {}
        self.slowest = 0
        self.ends = threading.Event()

    def run(self):
        with self.server.api() as api:
            n = 0
            while not self.ends.is_set():
                numbers = range(n, n + BATCH_RECORDS)
                records = [{"key": f"{self.name}-{i % KEYS_OF_A_PRODUCER}", "value": [self.name, i], "sequence": i + 1}
                           for i in numbers]
                begun = time.monotonic()
                answers = api.publish("load", records, {"Pabal-Producer": self.name})
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.acked |= {i: (a["partition"], a["offset"]) for i, a in zip(numbers, answers, strict=True)}
                n += BATCH_RECORDS


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-backup-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.server = self.enterContext(Server(self.scratch / "data"))
        self.api = self.enterContext(self.server.api(seconds=120))
        self.copy = self.scratch / "copy"

    def back_up(self, directory=None):
        return self.api.call("POST", "/backup", {"directory": str(directory or self.copy)})

    def publish_much(self):
        for n in range(BIG_RECORDS):
            self.api.call("POST", "/topics/big/records", bytes([n]) * ((1 << 20) - 1024),
                          {"Content-Type": "application/octet-stream"})

    def pabal(self, *arguments, cwd=None):
        return subprocess.run([PABAL, *arguments], capture_output=True, text=True, timeout=60, cwd=cwd)

    def assert_refused_as_unfinished(self, directory):
        checked = self.pabal("check", "--data", directory)
        self.assertEqual(checked.returncode, 1, checked.stdout)
        with self.assertRaises(DidNotStart) as refused, Server(directory):
            pass
        for said in (checked.stderr, str(refused.exception)):
            self.assertIn("unfinished backup", said)
            self.assertIn("take the backup again", said)

    def test_a_backup_under_load_has_all_that_was_acknowledged_before_it(self):
        self.api.call("PUT", "/topics/load", {"partitions": PARTITIONS})
        self.api.call("PUT", "/queues/work", {"topic": "load", "from": "earliest"})
        producers = [Producer(self.server, f"p{n}") for n in range(PRODUCERS)]
        for producer in producers:
            producer.start()
        self.addCleanup(lambda: [p.ends.set() for p in producers])
        wait_until(lambda: min(len(p.acked) for p in producers) >= 100, 60, "a hundred records of each producer")
        messages = wait_until(lambda: self.api.receive("work", 50), 60, "messages")
        self.api.settle("work", "ack", [m["lease"] for m in messages])
        settled = {m["id"] for m in messages}
        before = {p.name: dict(p.acked) for p in producers}
        answer = self.back_up()
        during = {p.name: len(p.acked) for p in producers}
        wait_until(lambda: all(len(p.acked) > during[p.name] + 50 for p in producers), 60, "publishing after the backup")
        for producer in producers:
            producer.ends.set()
            producer.join()
        self.assertEqual(answer["directory"], str(self.copy))
        self.assertEqual(answer["damaged"], [])
        self.assertLess(max(p.slowest for p in producers), PUBLISH_SECONDS_MAX)
        self.assertIn('pabal_backups_total{outcome="done"} 1', self.api.request("GET", "/metrics")[2].decode())
        checked = self.pabal("check", "--data", self.copy)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        with Server(self.copy) as restored, restored.api() as api:
            self.assert_holds(api, before)
            again = api.publish("load", [{"key": "p0-0", "value": ["p0", 0], "sequence": 1}], {"Pabal-Producer": "p0"})
            self.assertTrue(again[0].get("duplicate"), again)
            left = wait_until(lambda: api.receive("work", 1000), 60, "messages that were not acked")
            self.assertFalse(settled & {m["id"] for m in left})

    def assert_holds(self, api, before):
        found = {}
        for partition in range(PARTITIONS):
            last_of_key = {}
            for expected, record in enumerate(api.read_partition("load", partition)):
                self.assertEqual(record["offset"], expected)
                name, n = record["value"]
                self.assertGreater(n, last_of_key.get(record["key"], -1))
                last_of_key[record["key"]] = n
                found[name, n] = (partition, record["offset"])
        for name, acked in before.items():
            lost = {n: at for n, at in acked.items() if found.get((name, n)) != at}
            self.assertEqual(lost, {}, name)

    def test_a_backup_that_was_killed_is_refused_by_name(self):
        self.publish_much()
        backup = threading.Thread(target=self.back_up_that_breaks)
        backup.start()
        while not (self.copy / MARK).exists():  # no pause: it takes a moment only
            self.assertTrue(backup.is_alive(), "the backup was over before it could be cut off")
        self.server.kill()
        backup.join()
        self.assertTrue((self.copy / MARK).exists())
        self.assert_refused_as_unfinished(self.copy)
        self.server.start()
        self.api = self.enterContext(self.server.api(seconds=120))
        with self.assertRaises(Refused) as refused:
            self.back_up()
        self.assertEqual(refused.exception.status, 409)
        shutil.rmtree(self.copy)
        self.assertGreater(self.back_up()["bytes"], BIG_RECORDS * (1 << 19))

    def back_up_that_breaks(self):
        with self.assertRaises(OutcomeUnknown):
            self.back_up()

    def test_a_target_without_space_fails_alone(self):
        try:
            disk = self.enterContext(Disk(32))
        except NoLoopDevice as why:
            self.skipTest(f"no small disk can be mounted on this machine: {why}")
        self.publish_much()
        target = disk.mounted_at / "copy"
        with self.assertRaises(OutcomeUnknown) as failed:
            self.back_up(target)
        self.assertEqual(failed.exception.status, 503)
        self.assertIn("No space left", str(failed.exception))
        self.assertIn("delete it", str(failed.exception))
        self.assertEqual(json.loads(self.api.request("GET", "/readyz")[2])["storage"], "ok")
        self.api.publish("t", [{"value": 1}])
        self.assertIn('pabal_backups_total{outcome="failed"} 1', self.api.request("GET", "/metrics")[2].decode())
        self.assert_refused_as_unfinished(target)
        self.back_up()

    def test_a_wrong_target_is_refused_and_the_verb_takes_a_relative_one(self):
        (self.scratch / "full").mkdir()
        (self.scratch / "full" / "file").touch()
        (self.scratch / "link").symlink_to(self.scratch / "data")
        for directory, status in [("copy", 400), ("", 400), (self.scratch / "data", 400),
                                  (self.scratch / "data" / "x", 400), (self.scratch / "link" / "x", 400),
                                  (self.scratch / "full", 409)]:
            with self.subTest(directory), self.assertRaises(Refused) as refused:
                self.api.call("POST", "/backup", {"directory": str(directory)})
            self.assertEqual(refused.exception.status, status)
        self.api.publish("t", [{"value": 1}])
        done = self.pabal("backup", "here", "--server", self.server.address, cwd=self.scratch)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.scratch / "here"), done.stdout)
        with Server(self.scratch / "here") as restored, restored.api() as api:
            self.assertEqual([r["value"] for r in api.read_partition("t", 0)], [1])


if __name__ == "__main__":
    unittest.main()
