"""Producers and consumers that remember every promise the server gave them, and a check of what it kept.

The promises: what was acknowledged is there, once, where it was said to be; what a reader saw stays; the records of a
key are in the order of their producer; what was acked does not come back; a dead letter is kept, once. The check reads
the whole topic through the same API as everybody.
"""

import threading
from collections import Counter

from harness import OutcomeUnknown, Refused, wait_until

TOPIC = "load"
PARTITIONS = 3
QUEUES = {
    "work": {"topic": TOPIC, "from": "earliest", "backoff": {"first": "10ms", "factor": 1, "max": "10ms"}},
    "ordered": {"topic": TOPIC, "from": "earliest", "order": "key",
                "backoff": {"first": "10ms", "factor": 1, "max": "10ms"}},
}
BATCH_RECORDS_MAX = 8
RECEIVE_MAX = 100
BACKLOG_MAX = 2000
KEYS_OF_A_PRODUCER = 5
DRAIN_SECONDS_MAX = 120


def identity(value):
    """(producer, number) of a record that a producer here wrote."""
    return value["producer"], value["n"]


class Producer:
    """Numbers its records from 0 and repeats a call whose outcome it does not know, under the same sequences."""

    def __init__(self, name, random, may_go_on):
        self.name = name
        self.random = random
        self.may_go_on = may_go_on  # waits while the consumers are far behind
        self.pending = []
        self.next_n = 0
        self.acked = {}  # n: (partition, offset), or None when the server said "I have it already"

    def records(self):
        if not self.pending:
            count = self.random.randint(1, BATCH_RECORDS_MAX)
            self.pending = list(range(self.next_n, self.next_n + count))
            self.next_n += count
        return [{"key": f"{self.name}-{n % KEYS_OF_A_PRODUCER}", "value": {"producer": self.name, "n": n},
                 "sequence": n + 1} for n in self.pending]

    def step(self, api):
        self.may_go_on()
        answers = api.publish(TOPIC, self.records(), {"Pabal-Producer": self.name})
        for n, answer in zip(self.pending, answers, strict=True):
            self.acked[n] = None if answer.get("duplicate") else (answer["partition"], answer["offset"])
        self.pending = []


class Queue:
    """What the consumers of one queue were promised. Shared by them, under its lock."""

    def __init__(self, name, complain):
        self.name = name
        self.complain = complain
        self.lock = threading.Lock()
        self.delivered = set()
        self.acked = set()
        self.dead = set()
        self.unknown = set()  # an ack or nack was sent for it, and no answer came
        self.last_of_key = {}  # highest n settled per key

    def took(self, message):
        who = identity(message["body"])
        with self.lock:
            if who in self.acked:
                self.complain(f"queue {self.name}: {who} came back although its ack was answered")
            if who in self.dead:
                self.complain(f"queue {self.name}: {who} came back although it was dead-lettered")
            if self.name == "ordered" and who[1] <= self.last_of_key.get(message["key"], -1):
                self.complain(f"queue {self.name}: {who} after {self.last_of_key[message['key']]} of its key")
            self.delivered.add(who)

    def settled(self, message, among):
        who = identity(message["body"])
        with self.lock:
            among.add(who)
            self.last_of_key[message["key"]] = max(who[1], self.last_of_key.get(message["key"], -1))


class Consumer:
    """Acks most of what it gets, sends some to the dead letters and some back once."""

    def __init__(self, queue):
        self.queue = queue

    def step(self, api):
        messages = api.receive(self.queue.name, RECEIVE_MAX, wait="200ms")
        for message in messages:
            self.queue.took(message)
        kinds = {"ack": [], "dead": [], "retry": []}
        for message in messages:
            kinds[self.fate_of(message)].append(message)
        self.settle(api, "ack", kinds["ack"], self.queue.acked)
        self.settle(api, "nack", kinds["dead"], self.queue.dead, dead=True, reason="chosen to die")
        self.settle(api, "nack", kinds["retry"], None, delay="20ms")

    @staticmethod
    def fate_of(message):
        n = message["body"]["n"]
        if n % 37 == 5:
            return "dead"
        return "retry" if n % 11 == 3 and message["delivery"] == 1 else "ack"

    def settle(self, api, verb, messages, among, **more):
        if not messages:
            return
        by_lease = {message["lease"]: message for message in messages}
        try:
            results = api.settle(self.queue.name, verb, list(by_lease), **more)
        except OutcomeUnknown:
            self.queue.unknown |= {identity(message["body"]) for message in messages}
            raise
        for result in results:
            if result["ok"] and among is not None:
                self.queue.settled(by_lease[result["lease"]], among)


class Watcher:
    """Reads the topic's end and remembers what it saw there."""

    def __init__(self, complain):
        self.complain = complain
        self.seen = {}  # (partition, offset): identity
        self.ends = [0] * PARTITIONS

    def step(self, api):
        for entry in api.call("GET", f"/topics/{TOPIC}")["partitions"]:
            partition, end = entry["partition"], entry["next_offset"]
            if end < self.ends[partition]:
                self.complain(f"partition {partition} ended at {self.ends[partition]} and now ends at {end}")
            for record in api.read_partition(TOPIC, partition, self.ends[partition]):
                self.seen[partition, record["offset"]] = identity(record["value"])
                self.ends[partition] = record["offset"] + 1


