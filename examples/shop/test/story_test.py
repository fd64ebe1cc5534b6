#!/usr/bin/env python3
"""story_test.py BUILD_DIRECTORY: the story's real programs, played short, fed with bad input, killed."""

import contextlib
import http.client
import http.server
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

BUILD = Path(sys.argv.pop(1)).resolve()
FIXTURE = Path(__file__).resolve().parent.parent / "fixture/dirty.csv"
FULL_SPEED = ["--service-times", "0,0,0", "--network", "0"]
FREE_PORTS = ["--http", "127.0.0.1:0", "--order", "127.0.0.1:0"]


def wait_until(ready, what, patience_s=60):
    end = time.monotonic() + patience_s
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s} s: {what}")
        threading.Event().wait(0.02)


class StoryTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="story_test_")
        self.data = Path(self.directory.name) / "data"
        self.addCleanup(self.directory.cleanup)

    def story(self, *arguments, patience_s=240):
        return subprocess.run([BUILD / "story", "--data", self.data, *arguments], capture_output=True, text=True,
                              timeout=patience_s)

    def play(self, *arguments):
        """Plays to the end; the acts of the report."""
        report = Path(self.directory.name) / "report.json"
        played = self.story("--once", "--json", report, *FREE_PORTS, *arguments)
        self.assertEqual(played.returncode, 0, played.stdout + played.stderr)
        result = json.loads(report.read_text())
        self.assertTrue(result["reconciled"])
        return result["acts"]


