"""What an administrator does with any client."""

from driven import ClientTest, coded
from groups import EVENT_SECONDS_MAX
from harness import wait_until
from records import producer


class AdminTest(ClientTest):
    def setUp(self):
        super().setUp()
        self.admin = self.client()

    def create(self, name, partitions=2, **configs):
        self.admin.call("create_topics", topics=[{"name": name, "partitions": partitions, "configs": configs}])

    def topic(self, name="orders"):
        return self.api.call("GET", f"/topics/{name}")

    def publish(self, count, partition=0):
        self.api.publish("orders", [{"value": i, "partition": partition} for i in range(count)])

    def test_topics_by_name(self):
        self.create("orders", 3, **{"retention.ms": "60000"})
        self.assertEqual((len(self.topic()["partitions"]), self.topic()["retention"]["time"]), (3, "1m"))
        self.assert_fails("TOPIC_ALREADY_EXISTS", self.admin, "create_topics",
                          topics=[{"name": "orders", "partitions": 1, "configs": {}}])
        self.assertIn("orders", self.admin.call("topics"))
        self.assertEqual(self.admin.call("describe_topic", topic="orders")["partitions"], 3)
        self.admin.call("create_partitions", topic="orders", count=5)
        self.assertEqual(len(self.topic()["partitions"]), 5)
        self.admin.call("delete_topics", topics=["orders"])
        self.assertNotIn("orders", self.admin.call("topics"))
        self.assert_fails("UNKNOWN_TOPIC_OR_PARTITION", self.admin, "delete_topics", topics=["orders"])

    def test_topics_by_id(self):
        self.needs("topic ids")
        self.create("orders")
        first = self.admin.call("describe_topic", topic="orders")["id"]
        self.assertEqual(self.admin.call("describe_topic_id", topic_id=first), {"name": "orders", "id": first, "partitions": 2})
        self.admin.call("delete_topic_ids", topic_ids=[first])
        self.create("orders")
        second = self.admin.call("describe_topic", topic="orders")["id"]
        self.assertNotEqual(first, second)
        self.assert_fails("UNKNOWN_TOPIC_ID", self.admin, "describe_topic_id", topic_id=first)
        self.assert_fails("UNKNOWN_TOPIC_ID", self.admin, "delete_topic_ids", topic_ids=[first])
        self.assertEqual(self.admin.call("topics"), ["orders"])

    def test_settings(self):
        self.create("orders", **{"retention.ms": "60000", "segment.bytes": "2000000"})
        self.admin.call("alter_configs", topic="orders", set={"max.message.bytes": "100000"}, unset=["retention.ms"])
        values = self.admin.call("configs", topic="orders")
        self.assertEqual((values["max.message.bytes"], values["retention.ms"]), ("100000", "604800000"))
        if "incremental configs" in self.has:
            self.assertEqual(values["segment.bytes"], "2000000")
        self.assertEqual(self.topic()["retention"]["time"], "7d")
        self.assert_fails("INVALID_CONFIG", self.admin, "alter_configs", topic="orders", set={"no.such": "1"}, unset=[])

    def test_a_batch_above_the_topics_limit_is_refused(self):
        self.create("orders", **{"max.message.bytes": "1000"})
        self.admin.call("open_producer", **producer())
        record = {"partition": 0, "key": None, "value": coded(b"x" * 2000), "headers": []}
        self.assert_fails("MESSAGE_TOO_LARGE", self.admin, "send", producer="none", topic="orders", records=[record])

    def test_records_are_deleted_up_to_an_offset(self):
        self.create("orders")
        self.publish(10)
        self.admin.call("delete_records", topic="orders", partition=0, offset=4)
        self.assertEqual(self.topic()["partitions"][0]["first_offset"], 4)
        self.assertEqual(self.admin.call("offset_at", topic="orders", partition=0, at="earliest"), 4)
        self.assert_fails("OFFSET_OUT_OF_RANGE", self.admin, "delete_records", topic="orders", partition=0, offset=11)

    def test_groups_and_their_offsets(self):
        self.create("orders")
        self.publish(10)
        self.admin.call("join", member="reader", group="readers", topic="orders", assignor="roundrobin", session_ms=20_000)
        self.wait_committed(10)
        self.assertIn("readers", self.admin.call("groups"))
        described = self.admin.call("describe_group", group="readers")
        self.assertEqual((described["state"].lower(), described["members"]), ("stable", 1))
        self.assertTrue(described["protocol"].lower().startswith("roundrobin"), described)
        self.assert_fails("NON_EMPTY_GROUP", self.admin, "delete_groups", groups=["readers"])
        self.admin.call("leave", member="reader")
        self.admin.call("set_group_offset", group="readers", topic="orders", partition=0, offset=3)
        self.assertEqual(self.admin.call("group_offsets", group="readers")["orders-0"], 3)
        if "offset deletion" in self.has:
            self.admin.call("delete_group_offset", group="readers", topic="orders", partition=0)
            self.assertNotIn("orders-0", self.admin.call("group_offsets", group="readers"))
        self.admin.call("delete_groups", groups=["readers"])
        self.assertNotIn("readers", self.admin.call("groups"))
        self.assert_fails("GROUP_ID_NOT_FOUND", self.admin, "delete_groups", groups=["readers"])

    def wait_committed(self, offset):
        def committed():
            groups = {g["name"] for g in self.api.call("GET", "/groups")["groups"]}
            partitions = self.api.call("GET", "/groups/readers")["partitions"] if "readers" in groups else []
            return offset in [p["committed"] for p in partitions]
        wait_until(committed, EVENT_SECONDS_MAX, f"{offset} to be committed")

    def test_the_cluster(self):
        self.create("orders")
        self.publish(10)
        cluster = self.admin.call("cluster")
        self.assertEqual((cluster["brokers"], cluster["controller"]), (1, 1))
        self.assertTrue(cluster["id"])
        if "log dirs" in self.has:
            self.assertIn("orders-0", self.admin.call("log_dirs"))
