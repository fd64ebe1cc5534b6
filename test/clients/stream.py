"""Numbers sent to every partition in turn until told to stop, while a test does something to the server or to its readers."""

import threading

from driven import CALL_SECONDS_MAX, Failed, coded
from harness import wait_until

PARTITIONS = 4
ROUND = 50  # numbers of one call, each to every partition: several batches are in flight
DELIVERY_SECONDS_MAX = 2 * CALL_SECONDS_MAX


class Stream:
    """Sends on a thread of its own: 0, 1, 2, ... to each partition; a round begins when the one before is acknowledged."""

    def __init__(self, program, **options):
        self.program = program
        self.stored = {}  # (partition, number) -> offset
        self.failure = None
        self.stopping = threading.Event()
        program.call("open_producer", producer="stream", codec="none", idempotent=True, linger_ms=1, batch_bytes=512, **options)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        first = 0
        try:
            while not self.stopping.is_set():
                numbers = [(p, n) for n in range(first, first + ROUND) for p in range(PARTITIONS)]
                records = [{"partition": p, "key": None, "value": coded(b"%d" % n), "headers": []} for p, n in numbers]
                offsets = self.program.call("send", DELIVERY_SECONDS_MAX, producer="stream", topic="orders", records=records)
                self.stored.update(zip(numbers, offsets))
                first += ROUND
        except (Failed, AssertionError, OSError, ValueError) as failure:  # the last two: the program has ended
            self.failure = failure

    def count(self):
        """How many numbers every partition has."""
        return len(self.stored) // PARTITIONS

    def wait_for(self, more):
        """Until each partition has so many more than now."""
        wanted = self.count() + more
        wait_until(lambda: self.count() >= wanted or self.failure, DELIVERY_SECONDS_MAX, f"{wanted} numbers to be stored")
        if self.failure:
            raise AssertionError(f"the producer failed: {self.failure}")

    def stop(self):
        self.stopping.set()
        self.thread.join(DELIVERY_SECONDS_MAX)
        if self.failure or self.thread.is_alive():
            raise AssertionError(f"the producer failed: {self.failure or 'it does not end'}")


def check_once_and_in_order(test, stream):
    """That each partition holds just what was acknowledged, each number once, in order, where the client was told."""
    for partition in range(PARTITIONS):
        read = [(record["value"], record["offset"]) for record in test.api.read_partition("orders", partition)]
        test.assertEqual([value for value, _ in read], list(range(stream.count())))
        for value, offset in read:
            test.assertIn(stream.stored[partition, value], (offset, -1))  # -1: a repeated batch whose offset is not known
