"""Who may come in at the Kafka door: TLS, certificates of clients, passwords; with the clients of Debian's packages."""

import hashlib
import json
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PABAL, Server, wait_until
from kafka_test import CLIENT_SECONDS_MAX, NO_KAFKA, kafka, read_answer

AUTHENTICATION_SECONDS_MAX = 10
STRANGER_FRAME_BYTES_MAX = 16 << 10
PRODUCE, METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 0, 3, 17, 18, 36
UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED = 33, 34, 58
ADMIN_TOKEN = "the-token-of-the-operator"
KCAT = shutil.which("kcat")
OPENSSL = shutil.which("openssl")
TOKENS = f"ops {ADMIN_TOKEN}\n"


def openssl(*arguments):
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True, timeout=60)


class Certificates:
    """An authority, what it signed for the server and for a client, and another authority that nobody knows."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.authority("ca")
        self.authority("stranger")
        self.sign("server", "localhost", "ca")
        self.sign("ops", "ops", "ca")
        self.sign("imposter", "ops", "stranger")

    def path(self, name):
        return str(self.directory / name)

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(f"{name}.key")]

    def authority(self, name):
        openssl("req", "-x509", *self.key(name), "-days", "2", "-subj", f"/CN={name}", "-out", self.path(f"{name}.pem"))

    def sign(self, name, common_name, authority):
        openssl("req", *self.key(name), "-subj", f"/O=Shop/CN={common_name}", "-out", self.path(f"{name}.csr"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path(f"{authority}.pem"), "-CAkey",
                self.path(f"{authority}.key"), "-CAcreateserial", "-days", "2", "-extfile", str(extensions),
                "-out", self.path(f"{name}.pem"))


@unittest.skipIf(OPENSSL is None, "openssl is not installed")
class SecurityTest(unittest.TestCase):
    """A server with a file of tokens; `options` says what else."""

    def options(self):
        return []

    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.certificates = Certificates(cls.scratch)
        cls.tokens = cls.scratch / "tokens"
        cls.tokens.write_text(TOKENS)
        cls.tokens.chmod(0o600)

    def setUp(self):
        data = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(Server(data, *self.options()))
        self.api = self.enterContext(self.operator())

    def operator(self):
        return self.server.api(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})

    @property
    def tls(self):
        return ["--kafka-tls-cert", self.certificates.path("server.pem"), "--kafka-tls-key",
                self.certificates.path("server.key")]

    @property
    def door(self):
        return self.server.addresses["kafka"]

    def kcat(self, *arguments, said=None, config=None):
        """(exit status, output, errors) of kcat with librdkafka's settings `config`."""
        settings = [part for name, value in (config or {}).items() for part in ("-X", f"{name}={value}")]
        done = subprocess.run([KCAT, "-b", self.door, *settings, "-m", "15", *arguments], input=said,
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def assert_kcat_works(self, config):
        """A record goes in and comes out again."""
        status, _, errors = self.kcat("-P", "-t", "orders", said=b"hello\n", config=config)
        self.assertEqual(status, 0, errors)
        status, said, errors = self.kcat("-C", "-t", "orders", "-e", "-q", config=config)
        self.assertEqual((status, said), (0, "hello\n"), errors)

    def assert_kcat_fails(self, config, word):
        """kcat says `word` sooner or later; it goes on trying."""
        settings = [part for name, value in config.items() for part in ("-X", f"{name}={value}")]
        with subprocess.Popen([KCAT, "-b", self.door, *settings, "-m", "60", "-L"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
            self.addCleanup(running.kill)
            said = ""
            for line in running.stdout:
                said += line
                if word.lower() in said.lower():
                    running.kill()
                    return
        self.fail(f"kcat ended with {running.returncode} without '{word}': {said}")

    def sasl(self, mechanism, user="ops", password=ADMIN_TOKEN, tls=False):
        settings = {"security.protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT", "sasl.mechanism": mechanism,
                    "sasl.username": user, "sasl.password": password}
        return settings | ({"ssl.ca.location": self.certificates.path("ca.pem")} if tls else {})

    def client(self, kind, mechanism, user, password, **more):
        """A client of kafka-python."""
        made = kind(bootstrap_servers=self.door, security_protocol=more.pop("protocol", "SASL_PLAINTEXT"),
                    sasl_mechanism=mechanism, sasl_plain_username=user, sasl_plain_password=password, **more)
        self.addCleanup(made.close)
        return made

    def connect(self):
        host, _, port = self.door.rpartition(":")
        return self.enterContext(socket.create_connection((host, int(port)), timeout=3 * CLIENT_SECONDS_MAX))

    @staticmethod
    def request(key, version, body=b""):
        frame = struct.pack(">hhih", key, version, 7, -1) + body
        return struct.pack(">i", len(frame)) + frame

    def ask(self, connection, key, version, body=b""):
        """The answer's body."""
        connection.sendall(self.request(key, version, body))
        return read_answer(connection)[4:]

    def said_in_log(self, words):
        wait_until(lambda: words in self.server.said(200), CLIENT_SECONDS_MAX, f"'{words}' in the log")


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def block(value):
    return struct.pack(">i", len(value)) + value


def error_of(answer):
    return struct.unpack(">h", answer[:2])[0]


class PlainTest(SecurityTest):
    def options(self):
        return ["--token-file", self.tokens]

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_a_name_and_token_open_the_door_to_kcat(self):
        self.assert_kcat_works(self.sasl("PLAIN"))

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_kcat_is_told_that_its_password_is_wrong(self):
        self.assert_kcat_fails(self.sasl("PLAIN", password="wrong-wrong-wrong-wrong"), "authentication failed")
        self.assert_kcat_fails(self.sasl("PLAIN", user="nobody"), "authentication failed")
        self.assertNotIn(ADMIN_TOKEN, self.server.said(1000))
        self.assertNotIn("wrong-wrong", self.server.said(1000))

    @unittest.skipIf(kafka is None, NO_KAFKA)
    def test_a_name_and_token_open_the_door_to_kafka_python(self):
        producer = self.client(kafka.KafkaProducer, "PLAIN", "ops", ADMIN_TOKEN)
        self.assertEqual(producer.send("orders", value=b"1").get(CLIENT_SECONDS_MAX).offset, 0)
        with self.assertRaises(kafka.errors.KafkaError):
            self.client(kafka.KafkaProducer, "PLAIN", "ops", "wrong-wrong-wrong-wrong", api_version_auto_timeout_ms=5000)

    def test_before_it_has_said_who_it_is_a_client_gets_nothing(self):
        connection = self.connect()
        self.assertNotEqual(self.ask(connection, API_VERSIONS, 0), b"")
        self.assertEqual(self.ask(connection, METADATA, 1, struct.pack(">i", -1)), b"")
        self.said_in_log("API key 3 before it has said who it is")

    def test_a_stranger_may_not_say_much(self):
        connection = self.connect()
        connection.sendall(struct.pack(">i", STRANGER_FRAME_BYTES_MAX + 1))
        self.assertEqual(read_answer(connection), b"")
        self.said_in_log("from one that has not said who it is")

    def test_a_stranger_that_says_nothing_is_not_kept(self):
        silent, slow = self.connect(), self.connect()
        slow.sendall(struct.pack(">i", 100) + b"x")
        self.assertEqual(read_answer(silent), b"")
        self.assertEqual(read_answer(slow), b"")
        self.said_in_log(f"it has not said who it is within {AUTHENTICATION_SECONDS_MAX}")

    def test_an_unknown_mechanism_is_told_the_known_ones(self):
        answer = self.ask(self.connect(), SASL_HANDSHAKE, 1, text("GSSAPI"))
        self.assertEqual(error_of(answer), UNSUPPORTED_SASL_MECHANISM)
        self.assertIn(b"PLAIN", answer)

    def test_authentication_without_a_handshake_is_refused(self):
        connection = self.connect()
        answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(b"\0ops\0" + ADMIN_TOKEN.encode()))
        self.assertEqual(error_of(answer), ILLEGAL_SASL_STATE)
        self.assertEqual(read_answer(connection), b"")

    def test_nonsense_instead_of_a_password_is_a_wrong_password(self):
        for nonsense in (b"", b"\0", b"\0\0", b"ops", b"\0ops\0", b"other\0ops\0" + ADMIN_TOKEN.encode(),
                         b"\0\xff\0" + ADMIN_TOKEN.encode(), b"\0" * 10_000):
            connection = self.connect()
            self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("PLAIN"))), 0)
            answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(nonsense))
            self.assertEqual(error_of(answer), SASL_AUTHENTICATION_FAILED, nonsense[:20])
            self.assertEqual(read_answer(connection), b"")