class Acts(StoryTest):
    def test_a_short_story_reconciles_and_its_report_has_the_agreed_shape(self):
        acts = self.play("--acts", "chain-3,hybrid,async,outage-hybrid", "--limit", "40", *FULL_SPEED)
        self.assertEqual(list(acts), sorted(acts))
        for report in acts.values():
            self.assertEqual(set(report["orders"]), {"submitted", "answered", "failed", "paid_but_told_failed", "cancelled",
                                                     "rejected", "per_second", "answered_while_server_away"})
            self.assertLessEqual({"p50", "p99", "max", "predicted"}, set(report["response_ms"]))
            for part in ("payments", "refunds"):
                self.assertLessEqual({"due", "done", "doubled", "amount"}, set(report[part]))
            for part in ("emails", "shipments", "settlements"):
                self.assertEqual(set(report[part]), {"due", "done", "lost", "doubled"})
            # On a machine that stalls for 2 s a customer orders again, so there may be more.
            self.assertGreaterEqual(report["orders"]["submitted"], 40)
            self.assertEqual(report["emails"]["done"], report["emails"]["due"])
        if acts["hybrid"]["orders"]["submitted"] == acts["async"]["orders"]["submitted"] == 40:
            self.assertEqual(acts["hybrid"]["payments"]["amount"], acts["async"]["payments"]["amount"])

    def test_the_dirty_fixture_gives_the_totals_worked_out_by_hand(self):
        for name, report in self.play("--acts", "hybrid,async,chain", "--orders", FIXTURE, *FULL_SPEED).items():
            with self.subTest(act=name):
                self.assertEqual(report["input_lines"], {"read": 25, "used": 13, "refused": 12})
                self.assertEqual(report["orders"]["submitted"], 11)
                self.assertEqual(report["orders"]["rejected"], 2)
                self.assertEqual(report["orders"]["cancelled"], 3)
                self.assertEqual(report["payments"] | {"lost": 0},
                                 {"due": 5, "done": 5, "lost": 0, "doubled": 0, "amount": "62.145"})
                self.assertEqual(report["refunds"] | {"lost": 0},
                                 {"due": 3, "done": 3, "lost": 0, "doubled": 0, "amount": "33.001"})
                self.assertEqual(report["emails"], {"due": 9, "done": 9, "lost": 0, "doubled": 0})
                self.assertEqual(report["shipments"], {"due": 6, "done": 6, "lost": 0, "doubled": 0})
                self.assertEqual(report["settlements"], {"due": 6, "done": 6, "lost": 0, "doubled": 0})
                self.assertEqual(report["points"], {"due": 27, "done": 27})

    def test_the_recount_sees_what_is_missing_in_a_database(self):
        self.play("--acts", "hybrid", "--orders", FIXTURE, *FULL_SPEED)
        act = self.data / "acts/hybrid"
        with contextlib.closing(sqlite3.connect(act / "shipping/shipping.db")) as database, database:
            database.execute("DELETE FROM shipments WHERE order_id = '1001'")
        with contextlib.closing(sqlite3.connect(act / "payment/payment.db")) as database, database:
            database.execute("UPDATE refunds SET amount = '3.76' WHERE order_id = 'C1007'")
        recount = subprocess.run([sys.executable, BUILD / "shop-recount.py", FIXTURE, act, "--act", "hybrid"],
                                 capture_output=True, text=True, check=True)
        counted = json.loads(recount.stdout)
        self.assertEqual(counted["shipments"], {"due": 6, "done": 5, "lost": 1, "doubled": 0})
        self.assertEqual(counted["refunds"]["amount"], "33.011")

    def test_in_the_chain_an_outage_of_the_mail_charges_customers_twice(self):
        report = self.play("--acts", "outage-chain", "--limit", "40", *FULL_SPEED)["outage-chain"]
        self.assertGreater(report["orders"]["paid_but_told_failed"], 0)
        self.assertGreater(report["payments"]["doubled"], 0)
        self.assertGreater(report["emails"]["lost"], 0)

    def test_with_the_same_key_nobody_is_charged_twice(self):
        report = self.play("--acts", "outage-chain", "--limit", "40", "--same-key", *FULL_SPEED)["outage-chain"]
        self.assertEqual(report["payments"]["doubled"], 0)

    def test_a_dead_letter_is_redriven_after_the_repair(self):
        report = self.play("--acts", "poison", "--limit", "30", *FULL_SPEED)["poison"]
        self.assertEqual(report["events"]["dead"], 1)
        self.assertIn("nobody at nowhere", report["poison"]["reason"])
        self.assertEqual(report["emails"]["lost"], 0)

    def test_who_joins_late_hears_everything(self):
        report = self.play("--acts", "join", "--limit", "30", *FULL_SPEED)["join"]
        self.assertGreater(report["analytics"]["orders"], 0)

    def test_short_stock_and_balance_reject_whole_orders(self):
        stock = Path(self.directory.name) / "stock.csv"
        stock.write_text("sku,quantity\n85123A,5\n71053,100\n22633,100\n22960,100\nGIFT,100\n22728,100\n21730,100\n")
        acts = self.play("--acts", "hybrid,async", "--orders", FIXTURE, "--stock", stock, "--balance", "20", *FULL_SPEED)
        for report in acts.values():
            # 1001 wants 6 of 85123A; 1011 costs more than the balance.
            self.assertEqual(report["orders"]["rejected"], 4)
            left = report["stock"]
            self.assertEqual(left["sold"] + left["left"], left["start"] + left["restocked"])


    def test_a_payment_that_the_card_does_not_carry_is_declined_and_the_goods_go_back(self):
        file = Path(self.directory.name) / "dear.csv"
        file.write_text("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
                        "1,CROWN,CROWN,1,d,1000000.01,7,UK\n2,CROWN,CROWN,1,d,999999.99,7,UK\n")
        for report in self.play("--acts", "hybrid,async,chain", "--orders", file, *FULL_SPEED).values():
            self.assertEqual(report["orders"]["rejected"], 1)
            self.assertEqual(report["payments"]["amount"], "999999.99")
            self.assertEqual(report["emails"]["done"], 1)


