"""Apache Kafka's own command line tools, which Maven brings: a class path, and one tool's run."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "4.3.1"
FETCH_SECONDS_MAX = 300
TOOL_SECONDS_MAX = 120

POM = Path(__file__).resolve().parent.parent / "bench/kafka/pom.xml"  # of the benchmark, which has its own version
PACKAGE = "org.apache.kafka.tools"
TOOLS = {
    "kafka-acls": f"{PACKAGE}.AclCommand",
    "kafka-broker-api-versions": f"{PACKAGE}.BrokerApiVersionsCommand",
    "kafka-cluster": f"{PACKAGE}.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": f"{PACKAGE}.consumer.ConsoleConsumer",
    "kafka-console-producer": f"{PACKAGE}.ConsoleProducer",
    "kafka-consumer-groups": f"{PACKAGE}.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": f"{PACKAGE}.ConsumerPerformance",
    "kafka-delete-records": f"{PACKAGE}.DeleteRecordsCommand",
    "kafka-e2e-latency": f"{PACKAGE}.EndToEndLatency",
    "kafka-get-offsets": f"{PACKAGE}.GetOffsetShell",
    "kafka-groups": f"{PACKAGE}.GroupsCommand",
    "kafka-log-dirs": f"{PACKAGE}.LogDirsCommand",
    "kafka-producer-perf-test": f"{PACKAGE}.ProducerPerformance",
    "kafka-topics": f"{PACKAGE}.TopicCommand",
    "kafka-verifiable-consumer": f"{PACKAGE}.VerifiableConsumer",
    "kafka-verifiable-producer": f"{PACKAGE}.VerifiableProducer",
}


class Missing(Exception):
    """Why the tools cannot be run here."""


@functools.cache
def class_path():
    """All jars the tools need, from Maven's store when they are there, else fetched into it."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed; Debian has default-jre-headless and maven")
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(POM), f"-Dkafka.version={VERSION}", "dependency:build-classpath",
                   f"-Dmdep.outputFile={answer}"]
        for how in (["-o"], []):
            try:
                done = subprocess.run([*command, *how], capture_output=True, text=True, timeout=FETCH_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0 and answer.exists():
                return answer.read_text().strip()
    raise Missing(f"Maven does not bring org.apache.kafka {VERSION}")


def run(tool, *arguments, said=None):
    """What the tool answered, to what it was `said`; an AssertionError when it failed."""
    command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", class_path(), TOOLS[tool], *arguments]
    done = subprocess.run(command, input=said or "", capture_output=True, text=True, timeout=TOOL_SECONDS_MAX)
    if done.returncode != 0:
        raise AssertionError(f"{tool} {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout
