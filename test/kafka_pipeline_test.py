"""Requests that a client sends at the Kafka door without waiting for the answers to those before."""

import contextlib
import fcntl
import functools
import socket
import struct
import termios
import threading
import unittest

from harness import wait_until
from kafka_test import API_VERSIONS, CLIENT_SECONDS_MAX, NONE, NO_KAFKA, TIME_MS, UNKNOWN_TOPIC, DoorTest, kafka, read_answer

if kafka is not None:
    from kafka.protocol.api import RequestHeader
    from kafka.protocol.fetch import FetchRequest, FetchResponse
    from kafka.protocol.offset import OffsetRequest, OffsetResponse
    from kafka.protocol.produce import ProduceRequest, ProduceResponse
    from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

PARTITIONS = 4
HIGHEST_TIME = -3
LOOKS = 20  # that see the same
REQUEST_BYTES_MAX, REQUESTS_BYTES_MAX = 32 << 20, 512 << 20
MEMORY_BYTES_MAX = 200 << 20  # the cache of records for readers has 64 MiB of it


def framed(request, correlation_id):
    header = RequestHeader(request, correlation_id=correlation_id, client_id="pipeline")
    frame = header.encode() + request.encode()
    return struct.pack(">i", len(frame)) + frame


@functools.lru_cache
def batch_of(value, time=TIME_MS):
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 20)
    builder.append(time, None, value, [])
    builder.close()
    return builder.buffer()


def produce(correlation_id, value, partition=0, topic="orders", acks=-1, time=None):
    return framed(ProduceRequest[7](transactional_id=None, required_acks=acks, timeout=1000,
                                    topics=[(topic, [(partition, batch_of(value, time or TIME_MS))])]), correlation_id)


def fetch(correlation_id, offset=0, wait_ms=0, bytes_max=1 << 20, topic="orders"):
    return framed(FetchRequest[4](-1, wait_ms, 1, bytes_max, 0, [(topic, [(0, offset, bytes_max)])]), correlation_id)


def latest(correlation_id):
    return framed(OffsetRequest[1](-1, [("orders", [(0, -1)])]), correlation_id)


def correlation_of(answer):
    return struct.unpack(">i", answer[:4])[0]


def produced(answer):
    """(error, offset) of the one partition."""
    _, error, offset = ProduceResponse[7].decode(answer[4:]).topics[0][1][0][:3]
    return error, offset


def fetched(answer):
    """(error, values) of the one partition."""
    _, error, _, _, _, records = FetchResponse[4].decode(answer[4:]).topics[0][1][0]
    records, values = MemoryRecords(records), []
    while records.has_next():
        values += [record.value for record in records.next_batch()]
    return error, values