class Load:
    """All of them on threads, against whatever server `run` is given; `verify` when they are still."""

    def __init__(self, random, producers=4, consumers=2):
        self.complaints = []
        self.producers = [Producer(f"p{i}", random, self.let_consumers_follow) for i in range(producers)]
        self.queues = [Queue(name, self.complaints.append) for name in QUEUES]
        self.watcher = Watcher(self.complaints.append)
        self.consumers = [Consumer(queue) for queue in self.queues for _ in range(consumers)]
        self.fresh = []  # topics made on the way
        self.threads = []
        self.stopping = threading.Event()
        self.disk_fails = False  # from now on the server may answer 500: its disk does

    @staticmethod
    def prepare(api):
        api.call("PUT", f"/topics/{TOPIC}", {"partitions": PARTITIONS})
        for name, settings in QUEUES.items():
            api.call("PUT", f"/queues/{name}", settings)

    def acked_count(self):
        return sum(len(producer.acked) for producer in self.producers)

    def let_consumers_follow(self):
        behind = self.acked_count() * len(self.queues) - self.settled_count()
        if behind > BACKLOG_MAX:
            self.stopping.wait(0.05)

    def settled_count(self):
        return sum(len(queue.acked) + len(queue.dead) for queue in self.queues)

    def start(self, server, producing=True):
        self.stopping.clear()
        self.disk_fails = False
        workers = [*(self.producers if producing else []), *self.consumers, self.watcher]
        self.threads = [threading.Thread(target=self.loop, args=(worker, server)) for worker in workers]
        for thread in self.threads:
            thread.start()

    def loop(self, worker, server):
        with server.api(service=type(worker).__name__.lower()) as api:
            while not self.stopping.is_set():
                try:
                    worker.step(api)
                except OutcomeUnknown as unknown:
                    if unknown.status == 500 and not self.disk_fails:  # 503 is pressure or a disk; 500 is a bug
                        self.complaints.append(f"{type(worker).__name__}: {unknown}")
                    self.stopping.wait(0.01)
                except Refused as refused:
                    self.complaints.append(f"{type(worker).__name__}: {refused}")
                    return

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def make_a_topic(self, api):
        """A topic whose only promise is that it exists once its first publish was answered."""
        name = f"fresh-{len(self.fresh)}"
        api.publish(name, [{"value": name}])
        self.fresh.append(name)

    def finish(self, server):
        """The producers repeat what was not answered, the consumers empty the queues; then nothing may be missing."""
        with server.api() as api:
            for producer in self.producers:
                if producer.pending:
                    producer.step(api)
            self.start(server, producing=False)
            try:
                for queue in self.queues:
                    wait_until(lambda q=queue: self.is_empty(q, api), DRAIN_SECONDS_MAX, f"queue {queue.name} empty")
            finally:
                self.stop()
            self.verify(api, at_the_end=True)

    @staticmethod
    def is_empty(queue, api):
        state = api.call("GET", f"/queues/{queue.name}")
        return not any(state[part] for part in ("ready", "leased", "delayed", "unscanned"))

    # -- the check -------------------------------------------------------------------------------------------------

    def verify(self, api, at_the_end=False):
        """Everything promised so far against everything there is; complaints are appended."""
        try:
            stored = {p: list(api.read_partition(TOPIC, p)) for p in range(PARTITIONS)}
        except Refused as refused:
            self.complaints.append(f"topic {TOPIC} cannot be read any more: {refused}")
            return
        places = {}
        for partition, records in stored.items():
            self.verify_order(partition, records)
            for record in records:
                places.setdefault(identity(record["value"]), []).append((partition, record["offset"]))
        self.verify_once(places)
        self.verify_acknowledged(places)
        self.verify_seen(places)
        for queue in self.queues:
            self.verify_queue(queue, places, api, at_the_end)
        for name in self.fresh:
            self.verify_fresh(name, api)

    def verify_order(self, partition, records):
        last = {}
        for record in records:
            producer, n = identity(record["value"])
            if n <= last.get(record["key"], -1):
                self.complaints.append(f"partition {partition}: {producer}'s {n} stands after {last[record['key']]}")
            last[record["key"]] = n

    def verify_once(self, places):
        for who, where in places.items():
            if len(where) > 1:
                self.complaints.append(f"{who} is stored {len(where)} times: {where}")

    def verify_acknowledged(self, places):
        for producer in self.producers:
            for n, place in producer.acked.items():
                where = places.get((producer.name, n), [])
                if not where:
                    self.complaints.append(f"{(producer.name, n)} was acknowledged at {place} and is lost")
                elif place and place not in where:
                    self.complaints.append(f"{(producer.name, n)} was acknowledged at {place} and is at {where}")

    def verify_seen(self, places):
        if not self.watcher.seen:
            self.complaints.append("the watcher saw nothing")
        for place, who in self.watcher.seen.items():
            if place not in places.get(who, []):
                self.complaints.append(f"{who} was read at {place} and is not there")

    def verify_queue(self, queue, places, api, at_the_end):
        for who in queue.delivered - places.keys():
            self.complaints.append(f"queue {queue.name}: delivered {who}, which is not stored")
        kept = Counter(identity(letter["value"]) for letter in api.dead_letters(queue.name))
        for who in queue.dead - kept.keys():
            self.complaints.append(f"queue {queue.name}: the dead letter {who} is lost")
        for who, count in kept.items():
            if count > 1:
                self.complaints.append(f"queue {queue.name}: the dead letter {who} is there {count} times")
            if who in queue.acked:
                self.complaints.append(f"queue {queue.name}: {who} was acked and is a dead letter")
        if at_the_end:
            for who in places.keys() - queue.acked - kept.keys() - queue.unknown:
                self.complaints.append(f"queue {queue.name}: {who} was never delivered to its end")

    def verify_fresh(self, name, api):
        try:
            values = [record["value"] for record in api.read_partition(name, 0)]
        except Refused as refused:
            values = refused
        if values != [name]:
            self.complaints.append(f"topic {name} was made and answered, and now holds {values}")
