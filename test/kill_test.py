"""kill -9 and SIGTERM of the server at random moments under load."""

import os
import tempfile
import unittest

from faults import survive
from harness import Server

KILLS = int(os.environ.get("PABAL_KILLS", "3"))
STOP_SECONDS_MAX = 5 + 25  # the server's promise, and what a busy machine may add
SEED = 20261120


class KillTest(unittest.TestCase):
    def setUp(self):
        data = tempfile.TemporaryDirectory()
        self.addCleanup(data.cleanup)
        self.server = self.enterContext(Server(data.name))

    def test_no_promise_is_broken_by_kill_9_under_load(self):
        complaints = survive(self.server, lambda server, load: server.kill(), KILLS, SEED)
        self.assertEqual(complaints[:10], [])

    def test_no_promise_is_broken_by_sigterm_under_load_and_it_takes_5_seconds_at_most(self):
        statuses = []
        complaints = survive(self.server, lambda server, load: statuses.append(server.stop(STOP_SECONDS_MAX)), 2, SEED)
        self.assertEqual(complaints[:10], [])
        self.assertEqual(statuses, [0, 0])


if __name__ == "__main__":
    unittest.main()
