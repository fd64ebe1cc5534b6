"""One round of a fault under load: run, strike, start again, check what was promised."""

import random
import time

from harness import DidNotStart, wait_until
from load import Load

LOAD_SECONDS_MAX = 2.0


def let_it_run(load, server, random_source):
    """Waits until this round got answers of every kind and somebody reads, then for a random while."""
    acked, settled = load.acked_count(), load.settled_count()
    wait_until(lambda: load.acked_count() > acked and load.settled_count() > settled and load.watcher.seen, 120,
               f"answers under load; the server said:\n{server.said()}\n")
    with server.api() as api:
        load.make_a_topic(api)
    load.stopping.wait(random_source.uniform(0, LOAD_SECONDS_MAX))


def strike_once(load, server, strike, random_source):
    """`strike` brings the server down, in whatever way, and leaves its data so that it can be started again."""
    load.start(server)
    try:
        let_it_run(load, server, random_source)
        strike(server, load)
    finally:
        load.stop()
    try:
        server.start()
    except DidNotStart as why:
        load.complaints.append(str(why))
        return
    with server.api() as api:
        load.verify(api)


def survive(server, strike, rounds, seed, report=print):
    """The promises that `server` broke under `rounds` strikes; empty when it kept them all."""
    random_source = random.Random(seed)
    load = Load(random_source)
    with server.api() as api:
        load.prepare(api)
    for number in range(rounds):
        started = time.monotonic()
        strike_once(load, server, strike, random_source)
        report(f"round {number + 1}: {load.acked_count()} acknowledged, {load.settled_count()} settled, "
               f"{len(load.complaints)} complaints, {time.monotonic() - started:.1f} s")
        if load.complaints:
            return load.complaints
    load.finish(server)
    return load.complaints
