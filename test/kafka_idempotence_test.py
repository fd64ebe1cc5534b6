"""Idempotent producers: librdkafka through cut connections and killed servers; repeated, late and fenced batches byte by byte."""

import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import Disk, NoLoopDevice, Server, wait_until
from kafka_test import CLIENT_SECONDS_MAX, DEBIAN_PACKAGES, NO_KAFKA, NONE, TIME_MS, DoorTest, kafka, read_answer

try:
    if DEBIAN_PACKAGES not in sys.path:
        sys.path.append(DEBIAN_PACKAGES)
    import confluent_kafka
except ImportError as missing:
    confluent_kafka = None
    NO_CONFLUENT = f"confluent_kafka cannot be loaded ({missing}); Debian has it as python3-confluent-kafka"
else:
    NO_CONFLUENT = ""
if kafka is not None:
    from kafka.record.default_records import DefaultRecordBatchBuilder

PRODUCE, LIST_OFFSETS, METADATA, INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH = 0, 2, 3, 22, 23
INVALID_REQUEST, OUT_OF_ORDER, DUPLICATE, FENCED, NO_TRANSACTIONS, FENCED_EPOCH = 42, 45, 46, 47, 53, 74
DELIVERY_SECONDS_MAX = 240
PARTITIONS = 3
CUTS = int(os.environ.get("PABAL_POWER_CUTS", "3"))
RECORDS = int(os.environ.get("PABAL_POWER_RECORDS", "9000"))
DISK_MEGABYTES = 2048


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


