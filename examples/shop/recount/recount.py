#!/usr/bin/env python3
"""recount.py ORDERS_FILE ACT_DIRECTORY --act ACT [--limit N]: counts one act again, from the orders file and from each
service's own database, and prints the figures as JSON.

It shares no code with the shop: its own reading of CSV, its own decimals (Python's), plain SQL. `story` compares every
figure printed here with its own, and says so when one differs.
"""

import argparse
import gzip
import json
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from decimal import ROUND_FLOOR, Decimal
from email.parser import BytesParser
from pathlib import Path

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
RECORD_BYTES_MAX = 65_536
FIELD = re.compile(rb'(?:"((?:[^"]|"")*)"|([^",\r\n]*(?:\r(?!\n)[^",\r\n]*)*))(,|\r?\n|$(?![\r\n]))')
NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}\Z")
WHOLE = re.compile(r"-?[0-9]{1,19}\Z")
DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?\Z")


# -- the orders file -------------------------------------------------------------------------------------------------

def records(data):
    """(line number, fields) of each record; fields is None where a line is not CSV."""
    position, line = 0, 1
    while position < len(data):
        fields, end = [], position
        window = data[position:position + RECORD_BYTES_MAX]
        at = 0
        while True:
            found = FIELD.match(window, at)
            if not found:
                fields = None
                break
            fields.append(found[1].replace(b'""', b'"') if found[1] is not None else found[2])
            at = found.end()
            if found[3] != b",":
                break
        cut = fields is not None and not found[3] and len(window) == RECORD_BYTES_MAX
        if fields is None or cut:
            newline = data.find(b"\n", position)
            end = len(data) if newline < 0 else newline + 1
            yield line, None
        else:
            end = position + at
            yield line, [field.decode("utf-8", "replace") for field in fields]
        line += data.count(b"\n", position, end)
        position = end


class Invoice:
    def __init__(self, number, customer):
        self.number, self.customer = number, customer
        self.cancellation = number[0] == "C"
        self.lines = 0
        self.amount = Decimal(0)


