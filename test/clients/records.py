"""What any client publishes and reads: every codec, keys, headers and times as they were, look-ups by time."""

import base64

from driven import ClientTest, coded, decoded

TIME_MS = 1_700_000_000_000
HEADERS = [["trace", coded(b"first")], ["trace", coded(b"second")], ["bytes", coded(bytes(range(256)))]]
NULL_HEADER = ["nothing", None]


def producer(codec="none", idempotent=True, linger_ms=20, batch_bytes=16384):
    return {"producer": codec, "codec": codec, "idempotent": idempotent, "linger_ms": linger_ms, "batch_bytes": batch_bytes}


def over_http(record):
    """A record that HTTP read as the clients give theirs."""
    key = decoded(record["key_base64"]) if "key_base64" in record else (record["key"] or None) and record["key"].encode()
    value = None if record.get("tombstone") else decoded(record["value_base64"])
    listed = record.get("header_list") or [{"name": n, "value": v} for n, v in record["headers"].items()]
    headers = [[h["name"], decoded(h["value_base64"]) if "value_base64" in h else (h["value"] or None) and h["value"].encode()]
               for h in listed]
    return {"key": key, "value": value, "headers": headers, "timestamp": record["timestamp"]}


def of_client(record):
    return {"key": decoded(record["key"]), "value": decoded(record["value"]),
            "headers": [[name, decoded(value)] for name, value in record["headers"]]}


class RecordsTest(ClientTest):
    def records(self, codec):
        """Some of each kind; the values are no JSON, so that HTTP gives their bytes."""
        headers = HEADERS + ([NULL_HEADER] if "null headers" in self.has else [])
        some = [{"key": coded(b"\xff\x00key"), "value": coded(b"\xfe\x00value"), "headers": headers},
                {"key": None, "value": coded(b"<no key>")},
                {"key": coded(b"gone"), "value": None}]
        some += [{"key": coded(b"%d" % (i % 3)), "value": coded(b"<%d> " % i * 200)} for i in range(20)]
        return [{"partition": 0, "timestamp": TIME_MS + i, "headers": [], **record} for i, record in enumerate(some)]

    def check_codec(self, codec):
        sent = self.records(codec)
        client = self.client()
        self.api.call("PUT", "/topics/orders", {})
        client.call("open_producer", **producer(codec))
        self.assertEqual(client.call("send", producer=codec, topic="orders", records=sent), list(range(len(sent))))
        self.restart()
        expected = [of_client(record) for record in sent]
        http = [over_http(record) for record in self.api.read_partition("orders", 0)]
        self.assertEqual([{k: v for k, v in record.items() if k != "timestamp"} for record in http], expected)
        self.assertEqual(http[7]["timestamp"], "2023-11-14T22:13:20.007Z")
        read = client.call("read", topic="orders", partition=0, offset=0, count=len(sent))
        self.assertEqual([of_client(record) for record in read], expected)
        self.assertEqual([(r["offset"], r["timestamp"]) for r in read], [(i, TIME_MS + i) for i in range(len(sent))])
        if codec != "none":
            files = b"".join(f.read_bytes() for f in self.server.data.rglob("*") if f.is_file())
            self.assertNotIn(b"<7> " * 200, files, "a batch is not on disk as it came")

    def test_records_as_they_are(self):
        self.check_codec("none")

    def test_gzip(self):
        self.check_codec("gzip")

    def test_snappy(self):
        self.check_codec("snappy")

    def test_lz4(self):
        self.check_codec("lz4")

    def test_zstd(self):
        self.check_codec("zstd")

    def test_what_http_publishes_is_read_from_its_middle_too(self):
        headers = [{"name": "a", "value": "1"}, {"name": "a", "value_base64": base64.b64encode(b"\xff").decode()}]
        self.api.publish("orders", [{"key": "k", "value": i, "header_list": headers} for i in range(5)])
        read = self.client().call("read", topic="orders", partition=0, offset=2, count=3)
        self.assertEqual([(r["offset"], decoded(r["value"]), decoded(r["key"])) for r in read],
                         [(i, b"%d" % i, b"k") for i in range(2, 5)])
        given = [header for header in of_client(read[0])["headers"] if header[0] == "a"]
        self.assertEqual(given, [["a", b"1"], ["a", b"\xff"]])

    def test_look_ups_by_time(self):
        client = self.client()
        self.api.call("PUT", "/topics/orders", {})
        client.call("open_producer", **producer())
        times = [1000, 5000, 3000, 4000]
        sent = [{"partition": 0, "key": None, "value": coded(b"v"), "timestamp": TIME_MS + t, "headers": []} for t in times]
        client.call("send", producer="none", topic="orders", records=sent)

        def at(what):
            return client.call("offset_at", topic="orders", partition=0, at=str(what))
        self.assertEqual((at("earliest"), at("latest")), (0, 4))
        self.assertEqual((at(TIME_MS), at(TIME_MS + 1001), at(TIME_MS + 5000)), (0, 1, 1))
        if "max timestamp" in self.has:
            self.assertEqual(at("max"), 1)
