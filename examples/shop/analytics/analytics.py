#!/usr/bin/env python3
"""analytics.py --data DIR --kafka ADDR --listen ADDR: turnover by country, as a Kafka consumer group.

It joins when the others have long been running, and nobody notices. It is not written in C++ and knows nothing of Pabal:
kafka-python (Debian's python3-kafka) reads `order.events`, SQLite keeps what was counted. An event is counted and its id
noted in one transaction, and its offset committed behind that: killed in between it gets the event again, and the id says
that it was counted.

GET /health answers 200 once it has its partitions, GET /ledger what it has counted.
"""

import argparse
import http.server
import json
import logging
import signal
import sqlite3
import sys
import threading
import time
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path

DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"  # another python3 in the path does not look there
try:
    try:
        import kafka
    except ImportError:
        sys.path.append(DEBIAN_PACKAGES)
        import kafka
except ImportError as missing:
    sys.exit(f"analytics: kafka-python cannot be loaded ({missing}). Debian has it: apt-get install python3-kafka")

GROUP, TOPIC = "analytics", "order.events"
COUNTED = ("OrderPaid", "OrderCancelled")
SESSION_MS = 6_000  # so long the group waits for a member that was killed
HEARTBEAT_MS = 1_000
POLL_MS = 200
AGAIN_AFTER_S = 0.2  # when there is no server to talk to

TABLES = """
CREATE TABLE IF NOT EXISTS sales (order_id TEXT, kind TEXT, country TEXT, amount TEXT, at_us INTEGER,
                                  PRIMARY KEY (order_id, kind));
CREATE TABLE IF NOT EXISTS inbox (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS redeliveries (event_id TEXT PRIMARY KEY, at_us INTEGER);
CREATE TABLE IF NOT EXISTS dead_letters (event_id TEXT PRIMARY KEY, reason TEXT, at_us INTEGER);
"""


def now_us():
    return time.time_ns() // 1_000


class Book:
    """What was counted. Each thread opens its own."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.executescript(TABLES)

    def close(self):
        self.database.close()

    def take(self, records):
        """Counts each record once, all of them in one transaction."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                self.take_one(record)
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def take_one(self, record):
        headers = dict(record.headers)
        kind = (headers.get("ce_type") or b"").decode("utf-8", "replace")
        if kind not in COUNTED:
            return
        event = (headers.get("ce_id") or f"{record.partition}/{record.offset}".encode()).decode("utf-8", "replace")
        if not self.database.execute("INSERT OR IGNORE INTO inbox VALUES (?)", (event,)).rowcount:
            self.database.execute("INSERT OR REPLACE INTO redeliveries VALUES (?, ?)", (event, now_us()))
            return
        try:
            order = json.loads(record.value)
            amount = sum((Decimal(line["price"]) * line["quantity"] for line in order["lines"]), Decimal(0))
            sale = (order["order_id"], kind, order["country"], f"{amount:f}", now_us())
        except (ValueError, TypeError, KeyError, ArithmeticError) as problem:
            reason = f"{type(problem).__name__}: {problem}"
            logging.error("%s/%s is given up: %s", record.partition, record.offset, reason)
            self.database.execute("INSERT INTO dead_letters VALUES (?, ?, ?)", (event, reason, now_us()))
            return
        if order["lines"]:
            self.database.execute("INSERT OR IGNORE INTO sales VALUES (?, ?, ?, ?, ?)", sale)

    def count(self, table):
        return self.database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]

    def ledger(self):
        countries = defaultdict(lambda: {"orders": 0, "cancellations": 0, "amount": Decimal(0)})
        for kind, country, amount in self.database.execute("SELECT kind, country, amount FROM sales"):
            paid = kind == "OrderPaid"
            countries[country]["orders" if paid else "cancellations"] += 1
            countries[country]["amount"] += Decimal(amount) if paid else -Decimal(amount)
        for turnover in countries.values():
            turnover["amount"] = f"{turnover['amount']:f}"
        last = self.database.execute("SELECT COALESCE(MAX(at_us), 0) FROM sales").fetchone()[0]
        return {"countries": countries, "last_effect_us": last, "published": 0,
                "redelivered": self.count("redeliveries"), "given_up": self.count("dead_letters")}


class Reader:
    """The group's member: reads, counts, commits, until it is told to stop."""

    def __init__(self, kafka_address, path):
        self.kafka_address, self.path = kafka_address, path
        self.assigned = False
        self.stopping = threading.Event()

    def run(self):
        with closing(Book(self.path)) as book:
            while not self.stopping.is_set():
                try:
                    self.read(book)
                except kafka.errors.KafkaError as problem:
                    logging.warning("again, after %s", problem)
                    self.assigned = False
                    self.stopping.wait(AGAIN_AFTER_S)

    def read(self, book):
        consumer = kafka.KafkaConsumer(
            TOPIC, bootstrap_servers=self.kafka_address, group_id=GROUP, client_id=GROUP, auto_offset_reset="earliest",
            enable_auto_commit=False, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=HEARTBEAT_MS)
        try:
            while not self.stopping.is_set():
                done = {}
                for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                    book.take(records)
                    done[partition] = kafka.structs.OffsetAndMetadata(records[-1].offset + 1, "")
                self.assigned = bool(consumer.assignment())
                if done:
                    self.commit(consumer, done)
        finally:
            consumer.close(autocommit=False)

    @staticmethod
    def commit(consumer, done):
        try:
            consumer.commit(done)
        except kafka.errors.CommitFailedError:
            logging.info("a rebalance came first; these are read again")


def answering(reader):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/health":
                return self.say(200 if reader.assigned else 503, {"ok": reader.assigned})
            if self.path == "/ledger":
                with closing(Book(reader.path)) as book:
                    return self.say(200, book.ledger())
            return self.say(404, {"detail": f"GET {self.path}: there are /health and /ledger"})

        def say(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Answer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="its database is DATA/analytics/analytics.db")
    parser.add_argument("--kafka", required=True, help="the address of a Kafka server")
    parser.add_argument("--listen", required=True, help="its own address")
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    directory = options.data / "analytics"
    directory.mkdir(parents=True, exist_ok=True)
    reader = Reader(options.kafka, directory / "analytics.db")
    host, _, port = options.listen.rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), answering(reader))
    signal.signal(signal.SIGTERM, lambda *_: reader.stopping.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reader.run()


if __name__ == "__main__":
    main()
