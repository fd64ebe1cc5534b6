#!/usr/bin/env python3
"""Measures pabal's Kafka door beside Apache Kafka, in turns, with the same clients; writes DIRECTORY/kafka.json.

`./dev bench kafka` builds what it needs and runs it; present.py then writes the page and the plots."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from goals import measures_of
from servers import Kafka, Pabal, Sink, fetch_kafka, java_consume, java_publish

RECORD_BYTES = (100, 1024)
PARTITIONS = (1, 6, 1000)
LATENCY_PARTITIONS = 6
MANY_TOPICS, PARTITIONS_OF_MANY = 10, 1000


def say(text):
    print(f"bench kafka: {text}", file=sys.stderr, flush=True)


class Raw:
    """Every figure of every run: raw[contender][measure] is a list."""

    def __init__(self):
        self.figures = {}

    def add(self, contender, measure, figure):
        self.figures.setdefault(contender, {}).setdefault(measure, []).append(figure)

    def rates(self, contender, measure):
        return [run["records_per_s"] for run in self.figures.get(contender, {}).get(measure, [])]


def contenders(given, classes):
    """Functions that make each: one runs at a time, so that none lives on another's leftovers."""
    made = [lambda: Pabal(given.program, "flushed"), lambda: Pabal(given.program, "written")]
    if classes:
        made += [lambda: Kafka(given.program, classes, True), lambda: Kafka(given.program, classes, False)]
    return made


def started(stack, make):
    os.sync()
    server = stack.enter_context(make())
    server.start()
    server.wait_until_it_listens()
    return server


def cells():
    return [(size, partitions) for size in RECORD_BYTES for partitions in PARTITIONS]


def measure_rates(server, given, classes, raw):
    """Publishing and consuming as fast as goes, with either client."""
    for size, partitions in cells():
        topic = f"p{size}x{partitions}"
        server.make_topic(topic, partitions)
        raw.add(server.name, f"publish {size} B x {partitions}",
                server.load("publish", topic=topic, partitions=partitions, record_bytes=size, seconds=given.seconds))
    raw.add(server.name, "resident under load", server.resident_mb())
    for size in RECORD_BYTES:
        topic = f"c{size}"
        server.make_topic(topic, 1)
        records = given.consume_bytes // size
        sent = 0
        while sent < records:
            sent += server.load("publish", topic=topic, record_bytes=size, seconds=1)["records"]
        server.load("consume", topic=topic, records=records)  # so that all of it is in memory
        raw.add(server.name, f"consume {size} B", server.load("consume", topic=topic, records=records))
        if classes:
            raw.add(server.name, f"java consume {size} B", java_consume(classes, server, topic, records))
            server.make_topic(f"j{size}", PARTITIONS[1])
            records = int(given.java_seconds * raw.rates(server.name, f"publish {size} B x {PARTITIONS[1]}")[-1])
            raw.add(server.name, f"java publish {size} B", java_publish(classes, server, f"j{size}", records, size))


def measure_start(server, raw):
    server.make_topic("first", 1)
    server.stop()
    raw.add(server.name, "first produce", server.first_produce_seconds("first"))
    time.sleep(1)
    raw.add(server.name, "resident idle", server.resident_mb())
    if server.kind == "pabal":
        for i in range(MANY_TOPICS):
            server.make_topic(f"many{i}", PARTITIONS_OF_MANY)
        raw.add(server.name, "resident with 10,000 partitions", server.resident_mb())


def measure_latency(server, given, rate, raw):
    server.make_topic("latency", LATENCY_PARTITIONS)
    with tempfile.TemporaryDirectory(dir=given.program.parent) as scratch:
        raw.add(server.name, "latency", server.load("latency", topic="latency", partitions=LATENCY_PARTITIONS,
                                                    seconds=given.latency_seconds, per_second=rate,
                                                    flush_file=f"{scratch}/flushed"))


def measure_ceilings(given, raw):
    """What the clients do when the server does nothing, and what the disk does."""
    for partitions in PARTITIONS:
        with contextlib.ExitStack() as stack:
            sink = started(stack, lambda: Sink(given.program, partitions))
            for size in RECORD_BYTES:
                raw.add("sink", f"publish {size} B x {partitions}",
                        sink.load("publish", topic="t", partitions=partitions, record_bytes=size, seconds=given.seconds))
                if partitions == 1:
                    raw.add("sink", f"consume {size} B", sink.load("consume", topic="t", records=given.consume_bytes // size))
    raw.add("disk", "write", disk_mb_per_s(given))


def disk_mb_per_s(given):
    """Pieces of 1 MiB, each flushed."""
    piece, count = b"x" * (1 << 20), given.disk_mb
    with tempfile.NamedTemporaryFile(dir=given.program.parent) as file:
        began = time.monotonic()
        for _ in range(count):
            file.write(piece)
            file.flush()
            os.fdatasync(file.fileno())
        return count * len(piece) / 1e6 / (time.monotonic() - began)


def measure_all(given, classes):
    raw = Raw()
    for run in range(given.runs):
        say(f"run {run + 1} of {given.runs}: ceilings")
        measure_ceilings(given, raw)
        for make in contenders(given, classes):
            with contextlib.ExitStack() as stack:
                server = started(stack, make)
                say(f"run {run + 1} of {given.runs}: {server.name}: rates")
                measure_rates(server, given, classes if run == 0 else None, raw)  # the JVM's tools take long
                say(f"run {run + 1} of {given.runs}: {server.name}: start")
                measure_start(server, raw)
        peaks = [raw.rates(name, f"publish {RECORD_BYTES[0]} B x {LATENCY_PARTITIONS}")[-1] for name in raw.figures
                 if name not in ("sink", "disk")]
        rate = min(peaks) / 10  # the same for all
        for make in contenders(given, classes):
            with contextlib.ExitStack() as stack:
                server = started(stack, make)
                say(f"run {run + 1} of {given.runs}: {server.name}: latency at {rate:,.0f} records/s")
                measure_latency(server, given, rate, raw)
    return raw.figures


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=lambda path: Path(path).resolve(), required=True, help="kafka_load, beside pabal")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="one short run: figures for a first look only")
    parser.add_argument("--runs", type=int, default=3, help="how often all is measured; medians count")
    parser.add_argument("--seconds", type=float, default=3, help="of each load")
    given = parser.parse_args(arguments)
    given.latency_seconds, given.java_seconds, given.consume_bytes, given.disk_mb = 10, given.seconds, 48 << 20, 256
    if given.quick:
        given.runs, given.seconds, given.latency_seconds, given.java_seconds, given.disk_mb = 1, 1, 3, 1, 64
    return given


def main():
    given = parse(sys.argv[1:])
    classes, why = fetch_kafka(given.program.parent.parent)
    if why:
        say(f"no Apache Kafka to compare with: {why}; pabal runs alone")
    began = time.time()
    load_before = os.getloadavg()[0]
    figures = measure_all(given, classes)
    measured = {
        "taken": {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)), "seconds": round(time.time() - began),
                  "load_before": load_before, "load_after": os.getloadavg()[0]},
        "machine": {"cores": os.cpu_count(), "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE") >> 20},
        "options": {"quick": given.quick, "runs": given.runs, "seconds": given.seconds, "latency_seconds": given.latency_seconds},
        "without_kafka": why,
        "measures": measures_of(figures),
        "raw": figures}
    given.json.write_text(json.dumps(measured, indent=1) + "\n")
    for measure in measured["measures"]:
        say(f"{measure['what']}: {measure['text']} (goal {measure['goal']}): {'met' if measure['met'] else 'MISSED'}")


if __name__ == "__main__":
    main()