class LifetimeTest(SecurityTest):
    def options(self):
        return ["--token-file", self.tokens, "--kafka-session-lifetime", "1s"]

    def log_in(self, connection):
        self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("PLAIN"))), 0)
        answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(b"\0ops\0" + ADMIN_TOKEN.encode()))
        self.assertEqual(error_of(answer), 0)
        self.assertEqual(struct.unpack(">q", answer[-8:])[0], 1000)

    def test_who_does_not_authenticate_again_is_out(self):
        connection = self.connect()
        self.log_in(connection)
        self.log_in(connection)
        wait_until(lambda: self.ask(connection, METADATA, 1, struct.pack(">i", 0)) == b"", CLIENT_SECONDS_MAX,
                   "the end of the connection")
        self.said_in_log("'ops' did not authenticate again within 1s")


class TlsTest(SecurityTest):
    def options(self):
        return ["--token-file", self.tokens, *self.tls]

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_a_password_under_tls(self):
        self.assert_kcat_works(self.sasl("PLAIN", tls=True))

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_kcat_does_not_talk_to_a_server_whose_authority_it_does_not_know(self):
        unknown = {**self.sasl("PLAIN", tls=True), "ssl.ca.location": self.certificates.path("stranger.pem")}
        self.assert_kcat_fails(unknown, "certificate verify failed")

    @unittest.skipIf(kafka is None, NO_KAFKA)
    def test_kafka_python_speaks_tls(self):
        producer = self.client(kafka.KafkaProducer, "PLAIN", "ops", ADMIN_TOKEN, protocol="SASL_SSL",
                               ssl_cafile=self.certificates.path("ca.pem"), ssl_check_hostname=False)
        self.assertEqual(producer.send("orders", value=b"1").get(CLIENT_SECONDS_MAX).offset, 0)

    def test_a_client_in_the_clear_is_closed_and_old_tls_is_refused(self):
        connection = self.connect()
        connection.sendall(self.request(API_VERSIONS, 0))
        self.assertNotIn(b"\x00\x00\x00\x07", connection.recv(100))
        self.said_in_log("no TLS with it")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            old.wrap_socket(self.connect())


