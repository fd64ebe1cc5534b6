"""Consumer groups of any client: rebalances while others publish, static members, cooperative ones, restarts."""

from driven import ClientTest
from harness import wait_until
from stream import PARTITIONS, Stream, check_once_and_in_order

EVENT_SECONDS_MAX = 90
SESSION_MS = 20_000
ALL = set(range(PARTITIONS))


class Member:
    """What a member of a group has said of itself."""

    def __init__(self, program, name, assignor, **options):
        self.program = program
        self.name = name
        program.call("join", member=name, group="readers", topic="orders", assignor=assignor, session_ms=SESSION_MS, **options)

    @property
    def partitions(self):
        said = self.program.of("assigned", member=self.name)
        return set(said[-1]["partitions"]) if said else set()

    @property
    def read(self):
        """Of each (partition, number) it read, in order."""
        if failed := self.program.of("failed", member=self.name):
            raise AssertionError(f"{self.name}: {failed[0]['message']}")
        return [tuple(record) for event in self.program.of("read", member=self.name) for record in event["records"]]

    def wait_for_more(self):
        before = len(self.read)
        wait_until(lambda: len(self.read) > before, EVENT_SECONDS_MAX, f"{self.name} to read")

    def leave(self):
        self.program.call("leave", member=self.name)


class GroupsTest(ClientTest):
    def setUp(self):
        super().setUp()
        self.api.call("PUT", "/topics/orders", {"partitions": PARTITIONS})

    def wait_shared(self, *members):
        def shared():
            parts = [member.partitions for member in members]
            return set().union(*parts) == ALL and all(len(p) == PARTITIONS // len(members) for p in parts)
        wait_until(shared, EVENT_SECONDS_MAX, "the partitions to be shared out")

    def wait_all_read(self, stream, *members):
        def all_read():
            return set(stream.stored) <= {record for member in members for record in member.read}
        wait_until(all_read, EVENT_SECONDS_MAX, "everything to be read")

    def group(self):
        return self.api.call("GET", "/groups/readers")

    def check_rebalances(self, assignor):
        """A second member comes and goes while records come in: each is read. What the first one had, time after time."""
        stream = Stream(self.client())
        readers = self.client()
        one = Member(readers, "one", assignor)
        self.wait_shared(one)
        one.wait_for_more()
        other = Member(readers, "other", assignor)
        self.wait_shared(one, other)
        one.wait_for_more()
        other.wait_for_more()
        other.leave()
        self.wait_shared(one)
        one.wait_for_more()
        stream.stop()
        self.wait_all_read(stream, one, other)
        check_once_and_in_order(self, stream)
        had = [set(event["partitions"]) for event in readers.of("assigned", member="one")]
        one.leave()
        committed = {p["partition"]: p["committed"] for p in self.group()["partitions"]}
        ends = {p["partition"]: p["next_offset"] for p in self.api.call("GET", "/topics/orders")["partitions"]}
        self.assertEqual(committed, ends)
        return had

    def test_members_come_and_go_while_records_come(self):
        self.check_rebalances("roundrobin")

    def test_of_each_assignor(self):
        for assignor in sorted(self.has & {"range", "sticky"}):
            one, other = (Member(self.client(), f"{assignor}-{name}", assignor) for name in ("a", "b"))
            self.wait_shared(one, other)
            self.assertEqual(self.group()["protocol"], assignor)
            one.leave()
            other.leave()

    def test_cooperative_members_keep_what_stays_theirs(self):
        self.needs("cooperative")
        had = self.check_rebalances("cooperative")
        while had and had[0] != ALL:
            del had[0]
        self.assertTrue(all(len(now) >= PARTITIONS // 2 for now in had), had)

    def test_static_members_keep_their_place_through_a_restart_of_theirs(self):
        self.needs("static members")
        stream = Stream(self.client())
        readers = self.client()
        one, other = (Member(readers, name, "roundrobin", instance=f"till-{name}") for name in ("one", "other"))
        self.wait_shared(one, other)
        other.wait_for_more()
        kept, generation = other.partitions, self.group()["generation"]
        other.leave()
        again = Member(self.client(), "again", "roundrobin", instance="till-other")
        again.wait_for_more()
        self.assertEqual((again.partitions, self.group()["generation"]), (kept, generation))
        self.assertEqual({m["instance"] for m in self.group()["member_list"]}, {"till-one", "till-other"})
        stream.stop()
        self.wait_all_read(stream, one, other, again)

    def test_a_group_goes_on_when_the_server_is_killed_and_stopped(self):
        """Without a rebalance, unless the client itself joins anew when nobody answers."""
        stream = Stream(self.client())
        readers = self.client()
        one, other = (Member(readers, name, "roundrobin") for name in ("one", "other"))
        self.wait_shared(one, other)
        generation = self.group()["generation"]
        for kill in (True, False):
            self.restart(kill)
            stream.wait_for(100)
            one.wait_for_more()
            other.wait_for_more()
        stream.stop()
        self.wait_all_read(stream, one, other)
        if "patient members" in self.has:
            self.assertEqual(self.group()["generation"], generation, self.group()["last_rebalance"])
        check_once_and_in_order(self, stream)
