"""Power losses under load, and proof that this test notices a server that does not flush."""

import os
import unittest

import power_loss
from harness import Disk, NoLoopDevice, OutcomeUnknown, Server

CUTS = int(os.environ.get("PABAL_POWER_CUTS", "3"))
CUTS_UNTIL_FOUND = 5
SEED = 20261120


def or_skip(work):
    try:
        return work()
    except NoLoopDevice as why:
        raise unittest.SkipTest(f"the power cannot be cut on this machine: {why}") from why


class PowerLossTest(unittest.TestCase):
    def test_no_promise_is_broken_by_power_losses_under_load(self):
        complaints = or_skip(lambda: power_loss.run(CUTS, SEED))
        self.assertEqual(complaints[:10], [])

    def test_a_server_that_does_not_flush_is_found(self):
        complaints = or_skip(lambda: power_loss.run(CUTS_UNTIL_FOUND, SEED, {"PABAL_TEST_SKIP_FLUSH": "1"}))
        self.assertNotEqual(complaints, [], "no flush reached the disk and this test did not notice")

    def test_nothing_is_acknowledged_on_a_disk_that_answers_errors(self):
        with or_skip(Disk) as disk, Server(disk.mounted_at / "data") as server, server.api() as api:
            api.publish("t", [{"value": 1}])
            or_skip(disk.cut_power)
            with self.assertRaises(OutcomeUnknown):
                api.publish("t", [{"value": 2}])


if __name__ == "__main__":
    unittest.main()
