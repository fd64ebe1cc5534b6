"""Apache's command line tools, by their main classes: an operator's day. Each takes seconds to start, so stories are long."""

import json
import tempfile
import unittest
from pathlib import Path

import driven  # noqa: F401 - it makes the tests beside this directory known
import kafka_tools
from harness import Server
from kafka_security_test import ADMIN_TOKEN, PASSWORD, TOKENS

RECORDS = 20_000


class ToolsTest(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        try:
            kafka_tools.class_path()
        except kafka_tools.Missing as why:
            raise unittest.SkipTest(str(why)) from why

    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.enterContext(Server(self.scratch / "data", *self.options))
        self.api = self.enterContext(self.operator())

    def operator(self):
        return self.server.api()

    def tool(self, name, *arguments, said=None):
        return kafka_tools.run(f"kafka-{name}", "--bootstrap-server", self.server.addresses["kafka"], *arguments, said=said)

    def refused(self, name, *arguments, said=None):
        """What a tool says that fails."""
        with self.assertRaises(AssertionError) as failed:
            self.tool(name, *arguments, said=said)
        return str(failed.exception)


class RecordsTest(ToolsTest):
    def test_what_the_console_tools_publish_and_read(self):
        self.tool("topics", "--create", "--topic", "orders", "--partitions", "1")
        self.tool("console-producer", "--topic", "orders", "--compression-codec", "zstd", "--reader-property", "parse.key=true",
                  "--reader-property", "parse.headers=true", said="a:1,b:2\tk1\tone\na:3\tk2\ttwo\n")
        first, second = self.api.read_partition("orders", 0)
        self.assertEqual((first["key"], first["headers"]["a"], first["headers"]["b"]), ("k1", "1", "2"))
        self.assertEqual(second["key"], "k2")
        said = self.tool("console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "2", "--timeout-ms",
                         "60000", "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true")
        self.assertEqual(said.splitlines()[:2], ["a:1,b:2\tk1\tone", "a:3\tk2\ttwo"])
        said = self.tool("console-consumer", "--topic", "orders", "--partition", "0", "--offset", "1", "--max-messages", "1",
                         "--timeout-ms", "60000")
        self.assertEqual(said.split(), ["two"])

    def test_loads(self):
        self.tool("topics", "--create", "--topic", "load", "--partitions", "3")
        for codec in ("none", "lz4"):
            said = self.tool("producer-perf-test", "--topic", "load", "--num-records", str(RECORDS), "--record-size", "100",
                             "--throughput", "-1", "--command-property", "acks=all", f"compression.type={codec}")
            self.assertIn(f"{RECORDS} records sent", said)
        ends = [p["next_offset"] for p in self.api.call("GET", "/topics/load")["partitions"]]
        self.assertEqual(sum(ends), 2 * RECORDS)
        said = self.tool("consumer-perf-test", "--topic", "load", "--num-records", str(2 * RECORDS), "--timeout", "60000")
        self.assertEqual(int(float(said.splitlines()[1].split(", ")[4])), 2 * RECORDS)
        self.assertIn("Percentiles", self.tool("e2e-latency", "--topic", "pings", "--num-records", "100", "--producer-acks",
                                               "all", "--record-size", "100"))

    def test_the_verifiable_tools(self):
        self.tool("topics", "--create", "--topic", "orders", "--partitions", "3")
        said = self.tool("verifiable-producer", "--topic", "orders", "--max-messages", "1000", "--acks", "-1")
        events = [json.loads(line) for line in said.splitlines()]
        self.assertEqual(len([e for e in events if e["name"] == "producer_send_success"]), 1000)
        self.assertEqual(sum(p["next_offset"] for p in self.api.call("GET", "/topics/orders")["partitions"]), 1000)
        said = self.tool("verifiable-consumer", "--topic", "orders", "--group-id", "readers", "--max-messages", "1000",
                         "--reset-policy", "earliest")
        read = [json.loads(line) for line in said.splitlines() if '"records_consumed"' in line]
        self.assertEqual(sum(event["count"] for event in read), 1000)

    def test_offsets_by_time(self):
        times = ["2024-01-01T00:00:01.000Z", "2024-01-01T00:00:09.000Z", "2024-01-01T00:00:05.000Z"]
        self.api.publish("orders", [{"value": 1, "timestamp": time} for time in times])
        for time, offset in (("-2", 0), ("earliest", 0), ("-1", 3), ("latest", 3), ("-3", 1), ("max-timestamp", 1),
                             ("1704067202000", 1)):
            said = self.tool("get-offsets", "--topic", "orders", "--time", time)
            self.assertEqual(said.split(), [f"orders:0:{offset}"], time)


class GroupsTest(ToolsTest):
    def groups(self, *arguments):
        return self.tool("consumer-groups", *arguments)

    def test_groups_are_looked_at_reset_and_deleted(self):
        self.api.publish("orders", [{"value": i} for i in range(5)])
        self.tool("console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "5", "--timeout-ms", "60000",
                  "--group", "readers")
        self.assertEqual(self.groups("--list").split(), ["readers"])
        self.assertIn("readers", self.tool("groups", "--list"))
        row = self.groups("--describe", "--group", "readers").splitlines()[-1].split()
        self.assertEqual(row[:6], ["readers", "orders", "0", "5", "5", "0"])
        self.assertIn("Empty", self.groups("--describe", "--group", "readers", "--state"))
        self.groups("--reset-offsets", "--group", "readers", "--topic", "orders", "--to-offset", "2", "--execute")
        self.assertEqual(self.api.call("GET", "/groups/readers")["partitions"][0]["committed"], 2)
        self.groups("--reset-offsets", "--group", "readers", "--topic", "orders", "--to-earliest", "--execute")
        self.assertEqual(self.api.call("GET", "/groups/readers")["partitions"][0]["committed"], 0)
        self.groups("--delete-offsets", "--group", "readers", "--topic", "orders")
        self.assertEqual(self.api.call("GET", "/groups/readers")["partitions"], [])
        self.groups("--delete", "--group", "readers")
        self.assertEqual(self.groups("--list").split(), [])


class AccessTest(ToolsTest):
    options = ()

    def setUp(self):
        tokens = Path(self.enterContext(tempfile.TemporaryDirectory())) / "tokens"
        tokens.write_text(TOKENS)
        tokens.chmod(0o600)
        self.options = ["--token-file", tokens]
        super().setUp()

    def operator(self):
        return self.server.api(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})

    def config(self, user, password, mechanism):
        module = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
        path = self.scratch / f"{user}.properties"
        path.write_text(f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config="
                        f"org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";\n")
        return ["--command-config", str(path)]

    def test_users_and_rules(self):
        ops = self.config("ops", ADMIN_TOKEN, "PLAIN")
        self.tool("topics", "--create", "--topic", "orders", *ops)
        self.tool("configs", "--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config",
                  f"SCRAM-SHA-512=[iterations=4096,password={PASSWORD}]", *ops)
        said = self.tool("configs", "--describe", "--entity-type", "users", *ops)
        self.assertIn("SCRAM credential configs for user-principal 'ann' are SCRAM-SHA-512=iterations=4096", said)
        said = self.refused("configs", "--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config",
                            "producer_byte_rate=1000", *ops)
        self.assertIn("ALTER_CLIENT_QUOTAS", said)
        ann = self.config("ann", PASSWORD, "SCRAM-SHA-512")
        self.assertEqual(self.tool("topics", "--list", *ann).split(), [])
        said = self.tool("acls", "--add", "--allow-principal", "User:ann", "--producer", "--topic", "orders", *ops)
        self.assertIn("principal=User:ann", said)
        self.tool("console-producer", "--topic", "orders", *ann, said="one\n")
        self.assertEqual(len(list(self.api.read_partition("orders", 0))), 1)
        self.assertIn("the user may not do this", self.refused("topics", "--create", "--topic", "mine", *ann))
        self.assertIn("operation=WRITE", self.tool("acls", "--list", "--principal", "User:ann", *ops))
        self.tool("acls", "--remove", "--force", "--allow-principal", "User:ann", "--producer", "--topic", "orders", *ops)
        self.assertEqual(self.tool("topics", "--list", *ann).split(), [])
        wrong = self.config("ann", "wrong" * 5, "SCRAM-SHA-512")
        self.assertIn("Authentication failed", self.refused("topics", "--list", *wrong))

    def test_what_the_server_speaks(self):
        said = self.tool("broker-api-versions", *self.config("ops", ADMIN_TOKEN, "PLAIN"))
        for words in ("Produce(0): 0 to 13 [usable: 13]", "Fetch(1)", "SaslAuthenticate(36)"):
            self.assertIn(words, said)


if __name__ == "__main__":
    unittest.main()
