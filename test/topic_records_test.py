"""Records that go: by `delete_records`, and by compaction of a topic with many updates of few keys."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import PABAL, Refused, Server, wait_until

KEYS = 500
VALUE_BYTES = 4096
ROUNDS = 40  # of all keys: 80 MB, where the keys' latest records are 2 MB
STORED_BYTES_MAX = 24 << 20  # one segment that grows (16 MiB), and what is left of the others
COMPACTION_SECONDS_MAX = 60
START_SECONDS_MAX = 20


class TopicRecordsTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-records-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.server = self.enterContext(Server(self.scratch / "data"))
        self.api = self.enterContext(self.server.api(seconds=60))

    def restart(self, kill=False):
        self.server.kill() if kill else self.server.stop()
        self.server.start()
        self.api = self.enterContext(self.server.api(seconds=60))

    def partition(self, topic):
        return self.api.call("GET", f"/topics/{topic}")["partitions"][0]

    def delete_records(self, topic, before):
        body = {"partitions": [{"partition": 0, "before_offset": before}]}
        return self.api.call("POST", f"/topics/{topic}/delete_records", body)["partitions"][0]["first_offset"]

    # -- deletion

    def test_deleted_records_are_gone_for_every_reader_and_stay_gone(self):
        self.api.call("PUT", "/queues/q", {"topic": "t", "from": "earliest"})
        self.api.publish("t", [{"key": str(n), "value": n} for n in range(20)])
        wait_until(lambda: self.api.call("GET", "/queues/q")["ready"] == 20, 60, "the queue's messages")
        with self.assertRaises(Refused) as refused:
            self.delete_records("t", 21)
        self.assertEqual(refused.exception.status, 400)
        self.assertEqual(self.delete_records("t", 17), 17)
        self.assertEqual(self.delete_records("t", 3), 17)
        self.assertEqual([r["value"] for r in self.api.read_partition("t", 0, 17)], [17, 18, 19])
        queue = wait_until(lambda: (q := self.api.call("GET", "/queues/q"))["ready"] == 3 and q, 60, "three are left")
        self.assertEqual(queue["lost_to_retention"], 17)
        self.assertEqual(sorted(m["body"] for m in self.api.receive("q")), [17, 18, 19])
        self.restart(kill=True)
        self.assertEqual(self.partition("t")["first_offset"], 17)
        done = subprocess.run([PABAL, "topic", "delete-records", "t", "--partition", "0", "--before", "next", "--yes",
                               "--server", self.server.address], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("20", done.stdout)
        self.assertEqual(self.api.publish("t", [{"value": "next"}])[0]["offset"], 20)

    def test_a_stream_whose_place_was_deleted_is_told_where_it_goes_on(self):
        self.api.publish("t", [{"value": n} for n in range(10)])
        events = []
        status, headers, body = self.api.request("GET", "/v1/topics/t/records?partition=0&offset=0&limit=2")
        after = json.loads(body)["next"]
        self.assertEqual(self.delete_records("t", 6), 6)
        seen = threading.Event()

        def follow():
            with self.server.api() as api:
                api.call("GET", "/topics/t")  # opens the connection
                api.connection.request("GET", "/v1/topics/t/stream", headers={"Last-Event-ID": after})
                answer = api.connection.getresponse()
                while line := answer.readline().decode():
                    events.append(line.strip())
                    if '"value":9' in line.replace(" ", ""):
                        seen.set()
                        return

        reader = threading.Thread(target=follow)
        reader.start()
        reader.join(20)
        self.assertTrue(seen.is_set(), events)
        self.assertIn("event: reset", events)
        self.assertLess(events.index("event: reset"), events.index("event: record"))
        self.assertEqual(sum(e == "event: record" for e in events), 4)

    # -- compaction

    def update(self, round_number, keys, tombstone=False):
        value = {"tombstone": True} if tombstone else {"value": f"{round_number} {'x' * VALUE_BYTES}"}
        self.api.publish("prices", [{"key": f"k{k}", **value} for k in keys])

    def test_a_topic_with_many_updates_of_few_keys_stays_small_and_starts_fast(self):
        settings = {"cleanup": "compact", "tombstones_kept": "1ms"}
        self.assertEqual(self.api.call("PUT", "/topics/prices", settings)["cleanup"], "compact")
        with self.assertRaises(Refused) as refused:
            self.api.publish("prices", [{"key": "a", "value": 1}, {"value": 2}])
        self.assertEqual(refused.exception.status, 400)
        self.assertIn("records[1].key", str(refused.exception))
        self.assertEqual(self.partition("prices")["next_offset"], 0)
        gone = range(KEYS, KEYS + 50)
        self.update(0, gone)
        self.update(0, gone, tombstone=True)
        for half in (range(ROUNDS // 2), range(ROUNDS // 2, ROUNDS)):  # the second pass takes the tombstones
            for n in half:
                self.update(n, range(KEYS))
            wait_until(lambda: self.partition("prices")["bytes"] < STORED_BYTES_MAX, COMPACTION_SECONDS_MAX, "compaction")
        more = self.update_until_tombstones_are_gone()
        self.api.call("PUT", "/queues/q", {"topic": "prices", "from": "earliest"})
        self.assert_the_latest_are_there()
        begun = time.monotonic()
        self.restart(kill=True)
        self.assertLess(time.monotonic() - begun, START_SECONDS_MAX)
        self.assert_the_latest_are_there()
        checked = [self.partition("prices")["next_offset"], self.server.stop()]
        self.assertEqual(checked, [100 + (ROUNDS + more) * KEYS, 0])
        done = subprocess.run([PABAL, "check", "--data", self.scratch / "data"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_topic_that_is_compacted_and_ages_loses_what_is_old_too(self):
        settings = {"cleanup": "compact,delete", "retention": {"time": "7d", "size": None}}
        made = self.api.call("PUT", "/topics/prices", settings)
        self.assertEqual((made["cleanup"], made["retention"]["time"]), ("compact,delete", "7d"))
        for n in range(ROUNDS):
            self.update(n, range(KEYS))
        wait_until(lambda: self.partition("prices")["bytes"] < STORED_BYTES_MAX, COMPACTION_SECONDS_MAX, "compaction")
        self.assert_the_latest_are_there()
        self.restart(kill=True)
        self.api.call("PUT", "/topics/prices", {"retention": {"time": "1s"}})
        end = ROUNDS * KEYS
        wait_until(lambda: self.partition("prices")["first_offset"] == end, COMPACTION_SECONDS_MAX, "retention")
        self.assertEqual(list(self.api.read_partition("prices", 0)), [])
        self.update(0, range(1))
        self.assertEqual(self.partition("prices")["next_offset"], end + 1)

    def update_until_tombstones_are_gone(self):
        """How many more rounds it took: a busy machine may compact less often."""
        more = 0

        def gone():
            nonlocal more
            if len({record["key"] for record in self.api.read_partition("prices", 0)}) == KEYS:
                return True
            self.update(ROUNDS - 1, range(KEYS))
            more += 1
            return False
        wait_until(gone, COMPACTION_SECONDS_MAX, "the tombstones to go")
        return more

    def assert_the_latest_are_there(self):
        latest, count = {}, 0
        for record in self.api.read_partition("prices", 0):
            latest[record["key"]] = record
            count += 1
        self.assertLess(count, ROUNDS * KEYS)
        self.assertEqual(set(latest), {f"k{k}" for k in range(KEYS)}, "deleted keys leave no tombstone")
        self.assertTrue(all(r["value"].startswith(f"{ROUNDS - 1} ") for r in latest.values()))


if __name__ == "__main__":
    unittest.main()
