"""What the raw figures of run.py say about each goal."""

from statistics import median

FLUSHED, WRITTEN = "Pabal flushed", "Pabal written"
KAFKA_FLUSHING, KAFKA_SHIPPED = "Kafka flushing", "Kafka as shipped"
LIKE_FOR_LIKE = ((FLUSHED, KAFKA_FLUSHING), (WRITTEN, KAFKA_SHIPPED))
CEILING_SHARE = 0.8
PERCENTILES = (("p50_us", "p50", 2), ("p99_us", "p99", 4), ("p999_us", "p99.9", 10))
RESIDENT_MB = (("resident idle", 25), ("resident under load", 200), ("resident with 10,000 partitions", 400))
FIRST_PRODUCE_MS = 50


class Figures:
    def __init__(self, raw):
        self.raw = raw

    def all(self, contender, measure, of=lambda run: run):
        return [of(run) for run in self.raw.get(contender, {}).get(measure, [])]

    def median(self, contender, measure, of=lambda run: run):
        """None when it was not measured."""
        values = self.all(contender, measure, of)
        return median(values) if values else None

    def rate(self, contender, measure):
        return self.median(contender, measure, lambda run: run["records_per_s"])

    def cpu_us(self, contender, measure):
        return self.median(contender, measure, lambda run: run["server_cpu_seconds"] / max(run["records"], 1) * 1e6)


def goal(what, text, result, bound, at_least, met=None):
    sign = "≥" if at_least else "≤"
    fits = result >= bound if at_least else result <= bound
    return {"what": what, "text": text, "goal": f"{sign} {bound:g}", "result": round(result, 3), "bound": bound,
            "at_least": at_least, "met": fits if met is None else met}


def ratio(what, ours, theirs, bound, at_least, unit, digits=0):
    """One measure of two figures side by side, when both were taken."""
    if not ours or not theirs:
        return []
    return [goal(what, f"{ours / theirs:.2f} × ({ours:,.{digits}f} to {theirs:,.{digits}f} {unit})", ours / theirs, bound, at_least)]


def against_ceiling(what, ours, theirs, ceilings, unit="records/s"):
    """At least twice as much as theirs, or 0.8 of the lower ceiling."""
    if not ours or not all(ceilings.values()):
        return []
    name, lowest = min(ceilings.items(), key=lambda each: each[1])
    share = ours / lowest
    beside = f"{ours / theirs:.2f} × theirs, " if theirs else ""
    text = f"{beside}{share:.2f} of {name} ({ours:,.0f}; theirs {theirs or 0:,.0f}; ceiling {lowest:,.0f} {unit})"
    reached = max(ours / theirs / 2 if theirs else 0, share / CEILING_SHARE)
    return [goal(f"{what}: ≥ 2 × theirs or ≥ {CEILING_SHARE} of the lower ceiling", text, reached, 1, True)]


def publish_measures(figures):
    measures = []
    names = [name for name in figures.raw.get("sink", {}) if name.startswith("publish")]
    for name in names:
        for ours, theirs in LIKE_FOR_LIKE:
            measures += ratio(f"{name}: {ours} to {theirs}", figures.rate(ours, name), figures.rate(theirs, name), 2, True,
                              "records/s")
        disk = figures.median("disk", "write")
        ceilings = {"the client's": figures.rate("sink", name), "the disk's": disk * 1e6 / int(name.split()[1])}
        measures += against_ceiling(f"{name}: {FLUSHED} to {KAFKA_SHIPPED}", figures.rate(FLUSHED, name),
                                    figures.rate(KAFKA_SHIPPED, name), ceilings)
    for name in [name for name in figures.raw.get(FLUSHED, {}) if name.startswith("java publish")]:
        for ours, theirs in LIKE_FOR_LIKE:
            measures += ratio(f"{name}: {ours} to {theirs}", figures.rate(ours, name), figures.rate(theirs, name), 2, True,
                              "records/s")
    return measures


def consume_measures(figures):
    measures = []
    for name in [name for name in figures.raw.get("sink", {}) if name.startswith("consume")]:
        measures += against_ceiling(name, figures.rate(FLUSHED, name), figures.rate(KAFKA_SHIPPED, name),
                                    {"the client's": figures.rate("sink", name)})
        java = f"java {name}"
        measures += ratio(java, figures.rate(FLUSHED, java), figures.rate(KAFKA_SHIPPED, java), 2, True, "records/s")
    return measures


def cpu_measures(figures):
    measures = []
    for name in ("publish 100 B x 6", "publish 1024 B x 6", "consume 100 B", "consume 1024 B"):
        for ours, theirs in LIKE_FOR_LIKE:
            measures += ratio(f"server CPU per record, {name}: {ours} to {theirs}", figures.cpu_us(ours, name),
                              figures.cpu_us(theirs, name), 0.5, False, "µs", 2)
    return measures


def latency_measures(figures):
    measures = []
    for key, label, bound in PERCENTILES:
        ours, flush = (figures.median(FLUSHED, "latency", lambda run, part=part: (run[part] or {}).get(key))
                       for part in ("acknowledged", "flush"))
        measures += ratio(f"publish latency {label} to the flush baseline", ours, flush, bound, False, "µs")
    for ours, theirs in LIKE_FOR_LIKE:
        mine, other = (figures.median(who, "latency", lambda run: (run["consumed"] or {}).get("p99_us")) for who in (ours, theirs))
        measures += ratio(f"publish to consume p99: {ours} to {theirs}", mine, other, 0.5, False, "µs")
    return measures


def footprint_measures(figures):
    measures = []
    for name, bound in RESIDENT_MB:
        value = figures.median(FLUSHED, name)
        if value:
            measures.append(goal(f"{name}, MB", f"{value:.1f}", value, bound, False))
    value = figures.median(FLUSHED, "first produce")
    if value:
        measures.append(goal("start to first accepted produce, ms", f"{value * 1e3:.1f}", value * 1e3, FIRST_PRODUCE_MS, False))
    return measures


def measures_of(raw):
    figures = Figures(raw)
    return (publish_measures(figures) + consume_measures(figures) + cpu_measures(figures) + latency_measures(figures)
            + footprint_measures(figures))
