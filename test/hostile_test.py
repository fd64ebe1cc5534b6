"""Clients that are wrong, huge, slow, silent or many. Whatever they do, the next one is served at once."""

import json
import resource
import shutil
import socket
import tempfile
import time
import unittest

from harness import Server, wait_until

ANSWER_SECONDS_MAX = 60
PROMPT_SECONDS_MAX = 20
BODY_WINDOW_SECONDS = 30
CLOSING_SLACK_SECONDS = 60
IDLE_CONNECTIONS = 2000
BYTES_PER_CONNECTION_MAX = 64 << 10
RECORD_BYTES_MAX = 1 << 20
BODY_BYTES_MAX = 16 << 20


class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        data = tempfile.mkdtemp(prefix="pabal-hostile-")
        cls.addClassCleanup(shutil.rmtree, data, ignore_errors=True)
        cls.server = cls.enterClassContext(Server(data))
        host, _, port = cls.server.address.rpartition(":")
        cls.address = (host, int(port))

    def setUp(self):
        self.api = self.enterContext(self.server.api())

    def tearDown(self):
        started = time.monotonic()
        with self.server.api() as other:
            self.assertEqual(other.request("GET", "/healthz")[0], 200)
        self.assertLess(time.monotonic() - started, PROMPT_SECONDS_MAX)

    def send(self, text):
        """What comes back for these bytes until the server closes or is silent for a while."""
        with socket.create_connection(self.address, timeout=ANSWER_SECONDS_MAX) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            return self.rest_of(connection)

    @staticmethod
    def rest_of(connection):
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer

    def assert_problem(self, status, method, path, body=None, headers=None, mentions=()):
        found, kind, text = self.api.request(method, path, body, headers)
        self.assertEqual(found, status, text)
        self.assertEqual(kind.get_content_type(), "application/problem+json")
        problem = json.loads(text)
        self.assertEqual(problem["status"], status)
        for word in mentions:
            self.assertIn(word, problem["detail"] + json.dumps(problem.get("errors", "")))

    # -- wrong ---------------------------------------------------------------------------------------------------

    def test_bytes_that_are_not_http_are_refused_or_cut(self):
        for text in [b"\x00\xff\x16\x03\x01" * 20, b"HELLO\r\n\r\n", b"GET /v1/topics HTTP/9.9\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /v1/topics/t/records HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                     b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n"]:
            with self.subTest(text[:60]):
                answer = self.send(text)
                if answer:
                    self.assertRegex(answer[:14], rb"^HTTP/1\.[01] (4\d\d|505) ")

    def test_two_lengths_are_not_one_request(self):
        smuggled = (b"POST /v1/topics/t/records HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        self.assertNotIn(b" 200 ", self.send(smuggled))

    def test_wrong_requests_are_answered_with_what_was_read(self):
        records = "/v1/topics/t/records"
        self.assert_problem(400, "POST", records, b"{not json", {"Content-Type": "application/json"})
        self.assert_problem(400, "POST", records, {"record": []}, mentions=["record"])
        self.assert_problem(400, "POST", records, {"records": [{"value": 1, "colour": "red"}]}, mentions=["colour"])
        self.assert_problem(400, "POST", records, {"records": "many"})
        self.assert_problem(400, "POST", records, b"[" * 100_000, {"Content-Type": "application/json"})
        self.assert_problem(400, "PUT", "/v1/topics/t", {"partitions": 0}, mentions=["partitions"])
        self.assert_problem(400, "PUT", "/v1/topics/t", {"retention": {"time": "soon"}}, mentions=["soon"])
        self.assert_problem(400, "PUT", "/v1/topics/..%2F..%2Fetc", {})
        self.assert_problem(404, "GET", "/v1/topics/nowhere")
        self.assert_problem(404, "GET", "/v1/frobnicate")
        self.assert_problem(404, "POST", "/v1/queues/nowhere/receive", {})
        self.assert_problem(405, "DELETE", "/v1/overview")

    def test_a_foreign_host_or_origin_is_forbidden(self):
        self.assert_problem(403, "GET", "/v1/topics", headers={"Host": "evil.example"})
        self.assert_problem(403, "GET", "/v1/topics", headers={"Origin": "http://evil.example"})

    # -- huge ----------------------------------------------------------------------------------------------------

    def test_what_is_too_large_is_refused_and_nothing_of_it_stored(self):
        self.api.call("PUT", "/topics/large", {})
        large = {"value": "x" * RECORD_BYTES_MAX}
        self.assert_problem(413, "POST", "/v1/topics/large/records", {"records": [{"value": 1}, large]})
        self.assert_problem(400, "POST", "/v1/topics/large/records", {"records": [{"value": 1}] * 10_001}, mentions=["10000"])
        self.assertEqual(list(self.api.read_partition("large", 0)), [])

    def test_a_body_over_the_limit_is_refused_before_it_is_read(self):
        head = (f"POST /v1/topics/large/records HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Content-Length: {BODY_BYTES_MAX + 1}\r\n\r\n")
        self.assertIn(b" 413 ", self.send(head.encode())[:40])

    # -- slow and many -------------------------------------------------------------------------------------------

    def test_slow_clients_are_cut_and_hold_nobody_up(self):
        """All in one window: half a head, a head byte by byte, a body that trickles."""
        half, drops, trickle = [self.enterContext(socket.create_connection(self.address)) for _ in range(3)]
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127")
        trickle.sendall(b"POST /v1/topics/t/records HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n")
        started = time.monotonic()
        closed = {}

        def closed_by_now():
            for name, connection in (("half", half), ("drops", drops), ("trickle", trickle)):
                if name not in closed and self.is_cut(connection, b"a" if name != "half" else b""):
                    closed[name] = time.monotonic() - started
            return len(closed) == 3

        wait_until(closed_by_now, BODY_WINDOW_SECONDS + CLOSING_SLACK_SECONDS, "all slow connections cut")
        self.assertLess(max(closed["half"], closed["drops"]), closed["trickle"], "a head has less time than a body")

    @staticmethod
    def is_cut(connection, drop):
        connection.setblocking(False)
        try:
            if drop:
                connection.send(drop)
            while connection.recv(4096):
                pass
            return True
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def test_thousands_of_silent_connections_cost_little_and_hold_nobody_up(self):
        before = self.server.resident_bytes()
        for _ in range(IDLE_CONNECTIONS):
            self.enterContext(socket.create_connection(self.address))
        started = time.monotonic()
        with self.server.api() as other:
            other.publish("t", [{"value": 1}])
        self.assertLess(time.monotonic() - started, PROMPT_SECONDS_MAX)
        self.assertLess(self.server.resident_bytes() - before, IDLE_CONNECTIONS * BYTES_PER_CONNECTION_MAX)

    def test_a_reader_that_does_not_read_costs_bounded_memory(self):
        for _ in range(40):
            self.api.publish("wide", [{"value": "x" * 500_000}])
        before = self.server.resident_bytes()
        deaf = [self.enterContext(socket.create_connection(self.address)) for _ in range(20)]
        for connection in deaf:
            connection.sendall(b"GET /v1/topics/wide/stream?from=earliest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with self.server.api() as other:
            for _ in range(20):
                other.publish("wide", [{"value": "x" * 500_000}])
        self.assertLess(self.server.resident_bytes() - before, 200 << 20)


if __name__ == "__main__":
    unittest.main()