class Crashes(StoryTest):
    def test_kills_of_everybody_lose_and_double_nothing(self):
        acts = self.play("--acts", "crash-hybrid,crash-async", "--limit", "150", "--rate", "15", *FULL_SPEED)
        for report in acts.values():
            self.assertTrue(all(times >= 3 for times in report["kills"].values()), report["kills"])


class WrongUse(StoryTest):
    def test_unknown_options_are_refused(self):
        refused = self.story("--bogus")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--bogus", refused.stderr)

    def test_a_file_that_holds_no_orders_is_refused(self):
        file = Path(self.directory.name) / "other.csv"
        file.write_text("a,b\n1,2\n")
        refused = self.story("--once", "--orders", file, *FREE_PORTS)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("expected the columns", refused.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            refused = self.story("--once", "--http", address, "--order", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(address, refused.stderr)

    def test_somebody_elses_directory_is_left_alone(self):
        self.data.mkdir()
        (self.data / "thesis").touch()
        self.assertEqual(self.story("--once", *FREE_PORTS).returncode, 1)
        self.assertTrue((self.data / "thesis").exists())


class OpenShop(StoryTest):
    """The shop that is left up after the report."""

    def setUp(self):
        super().setUp()
        self.process = subprocess.Popen(
            [BUILD / "story", "--data", self.data, "--acts", "hybrid", "--limit", "5", *FREE_PORTS, *FULL_SPEED],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end)
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            self.assertTrue(line, self.said)
            self.said += line

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def shop(self, *words):
        done = subprocess.run([BUILD / "story", "shop", "--data", self.data, *words], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout + done.stderr

    def mails(self):
        return len(list((self.data / "shop/notification/Maildir/new").glob("*")))

    def pids(self):
        return [int(line.split("pid ")[1]) for line in self.shop("status")[1].splitlines() if "pid " in line]

    def test_an_order_is_paid_while_the_mail_service_is_down_and_its_mail_arrives_later(self):
        served = 5  # who came before us
        wait_until(lambda: self.mails() == served, "the e-mails of the first customers")
        status, said = self.shop("order")
        self.assertEqual(status, 0, said)
        self.assertIn("PAID", said)
        wait_until(lambda: self.mails() == served + 1, "the first e-mail")
        self.assertEqual(self.shop("stop", "notification")[0], 0)
        status, said = self.shop("order")
        self.assertIn("PAID", said)
        self.assertEqual(self.shop("start", "notification")[0], 0)
        wait_until(lambda: self.mails() == served + 2, "the second e-mail")
        order = said.split()[1].rstrip(":")
        wait_until(lambda: "mailed" in self.shop("show", order)[1], "the step in the order")
        self.assertIn("CANCELLED", self.shop("cancel", order)[1])
        wait_until(lambda: self.mails() == served + 3, "the e-mail about the cancellation")
        self.assertEqual(self.shop("stop", "nobody")[0], 1)
        self.assertEqual(self.shop("dance")[0], 2)

    def test_ctrl_c_ends_everything(self):
        pids = self.pids()
        self.assertGreaterEqual(len(pids), 15)
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(timeout=60), 0)
        self.assertFalse([pid for pid in pids if Path(f"/proc/{pid}").exists()])

    def test_nothing_outlives_a_killed_story(self):
        pids = self.pids()
        self.process.kill()
        self.process.wait()
        gone = lambda: not [pid for pid in pids if Path(f"/proc/{pid}/exe").exists() and os.path.exists(f"/proc/{pid}/exe")]
        wait_until(gone, "the end of all processes")


class Neighbour(http.server.BaseHTTPRequestHandler):
    """A service that answers nonsense, or nothing."""
    behaviour = "garbage"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.behaviour == "hangs":
            threading.Event().wait(600)
        elif self.behaviour == "garbage":
            self.wfile.write(b"\x00\xffnonsense\r\n\r\n")
        self.close_connection = True

    def log_message(self, *arguments):
        pass


class OrderService(unittest.TestCase):
    """The order service alone, without a server."""

    @contextlib.contextmanager
    def order_service(self, data, *options):
        """A function that asks it, and gives the status and the body of its answer."""
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            port = chosen.getsockname()[1]
        service = subprocess.Popen([BUILD / "shop-service", "order", "--data", data, "--listen", f"127.0.0.1:{port}",
                                    "--server", "http://127.0.0.1:1", *options], stderr=subprocess.DEVNULL)

        def ask(method, path, body=None, headers=None):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request(method, path, None if body is None else json.dumps(body),
                                   {"Content-Type": "application/json", **(headers or {})})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())

        def healthy():
            try:
                return ask("GET", "/health")[0] == 200
            except OSError:
                return False
        try:
            wait_until(healthy, "the order service")
            yield ask
        finally:
            service.terminate()
            self.assertEqual(service.wait(timeout=60), 0)


class BadNeighbours(OrderService):
    def test_an_order_fails_in_time_when_a_service_answers_garbage_or_hangs(self):
        for behaviour in ("garbage", "hangs", "dies"):
            with self.subTest(behaviour), tempfile.TemporaryDirectory() as data:
                Neighbour.behaviour = behaviour
                server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                self.order_from(data, server.server_address[1])
                server.shutdown()
                server.server_close()

    def order_from(self, data, neighbour_port):
        peers = [word for name in ("inventory", "member", "payment") for word in ("--peer", f"{name}=http://127.0.0.1:{neighbour_port}")]
        with self.order_service(data, *peers) as ask:
            start = time.monotonic()
            status, said = ask("POST", "/orders", {"order_id": "1", "lines": [{"sku": "A", "quantity": 1, "price": "1.00"}]})
            self.assertEqual((status, said["status"]), (503, "FAILED"))
            self.assertLess(time.monotonic() - start, 30)
            self.assertEqual(ask("GET", "/orders/1")[1]["status"], "FAILED")
            for body, wrong in (({"lines": [{"sku": "A", "quantity": -1, "price": "1"}]}, "quantity"),
                                ({"lines": [{"sku": "A", "quantity": 1, "price": 1.5}]}, "price"),
                                ({"lines": "none"}, "lines"), ([], "object"), ({"order_id": "../x"}, "order_id")):
                status, said = ask("POST", "/orders", body)
                self.assertEqual(status, 400, body)
                self.assertIn(wrong, said["detail"])


class LateCustomers(OrderService):
    """A customer who hears nothing in time cancels again, under another number."""

    def test_a_cancellation_is_told_to_payment_once_however_often_its_customer_gave_up(self):
        returned = {"lines": [{"sku": "A", "quantity": 1, "price": "1.00"}]}
        long_ago = {"Answer-By": "1"}

        def cancel(ask, number, mode, headers=None):
            status, said = ask("POST", f"/orders/{number}/cancel?mode={mode}", returned, headers)
            return status, said["status"]
        for mode, table, done in (("hybrid", "outbox", (200, "CANCELLED")), ("async", "publish_failures", (202, "PROCESSING"))):
            with self.subTest(mode), tempfile.TemporaryDirectory() as data:
                with self.order_service(data) as ask:
                    for number in ("C1", "C1-2"):
                        self.assertEqual(cancel(ask, number, mode, long_ago), (503, "FAILED"))
                        self.assertEqual(ask("GET", f"/orders/{number}")[0], 404)
                    # A machine that stalls makes this one late, too.
                    wait_until(lambda: cancel(ask, "C1-3", mode) == done, "a cancellation in time")
                self.assertEqual(self.told(data, table), ["C1-3"])

    @staticmethod
    def told(data, table):
        """The orders whose cancellation the others hear of, and payment pays back."""
        database = sqlite3.connect(next(Path(data).rglob("order.db")))
        with contextlib.closing(database):
            return [row[0] for row in database.execute(f"SELECT key FROM {table} WHERE type = 'OrderCancelled'")]


if __name__ == "__main__":
    unittest.main(verbosity=2)
