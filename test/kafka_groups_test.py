"""Consumer groups of real Kafka clients: kafka-python and kcat, as Debian packages them."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import PABAL, wait_until
from kafka_test import CLIENT_SECONDS_MAX, NO_KAFKA, DoorTest, kafka

SESSION_MS = 6000


class Reader:
    """A consumer on a thread of its own: kafka-python waits for a whole rebalance in poll(), whatever time it is given."""

    def __init__(self, door, group, **options):
        self.consumer = kafka.KafkaConsumer("orders", bootstrap_servers=door, group_id=group, auto_offset_reset="earliest",
                                            enable_auto_commit=False, session_timeout_ms=SESSION_MS,
                                            heartbeat_interval_ms=300, **options)
        self.read = []
        self.partitions = set()
        self.failed = None
        self.leaves = True
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                records = self.consumer.poll(timeout_ms=50)
                self.read += [int(record.value) for some in records.values() for record in some]
                if records:
                    self.commit()
                self.partitions = set(self.consumer.assignment())
            if not self.leaves:
                self.consumer._coordinator.maybe_leave_group = lambda: None  # as if it had been killed
            self.consumer.close(autocommit=False)
        except Exception as failed:  # shown by the test that waits for it
            self.failed = failed

    @property
    def generation(self):
        return self.consumer._coordinator._generation.generation_id

    def commit(self):
        with contextlib.suppress(kafka.errors.CommitFailedError):  # a rebalance came first: they are read again
            self.consumer.commit()

    def stop(self):
        self.stopping.set()
        self.thread.join(CLIENT_SECONDS_MAX)


@unittest.skipIf(kafka is None, NO_KAFKA)
class KafkaPythonGroupTest(DoorTest):
    def setUp(self):
        super().setUp()
        self.api.call("PUT", "/topics/orders", {"partitions": 4})

    def publish(self, first, count):
        """Numbers, each in the partition that it leaves when divided by four."""
        self.api.publish("orders", [{"value": i, "partition": i % 4} for i in range(first, first + count)])

    def reader(self, group="readers", **options):
        reader = Reader(self.door, group, **options)
        self.addCleanup(reader.stop)
        return reader

    def admin(self):
        admin = kafka.KafkaAdminClient(bootstrap_servers=self.door)
        self.addCleanup(admin.close)
        return admin

    def keep_address(self):
        """Restarts listen where the door is now, which is where clients come back to."""
        command, door = self.server.command, self.door

        def fixed(ports_file):
            words = command(ports_file)
            words[words.index("--kafka") + 1] = door
            return words
        self.server.command = fixed

    def wait_shared(self, *readers):
        """Until each has as many partitions as the others, and none two have the same."""
        def shared():
            self.assertFalse([r.failed for r in readers if r.failed])
            parts = [r.partitions for r in readers]
            return all(len(p) == 4 // len(readers) for p in parts) and len(set().union(*parts)) == 4
        wait_until(shared, CLIENT_SECONDS_MAX, "all partitions to be shared out")

    def wait_read(self, wanted, *readers):
        """Until together they have read just these."""
        def read():
            self.assertFalse([r.failed for r in readers if r.failed])
            return sorted(sum((r.read for r in readers), [])) == list(wanted)
        wait_until(read, CLIENT_SECONDS_MAX, f"{list(wanted)} to be read")

    def test_two_share_and_one_takes_over_when_the_other_leaves(self):
        first = self.reader()
        self.wait_shared(first)
        second = self.reader()
        self.wait_shared(first, second)
        self.publish(0, 40)
        self.wait_read(range(40), first, second)
        self.assertEqual((len(first.read), len(second.read)), (20, 20))
        second.stop()
        self.wait_shared(first)
        self.publish(40, 8)
        self.wait_read(range(48), first, second)

    def test_a_member_that_dies_is_replaced_after_its_session(self):
        first, second = self.reader(), self.reader()
        self.wait_shared(first, second)
        second.leaves = False
        second.stop()
        self.wait_shared(first)

    def test_a_restart_keeps_members_and_offsets(self):
        self.keep_address()
        reader = self.reader()
        self.publish(0, 8)
        self.wait_read(range(8), reader)
        generation = reader.generation
        self.restart()
        self.publish(8, 4)
        self.wait_read(range(12), reader)
        self.assertEqual(reader.generation, generation)  # no rebalance
        reader.stop()
        self.restart()
        self.publish(12, 4)
        self.wait_read(range(12, 16), self.reader())

    def test_groups_beside_each_other_and_a_queue_read_the_same(self):
        self.api.call("PUT", "/queues/mails", {"topic": "orders"})
        one, other = self.reader("one"), self.reader("other")
        self.publish(0, 4)
        self.wait_read(range(4), one)
        self.wait_read(range(4), other)
        self.assertEqual(len(self.api.receive("mails", count=4, wait="5s")), 4)

    def test_offsets_without_members(self):
        partition = kafka.TopicPartition("orders", 1)
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.door, group_id="simple", enable_auto_commit=False)
        self.addCleanup(consumer.close, autocommit=False)
        consumer.assign([partition])
        self.assertIsNone(consumer.committed(partition))
        consumer.commit({partition: kafka.structs.OffsetAndMetadata(3, "so far")})
        self.assertEqual(consumer.committed(partition, metadata=True), (3, "so far"))
        offsets = self.admin().list_consumer_group_offsets("simple")
        self.assertEqual(offsets[partition].offset, 3)
        self.assertEqual(len(offsets), 1)

    def test_groups_are_listed_described_and_deleted(self):
        reader = self.reader(client_id="till")
        self.publish(0, 4)
        self.wait_read(range(4), reader)
        admin = self.admin()
        self.assertEqual(admin.list_consumer_groups(), [("readers", "consumer")])
        described = admin.describe_consumer_groups(["readers"])[0]
        self.assertEqual((described.state, described.protocol), ("Stable", "range"))
        member = described.members[0]
        self.assertEqual((member.client_id, member.client_host), ("till", "/127.0.0.1"))
        self.assertEqual(len(member.member_assignment.assignment[0][1]), 4)
        self.assertEqual(admin.delete_consumer_groups(["readers"])[0][1].__name__, "NonEmptyGroupError")
        reader.stop()
        self.assertEqual(admin.delete_consumer_groups(["readers"])[0][1].__name__, "NoError")
        self.assertEqual(admin.list_consumer_groups(), [])


    def pabal(self, *words):
        ran = subprocess.run([PABAL, "group", *words, "--server", f"http://{self.server.address}"], capture_output=True,
                             text=True, timeout=CLIENT_SECONDS_MAX, stdin=subprocess.DEVNULL)
        return ran.returncode, ran.stdout + ran.stderr

    def test_a_group_is_looked_at_reset_and_deleted_by_its_members_names(self):
        first, second = self.reader(client_id="till"), self.reader(client_id="desk")
        self.wait_shared(first, second)
        self.publish(0, 8)
        self.wait_read(range(8), first, second)
        committed = lambda: [p["committed"] for p in self.api.call("GET", "/groups/readers")["partitions"]]
        wait_until(lambda: committed() == [2, 2, 2, 2], CLIENT_SECONDS_MAX, "all to be committed")
        group = self.api.call("GET", "/groups/readers")
        self.assertEqual(group["lag"], 0)
        self.assertEqual((group["state"], group["topics"]), ("stable", ["orders"]))
        self.assertEqual(sorted((m["client"], m["address"]) for m in group["member_list"]),
                         [("desk", "127.0.0.1"), ("till", "127.0.0.1")])
        self.assertEqual({p["client"] for p in group["partitions"]}, {"till", "desk"})
        status, said = self.pabal("reset", "readers", "--to", "earliest", "--yes")
        self.assertEqual((status, "stop its consumers" in said), (1, True), said)
        first.stop()
        wait_until(lambda: "till at 127.0.0.1 left" in self.pabal("list")[1], CLIENT_SECONDS_MAX, "the reason of the rebalance")
        second.stop()
        self.publish(8, 4)
        self.assertEqual(self.api.call("GET", "/groups/readers")["lag"], 4)
        status, said = self.pabal("reset", "readers", "--offset", "1", "--topic", "orders", "--partition", "3", "--dry-run")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.api.call("GET", "/groups/readers")["lag"], 4)
        self.assertEqual(self.pabal("reset", "readers", "--to", "latest")[0], 1)  # nobody said yes
        self.assertEqual(self.pabal("reset", "readers", "--to", "earliest", "--yes")[0], 0)
        self.assertIn("12", self.pabal("show", "readers")[1])
        self.wait_read(range(12), self.reader())
        self.assertEqual(self.pabal("delete", "readers", "--yes")[0], 1)

    def test_who_publishes_and_who_reads_is_known_by_name_and_address(self):
        producer = kafka.KafkaProducer(bootstrap_servers=self.door, client_id="till")
        self.addCleanup(producer.close)
        reader = self.reader(client_id="desk")
        loner = kafka.KafkaConsumer(bootstrap_servers=self.door, group_id=None, client_id="loner")
        self.addCleanup(loner.close)
        loner.assign([kafka.TopicPartition("orders", 0)])
        self.wait_shared(reader)

        def ends(which):
            self.api.call("GET", "/flow")
            loner.poll(timeout_ms=50)
            return {end["name"]: end for end in self.api.call("GET", "/topics/orders")[which]}

        def all_seen():
            producer.send("orders", b"0").get(CLIENT_SECONDS_MAX)
            readers = ends("consumers")
            moved = "readers" in readers and readers["readers"]["rate"] > 0
            return moved and "loner" in readers and "till" in ends("producers")
        wait_until(all_seen, CLIENT_SECONDS_MAX, "all three to be seen")
        till, readers, alone = ends("producers")["till"], ends("consumers")["readers"], ends("consumers")["loner"]
        self.assertEqual(till["service"], "till")
        self.assertEqual((till["clients"][0]["client"], till["clients"][0]["address"]), ("till", "127.0.0.1"))
        self.assertEqual((readers["group"], readers["clients"][0]["client"]), ("readers", "desk"))
        self.assertEqual((alone["service"], alone["clients"][0]["address"]), ("loner", "127.0.0.1"))
        nodes = {node["id"]: node for node in self.api.call("GET", "/flow")["nodes"]}
        self.assertEqual((nodes["group:readers"]["members"], nodes["service:till"]["via"]), (1, "Kafka"))

    def test_a_group_without_members_is_deleted_with_its_offsets(self):
        reader = self.reader()
        self.publish(0, 4)
        self.wait_read(range(4), reader)
        reader.stop()
        self.assertEqual(self.pabal("delete", "readers", "--yes")[0], 0)
        self.assertEqual(self.api.call("GET", "/groups"), {"groups": []})
        self.assertEqual(self.pabal("show", "readers")[0], 1)


@unittest.skipIf(shutil.which("kcat") is None, "kcat is not installed; Debian has it as kcat")
class KcatGroupTest(DoorTest):
    def start(self, *options):
        said = self.enterContext(tempfile.TemporaryFile())
        command = ["kcat", "-b", self.door, "-q", "-u", "-f", "%s\n", "-X", "auto.offset.reset=earliest",
                   "-X", f"session.timeout.ms={SESSION_MS}", "-X", "heartbeat.interval.ms=300",
                   "-X", "auto.commit.interval.ms=100", *options, "-G", "readers", "orders"]
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, process)

        def lines():
            size = os.fstat(said.fileno()).st_size
            return os.pread(said.fileno(), size, 0).decode().split()  # its position is the writer's, too
        return process, lines

    @staticmethod
    def end(process):
        process.terminate()
        process.wait(CLIENT_SECONDS_MAX)

    def publish(self, first, count):
        self.api.publish("orders", [{"value": i, "partition": i % 4} for i in range(first, first + count)])

    def share(self, strategy):
        self.api.call("PUT", "/topics/orders", {"partitions": 4})
        options = ["-X", f"partition.assignment.strategy={strategy}"]
        first, first_lines = self.start(*options)
        _, second_lines = self.start(*options)
        sent = 0

        def both_read():
            nonlocal sent
            self.publish(sent, 4)
            sent += 4
            return first_lines() and second_lines()
        wait_until(both_read, CLIENT_SECONDS_MAX, "both to read")
        wait_until(lambda: set(first_lines() + second_lines()) >= {str(i) for i in range(sent)},
                   CLIENT_SECONDS_MAX, "everything to be read")
        self.end(first)
        before = sent
        self.publish(before, 4)
        wait_until(lambda: set(second_lines()) >= {str(i) for i in range(before, before + 4)},
                   CLIENT_SECONDS_MAX, "the second to take over")

    def test_two_share_and_one_takes_over(self):
        self.share("range")

    def test_two_share_cooperatively(self):
        self.share("cooperative-sticky")

    def test_a_static_member_that_starts_anew_goes_on_where_it_was(self):
        self.api.call("PUT", "/topics/orders", {"partitions": 4})
        self.publish(0, 4)
        process, lines = self.start("-X", "group.instance.id=till-1")
        wait_until(lambda: len(lines()) == 4, CLIENT_SECONDS_MAX, "4 records")
        self.end(process)
        self.publish(4, 4)
        _, lines = self.start("-X", "group.instance.id=till-1")
        wait_until(lambda: len(lines()) >= 4, CLIENT_SECONDS_MAX, "4 more records")
        self.assertEqual(sorted(lines()), ["4", "5", "6", "7"])


if __name__ == "__main__":
    unittest.main()
