"""Administration by real Kafka clients: kafka-python, kcat, and Apache's own command line tools."""

import base64
import json
import shutil
import subprocess
import tempfile
import threading
import unittest

import kafka_tools
from harness import wait_until
from kafka_test import CLIENT_SECONDS_MAX, NO_KAFKA, DoorTest, kafka

GROW_TO = 8


@unittest.skipIf(kafka is None, NO_KAFKA)
class KafkaPythonAdminTest(DoorTest):
    def admin(self):
        admin = kafka.KafkaAdminClient(bootstrap_servers=self.door, request_timeout_ms=CLIENT_SECONDS_MAX * 1000)
        self.addCleanup(admin.close)
        return admin

    @staticmethod
    def topic(name, partitions=1, replicas=1, **configs):
        configs = {key.replace("_", "."): value for key, value in configs.items()}
        return kafka.admin.NewTopic(name, partitions, replicas, topic_configs=configs)

    @staticmethod
    def resource(name, **configs):
        kind = kafka.admin.ConfigResourceType.TOPIC
        return kafka.admin.ConfigResource(kind, name, {k.replace("_", "."): v for k, v in configs.items()} or None)

    def configs_of(self, name):
        """What a topic's settings are, and which of them were set."""
        answer = self.admin().describe_configs([self.resource(name)])[0]
        _, _, _, _, entries = answer.resources[0]
        return {e[0]: e[1] for e in entries}, {e[0] for e in entries if e[3] == 1}

    def test_topics_are_made_described_and_deleted_also_after_a_restart(self):
        self.admin().create_topics([self.topic("orders", 3, retention_ms="3600000"), self.topic("mails")])
        self.restart()
        admin = self.admin()
        self.assertEqual(sorted(admin.list_topics()), ["mails", "orders"])
        described = admin.describe_topics(["orders"])[0]
        self.assertEqual(len(described["partitions"]), 3)
        status, _, answer = self.api.request("GET", "/v1/topics/orders")
        self.assertEqual((status, json.loads(answer)["retention"]["time"]), (200, "1h"))
        with self.assertRaises(kafka.errors.TopicAlreadyExistsError):
            admin.create_topics([self.topic("orders")])
        admin.delete_topics(["orders"])
        self.assertEqual(admin.list_topics(), ["mails"])
        with self.assertRaises(kafka.errors.UnknownTopicOrPartitionError):
            admin.delete_topics(["orders"])

    def test_what_cannot_be_made_is_refused_with_kafkas_errors(self):
        admin = self.admin()
        for error, topic in [(kafka.errors.InvalidReplicationFactorError, self.topic("a", 1, 3)),
                             (kafka.errors.InvalidPartitionsError, self.topic("a", 0)),
                             (kafka.errors.InvalidConfigurationError, self.topic("a", retention="1"))]:
            with self.assertRaises(error):
                admin.create_topics([topic])
        admin.create_topics([self.topic("a")], validate_only=True)
        self.assertEqual(admin.list_topics(), [])

    def test_settings_are_described_and_altered(self):
        self.admin().create_topics([self.topic("orders", segment_ms="5000")])
        values, were_set = self.configs_of("orders")
        self.assertEqual((values["segment.ms"], values["retention.ms"], were_set), ("5000", "604800000", {"segment.ms"}))
        self.admin().alter_configs([self.resource("orders", retention_ms="60000", cleanup_policy="delete")])
        self.restart()
        values, were_set = self.configs_of("orders")
        self.assertEqual((values["retention.ms"], were_set), ("60000", {"retention.ms"}))  # the other went back

    def test_a_cluster_describes_itself(self):
        described = self.admin().describe_cluster()
        self.assertEqual([b["node_id"] for b in described["brokers"]], [described["controller_id"]])

    def test_partitions_are_added_while_others_publish_and_a_group_reads(self):
        self.admin().create_topics([self.topic("orders", 1)])
        stop, sent, read = threading.Event(), [], set()  # a rebalance may bring some twice
        all_sent = threading.Event()
        options = {"bootstrap_servers": self.door, "metadata_max_age_ms": 100}
        producer = kafka.KafkaProducer(acks="all", retries=10, **options)
        consumer = kafka.KafkaConsumer("orders", group_id="readers", auto_offset_reset="earliest",
                                       session_timeout_ms=6000, heartbeat_interval_ms=300, **options)
        self.addCleanup(producer.close)

        def publish():
            while not stop.is_set():
                sent.append(producer.send("orders", b"%d" % len(sent)).get(CLIENT_SECONDS_MAX))

        def consume():
            while not all_sent.is_set() or len(read) < len(sent):
                read.update(int(r.value) for some in consumer.poll(timeout_ms=50).values() for r in some)
            consumer.close()
        publisher, reader = (threading.Thread(target=work, daemon=True) for work in (publish, consume))
        publisher.start()
        reader.start()
        wait_until(lambda: len(sent) > 20, CLIENT_SECONDS_MAX, "records in the one partition")
        self.admin().create_partitions({"orders": kafka.admin.NewPartitions(GROW_TO)})
        wait_until(lambda: {s.partition for s in list(sent)} == set(range(GROW_TO)), 3 * CLIENT_SECONDS_MAX,
                   "records in every partition")
        stop.set()
        publisher.join(3 * CLIENT_SECONDS_MAX)
        all_sent.set()
        reader.join(3 * CLIENT_SECONDS_MAX)
        self.assertEqual(read, set(range(len(sent))))
        with self.assertRaises(kafka.errors.InvalidPartitionsError):
            self.admin().create_partitions({"orders": kafka.admin.NewPartitions(GROW_TO)})


