"""Real Kafka clients at the Kafka door: kafka-python and kcat, as Debian packages them, and bytes no client would send."""

import base64
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import Server, wait_until

DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"  # another python3 in the path does not look there
try:
    if DEBIAN_PACKAGES not in sys.path:
        sys.path.append(DEBIAN_PACKAGES)
    import kafka
    import kafka.codec
    from kafka.protocol.api import RequestHeader
    from kafka.protocol.produce import ProduceRequest, ProduceResponse
    from kafka.record.memory_records import MemoryRecordsBuilder
except ImportError as missing:
    kafka = None
    NO_KAFKA = f"kafka-python cannot be loaded ({missing}); Debian has it as python3-kafka"
else:
    NO_KAFKA = ""

CLIENT_SECONDS_MAX = 60
TIME_MS = 1_700_000_000_123
API_VERSIONS = 18
UNSUPPORTED_VERSION = 35
FLOODS, FLOOD_BATCHES, FLOOD_BATCH_BYTES = 10, 24, 1_000_000  # more than the engine lets wait, for flushes and for segments
NONE, CORRUPT_MESSAGE, UNKNOWN_TOPIC, UNSUPPORTED_FORMAT = 0, 2, 3, 43


class DoorTest(unittest.TestCase):
    """A server, restarted as a test likes."""

    def setUp(self):
        data = tempfile.TemporaryDirectory()
        self.addCleanup(data.cleanup)
        self.server = self.enterContext(Server(data.name))
        self.api = self.enterContext(self.server.api())

    @property
    def door(self):
        return self.server.addresses["kafka"]

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.api.close()
        self.server.start()
        self.api = self.enterContext(self.server.api())

    def connect(self):
        host, _, port = self.door.rpartition(":")
        return self.enterContext(socket.create_connection((host, int(port)), timeout=CLIENT_SECONDS_MAX))


