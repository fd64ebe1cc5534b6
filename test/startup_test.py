"""What `pabal serve` says when it starts, when it cannot, and when it is told to stop."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from harness import PABAL, OutcomeUnknown, Server, wait_until

REFUSAL_SECONDS_MAX = 60
STOP_SECONDS_MAX = 5 + 25  # the server's promise, and what a busy machine may add
NOBODY = 65534
DESCRIPTORS_MAX = 1024
MANY_TOPICS, PARTITIONS_PER_TOPIC = 100, 100
RESIDENT_BYTES_MAX = 400 << 20


class StartupTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-startup-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.data = self.scratch / "data"

    def serve(self, *options, **how):
        """A start that must fail: its exit status and what it wrote to standard error."""
        address = [] if "--http" in options else ["--http", "127.0.0.1:0"]
        kafka = [] if "--kafka" in options else ["--kafka", "127.0.0.1:0"]
        command = [PABAL, "serve", "--data", self.data, *address, *kafka, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=REFUSAL_SECONDS_MAX, **how)
        return done.returncode, done.stderr

    def assert_refused(self, status, words, *options, **how):
        found, said = self.serve(*options, **how)
        self.assertEqual(found, status, said)
        for word in words:
            self.assertIn(str(word), said)
        self.assertNotIn("terminate called", said)

    def test_it_writes_its_addresses_and_one_line_when_ready(self):
        with Server(self.data) as server, server.api() as api:
            self.assertEqual(api.request("GET", "/healthz")[0], 200)
            self.assertEqual(api.request("GET", "/readyz")[0], 200)
            self.assertIn(server.address, server.said())

    def test_an_unknown_option_is_named_with_status_2(self):
        self.assert_refused(2, ["--frobnicate"], "--frobnicate")

    def test_a_malformed_address_is_named_with_status_2(self):
        self.assert_refused(2, ["127.0.0.1:port"], "--http", "127.0.0.1:port")

    def test_an_unknown_verb_is_named_with_status_2(self):
        done = subprocess.run([PABAL, "frobnicate"], capture_output=True, text=True, timeout=REFUSAL_SECONDS_MAX)
        self.assertEqual(done.returncode, 2)
        self.assertIn("frobnicate", done.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.assert_refused(1, [address], "--http", address)

    def test_another_address_than_loopback_needs_authentication(self):
        found, said = self.serve("--http", "0.0.0.0:0")
        self.assertIn(found, (1, 2), said)
        self.assertIn("--token-file", said)

    def test_the_kafka_door_does_not_open_to_other_machines(self):
        self.assert_refused(2, ["--kafka 0.0.0.0:0", "--token-file"], "--kafka", "0.0.0.0:0")

    def test_a_data_directory_in_use_is_refused_and_its_owner_goes_on(self):
        with Server(self.data) as server, server.api() as api:
            api.publish("t", [{"value": 1}])
            self.assert_refused(1, [self.data])
            self.assertEqual(api.publish("t", [{"value": 2}])[0]["offset"], 1)

    def test_a_data_directory_that_is_a_file_is_refused(self):
        self.data.write_text("not a directory")
        self.assert_refused(1, [self.data])
        self.assertEqual(self.data.read_text(), "not a directory")

    def test_an_unreadable_data_directory_is_refused(self):
        self.data.mkdir(mode=0)
        self.scratch.chmod(0o755)
        how = {}
        if os.geteuid() == 0:  # root reads everything, so the server runs as nobody
            program = self.scratch / "pabal"
            shutil.copy(PABAL, program)
            how = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "executable": program}
        self.assert_refused(1, [self.data], **how)

    def test_an_unknown_version_is_refused_and_nothing_is_touched(self):
        with Server(self.data) as server, server.api() as api:
            api.publish("t", [{"value": 1}])
            server.stop()
        (self.data / "VERSION").write_text("999\n")
        before = self.listing()
        self.assert_refused(1, ["999", self.data])
        self.assertEqual(self.listing(), before)

    def listing(self):
        return {str(path): path.stat().st_size for path in self.data.rglob("*") if path.is_file() and path.name != "LOCK"}

    def test_sigterm_stops_within_5_seconds_although_clients_wait(self):
        with Server(self.data) as server, server.api() as api:
            api.call("PUT", "/queues/q", {})
            api.publish("t", [{"value": 1}])
            ended = []
            waiting = [threading.Thread(target=self.wait_long, args=(server, path, body, ended)) for path, body in
                       [("/queues/q/receive", {"wait": "60s"}), ("/topics/t/stream?from=earliest", None)]]
            for thread in waiting:
                thread.start()
            wait_until(lambda: api.call("GET", "/queues/q") and self.connections(server) >= 3, 60, "three connections")
            self.assertEqual(server.stop(STOP_SECONDS_MAX), 0)
            for thread in waiting:
                thread.join()

    @staticmethod
    def connections(server):
        port = f":{int(server.address.rpartition(':')[2]):04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(1 for line in lines if line.split()[1].endswith(port) and line.split()[3] == "01")

    @staticmethod
    def wait_long(server, path, body, ended):
        try:
            with server.api(seconds=60) as api:
                ended.append(api.call("POST" if body else "GET", path, body))
        except (OutcomeUnknown, json.JSONDecodeError) as how:
            ended.append(how)

    def test_what_was_acknowledged_is_there_after_a_restart_and_so_is_every_setting(self):
        with Server(self.data) as server:
            with server.api() as api:
                api.call("PUT", "/topics/t", {"partitions": 2})
                api.call("PUT", "/queues/q", {"topic": "t", "max_deliveries": 7})
                api.publish("t", [{"key": "k", "value": {"n": 1}, "headers": {"a": "b"}}])
            self.assertEqual(server.stop(STOP_SECONDS_MAX), 0)
            server.start()
            with server.api() as api:
                self.assertEqual(len(api.call("GET", "/topics/t")["partitions"]), 2)
                self.assertEqual(api.call("GET", "/queues/q")["max_deliveries"], 7)
                records = [r for p in (0, 1) for r in api.read_partition("t", p)]
                self.assertEqual([(r["key"], r["value"], r["headers"]["a"]) for r in records], [("k", {"n": 1}, "b")])

    def test_10_000_partitions_start_after_a_crash_and_stop_with_few_descriptors(self):
        few_descriptors = ["prlimit", f"--nofile={DESCRIPTORS_MAX}"]
        with Server(self.data, launcher=few_descriptors) as server:
            with server.api(seconds=60) as api:
                for topic in range(MANY_TOPICS):
                    api.call("PUT", f"/topics/t{topic}", {"partitions": PARTITIONS_PER_TOPIC})
                    api.publish(f"t{topic}", [{"value": p, "partition": p} for p in range(PARTITIONS_PER_TOPIC)])
            server.kill()
            server.start()
            self.assertEqual(server.stop(STOP_SECONDS_MAX), 0, server.said())
            server.start()
            with server.api() as api:
                for topic in range(0, MANY_TOPICS, MANY_TOPICS // 4):
                    record = next(api.read_partition(f"t{topic}", PARTITIONS_PER_TOPIC - 1))
                    self.assertEqual(record["value"], PARTITIONS_PER_TOPIC - 1)
            self.assertLess(server.resident_bytes(), RESIDENT_BYTES_MAX)


if __name__ == "__main__":
    unittest.main()