class MutualTlsTest(SecurityTest):
    def options(self):
        return ["--token-file", self.tokens, *self.tls, "--kafka-client-ca", self.certificates.path("ca.pem")]

    def ssl(self, name):
        return {"security.protocol": "SSL", "ssl.ca.location": self.certificates.path("ca.pem"),
                "ssl.certificate.location": self.certificates.path(f"{name}.pem"),
                "ssl.key.location": self.certificates.path(f"{name}.key")}

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_a_certificate_says_who_the_client_is(self):
        self.assert_kcat_works(self.ssl("ops"))

    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_without_a_certificate_of_the_right_authority_nobody_comes_in(self):
        self.assert_kcat_fails({"security.protocol": "SSL", "ssl.ca.location": self.certificates.path("ca.pem")}, "ssl")
        self.assert_kcat_fails(self.ssl("imposter"), "ssl")
        self.said_in_log("no TLS with it")


PASSWORD = "correct horse battery"
TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED = 29, 30, 31
RESOURCE_NOT_FOUND, UNACCEPTABLE_CREDENTIAL = 91, 93
DESCRIBE_SCRAM, ALTER_SCRAM = 50, 51
SHA_256, SHA_512 = 1, 2


class UsersTest(SecurityTest):
    """`ann` has a password of her own and may do everything with topics and groups; `bob` may do nothing."""

    def options(self):
        return ["--token-file", self.tokens]

    def setUp(self):
        super().setUp()
        self.api.call("PUT", "/users/ann", {"password": PASSWORD})
        self.api.call("PUT", "/users/bob", {"password": PASSWORD})
        self.allow("ann", "all", "topic", "*")
        self.allow("ann", "all", "group", "*")

    def allow(self, user, operation, kind, name, pattern="literal", permission="allow"):
        rule = {"principal": f"User:{user}", "operation": operation, "resource_type": kind, "resource": name,
                "pattern": pattern, "permission": permission}
        self.api.call("POST", "/acls", {"acls": [rule]})

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.api.close()
        self.server.start()
        self.api = self.enterContext(self.operator())

    def logged_in(self, user, password):
        connection = self.connect()
        self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("PLAIN"))), 0)
        answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(f"\0{user}\0{password}".encode()))
        self.assertEqual(error_of(answer), 0)
        return connection

    def pabal(self, *arguments, token=ADMIN_TOKEN):
        done = subprocess.run([PABAL, *arguments, "--server", f"http://{self.server.address}", "--token", token],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr


class ScramTest(UsersTest):
    @unittest.skipIf(KCAT is None, "kcat is not installed")
    def test_a_password_opens_the_door_to_kcat_and_outlives_a_restart(self):
        self.assert_kcat_works(self.sasl("SCRAM-SHA-256", "ann", PASSWORD))
        self.restart()
        status, said, errors = self.kcat("-C", "-t", "orders", "-e", "-q",
                                         config=self.sasl("SCRAM-SHA-512", "ann", PASSWORD))
        self.assertEqual((status, said), (0, "hello\n"), errors)
        status, _, errors = self.kcat("-L", config=self.sasl("PLAIN", "ann", PASSWORD))
        self.assertEqual(status, 0, errors)
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
            self.assert_kcat_fails(self.sasl(mechanism, "ann", PASSWORD[:-1]), "authentication failed")
            self.assert_kcat_fails(self.sasl(mechanism, "nobody", PASSWORD), "authentication failed")

    @unittest.skipIf(kafka is None, NO_KAFKA)
    def test_a_password_opens_the_door_to_kafka_python(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            producer = self.client(kafka.KafkaProducer, mechanism, "ann", PASSWORD)
            self.assertIsNotNone(producer.send("orders", value=b"1").get(CLIENT_SECONDS_MAX).offset)

    def test_the_password_is_nowhere_but_with_its_user(self):
        self.restart()
        files = [f for f in self.server.data.rglob("*") if f.is_file()]
        self.assertNotIn(PASSWORD.encode(), b"".join(f.read_bytes() for f in files))
        self.assertNotIn(PASSWORD, self.server.said(1000))
        users = self.api.call("GET", "/users")["users"]
        self.assertEqual([user["name"] for user in users], ["ops", "ann", "bob"])
        self.assertNotIn("salt", str(users))

    def challenge(self, user):
        connection = self.connect()
        self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("SCRAM-SHA-256"))), 0)
        answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(f"n,,n={user},r=abc".encode()))
        self.assertEqual(error_of(answer), 0)
        start = answer.index(b"r=abc")
        fields = dict(part.split("=", 1) for part in answer[start:-8].decode().split(","))
        return connection, fields

    def test_who_asks_for_a_user_cannot_tell_whether_there_is_one(self):
        for user in ("ann", "ghost"):
            connection, first = self.challenge(user)
            _, again = self.challenge(user)
            self.assertEqual((first["s"], first["i"]), (again["s"], "4096"))
            self.assertNotEqual(first["r"], again["r"])
            proof = f"c=biws,r={first['r']},p={'A' * 43}=".encode()
            answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(proof))
            self.assertEqual(error_of(answer), SASL_AUTHENTICATION_FAILED)
            self.assertEqual(read_answer(connection), b"")
        self.assertEqual(len(self.challenge("ghost")[1]["s"]), len(self.challenge("ann")[1]["s"]))

    def test_nonsense_in_an_exchange_is_a_wrong_password(self):
        for nonsense in (b"", b"n,,", b"p=tls-unique,,n=ann,r=x", b"\xff" * 100, b"n,,n=ann,r=" + b"x" * 5000):
            connection = self.connect()
            self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("SCRAM-SHA-512"))), 0)
            answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(nonsense))
            self.assertEqual(error_of(answer), SASL_AUTHENTICATION_FAILED, nonsense[:20])

    def test_a_token_that_the_command_line_made_opens_both_doors(self):
        status, said, errors = self.pabal("user", "add", "carl", "--json")
        self.assertEqual(status, 0, errors)
        secret = json.loads(said)["secret"]
        with self.server.api(headers={"Authorization": f"Bearer {secret}"}) as carl:
            self.assertEqual(carl.request("GET", "/v1/topics")[0], 403)
            self.assertEqual(self.pabal("acl", "allow", "carl", "write", "topic", "order.", "--prefix")[0], 0)
            self.assertEqual(self.pabal("acl", "allow", "carl", "create", "topic", "order.", "--prefix")[0], 0)
            self.assertEqual(carl.publish("order.new", [{"value": 1}])[0]["offset"], 0)
            for method, path in (("GET", "/topics/order.new/records"), ("PUT", "/users/x"), ("GET", "/users"),
                                 ("POST", "/topics/mails/records"), ("DELETE", "/topics/order.new"), ("GET", "/acls")):
                self.assertEqual(carl.request(method, f"/v1{path}", {})[0], 403, path)
        connection = self.connect()
        self.assertEqual(error_of(self.ask(connection, SASL_HANDSHAKE, 1, text("PLAIN"))), 0)
        answer = self.ask(connection, SASL_AUTHENTICATE, 1, block(b"\0carl\0" + secret.encode()))
        self.assertEqual(error_of(answer), 0)
        self.assertEqual(self.pabal("user", "delete", "carl", "--yes")[0], 0)
        self.assertIn("ann", self.pabal("user", "list")[1])
        self.assertNotIn("carl", self.pabal("user", "list")[1])