@unittest.skipIf(kafka is None, NO_KAFKA)
class KafkaPythonTest(DoorTest):
    def producer(self, **options):
        producer = kafka.KafkaProducer(bootstrap_servers=self.door, acks="all", client_id="till", **options)
        self.addCleanup(producer.close)
        return producer

    def consumer(self, topic, offset=0, **options):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.door, group_id=None, enable_auto_commit=False,
                                       consumer_timeout_ms=CLIENT_SECONDS_MAX * 1000, **options)
        self.addCleanup(consumer.close)
        consumer.assign([kafka.TopicPartition(topic, 0)])
        consumer.seek(kafka.TopicPartition(topic, 0), offset)
        return consumer

    def test_what_kafka_publishes_http_reads_also_after_a_restart(self):
        headers = [("a", b"1"), ("a", b"2"), ("bin", b"\x00\xff")]
        sent = self.producer().send("orders", key=b"k\xc3\xa4", value=b"\x01\xfe", headers=headers, timestamp_ms=TIME_MS)
        self.assertEqual(sent.get(CLIENT_SECONDS_MAX).offset, 0)
        self.producer().send("orders", key=None, value=b"later").get(CLIENT_SECONDS_MAX)
        self.restart()
        first, second = self.api.read_partition("orders", 0)
        self.assertEqual(first["key"], "k\u00e4")
        self.assertEqual(base64.b64decode(first["value_base64"]), b"\x01\xfe")
        self.assertEqual(first["timestamp"], "2023-11-14T22:13:20.123Z")
        self.assertIn("a", first["headers"])
        self.assertIsNone(second.get("key"))

    def test_what_http_publishes_kafka_reads_also_after_a_restart(self):
        self.api.publish("orders", [{"key": "k", "value": {"order": 1}, "headers": {"h": "x"}}, {"value": 2}])
        self.restart()
        consumer = self.consumer("orders")
        first, second = next(consumer), next(consumer)
        self.assertEqual((first.key, first.value, first.offset), (b"k", b'{"order": 1}', 0))
        self.assertIn(("h", b"x"), first.headers)
        self.assertEqual((second.key, second.value, second.offset), (None, b"2", 1))

    def test_compressed_batches_are_kept_as_they_came_and_read_through_every_door(self):
        self.api.call("PUT", "/queues/mails", {"topic": "orders"})
        codecs = self.codecs()
        for codec in codecs:
            producer = self.producer(compression_type=codec, linger_ms=1000)
            for i in range(20):
                producer.send("orders", key=codec.encode(), value=b"%d " % i * 100)
            producer.flush(CLIENT_SECONDS_MAX)
        expected = [(codec, b"%d " % i * 100) for codec in codecs for i in range(20)]
        over_http = [(r["key"], base64.b64decode(r["value_base64"])) for r in self.api.read_partition("orders", 0)]
        self.assertEqual(over_http, expected)
        messages = self.api.receive("mails", count=100, wait="10s")
        self.assertEqual([m["key"] for m in messages], [codec for codec, _ in expected])
        self.restart()
        consumer = self.consumer("orders")
        over_kafka = [(r.key.decode(), r.value) for _, r in zip(expected, consumer)]
        self.assertEqual(over_kafka, expected)
        files = [f for f in self.server.data.rglob("*") if f.is_file()]
        self.assertNotIn(b"7 " * 100, b"".join(f.read_bytes() for f in files), "a batch is not on disk as it came")

    @staticmethod
    def codecs():
        has = {"gzip": True, "snappy": kafka.codec.has_snappy(), "lz4": kafka.codec.has_lz4(),
               "zstd": kafka.codec.has_zstd()}
        return [codec for codec, is_there in has.items() if is_there]

    def test_many_records_of_several_partitions_come_back_in_order(self):
        self.api.call("PUT", "/topics/many", {"partitions": 3})
        producer = self.producer(linger_ms=5)
        for i in range(3000):
            producer.send("many", key=b"%d" % (i % 7), value=b"%d" % i, partition=i % 3)
        producer.flush(CLIENT_SECONDS_MAX)
        for partition in range(3):
            read = [int(base64.b64decode(r["value_base64"])) if "value_base64" in r else int(r["value"])
                    for r in self.api.read_partition("many", partition)]
            self.assertEqual(read, list(range(partition, 3000, 3)))

    def test_a_queue_gets_what_kafka_publishes(self):
        self.api.call("PUT", "/queues/mails", {"topic": "orders"})
        self.producer().send("orders", key=b"k", value=b"hello").get(CLIENT_SECONDS_MAX)
        messages = self.api.receive("mails", wait="10s")
        self.assertEqual([m["key"] for m in messages], ["k"])

    def test_a_waiting_fetch_is_answered_by_the_next_record(self):
        self.api.call("PUT", "/topics/orders", {})
        consumer = self.consumer("orders", fetch_max_wait_ms=CLIENT_SECONDS_MAX * 1000,
                                 request_timeout_ms=3 * CLIENT_SECONDS_MAX * 1000,
                                 session_timeout_ms=CLIENT_SECONDS_MAX * 1000)
        got = []
        reader = threading.Thread(target=lambda: got.append(next(consumer)))
        reader.start()
        wait_until(lambda: b"pabal_kafka_connections 0" not in self.api.request("GET", "/metrics")[2],
                   CLIENT_SECONDS_MAX, "the consumer's connection")
        self.api.publish("orders", [{"value": 1}])
        reader.join(CLIENT_SECONDS_MAX)
        self.assertEqual([record.value for record in got], [b"1"])

    def test_an_offset_beyond_the_end_sends_the_client_to_where_it_wants_to_start(self):
        self.api.publish("orders", [{"value": 1}])
        record = next(self.consumer("orders", offset=100, auto_offset_reset="earliest"))
        self.assertEqual((record.offset, record.value), (0, b"1"))

    def test_offsets_are_found_by_time_and_at_both_ends(self):
        producer = self.producer()
        for i in range(4):
            producer.send("orders", value=b"x", timestamp_ms=TIME_MS + 10 * i).get(CLIENT_SECONDS_MAX)
        partition = kafka.TopicPartition("orders", 0)
        consumer = self.consumer("orders")
        self.assertEqual(consumer.beginning_offsets([partition]), {partition: 0})
        self.assertEqual(consumer.end_offsets([partition]), {partition: 4})
        found = consumer.offsets_for_times({partition: TIME_MS + 11})[partition]
        self.assertEqual((found.offset, found.timestamp), (2, TIME_MS + 20))
        self.assertIsNone(consumer.offsets_for_times({partition: TIME_MS + 31})[partition])

    def produce(self, connection, batch, acks=-1, topic="orders", partition=0):
        """Sends one produce request; the partition's error code, or nothing when no answer is asked for."""
        connection.sendall(self.produce_frame(batch, acks, topic, partition))
        return None if acks == 0 else self.produced(connection)

    @staticmethod
    def produce_frame(batch, acks=-1, topic="orders", partition=0):
        request = ProduceRequest[7](transactional_id=None, required_acks=acks, timeout=1000,
                                    topics=[(topic, [(partition, batch)])])
        header = RequestHeader(request, correlation_id=1, client_id="t")
        frame = header.encode() + request.encode()
        return struct.pack(">i", len(frame)) + frame

    @staticmethod
    def produced(connection):
        """The error code of the one partition in the next answer."""
        answer = ProduceResponse[7].decode(read_answer(connection)[4:])
        return answer.topics[0][1][0][1]

    def test_producers_faster_than_the_disk_are_read_from_slowly_and_not_refused(self):
        self.api.call("PUT", "/topics/orders", {"partitions": FLOODS})
        batch = self.batch(b"v" * FLOOD_BATCH_BYTES)
        refused = []

        def flood(connection, partition):
            frame = self.produce_frame(batch, partition=partition)
            sender = threading.Thread(target=lambda: [connection.sendall(frame) for _ in range(FLOOD_BATCHES)])
            sender.start()
            codes = [self.produced(connection) for _ in range(FLOOD_BATCHES)]
            sender.join(CLIENT_SECONDS_MAX)
            refused.extend(code for code in codes if code != NONE)

        floods = [threading.Thread(target=flood, args=(self.connect(), n)) for n in range(FLOODS)]
        for thread in floods:
            thread.start()
        for thread in floods:
            thread.join(3 * CLIENT_SECONDS_MAX)
        self.assertEqual(refused, [])
        ends = [p["next_offset"] for p in self.api.call("GET", "/topics/orders")["partitions"]]
        self.assertEqual(ends, [FLOOD_BATCHES] * FLOODS)

    @staticmethod
    def batch(value=b"v"):
        builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=10_000)
        builder.append(TIME_MS, b"k", value, [])
        builder.close()
        return builder.buffer()

    def test_a_batch_that_cannot_be_kept_is_refused_with_kafkas_error(self):
        self.api.call("PUT", "/topics/orders", {})
        connection = self.connect()
        self.assertEqual(self.produce(connection, self.batch()), NONE)
        torn = bytearray(self.batch())
        torn[-1] ^= 1
        self.assertEqual(self.produce(connection, bytes(torn)), CORRUPT_MESSAGE)
        old = bytearray(self.batch())
        old[16] = 1
        self.assertEqual(self.produce(connection, bytes(old)), UNSUPPORTED_FORMAT)
        self.assertEqual(self.produce(connection, self.batch(), partition=5), UNKNOWN_TOPIC)
        self.assertEqual(len(list(self.api.read_partition("orders", 0))), 1)

    def test_acks_0_gets_no_answer(self):
        self.api.call("PUT", "/topics/orders", {})
        connection = self.connect()
        self.produce(connection, self.batch(), acks=0)
        self.assertEqual(self.produce(connection, self.batch()), NONE)  # the first answer is to the second request
        self.assertEqual(len(list(self.api.read_partition("orders", 0))), 2)


