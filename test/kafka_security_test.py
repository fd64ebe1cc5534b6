"""Who may come in at the Kafka door: TLS, certificates of clients, passwords; with the clients of Debian's packages."""

import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import Server, wait_until
from kafka_test import CLIENT_SECONDS_MAX, NO_KAFKA, kafka, read_answer

AUTHENTICATION_SECONDS_MAX = 10
STRANGER_FRAME_BYTES_MAX = 16 << 10
METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
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


if __name__ == "__main__":
    unittest.main()