class ProtocolTest(UsersTest):
    """Kafka's calls about passwords, which kafka-python does not know."""

    def ask_flexible(self, connection, key, body):
        frame = struct.pack(">hhihb", key, 0, 7, -1, 0) + body
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        return read_answer(connection)[5:]

    @staticmethod
    def compact(value):
        return bytes([len(value) + 1]) + value

    def upsertion(self, user, mechanism, iterations, salt, salted):
        return (b"\x01\x02" + self.compact(user.encode()) + struct.pack(">bi", mechanism, iterations)
                + self.compact(salt) + self.compact(salted) + b"\0\0")

    def result(self, answer):
        """(user, error) of the one result of AlterUserScramCredentials."""
        length = answer[5] - 1
        return answer[6:6 + length].decode(), error_of(answer[6 + length:])

    def test_a_password_is_changed_by_the_protocol(self):
        operator = self.logged_in("ops", ADMIN_TOKEN)
        salt = b"0123456789abcdef"
        salted = hashlib.pbkdf2_hmac("sha512", b"another password", salt, 8192)
        answer = self.ask_flexible(operator, ALTER_SCRAM, self.upsertion("dora", SHA_512, 8192, salt, salted))
        self.assertEqual(self.result(answer), ("dora", 0))
        self.logged_in("dora", "another password")
        described = self.ask_flexible(operator, DESCRIBE_SCRAM, b"\x02" + self.compact(b"dora") + b"\0\0")
        self.assertIn(struct.pack(">bi", SHA_512, 8192), described)
        self.assertNotIn(salt, described)
        deletion = b"\x02" + self.compact(b"dora") + bytes([SHA_512, 0]) + b"\x01\0"
        self.assertEqual(self.result(self.ask_flexible(operator, ALTER_SCRAM, deletion)), ("dora", 0))
        self.assertEqual(self.result(self.ask_flexible(operator, ALTER_SCRAM, deletion)), ("dora", RESOURCE_NOT_FOUND))

    def test_a_bad_password_is_refused_and_only_administrators_set_one(self):
        operator, bob = self.logged_in("ops", ADMIN_TOKEN), self.logged_in("bob", PASSWORD)
        salted = b"x" * 32
        for user, iterations, salt, hashed in (("dora", 100, b"salt", salted), ("dora", 1 << 20, b"salt", salted),
                                               ("dora", 4096, b"", salted), ("dora", 4096, b"salt", salted[1:]),
                                               ("ops", 4096, b"salt", salted)):
            body = self.upsertion(user, SHA_256, iterations, salt, hashed)
            self.assertEqual(self.result(self.ask_flexible(operator, ALTER_SCRAM, body)), (user, UNACCEPTABLE_CREDENTIAL))
        body = self.upsertion("dora", SHA_256, 4096, b"salt", salted)
        self.assertEqual(self.result(self.ask_flexible(bob, ALTER_SCRAM, body)), ("dora", CLUSTER_AUTHORIZATION_FAILED))
        described = self.ask_flexible(bob, DESCRIBE_SCRAM, b"\0\0")
        self.assertEqual(error_of(described[4:]), CLUSTER_AUTHORIZATION_FAILED)