@unittest.skipIf(shutil.which("kcat") is None, "kcat is not installed; Debian has it as kcat")
class KcatTest(DoorTest):
    def kcat(self, *arguments, said=b""):
        command = ["kcat", "-b", self.door, *arguments]
        done = subprocess.run(command, input=said, capture_output=True, timeout=CLIENT_SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def test_both_ways_and_with_a_restart_in_between(self):
        self.kcat("-P", "-t", "orders", "-K:", "-H", "a=1", said=b"k:v\nl:w\n")
        self.api.publish("orders", [{"key": "m", "value": "x"}])
        self.restart()
        self.assertEqual([r["key"] for r in self.api.read_partition("orders", 0)], ["k", "l", "m"])
        read = self.kcat("-C", "-t", "orders", "-e", "-q", "-f", "%o %k=%s %h\n").splitlines()
        self.assertEqual(read[:2], ["0 k=v a=1", "1 l=w a=1"])
        self.assertTrue(read[2].startswith('2 m="x"'), read)

    def test_every_compression_is_read_over_http(self):
        codecs = ("gzip", "snappy", "lz4", "zstd")
        for codec in codecs:
            self.kcat("-P", "-t", "orders", "-K:", "-z", codec, said=b"%s:v\n" % codec.encode() * 50)
        read = [r["key"] for r in self.api.read_partition("orders", 0)]
        self.assertEqual(read, [codec for codec in codecs for _ in range(50)])

    def test_it_lists_topics(self):
        self.api.call("PUT", "/topics/orders", {"partitions": 3})
        said = self.kcat("-L")
        self.assertIn('topic "orders" with 3 partitions', said)
        self.assertNotIn("__pabal", said)


def read_answer(connection):
    """One frame without its size; b"" when the server closes instead."""
    def take(count):
        got = b""
        while len(got) < count:
            piece = connection.recv(count - len(got))
            if not piece:
                return b""
            got += piece
        return got
    size = take(4)
    return take(struct.unpack(">i", size)[0]) if size else b""


class HostileTest(DoorTest):
    def send(self, frame):
        connection = self.connect()
        connection.sendall(frame)
        return connection

    def assert_closed(self, frame, words):
        self.assertEqual(read_answer(self.send(frame)), b"")
        wait_until(lambda: words in self.server.said(), CLIENT_SECONDS_MAX, f"'{words}' in the log")
        self.assertEqual(self.api.request("GET", "/healthz")[0], 200)

    @staticmethod
    def request(key, version, body=b""):
        frame = struct.pack(">hhih", key, version, 7, -1) + body
        return struct.pack(">i", len(frame)) + frame

    def test_an_unknown_version_of_api_versions_is_told_which_are_known(self):
        answer = read_answer(self.send(self.request(API_VERSIONS, 99)))
        correlation, error, count = struct.unpack(">ihi", answer[:10])
        self.assertEqual((correlation, error), (7, UNSUPPORTED_VERSION))
        ranges = {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", answer[10:])}
        self.assertEqual(len(ranges), count)
        self.assertEqual(ranges[API_VERSIONS], (0, 4))

    def test_what_cannot_be_answered_closes_the_connection_with_a_reason(self):
        self.assert_closed(self.request(999, 0), "API key 999 (unknown) is not offered here")
        self.assert_closed(self.request(24, 0), "API key 24 (unknown) is not offered here")
        self.assert_closed(self.request(0, 1), "Produce in version 1; versions 3 to 13 are offered")
        self.assert_closed(self.request(3, 1, b"\x7f\xff\xff\xff"), "Metadata v1 request, topics")
        self.assert_closed(struct.pack(">i", 2**31 - 1), "a request says it has 2147483647 bytes")
        self.assert_closed(struct.pack(">i", -5), "a request says it has -5 bytes")

    def test_a_request_that_never_ends_takes_no_memory(self):
        before = self.server.resident_bytes()
        connections = [self.send(struct.pack(">i", 30 << 20) + b"x" * 100) for _ in range(20)]
        self.assertEqual(self.api.request("GET", "/healthz")[0], 200)
        self.assertLess(self.server.resident_bytes() - before, 100 << 20)
        self.assertEqual(len(connections), 20)


if __name__ == "__main__":
    unittest.main()
