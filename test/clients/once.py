"""An idempotent producer of any client: each record once and in order, whatever happens on the way."""

import sys
import time

from driven import ClientTest
from harness import wait_until
from kafka_idempotence_test import CuttingProxy
from stream import DELIVERY_SECONDS_MAX, PARTITIONS, Stream, check_once_and_in_order

CUTS = 30


class OnceTest(ClientTest):
    tears_answers = True

    def setUp(self):
        self.seed = time.time_ns()
        self.proxy = CuttingProxy(lambda: self.server.addresses["kafka"], self.seed, 0, self.tears_answers)
        self.addCleanup(self.proxy.close)
        self.options = ["--kafka-advertised", self.proxy.address]
        super().setUp()
        self.bootstrap = self.proxy.address
        self.api.call("PUT", "/topics/orders", {"partitions": PARTITIONS})

    def test_each_record_once_and_in_order_through_cut_connections(self):
        print(f"seed {self.seed}", file=sys.stderr)
        stream = Stream(self.client())
        stream.wait_for(1)
        self.proxy.begin_to_cut(CUTS)
        wait_until(lambda: self.proxy.cuts >= CUTS or stream.failure, DELIVERY_SECONDS_MAX, "the connections to be cut")
        stream.stop()
        check_once_and_in_order(self, stream)

    def test_each_record_once_and_in_order_when_the_server_is_killed_and_stopped(self):
        stream = Stream(self.client())
        for kill in (True, False, True):
            stream.wait_for(200)
            self.restart(kill)
        stream.wait_for(200)
        stream.stop()
        check_once_and_in_order(self, stream)