@unittest.skipIf(shutil.which("kcat") is None, "kcat is not installed; Debian has it as kcat")
class KcatAdminTest(DoorTest):
    def test_a_topic_grown_over_http_is_seen_by_its_next_reader(self):
        self.api.call("PUT", "/topics/orders", {"partitions": 2})
        self.api.call("PUT", "/topics/orders", {"partitions": 5})
        said = subprocess.run(["kcat", "-b", self.door, "-L", "-J", "-t", "orders"], capture_output=True,
                              timeout=CLIENT_SECONDS_MAX, check=True)
        topic = json.loads(said.stdout)["topics"][0]
        self.assertEqual((topic["topic"], len(topic["partitions"])), ("orders", 5))


class KafkaToolsTest(DoorTest):
    """One story, because each tool takes seconds to start."""

    def setUp(self):
        try:
            kafka_tools.class_path()
        except kafka_tools.Missing as why:
            self.skipTest(str(why))
        super().setUp()

    def tool(self, name, *arguments):
        return kafka_tools.run(name, *arguments, "--bootstrap-server", self.door)

    def test_apaches_tools_do_their_work(self):
        self.tool("kafka-topics", "--create", "--topic", "orders", "--partitions", "2", "--config", "retention.ms=60000")
        self.api.publish("orders", [{"value": i, "partition": 0} for i in range(5)])
        self.tool("kafka-topics", "--alter", "--topic", "orders", "--partitions", "3")
        self.tool("kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", "orders", "--add-config",
                  "segment.ms=5000,max.message.bytes=100000", "--delete-config", "retention.ms")
        said = self.tool("kafka-topics", "--describe", "--topic", "orders")
        self.assertIn("PartitionCount: 3", said)
        self.assertIn("segment.ms=5000", said)
        self.assertNotIn("retention.ms", said)
        topic = json.loads(self.api.request("GET", "/v1/topics/orders")[2])
        self.assertIn(f"TopicId: {self.kafkas_form(topic['id'])}", said)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"partitions": [{"topic": "orders", "partition": 0, "offset": 3}], "version": 1}, file)
            file.flush()
            said = self.tool("kafka-delete-records", "--offset-json-file", file.name)
        self.assertIn("low_watermark: 3", said)
        said = self.tool("kafka-log-dirs", "--describe", "--topic-list", "orders")
        self.assertIn(f'"logDir":"{self.server.data}"', said)
        sizes = {partition["partition"]: partition["size"] for broker in json.loads(said.splitlines()[-1])["brokers"]
                 for directory in broker["logDirs"] for partition in directory["partitions"]}
        self.assertEqual((set(sizes), sizes["orders-2"]), ({"orders-0", "orders-1", "orders-2"}, 0))
        self.assertGreater(sizes["orders-0"], 0)
        self.assertIn("pabal", self.tool("kafka-cluster", "cluster-id"))
        # The newest versions, with topics by id and fetch sessions, in a group.
        said = self.tool("kafka-console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "2",
                         "--timeout-ms", "60000", "--group", "readers")
        self.assertEqual(said.split(), ["3", "4"])
        self.tool("kafka-topics", "--delete", "--topic", "orders")
        self.assertEqual(self.api.request("GET", "/v1/topics/orders")[0], 404)

    @staticmethod
    def kafkas_form(uuid):
        """Kafka writes ids as base64 of their 16 bytes."""
        return base64.urlsafe_b64encode(bytes.fromhex(uuid.replace("-", ""))).decode().rstrip("=")


if __name__ == "__main__":
    unittest.main()