class Orders:
    """The invoices of the file, with their amounts, and the count of its lines."""

    def __init__(self, path, limit):
        self.invoices, self.read, self.used, self.refused = {}, 0, 0, []
        data = Path(path).read_bytes()
        rows = records(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        header = next(rows)[1]
        if not header or [header[0].removeprefix("\ufeff"), *header[1:]] != COLUMNS:
            sys.exit(f"{path}: this is no file of orders")
        for line, fields in rows:
            eight = fields is not None and len(fields) == 8
            if eight and limit is not None and NAME.match(fields[0]):
                if fields[0] not in self.invoices and len(self.invoices) == limit:
                    break
            self.read += 1
            if eight and self.accept(fields):
                self.used += 1
            else:
                self.refused.append(line)

    def accept(self, fields):
        number, _, _, quantity, _, price, customer, _ = fields
        customer = customer.removesuffix(".0")
        if not NAME.match(number) or (customer and not NAME.match(customer)):
            return False
        invoice = self.invoices.setdefault(number, Invoice(number, customer))
        if not WHOLE.match(quantity) or abs(int(quantity)) > 10**9 or not DECIMAL.match(price):
            return False
        pieces, each = int(quantity), Decimal(price)
        if each < 0 or (pieces <= 0 and not invoice.cancellation):
            return False
        invoice.lines += 1
        invoice.amount += abs(pieces) * each
        return True


# -- the services' databases -----------------------------------------------------------------------------------------

class Databases:
    """Plain SQL over ACT_DIRECTORY/<service>/<service>.db; a service that the act does not have gives no rows."""

    def __init__(self, directory):
        self.directory = directory

    def rows(self, service, query):
        path = self.directory / service / f"{service}.db"
        if not path.exists():
            return []
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute(query).fetchall()

    def column(self, service, query):
        return [row[0] for row in self.rows(service, query)]

    def one(self, service, query):
        found = self.column(service, query)
        return found[0] if found else None


PUBLISHERS = ["order", "inventory", "payment", "shipping", "member", "notification", "settlement"]
EFFECTS = [("order", "steps"), ("payment", "payments"), ("payment", "refunds"), ("shipping", "shipments"),
           ("member", "points"), ("notification", "mails"), ("settlement", "settlements")]


class Recount:
    def __init__(self, orders, databases, act):
        self.orders, self.db, self.act = orders, databases, act
        self.attempts = databases.rows(
            "customer", "SELECT order_id, invoice, outcome, sent_us, answered_us FROM attempts")
        self.invoice_of = {order: invoice for order, invoice, *_ in self.attempts}
        status = dict(databases.rows("order", "SELECT order_id, status FROM orders"))
        self.rejected = {order for order, s in status.items() if s == "REJECTED"}
        self.told_ok = {a[0] for a in self.attempts if a[2] == "ok"} - self.rejected
        self.charged = self.known(databases.rows("payment", "SELECT order_id, amount FROM payments WHERE status = 'charged'"))
        self.refunded = self.known(databases.rows("payment", "SELECT order_id, amount FROM refunds"))
        reached = self.known(databases.rows("order", "SELECT order_id FROM steps WHERE step = 'paid'"))
        free = {order for order, in reached if order not in self.rejected and self.amount(order) == 0}
        self.paid = {o for o in self.told_ok if not self.gives_back(o)} | {row[0] for row in self.charged} | free
        self.cancelled = {o for o in self.told_ok if self.gives_back(o)} | {row[0] for row in self.refunded}

    def known(self, rows):
        """Without what somebody else orders meanwhile, by hand."""
        return [row for row in rows if row[0] in self.invoice_of]

    def invoice(self, order):
        return self.orders.invoices[self.invoice_of[order]]

    def amount(self, order):
        return self.invoice(order).amount

    def gives_back(self, order):
        return self.invoice(order).cancellation

    def figures(self):
        return {
            "orders": self.order_figures(),
            "response_ms": self.response_times(),
            "payments": self.money({o for o in self.paid if self.amount(o) > 0}, self.charged),
            "refunds": self.money(self.cancelled, self.refunded),
            "emails": self.emails(),
            "shipments": self.once_each("shipping", "SELECT order_id FROM shipments"),
            "settlements": self.once_each("settlement", "SELECT order_id FROM settlements"),
            "points": self.points(),
            "stock": self.stock(),
            "input_lines": {"read": self.orders.read, "used": self.orders.used, "refused": len(self.orders.refused)},
            "refused_lines": sorted(self.orders.refused),
            "events": self.events(),
            "caught_up_s": self.caught_up(),
        }

    def order_figures(self):
        outcomes = Counter(a[2] for a in self.attempts)
        failed = {a[0] for a in self.attempts if a[2] == "failed"}
        answered = [a[4] for a in self.attempts if a[2] != "failed"]
        away = self.db.rows("customer", "SELECT from_us, to_us FROM away WHERE process = 'server'")
        span = max(answered) - min(a[3] for a in self.attempts) if answered else 0
        return {
            "submitted": len(self.attempts),
            "answered": len(answered),
            "failed": outcomes["failed"],
            "paid_but_told_failed": len(failed & self.paid),
            "cancelled": len(self.cancelled),
            "rejected": len(self.rejected & self.invoice_of.keys()),
            "per_second": rounded(len(answered) * 1_000_000 * 10, span) / 10 if span else 0,
            "answered_while_server_away": sum(any(start <= at <= end for start, end in away) for at in answered),
        }

    def response_times(self):
        took = sorted(a[4] - a[3] for a in self.attempts if a[2] != "failed")
        def rank(percent):
            return rounded(took[-(-percent * len(took) // 100) - 1], 100) / 10 if took else 0
        return {"p50": rank(50), "p99": rank(99), "max": rank(100)}

    def money(self, wanted_orders, done):
        """One is due for each invoice that was served; each further one is a double."""
        wanted = {self.invoice_of[o] for o in wanted_orders}
        times = Counter(self.invoice_of[order] for order, _ in done)
        return {
            "due": len(wanted),
            "done": len(done),
            "lost": len(wanted - times.keys()),
            "doubled": sum(n - 1 for n in times.values()),
            "amount": decimal_text(sum((Decimal(amount) for _, amount in done), Decimal(0))),
        }

    def once_each(self, service, query):
        """One is due for each paid order."""
        due = self.paid if self.act != "chain-3" else set()
        return count_once(due, [order for order, in self.known(self.db.rows(service, query))])

    def emails(self):
        """What lies in the Maildir; where mails went to a mail server, what is noted."""
        maildir = self.db.directory / "notification/Maildir/new"
        if maildir.exists():
            orders = [[message_about(mail)] for mail in maildir.iterdir()]
        else:
            orders = self.db.rows("notification", "SELECT order_id FROM mails")
        return count_once(self.paid | self.cancelled, [order for order, in self.known(orders)])

    def points(self):
        if self.act == "chain-3":
            return {"due": 0, "done": 0}
        def worth(orders):
            return sum(int(self.amount(o).to_integral_value(ROUND_FLOOR)) for o in orders if self.invoice(o).customer)
        return {"due": worth(self.paid) - worth(self.cancelled),
                "done": sum(n for _, n in self.known(self.db.rows("member", "SELECT order_id, points FROM points")))}

    def stock(self):
        moved = dict(self.db.rows("inventory", "SELECT kind, SUM(quantity) FROM movements GROUP BY kind"))
        broken = self.db.column("inventory", """
            SELECT s.sku FROM stock s LEFT JOIN movements m ON m.sku = s.sku GROUP BY s.sku
            HAVING s.quantity != SUM(CASE m.kind WHEN 'sold' THEN -m.quantity ELSE m.quantity END)""")
        return {"start": moved.get("start", 0), "sold": moved.get("sold", 0), "restocked": moved.get("restocked", 0),
                "left": self.db.one("inventory", "SELECT SUM(quantity) FROM stock") or 0,
                "articles_that_do_not_add_up": len(broken)}

    def events(self):
        through_outbox = sum(self.db.one(s, "SELECT COUNT(*) FROM outbox WHERE status = 'done'") or 0 for s in PUBLISHERS)
        straight = self.db.one("order", "SELECT COUNT(*) FROM orders WHERE mode = 'async'") or 0
        everyone = [*PUBLISHERS, "analytics"]
        return {"published": through_outbox + straight,
                "redelivered": sum(self.db.one(s, "SELECT COUNT(*) FROM redeliveries") or 0 for s in everyone),
                "dead": sum(self.db.one(s, "SELECT COUNT(*) FROM dead_letters") or 0 for s in everyone)}

    def caught_up(self):
        effects = [self.db.one(service, f"SELECT MAX(at_us) FROM {table}") or 0 for service, table in EFFECTS]
        answered = [a[4] for a in self.attempts]
        return rounded(max(0, max(effects) - max(answered)), 100_000) / 10 if answered else 0


def message_about(mail):
    with mail.open("rb") as file:
        return BytesParser().parse(file, headersonly=True)["X-Order-Id"]


# -- arithmetic ------------------------------------------------------------------------------------------------------

def count_once(due, done):
    times = Counter(done)
    return {"due": len(due), "done": len(done), "lost": len(due - times.keys()),
            "doubled": sum(n - 1 for n in times.values())}


def rounded(value, unit):
    """value / unit, halves up."""
    return (2 * value + unit) // (2 * unit)


def decimal_text(amount):
    whole, _, part = f"{amount:f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("orders", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--act", required=True)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    recount = Recount(Orders(options.orders, options.limit), Databases(options.directory), options.act)
    json.dump(recount.figures(), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
