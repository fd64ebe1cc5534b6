"""Certificates that are replaced under a running server: who comes next sees the new ones, who is in stays."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import kafka_security_test as security
from harness import Server, wait_until
from kafka_test import read_answer

SEEN_SECONDS_MAX = 60
SOCKET_SECONDS_MAX = 60


@unittest.skipIf(security.OPENSSL is None, "openssl is not installed")
class CertificatesTest(unittest.TestCase):
    """Both doors show `shown.pem`; Kafka's clients need a certificate of an authority in `authorities.pem`."""

    @classmethod
    def setUpClass(cls):
        made = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.made = security.Certificates(made)
        cls.made.sign("renewed", "localhost", "ca")

    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.show("server")
        self.put("ca.pem", "authorities.pem")
        tokens = self.directory / "tokens"
        tokens.write_text("ops the-token-of-the-operator\n")
        tokens.chmod(0o600)
        pair = [str(self.directory / "shown.pem"), str(self.directory / "shown.key")]
        options = ["--token-file", tokens, "--tls-cert", pair[0], "--tls-key", pair[1], "--kafka-tls-cert", pair[0],
                   "--kafka-tls-key", pair[1], "--kafka-client-ca", self.directory / "authorities.pem"]
        self.server = self.enterContext(Server(self.directory / "data", *options))

    def put(self, made, name):
        """In the place of what is there, at once."""
        shutil.copyfile(self.made.path(made), self.directory / f"{name}.new")
        os.replace(self.directory / f"{name}.new", self.directory / name)

    def show(self, name):
        self.put(f"{name}.pem", "shown.pem")
        self.put(f"{name}.key", "shown.key")

    def hang_up(self, words):
        """SIGHUP; returns when the log has `words`."""
        self.server.process.send_signal(signal.SIGHUP)
        self.in_log(words)

    def in_log(self, words):
        wait_until(lambda: words in self.server.said(200), SEEN_SECONDS_MAX, f"'{words}' in the log")

    def serial(self, name):
        said = subprocess.run([security.OPENSSL, "x509", "-noout", "-serial", "-in", self.made.path(f"{name}.pem")],
                              check=True, capture_output=True, text=True, timeout=60).stdout
        return said.strip().removeprefix("serial=")

    def context(self, client="ops"):
        trusting = ssl.create_default_context(cafile=self.made.path("ca.pem"))
        trusting.load_cert_chain(self.made.path(f"{client}.pem"), self.made.path(f"{client}.key"))
        return trusting

    def https(self):
        """A connection that is open."""
        host, _, port = self.server.address.rpartition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=SOCKET_SECONDS_MAX, context=self.context())
        self.addCleanup(connection.close)
        connection.connect()
        return connection

    def kafka(self, client="ops"):
        host, _, port = self.server.addresses["kafka"].rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout=SOCKET_SECONDS_MAX)
        self.addCleanup(plain.close)
        wrapped = self.context(client).wrap_socket(plain, server_hostname="localhost")
        self.addCleanup(wrapped.close)
        return wrapped

    def shown(self):
        """The serials that who comes now sees at the doors."""
        return {self.https().sock.getpeercert()["serialNumber"], self.kafka().getpeercert()["serialNumber"]}

    def await_renewed(self):
        wait_until(lambda: self.shown() == {self.serial("renewed")}, SEEN_SECONDS_MAX, "the new certificate at both doors")

    def ask_https(self, connection):
        connection.request("GET", "/v1/topics", headers={"Authorization": "Bearer the-token-of-the-operator"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def ask_kafka(self, connection):
        """Whether the server answers; it closes a connection whose certificate it does not take."""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            connection.sendall(security.SecurityTest.request(security.API_VERSIONS, 0))
            return read_answer(connection) != b""
        return False

    def test_after_a_signal_who_comes_sees_the_new_certificate_and_who_is_in_stays(self):
        self.assertEqual(self.shown(), {self.serial("server")})
        https, kafka = self.https(), self.kafka()
        self.show("renewed")
        self.hang_up(f"kafka: new connections get the certificate CN=localhost,O=Shop, serial {self.serial('renewed')}")
        self.await_renewed()
        self.assertEqual(self.ask_https(https), 200)
        self.assertTrue(self.ask_kafka(kafka))
        self.assertEqual(https.sock.getpeercert()["serialNumber"], self.serial("server"))

    def test_files_that_change_are_noticed_without_a_signal(self):
        self.show("renewed")
        self.await_renewed()

    def test_a_key_of_another_certificate_is_refused_and_the_old_pair_stays_until_both_fit(self):
        self.put("renewed.key", "shown.key")
        key, chain = self.directory / "shown.key", self.directory / "shown.pem"
        for door in ("http", "kafka"):
            self.hang_up(f"{door}: '{key}' is not the private key of the certificate in '{chain}'; new connections get the "
                         f"certificate of before: CN=localhost,O=Shop, serial {self.serial('server')}")
        self.assertEqual(self.shown(), {self.serial("server")})
        self.put("renewed.pem", "shown.pem")
        self.hang_up("kafka: new connections get the certificate CN=localhost")
        self.await_renewed()

    def test_clients_of_another_authority_come_in_when_its_file_says_so(self):
        old, imposter = self.kafka(), self.kafka("imposter")
        self.assertTrue(self.ask_kafka(old))
        self.assertFalse(self.ask_kafka(imposter))
        self.put("stranger.pem", "authorities.pem")
        self.hang_up("kafka: new connections get the certificate")
        self.assertTrue(self.ask_kafka(self.kafka("imposter")))
        self.assertFalse(self.ask_kafka(self.kafka("ops")))
        self.assertTrue(self.ask_kafka(old))


if __name__ == "__main__":
    unittest.main()