@unittest.skipIf(kafka is None, NO_KAFKA)
class KafkaPipelineTest(DoorTest):
    def setUp(self):
        super().setUp()
        self.api.call("PUT", "/topics/orders", {"partitions": PARTITIONS})
        self.connection = self.connect()

    def send_aside(self, frames):
        """Sends from a thread of its own: the server reads no more than it may hold."""
        def send():
            try:
                self.connection.sendall(frames)
            except OSError:
                pass  # cut
        sender = threading.Thread(target=send)
        sender.start()
        self.addCleanup(sender.join)
        return sender

    def values(self, partition):
        return [r["value"] for r in self.api.read_partition("orders", partition)]

    def test_produces_sent_at_once_are_answered_and_stored_in_order(self):
        count = 2000
        self.send_aside(b"".join(produce(i, b"%d" % i, i % PARTITIONS) for i in range(count)))
        for i in range(count):
            answer = read_answer(self.connection)
            self.assertEqual((correlation_of(answer), produced(answer)), (i, (NONE, i // PARTITIONS)))
        for partition in range(PARTITIONS):
            self.assertEqual(self.values(partition), list(range(partition, count, PARTITIONS)))

    def test_topics_of_one_produce_fail_each_on_its_own(self):
        topics = [(name, [(0, batch_of(b"1"))]) for name in ("orders", "missing", "mails")]
        self.api.call("PUT", "/topics/mails", {})
        self.connection.sendall(framed(ProduceRequest[7](None, -1, 1000, topics), 1))
        answer = ProduceResponse[7].decode(read_answer(self.connection)[4:])
        self.assertEqual([(name, parts[0][1]) for name, parts in answer.topics],
                         [("orders", NONE), ("missing", UNKNOWN_TOPIC), ("mails", NONE)])
        self.assertEqual(self.values(0), [1])

    def test_a_request_sees_what_those_before_it_did_and_nothing_of_those_behind(self):
        frames = [produce(0, b"0"), latest(1), produce(2, b"1"), produce(3, b"2"), fetch(4), produce(5, b"3"), latest(6)]
        self.connection.sendall(b"".join(frames))
        answers = [read_answer(self.connection) for _ in frames]
        self.assertEqual([correlation_of(answer) for answer in answers], list(range(len(frames))))
        ends = [OffsetResponse[1].decode(answers[i][4:]).topics[0][1][0][3] for i in (1, 6)]
        self.assertEqual(ends, [1, 4])
        self.assertEqual(fetched(answers[4]), (NONE, [b"0", b"1", b"2"]))

    def test_a_request_behind_a_long_poll_is_answered_after_it(self):
        self.connection.sendall(fetch(0, wait_ms=CLIENT_SECONDS_MAX * 1000) + latest(1))
        self.api.publish("orders", [{"value": 7, "partition": 0}])
        first, second = read_answer(self.connection), read_answer(self.connection)
        self.assertEqual((correlation_of(first), fetched(first)), (0, (NONE, [b"7"])))
        self.assertEqual(correlation_of(second), 1)

    def test_acks_0_leaves_no_gap_among_the_answers(self):
        self.connection.sendall(b"".join(produce(i, b"%d" % i, acks=-(i % 2)) for i in range(100)))
        self.assertEqual([correlation_of(read_answer(self.connection)) for _ in range(50)], list(range(1, 100, 2)))
        self.assertEqual(self.values(0), list(range(100)))

    def test_what_was_sent_before_a_request_that_cannot_be_answered_is_answered(self):
        hopeless = struct.pack(">ihhih", 10, 999, 0, 7, -1)
        self.connection.sendall(b"".join(produce(i, b"%d" % i) for i in range(20)) + hopeless + produce(21, b"21"))
        answers = [read_answer(self.connection) for _ in range(21)]
        self.assertEqual([produced(answer)[1] for answer in answers[:20]], list(range(20)))
        self.assertEqual(answers[20], b"")
        wait_until(lambda: "API key 999" in self.server.said(), CLIENT_SECONDS_MAX, "the reason in the log")
        self.assertEqual(self.values(0), list(range(20)))

    def test_the_first_record_of_the_highest_time_is_found(self):
        def highest():
            self.connection.sendall(framed(OffsetRequest[1](-1, [("orders", [(0, HIGHEST_TIME)])]), 1))
            return OffsetResponse[1].decode(read_answer(self.connection)[4:]).topics[0][1][0][1:]
        self.assertEqual(highest(), (NONE, -1, -1))
        future = 2**62
        for times, found in (((5,), (5, 0)), ((50, 20, 50, 7), (50, 1)), ((TIME_MS, future, future - 1), (future, 6)),
                             ((2**63 - 1,), (2**63 - 1, 8))):
            for time in times:
                self.connection.sendall(produce(0, b"1", time=time))
                self.assertEqual(produced(read_answer(self.connection))[0], NONE)
            self.assertEqual(highest(), (NONE, *found))

    def test_requests_in_small_pieces_are_answered(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        frames = b"".join(produce(i, b"%d" % i) for i in range(3))
        for i in range(0, len(frames), 7):
            self.connection.sendall(frames[i:i + 7])
        self.assertEqual([produced(read_answer(self.connection)) for _ in range(3)], [(NONE, i) for i in range(3)])

    def test_a_fetch_gives_many_large_batches(self):
        values = [b"%03d" % i + b"x" * 2000 for i in range(100)]
        self.connection.sendall(b"".join(produce(i, value) for i, value in enumerate(values)))
        for _ in values:
            read_answer(self.connection)
        self.connection.sendall(fetch(0))
        self.assertEqual(fetched(read_answer(self.connection)), (NONE, values))

    def test_a_peer_that_sends_no_more_still_gets_its_answers(self):
        self.connection.sendall(b"".join(produce(i, b"%d" % i) for i in range(50)))
        self.connection.shutdown(socket.SHUT_WR)
        self.assertEqual([correlation_of(read_answer(self.connection)) for _ in range(50)], list(range(50)))
        self.assertEqual(read_answer(self.connection), b"")

    def test_a_connection_cut_in_the_middle_leaves_a_prefix(self):
        count = 5000
        sender = self.send_aside(b"".join(produce(i, b"%d" % i) for i in range(count)))
        for _ in range(10):
            read_answer(self.connection)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        sender.join()
        wait_until(lambda: b"pabal_kafka_connections 0" in self.api.request("GET", "/metrics")[2], CLIENT_SECONDS_MAX,
                   "the end of the connection")
        stored = self.values(0)
        self.assertGreaterEqual(len(stored), 10)
        self.assertEqual(stored, list(range(len(stored))))

    def test_a_server_that_stops_answers_what_it_has_begun(self):
        count = 200
        self.send_aside(b"".join(produce(i, b"%d" % i) for i in range(count)))
        read_answer(self.connection)
        self.assertEqual(self.server.stop(), 0)
        acknowledged = 1
        with contextlib.suppress(ConnectionResetError):  # it had sent more than the server read
            while answer := read_answer(self.connection):
                self.assertEqual(produced(answer), (NONE, acknowledged))
                acknowledged += 1
        self.api.close()
        self.server.start()
        self.api = self.enterContext(self.server.api())
        stored = self.values(0)
        self.assertGreaterEqual(len(stored), acknowledged)
        self.assertEqual(stored, list(range(len(stored))))


@unittest.skipIf(kafka is None, NO_KAFKA)
class KafkaPressureTest(DoorTest):
    """A client that asks and asks, and reads no answer."""

    def setUp(self):
        super().setUp()
        self.api.call("PUT", "/topics/orders", {"partitions": 2})
        self.connection = socket.socket()
        self.enterContext(self.connection)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        host, _, port = self.door.rpartition(":")
        self.connection.settimeout(CLIENT_SECONDS_MAX)
        self.connection.connect((host, int(port)))

    def flood(self, frames):
        """Sends all and reads nothing until the server rests: whether it took all, and how its memory has grown."""
        before = self.server.resident_bytes()
        sender = threading.Thread(target=self.connection.sendall, args=(frames,))
        sender.start()
        self.addCleanup(sender.join)
        looks = []

        def rests():
            looks.append((self.unsent_bytes(), sender.is_alive(), self.server.cpu_ticks()))
            return len(looks) > LOOKS and len(set(looks[-LOOKS:])) == 1
        wait_until(rests, CLIENT_SECONDS_MAX, "the server to come to rest")
        return not sender.is_alive() and self.unsent_bytes() == 0, self.server.resident_bytes() - before

    def unsent_bytes(self):
        return struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"\0" * 4))[0]

    def answers(self, count):
        return [correlation_of(read_answer(self.connection)) for _ in range(count)]

    def test_a_client_that_reads_no_answers_is_not_read_from(self):
        self.api.publish("orders", [{"value": "x" * 20_000, "partition": 0}])
        count = 2000
        pairs = (fetch(2 * i) + produce(2 * i + 1, b"y" * 10_000, partition=1) for i in range(count))
        took_all, grown = self.flood(b"".join(pairs))
        self.assertFalse(took_all, "the server took every request while no answer was read")
        self.assertLess(grown, MEMORY_BYTES_MAX)
        self.assertEqual(self.answers(2 * count), list(range(2 * count)))

    def test_10000_requests_ahead_hold_bounded_memory(self):
        count = 10_000
        _, grown = self.flood(b"".join(produce(i, b"x" * 10_000) for i in range(count)))
        self.assertLess(grown, MEMORY_BYTES_MAX)
        self.assertEqual(self.answers(count), list(range(count)))

    def test_who_sends_while_requests_take_all_the_memory_they_may_is_read_from_later(self):
        # Each is answered once, so that the server has seen how much it says comes next.
        versions = struct.pack(">ihhih", 10, API_VERSIONS, 0, 0, -1)
        greedy = [self.connect() for _ in range(REQUESTS_BYTES_MAX // REQUEST_BYTES_MAX)]
        for connection in greedy:
            connection.sendall(versions + struct.pack(">i", REQUEST_BYTES_MAX))
            self.assertTrue(read_answer(connection))
        count = 30  # more than the sockets take
        took_all, grown = self.flood(b"".join(produce(i, b"x" * 900_000) for i in range(count)))
        self.assertFalse(took_all, "the server reads while it has no room")
        self.assertLess(grown, MEMORY_BYTES_MAX)
        for connection in greedy:
            connection.close()
        self.assertEqual(self.answers(count), list(range(count)))


if __name__ == "__main__":
    unittest.main()