class Wire:
    """One connection that speaks as many calls as are needed here, field by field."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, key, version, body, header_tags=b""):
        frame = struct.pack(">hhih", key, version, 7, -1) + header_tags + body
        self.connection.sendall(struct.pack(">i", len(frame)) + frame)

    def call(self, key, version, body, header_tags=b""):
        self.send(key, version, body, header_tags)
        return read_answer(self.connection)[4:]

    def new_producer(self, transactional_id=None):
        """(error, id, epoch)"""
        answer = self.call(INIT_PRODUCER_ID, 1, text(transactional_id) + struct.pack(">i", 1000))
        return struct.unpack(">hqh", answer[4:])

    def produce(self, batch, topic="orders", partition=0):
        """(error, base offset)"""
        self.send_produce(batch, topic, partition)
        return self.produced()

    def send_produce(self, batch, topic="orders", partition=0):
        body = text(None) + struct.pack(">hii", -1, 1000, 1) + text(topic)
        self.send(PRODUCE, 7, body + struct.pack(">iii", 1, partition, len(batch)) + batch)

    def produced(self):
        answer = read_answer(self.connection)[4:]
        name_bytes = struct.unpack_from(">h", answer, 4)[0]
        return struct.unpack_from(">hq", answer, 4 + 2 + name_bytes + 4 + 4)

    def epoch_end(self, current, epoch, topic="orders", partition=0):
        """(error, epoch, end offset)"""
        body = struct.pack(">i", 1) + text(topic) + struct.pack(">iiii", 1, partition, current, epoch)
        answer = self.call(OFFSET_FOR_LEADER_EPOCH, 2, body)
        at = 4 + 4 + len(text(topic)) + 4
        error, _, found, end = struct.unpack_from(">hiiq", answer, at)
        return error, found, end

    def offset_and_epoch(self, timestamp, topic="orders", partition=0):
        body = struct.pack(">ibi", -1, 0, 1) + text(topic) + struct.pack(">iiiq", 1, partition, -1, timestamp)
        answer = self.call(LIST_OFFSETS, 4, body)
        at = 4 + 4 + len(text(topic)) + 4 + 4 + 2 + 8
        return struct.unpack_from(">qi", answer, at)


@unittest.skipIf(kafka is None, NO_KAFKA)
class BatchTest(DoorTest):
    """What the server says to each batch."""

    def setUp(self):
        super().setUp()
        self.wire = Wire(self.connect())

    def begin_anew(self):
        """kill -9 and a new start."""
        self.server.kill()
        self.api.close()
        self.server.start()
        self.api = self.enterContext(self.server.api())
        self.wire = Wire(self.connect())

    @staticmethod
    def batch(producer, sequence, values=(b"v",), epoch=0):
        builder = DefaultRecordBatchBuilder(magic=2, compression_type=0, is_transactional=0, producer_id=producer,
                                            producer_epoch=epoch, base_sequence=sequence, batch_size=1 << 20)
        for i, value in enumerate(values):
            builder.append(i, TIME_MS, b"k", value, [])
        return bytes(builder.build())

    def values(self, partition=0):
        return [r["value"] for r in self.api.read_partition("orders", partition)]

    def test_no_producer_id_is_given_twice_also_after_a_kill(self):
        given = []
        for _ in range(3):
            for _ in range(20):
                error, producer, epoch = self.wire.new_producer()
                self.assertEqual((error, epoch), (NONE, 0))
                given.append(producer)
            self.begin_anew()
        self.assertEqual(len(set(given)), len(given))

    def test_what_belongs_to_transactions_is_refused(self):
        self.assertEqual(self.wire.new_producer("t"), (NO_TRANSACTIONS, -1, -1))
        self.assertEqual(self.wire.new_producer(""), (INVALID_REQUEST, -1, -1))

    def test_the_newest_version_of_init_producer_id(self):
        # flexible: compact null string, timeout, producer id and epoch that it had, no tags
        answer = self.wire.call(INIT_PRODUCER_ID, 5, b"\0" + struct.pack(">iqh", 1000, -1, -1) + b"\0", b"\0")
        error, producer, epoch = struct.unpack_from(">hqh", answer, 1 + 4)
        self.assertEqual((error, epoch), (NONE, 0))
        # KIP-360: a producer that asks to go on gets a new id
        answer = self.wire.call(INIT_PRODUCER_ID, 5, b"\0" + struct.pack(">iqh", 1000, producer, 4) + b"\0", b"\0")
        error, other, epoch = struct.unpack_from(">hqh", answer, 1 + 4)
        self.assertEqual((error, epoch), (NONE, 0))
        self.assertNotEqual(other, producer)
        answer = self.wire.call(INIT_PRODUCER_ID, 5, b"\0" + struct.pack(">iqh", 1000, producer, -1) + b"\0", b"\0")
        self.assertEqual(struct.unpack_from(">h", answer, 1 + 4)[0], INVALID_REQUEST)

    def check_sequences(self, topic_settings, survives_kill=True):
        self.api.call("PUT", "/topics/orders", topic_settings)
        producer = self.wire.new_producer()[1]
        for i in range(6):
            self.assertEqual(self.wire.produce(self.batch(producer, 2 * i, (b"%d" % i, b"0"))), (NONE, 2 * i))
        if survives_kill:
            self.begin_anew()
        for i in range(1, 6):
            self.assertEqual(self.wire.produce(self.batch(producer, 2 * i, (b"%d" % i, b"0"))), (NONE, 2 * i))
        self.assertEqual(self.wire.produce(self.batch(producer, 0, (b"0", b"0"))), (DUPLICATE, -1))
        self.assertEqual(self.wire.produce(self.batch(producer, 13)), (OUT_OF_ORDER, -1))
        self.assertEqual(self.wire.produce(self.batch(producer, 3, epoch=1)), (OUT_OF_ORDER, -1))
        error, last = self.wire.produce(self.batch(producer, 0, (b"9",), epoch=1))
        self.assertEqual(error, NONE)
        self.assertEqual(self.wire.produce(self.batch(producer, 12)), (FENCED, -1))
        self.assertEqual(self.values(), [v for i in range(6) for v in (i, 0)] + [9])
        return last

    def test_sequences_are_checked_and_repeated_batches_known_after_a_kill(self):
        self.assertEqual(self.check_sequences({}), 12)

    def test_the_same_in_a_topic_that_stamps_its_records(self):
        self.assertEqual(self.check_sequences({"timestamps": "append"}), 12)

    def test_the_same_in_a_topic_that_is_written_and_not_flushed(self):
        self.assertGreater(self.check_sequences({"durability": "written"}), 12)

    def test_the_same_in_a_topic_in_memory(self):
        self.assertEqual(self.check_sequences({"durability": "memory"}, survives_kill=False), 12)

    def test_of_a_topic_in_memory_nothing_is_known_after_a_restart(self):
        self.api.call("PUT", "/topics/orders", {"durability": "memory"})
        producer = self.wire.new_producer()[1]
        for i in range(3):
            self.assertEqual(self.wire.produce(self.batch(producer, i)), (NONE, i))
        self.begin_anew()
        # What it repeats is not there, and has to be stored again.
        error, base = self.wire.produce(self.batch(producer, 2, (b"again",)))
        self.assertEqual(error, NONE)
        self.assertGreaterEqual(base, 3)
        self.assertEqual(self.wire.produce(self.batch(producer, 3)), (NONE, base + 1))
        self.assertEqual(self.wire.produce(self.batch(producer, 0)), (OUT_OF_ORDER, -1))

    def test_batches_sent_in_one_go_are_taken_in_their_order(self):
        self.api.call("PUT", "/topics/orders", {})
        producer = self.wire.new_producer()[1]
        expected = [*range(50), *range(45, 50)]  # the last five twice: they wait for the first ones
        for i in expected:
            self.wire.send_produce(self.batch(producer, i, (b"%d" % i,)))
        self.assertEqual([self.wire.produced() for _ in expected], [(NONE, i) for i in expected])
        self.assertEqual(self.values(), list(range(50)))

    def test_epochs_of_a_topic_that_lost_records(self):
        self.api.call("PUT", "/topics/orders", {"durability": "written"})
        earliest, latest = -2, -1
        self.assertEqual(self.wire.offset_and_epoch(latest), (0, 0))
        self.wire.produce(self.batch(-1, -1, (b"a", b"b"), epoch=-1))
        self.assertEqual(self.wire.epoch_end(-1, 0), (NONE, 0, 2))
        self.begin_anew()
        end, epoch = self.wire.offset_and_epoch(latest)
        self.assertEqual(epoch, 1)
        self.assertGreater(end, 2)
        self.assertEqual(self.wire.epoch_end(1, 0), (NONE, 0, end))
        self.assertEqual(self.wire.produce(self.batch(-1, -1, (b"c",), epoch=-1)), (NONE, end))
        self.assertEqual(self.wire.epoch_end(1, 0), (NONE, 0, end))
        self.assertEqual(self.wire.epoch_end(1, 1), (NONE, 1, end + 1))
        self.assertEqual(self.wire.epoch_end(1, 2), (NONE, -1, -1))
        self.assertEqual(self.wire.epoch_end(0, 0)[0], FENCED_EPOCH)
        self.assertEqual(self.wire.offset_and_epoch(earliest), (0, 0))
        self.assertEqual(self.wire.offset_and_epoch(TIME_MS), (0, 0))


class CuttingProxy:
    """Stands between clients and the server. Cuts each of the first connections after some random number of bytes."""

    def __init__(self, server_address, seed, cuts_max, tears_answers=True):
        self.tears_answers = tears_answers
        self.server_address = server_address
        self.random = random.Random(seed)
        self.cuts_max = cuts_max
        self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = set()
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            host, _, port = self.server_address().rpartition(":")
            server = socket.create_connection((host, int(port)), timeout=CLIENT_SECONDS_MAX)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self.lock:
            self.open |= {client, server}
            left = [self.random.randrange(500, 15_000), self.random.randrange(150, 2_000)]
        threading.Thread(target=self.pump, args=(server, client, left, 1), daemon=True).start()
        self.pump(client, server, left, 0)

    def pump(self, source, target, left, way):
        try:
            while data := source.recv(1 << 16):
                left[way] -= len(data)
                if left[way] <= 0 and self.may_cut():
                    if way == 0 or self.tears_answers:  # in the middle of a request or an answer
                        target.sendall(data[: len(data) // 2])
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def begin_to_cut(self, cuts_max):
        """Of a proxy that has let everything through: what is open ends with what comes next."""
        with self.lock:
            self.cuts_max = cuts_max

    def may_cut(self):
        with self.lock:
            self.cuts += self.cuts < self.cuts_max
            return self.cuts < self.cuts_max

    def close(self):
        self.listener.close()
        with self.lock:
            for end in self.open:
                end.close()


class Sender:
    """An idempotent producer on a thread, that sends numbered records to each partition in turn."""

    def __init__(self, bootstrap, count, **options):
        self.count = count
        self.stored = {}  # (partition, number) -> offset
        self.failures = []
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2, "batch.num.messages": 20,
            "message.timeout.ms": DELIVERY_SECONDS_MAX * 1000, "retry.backoff.ms": 20, "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 10_000, "queue.buffering.max.messages": 1000,
            "error_cb": self.on_error, "logger": _Quiet(), **options})
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def on_error(self, error):
        if error.fatal():
            self.failures.append(f"fatal: {error}")

    def run(self):
        for number in range(self.count):
            for partition in range(PARTITIONS):
                self.send(partition, number)
        self.producer.flush(DELIVERY_SECONDS_MAX)

    def send(self, partition, number):
        def told(error, message):
            if error:
                self.failures.append(f"{partition}:{number}: {error}")
            else:
                self.stored[partition, number] = message.offset()
        while not self.failures:
            try:
                self.producer.produce("orders", b"%d" % number, b"k", partition, on_delivery=told)
                self.producer.poll(0)
                return
            except BufferError:
                self.producer.poll(0.05)

    def wait(self):
        self.thread.join(2 * DELIVERY_SECONDS_MAX)


class Work:
    """What the members of a group have worked off: of each record where it was seen, and how often any was seen again."""

    def __init__(self, count):
        self.offsets = [[None] * count for _ in range(PARTITIONS)]
        self.left = PARTITIONS * count
        self.again = 0
        self.failures = []

    def saw(self, partition, number, offset):
        before = self.offsets[partition][number]
        self.offsets[partition][number] = offset
        self.left -= before is None
        self.again += before is not None
        if before not in (None, offset):
            self.failures.append(f"{partition}:{number} was seen at {before} and at {offset}")


class Member:
    """A member of the group `readers` on a thread. It commits behind its work, and what is left when it ends not at all."""

    PIECE = 100
    COMMITTED_EVERY = 1000

    def __init__(self, bootstrap, work):
        self.work = work
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": bootstrap, "group.id": "readers", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            "retry.backoff.ms": 20, "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 200,
            "socket.timeout.ms": 10_000, "logger": _Quiet()})
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.consumer.subscribe(["orders"])
        uncommitted = 0
        while not self.stopping.is_set():
            messages = [m for m in self.consumer.consume(self.PIECE, 0.1) if not m.error()]
            for message in messages:
                self.work.saw(message.partition(), int(message.value()), message.offset())
            uncommitted += len(messages)
            if uncommitted >= self.COMMITTED_EVERY:
                self.commit()
                uncommitted = 0
        self.consumer.close()

    def commit(self):
        try:
            self.consumer.commit(asynchronous=False)
        except confluent_kafka.KafkaException:
            pass  # the server is away, or the group has changed: it is seen again

    def stop(self):
        self.stopping.set()
        self.thread.join(DELIVERY_SECONDS_MAX)


class _Quiet:
    """A logger: connections that break are what the tests are about."""

    def log(self, *_):
        pass


@unittest.skipIf(confluent_kafka is None, NO_CONFLUENT)
class OnceTest(unittest.TestCase):
    """A server behind a proxy, and whether it holds each record once."""

    def begin(self, data, cuts_max):
        seed = time.time_ns()
        print(f"seed {seed}", file=sys.stderr)
        self.proxy = CuttingProxy(lambda: self.server.addresses["kafka"], seed, cuts_max)
        self.addCleanup(self.proxy.close)
        self.server = Server(data, "--kafka-advertised", self.proxy.address)
        self.enterContext(self.server)
        with self.server.api() as api:
            api.call("PUT", "/topics/orders", {"partitions": PARTITIONS})

    def check(self, sender):
        self.assertEqual(sender.failures[:5], [])
        self.assertEqual(len(sender.stored), PARTITIONS * sender.count)
        with self.server.api() as api:
            for partition in range(PARTITIONS):
                read = [(r["value"], r["offset"]) for r in api.read_partition("orders", partition)]
                self.assertEqual([value for value, _ in read], list(range(sender.count)))
                for value, offset in read:
                    self.assertIn(sender.stored[partition, value], (offset, -1, -1001))

    def check_work(self, sender, work):
        """Every record was seen by the group, and none where it does not stand."""
        wait_until(lambda: not work.left or work.failures, DELIVERY_SECONDS_MAX, "the group to see every record")
        self.assertEqual(work.failures[:5], [])
        for (partition, number), offset in sender.stored.items():
            if offset >= 0:
                self.assertEqual(work.offsets[partition][number], offset)

    def wait_for_part(self, sender, part, parts):
        wait_until(lambda: len(sender.stored) >= part * PARTITIONS * sender.count // parts or sender.failures,
                   DELIVERY_SECONDS_MAX, "a part of the records to be stored")


class ProducerTest(OnceTest):
    """Each record once and in order, whatever happens on the way."""

    def setUp(self):
        data = tempfile.TemporaryDirectory()
        self.addCleanup(data.cleanup)
        self.begin(data.name, cuts_max=60)

    def test_each_record_once_and_in_order_through_cut_connections(self):
        sender = Sender(self.proxy.address, 4000)
        sender.wait()
        self.check(sender)
        self.assertGreaterEqual(self.proxy.cuts, 5)

    def test_each_record_once_and_in_order_when_the_server_is_killed(self):
        sender = Sender(self.proxy.address, 4000)
        for part in (1, 2, 3):
            self.wait_for_part(sender, part, 4)
            self.server.kill()
            self.server.start()
        sender.wait()
        self.check(sender)

    @unittest.skipIf(shutil.which("kcat") is None, "kcat is not installed; Debian has it as kcat")
    def test_kcat(self):
        said = b"".join(b"%d\n" % i for i in range(500))
        subprocess.run(["kcat", "-b", self.server.addresses["kafka"], "-P", "-t", "orders", "-p", "1", "-X",
                        "enable.idempotence=true"], input=said, timeout=DELIVERY_SECONDS_MAX, check=True,
                       capture_output=True)
        with self.server.api() as api:
            self.assertEqual([r["value"] for r in api.read_partition("orders", 1)], list(range(500)))


class PowerLossTest(OnceTest):
    def test_each_record_once_and_in_order_and_seen_by_a_group_through_power_losses(self):
        work = Work(RECORDS // PARTITIONS)
        try:
            disk = self.enterContext(Disk(DISK_MEGABYTES))
            self.begin(disk.mounted_at / "data", cuts_max=20)
            sender = Sender(self.proxy.address, RECORDS // PARTITIONS)
            members = [Member(self.proxy.address, work) for _ in range(2)]
            for part in range(1, CUTS + 1):
                self.wait_for_part(sender, part, CUTS + 1)
                disk.cut_power()
                self.server.kill()
                disk.restore_power()
                self.server.start()
                members.pop(0).stop()  # in the middle of a piece, and another one goes on
                members.append(Member(self.proxy.address, work))
        except NoLoopDevice as why:
            self.skipTest(f"the power cannot be cut on this machine: {why}")
        sender.wait()
        self.check(sender)
        self.check_work(sender, work)
        for member in members:
            member.stop()
        print(f"{len(sender.stored)} records, {CUTS} cuts of power, {self.proxy.cuts} of connections; "
              f"{work.again} were seen again", file=sys.stderr)
        self.server.kill()  # it has files on the disk


if __name__ == "__main__":
    unittest.main()
