"""A Kafka client under test: a small program in its own language that does as it is told, and what the server holds then.

Each program reads calls as lines of JSON from its standard input, `{"id", "do", ...}`, and answers each, in whatever order
they end, with `{"id", "result"}` or `{"id", "error", "message"}`, the error by Kafka's name. What happens by itself comes as
`{"event", ...}`. README.md lists the calls.
"""

import base64
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from harness import BUILD, Server, wait_until  # noqa: E402 - the tests beside this directory

HERE = Path(__file__).resolve().parent
BUILT = BUILD.parent / "clients"  # what is fetched and built for the clients
CALL_SECONDS_MAX = 120
FETCH_SECONDS_MAX = 600


class Missing(Exception):
    """Why a client cannot be had on this machine."""


class Failed(Exception):
    """The client was told, or found, that it does not work: Kafka's name of the error."""

    def __init__(self, call, error, message):
        super().__init__(f"{call}: {error}: {message}")
        self.error = error


def fetch(command, directory, what):
    """Runs a package manager; Missing when it cannot bring what is asked of it."""
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=FETCH_SECONDS_MAX,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as missing:
        raise Missing(f"{what}: {command[0]} is not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise Missing(f"{what}: {command[0]} did not end within {FETCH_SECONDS_MAX} s") from late
    if done.returncode != 0:
        raise Missing(f"{what}: {' '.join(map(str, command[:3]))} failed: {(done.stdout + done.stderr).strip()[-300:]}")


class Program:
    """The client's program, running. Calls may overlap; events are kept in the order they came."""

    def __init__(self, command, settings):
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*command, json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.said)
        self.ids = itertools.count()
        self.answers = {}
        self.events = []
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "event" in said:
                self.events.append(said)
            else:
                self.answers[said["id"]] = said

    def begin(self, do, **arguments):
        """Sends a call; its id, for finish()."""
        number = next(self.ids)
        with self.lock:
            self.process.stdin.write(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
            self.process.stdin.flush()
        return number

    def finish(self, number, call, seconds=CALL_SECONDS_MAX):
        wait_until(lambda: number in self.answers or not self.reader.is_alive(), seconds, f"the answer to {call}")
        if number not in self.answers:
            raise AssertionError(f"the client ended at {call}: {self.stderr()}")
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(call, answer["error"], answer["message"])
        return answer["result"]

    def call(self, do, seconds=CALL_SECONDS_MAX, **arguments):
        return self.finish(self.begin(do, **arguments), do, seconds)

    def of(self, event, **wanted):
        """The events of a kind, with these values."""
        return [e for e in list(self.events) if e["event"] == event and all(e[k] == v for k, v in wanted.items())]

    def stderr(self):
        self.said.seek(0)
        return self.said.read().decode(errors="replace")[-4000:]

    def close(self):
        """Ends it as a kill does."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for file in (self.process.stdin, self.process.stdout, self.said):
            with contextlib.suppress(OSError):
                file.close()


def coded(value):
    return None if value is None else base64.b64encode(value).decode()


def decoded(text):
    return None if text is None else base64.b64decode(text)


class ClientTest(unittest.TestCase):
    """A server that keeps its address through restarts. A client's own test file says what `command` is, and which of `has`
    it can do."""

    command = None  # () -> the words that start the program; raises Missing
    has = frozenset()
    options = ()

    @classmethod
    def setUpClass(cls):
        try:
            cls.words = cls.command()
        except Missing as why:
            raise unittest.SkipTest(str(why)) from why

    def setUp(self):
        data = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(Server(data, *self.options))
        self.api = self.enterContext(self.operator())
        self.bootstrap = self.server.addresses["kafka"]
        command, door = self.server.command, self.bootstrap

        def where_it_was(ports_file):
            words = command(ports_file)
            words[words.index("--kafka") + 1] = door
            return words
        self.server.command = where_it_was

    def operator(self):
        return self.server.api()

    def needs(self, feature):
        if feature not in self.has:
            self.skipTest(f"this client has no {feature}")

    def client(self, **settings):
        program = Program(self.words, {"bootstrap": self.bootstrap, "client_id": "till", **settings})
        self.addCleanup(program.close)
        return program

    def restart(self, kill=False):
        if kill:
            self.server.kill()
        else:
            self.assertEqual(self.server.stop(), 0)
        self.api.close()
        self.server.start()
        self.api = self.enterContext(self.operator())

    def assert_fails(self, error, client, do, **arguments):
        with self.assertRaises(Failed) as failed:
            client.call(do, **arguments)
        self.assertEqual(failed.exception.error, error, str(failed.exception))