@unittest.skipIf(kafka is None, NO_KAFKA)
class AclTest(UsersTest):
    def setUp(self):
        super().setUp()
        for topic in ("order.events", "mails"):
            self.api.publish(topic, [{"key": "k", "value": 1}])

    def producer(self, user="bob"):
        return self.client(kafka.KafkaProducer, "SCRAM-SHA-256", user, PASSWORD, max_block_ms=CLIENT_SECONDS_MAX * 1000)

    def consumer(self, user="bob", **more):
        return self.client(kafka.KafkaConsumer, "SCRAM-SHA-256", user, PASSWORD, auto_offset_reset="earliest",
                           consumer_timeout_ms=CLIENT_SECONDS_MAX * 1000, **more)

    def admin(self, user, password, mechanism="SCRAM-SHA-512"):
        return self.client(kafka.KafkaAdminClient, mechanism, user, password)

    def send(self, producer, topic):
        return producer.send(topic, value=b"x").get(CLIENT_SECONDS_MAX)

    def read(self, topic, **more):
        consumer = self.consumer(**more)
        consumer.assign([kafka.TopicPartition(topic, 0)])
        return next(consumer)

    def assert_not_seen(self, topic):
        """Metadata and Produce, which kafka-python would try for a minute, refuse the topic."""
        connection = self.logged_in("bob", PASSWORD)
        answer = self.ask(connection, METADATA, 1, struct.pack(">i", 1) + text(topic))
        self.assertIn(struct.pack(">h", TOPIC_AUTHORIZATION_FAILED) + text(topic), answer)
        body = struct.pack(">hhii", -1, 1, 1000, 1) + text(topic) + struct.pack(">iii", 1, 0, -1)
        answer = self.ask(connection, PRODUCE, 3, body)
        self.assertIn(text(topic) + struct.pack(">iih", 1, 0, TOPIC_AUTHORIZATION_FAILED), answer)

    def test_without_a_rule_nothing_is_seen_read_or_written(self):
        self.assertEqual(self.consumer().topics(), set())
        for topic in ("order.events", "there.is.none"):
            self.assert_not_seen(topic)
        self.assertEqual(self.consumer("ann").topics(), {"order.events", "mails"})
        self.assertEqual(len(self.api.call("GET", "/topics")["topics"]), 2)

    def test_a_prefix_opens_what_begins_so_and_nothing_else(self):
        self.allow("bob", "write", "topic", "order.", pattern="prefixed")
        self.assertEqual(self.send(self.producer(), "order.events").offset, 1)
        self.assert_not_seen("mails")
        with self.assertRaises(kafka.errors.TopicAuthorizationFailedError):
            self.read("order.events", group_id=None)
        self.assertEqual(self.consumer().topics(), {"order.events"})
        self.allow("bob", "read", "topic", "order.events")
        self.restart()
        self.assertEqual(self.read("order.events", group_id=None).offset, 0)

    def test_a_denial_counts_more_from_one_request_to_the_next(self):
        self.allow("bob", "all", "topic", "*")
        producer = self.producer()
        self.assertEqual(self.send(producer, "mails").offset, 1)
        self.allow("bob", "write", "topic", "mails", permission="deny")
        with self.assertRaises(kafka.errors.TopicAuthorizationFailedError):
            self.send(producer, "mails")
        self.assertEqual(self.read("mails", group_id=None).offset, 0)

    def test_a_topic_is_made_only_by_who_may_make_one(self):
        self.allow("bob", "write", "topic", "new")
        with self.assertRaises(kafka.errors.KafkaError):
            self.client(kafka.KafkaProducer, "SCRAM-SHA-256", "bob", PASSWORD, max_block_ms=2000).send("new", b"x").get(2)
        self.assertEqual(self.api.request("GET", "/v1/topics/new")[0], 404)
        self.allow("bob", "create", "topic", "new")
        self.assertEqual(self.send(self.producer(), "new").offset, 0)

    def test_a_group_is_for_those_who_may_read_it(self):
        self.allow("bob", "read", "topic", "order.events")
        consumer = self.consumer(group_id="analytics")
        consumer.subscribe(["order.events"])
        with self.assertRaises(kafka.errors.GroupAuthorizationFailedError):
            next(consumer)
        self.allow("bob", "read", "group", "analytics")
        consumer = self.consumer(group_id="analytics")
        consumer.subscribe(["order.events"])
        self.assertEqual(next(consumer).offset, 0)
        consumer.commit()
        groups = {group for group, _ in self.admin("bob", PASSWORD).list_consumer_groups()}
        self.assertEqual(groups, {"analytics"})

    def test_kafkas_tools_make_find_and_delete_rules(self):
        from kafka.admin import ACL, ACLFilter, ACLOperation, ACLPermissionType, ResourcePattern, ResourcePatternFilter
        from kafka.admin import ACLResourcePatternType, ResourceType
        operator, bob = self.admin("ops", ADMIN_TOKEN, "PLAIN"), self.admin("bob", PASSWORD)
        rule = ACL("User:bob", "*", ACLOperation.WRITE, ACLPermissionType.ALLOW, ResourcePattern(
            ResourceType.TOPIC, "order.", ACLResourcePatternType.PREFIXED))
        self.assertEqual(bob.create_acls([rule])["failed"][0][1].errno, CLUSTER_AUTHORIZATION_FAILED)
        self.assertEqual(operator.create_acls([rule]), {"succeeded": [rule], "failed": []})
        self.assertEqual(self.send(self.producer(), "order.events").offset, 1)
        which = ACLFilter("User:bob", "*", ACLOperation.ANY, ACLPermissionType.ANY, ResourcePatternFilter(
            ResourceType.TOPIC, "order.events", ACLResourcePatternType.MATCH))
        found, error = operator.describe_acls(which)
        self.assertEqual((found, error.errno), ([rule], 0))
        with self.assertRaises(kafka.errors.ClusterAuthorizationFailedError):
            bob.describe_acls(which)
        [(_, deleted, _)] = operator.delete_acls([which])
        self.assertEqual([acl for acl, _ in deleted], [rule])
        self.assert_not_seen("order.events")

    def test_the_command_line_shows_and_deletes_rules(self):
        self.assertEqual(self.pabal("acl", "deny", "bob", "write", "topic", "mails")[0], 0)
        status, said, _ = self.pabal("acl", "list", "bob")
        self.assertEqual(status, 0)
        self.assertIn("topic mails", said)
        self.assertEqual(self.pabal("acl", "delete", "bob", "write", "topic", "mails", "--yes")[0], 0)
        self.assertEqual(self.pabal("acl", "delete", "bob", "--yes")[0], 1)
        status, _, errors = self.pabal("acl", "allow", "bob", "fly", "topic", "mails")
        self.assertEqual(status, 1)
        self.assertIn("right is", errors)


if __name__ == "__main__":
    unittest.main()
