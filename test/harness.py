"""The real `pabal serve` under test: started, killed, restarted; its HTTP API; and a disk whose power can be cut."""

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("PABAL_BUILD", ROOT / "build/debug"))
PABAL = BUILD / "pabal"

START_SECONDS_MAX = 60
EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2
LAPSE_SECONDS = 0.02


def wait_until(condition, seconds, what):
    """The first true value of `condition`, looked at every 20 ms; an AssertionError that names `what` when none comes."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(LAPSE_SECONDS)
    return value


# -- the API ---------------------------------------------------------------------------------------------------------


class OutcomeUnknown(Exception):
    """The connection broke or the server answered 5xx: what was asked may have happened or not."""

    def __init__(self, why, status=None):
        super().__init__(why)
        self.status = status


class Refused(Exception):
    """The server answered 4xx: nothing has changed."""

    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


class Api:
    """One connection to one server, opened again when it breaks. One thread at a time."""

    def __init__(self, address, service=None, seconds=60, headers=None):
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.seconds = seconds
        self.headers = {**({"Pabal-Service": service} if service else {}), **(headers or {})}
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body bytes) of whatever the server answers; OutcomeUnknown when it does not."""
        sent = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.seconds)
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            raise OutcomeUnknown(repr(broken)) from broken

    def call(self, method, path, body=None, headers=None):
        """The JSON of a 2xx answer (None when empty); Refused for 4xx, OutcomeUnknown for 5xx."""
        status, _, text = self.request(method, f"/v1{path}", body, headers)
        if status >= 500:
            raise OutcomeUnknown(f"{status}: {text.decode(errors='replace')}", status)
        if status >= 400:
            raise Refused(status, text.decode(errors="replace"))
        return json.loads(text) if text else None

    def publish(self, topic, records, headers=None):
        return self.call("POST", f"/topics/{quote(topic)}/records", {"records": records}, headers)["records"]

    def read_partition(self, topic, partition, offset=0, page=1000):
        """Every record of one partition from `offset` on, in order."""
        while True:
            path = f"/topics/{quote(topic)}/records?partition={partition}&offset={offset}&limit={page}"
            records = self.call("GET", path)["records"]
            yield from records
            if not records:
                return
            offset = records[-1]["offset"] + 1

    def receive(self, queue, count=10, wait="1s", visibility="30s"):
        body = {"max": count, "wait": wait, "visibility": visibility}
        return self.call("POST", f"/queues/{quote(queue)}/receive", body)["messages"]

    def settle(self, queue, verb, leases, **more):
        return self.call("POST", f"/queues/{quote(queue)}/{verb}", {"leases": leases, **more})["results"]

    def dead_letters(self, queue):
        """Every dead letter of the queue, as its dead-letter topic holds them."""
        try:
            return list(self.read_partition(f"{queue}.dead", 0))
        except Refused as refused:
            if refused.status != 404:  # the topic is made with the first dead letter
                raise
            return []


class DidNotStart(AssertionError):
    """The server ended, or did not become ready, and what it said."""


# -- the server ------------------------------------------------------------------------------------------------------


class Server:
    """One `pabal serve` on a data directory, on free ports. Can be killed and started again on the same data."""

    def __init__(self, data, *options, environment=None, launcher=()):
        """`launcher` is a command that runs the server, such as prlimit."""
        self.launcher = launcher
        self.data = Path(data)
        self.options = options
        self.environment = environment or {}
        self.process = None
        self.addresses = {}
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-test-"))
        self.log = self.scratch / "serve.log"

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, *_):
        self.remove()

    def command(self, ports_file):
        return [*self.launcher, PABAL, "serve", "--data", self.data, "--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0",
                "--ports-file", ports_file, *self.options]

    def start(self):
        """Starts the server and waits until it says where it listens."""
        ports_file = self.scratch / "ports.json"
        ports_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(ports_file), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        self.addresses = wait_until(lambda: self.read_ports(ports_file), START_SECONDS_MAX, "the server's start")
        return self

    def read_ports(self, ports_file):
        if self.process.poll() is not None:
            raise DidNotStart(f"the server ended with {self.process.returncode} instead of starting:\n{self.said()}")
        with contextlib.suppress(OSError, ValueError):
            return json.loads(ports_file.read_text())
        return None

    @property
    def address(self):
        return self.addresses["http"].removeprefix("http://")

    def api(self, service=None, **more):
        return Api(self.address, service, **more)

    def said(self, lines=30):
        """The end of what the server wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self):
        """kill -9, as if the process had never been."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, seconds=60):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def resident_bytes(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_ticks(self):
        """The processor time it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def remove(self):
        self.kill()
        shutil.rmtree(self.scratch, ignore_errors=True)


# -- the disk --------------------------------------------------------------------------------------------------------


class NoLoopDevice(Exception):
    """This machine cannot mount an image (no root, no loop device, no ext4)."""


class Disk:
    """An ext4 file system in an image file, mounted from a loop device: it can be small, and lose its power."""

    def __init__(self, megabytes=512):
        self.scratch = Path(tempfile.mkdtemp(prefix="pabal-disk-"))
        self.image = self.scratch / "image"
        self.mounted_at = self.scratch / "mnt"
        self.mounted_at.mkdir()
        self.is_mounted = False
        try:
            with self.image.open("wb") as image:
                image.truncate(megabytes << 20)
            self.run("mkfs.ext4", "-q", "-F", self.image)
            self.mount()
        except BaseException:
            self.remove()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def run(*command):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError as missing:
            raise NoLoopDevice(f"{command[0]} is not installed") from missing
        except subprocess.CalledProcessError as failed:
            raise NoLoopDevice(f"{command[0]}: {failed.stderr.strip()}") from failed

    def mount(self):
        self.run("mount", "-o", "loop", self.image, self.mounted_at)
        self.is_mounted = True

    def unmount(self):
        """Waits for the last file of a killed process to be closed."""
        wait_until(lambda: subprocess.run(["umount", self.mounted_at], capture_output=True).returncode == 0, 20, "umount")
        self.is_mounted = False

    def cut_power(self):
        """Stops the file system where it is: nothing that was not flushed reaches the image, every call fails."""
        directory = os.open(self.mounted_at, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        except OSError as refused:
            raise NoLoopDevice(f"ext4 does not take the shutdown call: {refused}") from refused
        finally:
            os.close(directory)

    def restore_power(self):
        """Mounts what reached the image, as after a reboot."""
        self.unmount()
        try:
            self.mount()
        except NoLoopDevice:
            self.run("e2fsck", "-p", self.image)
            self.mount()

    def remove(self):
        if self.is_mounted:
            self.unmount()
        shutil.rmtree(self.scratch, ignore_errors=True)
