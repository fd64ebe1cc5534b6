"""Who any client says it is, and what it may do then: passwords, TLS, certificates, rules."""

import tempfile
import unittest
from pathlib import Path

from driven import ClientTest, Failed, coded, decoded
from groups import EVENT_SECONDS_MAX
from harness import wait_until
from kafka_security_test import ADMIN_TOKEN, OPENSSL, PASSWORD, TOKENS, Certificates
from records import producer

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def record(value):
    return {"partition": 0, "key": None, "value": coded(value), "headers": []}


@unittest.skipIf(OPENSSL is None, "openssl is not installed")
class AccessTest(ClientTest):
    """A server that lets nobody in who has not said who they are: `ops` has a token, and `kind` says what else."""

    kind = "clear"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scratch = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.certificates = Certificates(scratch)
        for name in ("ops", "imposter"):
            both = [Path(cls.certificates.path(f"{name}.{part}")).read_text() for part in ("key", "pem")]
            (scratch / f"{name}.identity").write_text("".join(both))
        tokens = scratch / "tokens"
        tokens.write_text(TOKENS)
        tokens.chmod(0o600)
        path = cls.certificates.path
        cls.options = ["--token-file", tokens]
        if cls.kind != "clear":
            cls.options += ["--kafka-tls-cert", path("server.pem"), "--kafka-tls-key", path("server.key")]
        if cls.kind == "mutual":
            cls.options += ["--kafka-client-ca", path("ca.pem")]

    def operator(self):
        return self.server.api(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})

    def ops(self, **more):
        """The administrator, whom SCRAM does not know."""
        return self.user("ops", ADMIN_TOKEN, "PLAIN", **more)

    def user(self, name, password, mechanism="SCRAM-SHA-256", authority="ca", **more):
        tls = {} if self.kind == "clear" else {"ca": self.certificates.path(f"{authority}.pem")}
        sasl = {"sasl": {"mechanism": mechanism, "user": name, "password": password}} if name else {}
        return self.client(**sasl, **tls, **more)

    def check_works(self, client):
        """A record goes in and comes out again."""
        client.call("create_topics", topics=[{"name": "orders", "partitions": 1, "configs": {}}])
        client.call("open_producer", **producer())
        client.call("send", producer="none", topic="orders", records=[record(b"hello")])
        read = client.call("read", topic="orders", partition=0, offset=0, count=1)
        self.assertEqual(decoded(read[0]["value"]), b"hello")
        client.call("delete_topics", topics=["orders"])

    def check_passwords(self):
        self.check_works(self.ops())
        self.api.call("PUT", "/users/ann", {"password": PASSWORD})
        self.allow("all", "topic", "*")
        self.allow("read", "group", "*")
        for mechanism in MECHANISMS:
            self.check_works(self.user("ann", PASSWORD, mechanism))
            self.assert_fails("SASL_AUTHENTICATION_FAILED", self.user("ann", "wrong-wrong-wrong-wrong", mechanism), "topics")
        self.assertNotIn(PASSWORD, self.server.said(1000))

    def allow(self, operation, kind, name):
        rule = {"principal": "User:ann", "operation": operation, "resource_type": kind, "resource": name, "pattern": "literal",
                "permission": "allow"}
        self.api.call("POST", "/acls", {"acls": [rule]})


class PasswordTest(AccessTest):
    group_refusal = "GROUP_AUTHORIZATION_FAILED"
    rules = 0

    def test_a_password_in_the_clear_by_each_mechanism(self):
        self.check_passwords()

    def rule(self, ops, operation, kind, name, pattern="literal", permission="allow"):
        self.rules += 1
        ops.call("create_acl", principal="User:ann", operation=operation, type=kind, name=name, pattern=pattern,
                 permission=permission)

    def test_a_user_may_do_what_a_rule_allows(self):
        ops = self.ops()
        if "passwords" in self.has:
            ops.call("set_password", user="ann", mechanism="SCRAM-SHA-256", password=PASSWORD)
        else:
            self.api.call("PUT", "/users/ann", {"password": PASSWORD})
        ops.call("create_topics", topics=[{"name": name, "partitions": 1, "configs": {}} for name in ("orders", "secrets")])
        self.rule(ops, "write", "topic", "order", "prefixed")
        if "reads in groups" in self.has:
            self.rule(ops, "read", "group", "reading-", "prefixed")
        ann = self.user("ann", PASSWORD)
        ann.call("open_producer", **producer())
        ann.call("send", producer="none", topic="orders", records=[record(b"1")])
        self.assert_fails("TOPIC_AUTHORIZATION_FAILED", ann, "send", producer="none", topic="secrets", records=[record(b"1")])
        self.assert_fails("TOPIC_AUTHORIZATION_FAILED", ann, "read", topic="orders", partition=0, offset=0, count=1)
        self.assert_fails("TOPIC_AUTHORIZATION_FAILED", ann, "create_topics",
                          topics=[{"name": "mine", "partitions": 1, "configs": {}}])
        self.assert_fails("TOPIC_AUTHORIZATION_FAILED", ann, "delete_topics", topics=["orders"])
        self.assert_fails("CLUSTER_AUTHORIZATION_FAILED", ann, "acls", principal="User:ann")
        self.assertEqual(ann.call("topics"), ["orders"])
        self.rule(ops, "read", "topic", "orders")
        self.assertEqual(len(ann.call("read", topic="orders", partition=0, offset=0, count=1)), 1)
        self.check_group(ops, ann)
        self.rule(ops, "write", "topic", "orders", permission="deny")
        self.assert_fails("TOPIC_AUTHORIZATION_FAILED", ann, "send", producer="none", topic="orders", records=[record(b"2")])
        self.assertEqual(ops.call("acls", principal="User:ann"), self.rules)
        self.assertEqual(ops.call("delete_acls", principal="User:ann"), self.rules)
        self.assertEqual(ann.call("topics"), [])

    def check_group(self, ops, ann):
        member = {"group": "readers", "topic": "orders", "assignor": "roundrobin", "session_ms": 20_000}
        ann.call("join", member="refused", **member)
        wait_until(lambda: ann.of("failed", member="refused"), EVENT_SECONDS_MAX, "the group to be refused")
        self.assertIn(self.group_refusal, ann.of("failed")[0]["message"])
        self.rule(ops, "read", "group", "readers")
        ann.call("join", member="allowed", **member)
        wait_until(lambda: ann.of("read", member="allowed"), EVENT_SECONDS_MAX, "a record to be read")
        ann.call("leave", member="allowed")


class TlsTest(AccessTest):
    kind = "tls"

    def test_a_password_under_tls_by_each_mechanism(self):
        self.check_passwords()

    def test_a_server_of_an_unknown_authority_is_not_talked_to(self):
        with self.assertRaises(Failed):
            self.ops(authority="stranger").call("topics")


class MutualTlsTest(AccessTest):
    kind = "mutual"

    def identity(self, name):
        return self.user(None, None, identity=self.certificates.path(f"{name}.identity"))

    def test_a_certificate_says_who_the_client_is(self):
        self.check_works(self.identity("ops"))
        with self.assertRaises(Failed):
            self.identity("imposter").call("topics")
