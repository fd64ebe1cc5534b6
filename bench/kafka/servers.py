"""What ./dev bench kafka measures: pabal, Apache Kafka and a sink that drops, each as a process of its own."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
JAVA_VERSION_MIN = 17


def free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def fetch_kafka(build):
    """(class path, None), or (None, why there is no Kafka)."""
    jars = build / "kafka-jars"
    if not shutil.which("java"):
        return None, "java is not installed"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = said.split('"')[1].split(".")[0] if '"' in said else "0"
    if not version.isdigit() or int(version) < JAVA_VERSION_MIN:
        return None, f"Java {JAVA_VERSION_MIN} or later is needed, and this is {said.splitlines()[0] if said else 'none'}"
    if not list(jars.glob("kafka_2.13-4*.jar")):
        if not shutil.which("mvn"):
            return None, "mvn is not installed"
        fetched = subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies",
                                  "-DincludeScope=runtime", f"-DoutputDirectory={jars}"], capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            return None, f"mvn could not fetch its jars: {(fetched.stdout + fetched.stderr).strip()[-300:]}"
    return f"{jars}/*", None


class Server:
    """One process on a data directory of its own, removed with it."""

    def __init__(self, name, program):
        self.name = name
        self.program = program  # kafka_load
        self.process = None
        self.port = free_ports(1)[0]
        self.scratch = Path(tempfile.mkdtemp(prefix=f"bench-{name.split()[0].lower()}-", dir=program.parent))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def spawn(self, command, **more):
        with open(self.scratch / "said.log", "ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, cwd=self.scratch, **more)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def wait_until_it_listens(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start: {(self.scratch / 'said.log').read_text()[-500:]}")

    def load(self, what, seconds_max=300, **options):
        """Runs kafka_load against it; what it measured, with the processor time that the server used meanwhile."""
        arguments = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        before = self.cpu_seconds()
        done = subprocess.run([self.program, what, f"--bootstrap=127.0.0.1:{self.port}", *arguments], capture_output=True,
                              text=True, timeout=seconds_max, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"kafka_load {what} on {self.name}: {done.stderr.strip()[-500:]}")
        measured = json.loads(done.stdout)
        return {**measured, "server_cpu_seconds": self.cpu_seconds() - before} if measured else None

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def make_topic(self, topic, partitions):
        self.load("topic", topic=topic, partitions=partitions)

    def first_produce_seconds(self, topic):
        """From the start of the process to the first record that it accepts; it was stopped before."""
        client = subprocess.Popen([self.program, "first", f"--port={self.port}", f"--topic={topic}"], stdout=subprocess.PIPE)
        began = time.time()
        self.start()
        answer = json.loads(client.communicate(timeout=120)[0])
        return answer["accepted_at"] - began


class Pabal(Server):
    kind = "pabal"

    def __init__(self, program, durability):
        super().__init__(f"Pabal {durability}", program)
        self.durability = durability
        self.http = free_ports(1)[0]

    def start(self):
        self.spawn([self.program.parent / "pabal", "serve", "--data", self.scratch / "data", "--http",
                    f"127.0.0.1:{self.http}", "--kafka", f"127.0.0.1:{self.port}"])

    def make_topic(self, topic, partitions):
        api = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        body = json.dumps({"partitions": partitions, "durability": self.durability})
        api.request("PUT", f"/v1/topics/{topic}", body, {"Content-Type": "application/json"})
        answer = api.getresponse()
        said = answer.read()
        api.close()
        if answer.status >= 300:
            raise RuntimeError(f"pabal makes no {topic}: {answer.status} {said.decode()[:300]}")


class Kafka(Server):
    kind = "kafka"

    def __init__(self, program, classes, flushes):
        super().__init__("Kafka flushing" if flushes else "Kafka as shipped", program)
        self.classes = classes
        controller = free_ports(1)[0]
        self.properties = self.scratch / "server.properties"
        self.properties.write_text("\n".join([
            "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{controller}",
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", f"log.dirs={self.scratch}/data",
            "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0",
            *(["log.flush.interval.messages=1"] if flushes else [])]) + "\n")
        self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", self.properties)

    def java(self, *arguments):
        return run_java(self.classes, *arguments)

    def start(self):
        self.spawn(["java", "-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-cp", self.classes,
                    "kafka.Kafka", self.properties])


class Sink(Server):
    kind = "sink"

    def __init__(self, program, partitions):
        super().__init__(f"sink of {partitions}", program)
        self.partitions = partitions

    def start(self):
        self.spawn([self.program, "sink", f"--port={self.port}", f"--partitions={self.partitions}"])


def run_java(classes, *arguments):
    done = subprocess.run(["java", "-Xmx512m", "-cp", classes, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]}: {(done.stdout + done.stderr).strip()[-500:]}")
    return done.stdout


def java_publish(classes, server, topic, records, record_bytes):
    """What Apache's kafka-producer-perf-test says; without idempotence, as the other client."""
    said = run_java(classes, "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", records,
                    "--record-size", record_bytes, "--throughput", -1, "--producer-props",
                    f"bootstrap.servers=127.0.0.1:{server.port}", "acks=all", "enable.idempotence=false")
    last = [line for line in said.splitlines() if "records sent" in line][-1]
    return {"records": records, "records_per_s": float(last.split(",")[1].split()[0]), "said": last}


def java_consume(classes, server, topic, records):
    said = run_java(classes, "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", f"127.0.0.1:{server.port}",
                    "--topic", topic, "--messages", records, "--timeout", 60000)
    names, values = [line.split(", ") for line in said.splitlines() if ", " in line][:2]
    row = dict(zip([name.strip() for name in names], values))
    return {"records": records, "records_per_s": float(row["fetch.nMsg.sec"]), "said": row}
