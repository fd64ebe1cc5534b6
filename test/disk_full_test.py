"""A disk that fills up: publishing stops with the reason, acks and reading go on, and it recovers by itself."""

import json
import os
import unittest

from harness import Disk, NoLoopDevice, Server, wait_until

DISK_MEGABYTES = 768
RESERVE_BYTES = 256 << 20
RECOVERY_SECONDS_MAX = 60


class DiskFullTest(unittest.TestCase):
    def setUp(self):
        try:
            self.disk = self.enterContext(Disk(DISK_MEGABYTES))
        except NoLoopDevice as why:
            self.skipTest(f"no small disk can be mounted on this machine: {why}")
        self.server = self.enterContext(Server(self.disk.mounted_at / "data"))
        self.api = self.enterContext(self.server.api())
        self.filler = self.disk.mounted_at / "filler"
        self.api.call("PUT", "/queues/q", {"topic": "t", "from": "earliest"})
        self.api.publish("t", [{"key": str(n), "value": {"n": n}} for n in range(20)])

    def fill_until_free(self, free_bytes):
        space = os.statvfs(self.disk.mounted_at)
        with self.filler.open("ab") as filler:
            os.posix_fallocate(filler.fileno(), 0, max(1, space.f_bavail * space.f_frsize - free_bytes))

    def publish_status(self):
        body = {"records": [{"value": "more"}]}
        status, headers, text = self.api.request("POST", "/v1/topics/t/records", body)
        return status, headers, json.loads(text)

    def assert_publishing_is_refused_with_the_reason(self):
        wait_until(lambda: self.publish_status()[0] == 503, RECOVERY_SECONDS_MAX, "publishing refused")
        status, headers, problem = self.publish_status()
        self.assertEqual(status, 503)
        self.assertIn("disk", problem["detail"])
        self.assertIn("Retry-After", headers)

    def assert_reading_and_acking_go_on(self):
        self.assertGreaterEqual(len(list(self.api.read_partition("t", 0))), 20)
        leases = [message["lease"] for message in self.api.receive("q", 5)]
        self.assertEqual(len(leases), 5)
        self.assertTrue(all(result["ok"] for result in self.api.settle("q", "ack", leases)))

    def assert_it_recovers(self):
        self.filler.unlink()
        wait_until(lambda: self.publish_status()[0] == 200, RECOVERY_SECONDS_MAX, "publishing again")

    def test_at_the_reserve_publishing_stops_and_acks_and_reading_go_on(self):
        self.fill_until_free(RESERVE_BYTES - (32 << 20))
        self.assert_publishing_is_refused_with_the_reason()
        self.assert_reading_and_acking_go_on()
        self.assert_it_recovers()

    def test_a_disk_without_a_free_byte_harms_nothing(self):
        self.fill_until_free(0)
        self.assert_publishing_is_refused_with_the_reason()
        self.assertGreaterEqual(len(list(self.api.read_partition("t", 0))), 20)
        self.assertEqual(self.api.request("GET", "/healthz")[0], 200)
        self.assert_it_recovers()
        stored = len(list(self.api.read_partition("t", 0)))
        self.server.kill()
        self.server.start()
        with self.server.api() as api:
            self.assertEqual(len(list(api.read_partition("t", 0))), stored)

    def test_it_starts_on_a_full_disk(self):
        self.fill_until_free(0)
        self.server.kill()
        self.server.start()
        self.api = self.enterContext(self.server.api())
        self.assertGreaterEqual(len(list(self.api.read_partition("t", 0))), 20)
        self.assert_publishing_is_refused_with_the_reason()
        self.assert_it_recovers()


if __name__ == "__main__":
    unittest.main()
