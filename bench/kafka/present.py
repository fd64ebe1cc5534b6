#!/usr/bin/env python3
"""present.py JSON DIRECTORY: shows what run.py measured: DIRECTORY/kafka.md and kafka-{publish,latency}.png."""

import json
import sys
from pathlib import Path
from statistics import median

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

COLOURS = {"Pabal flushed": "#2a5f8f", "Pabal written": "#7fb0d8", "Kafka flushing": "#c0562f", "Kafka as shipped": "#e2a184",
           "sink": "#9aa4ad"}


def bars(axes, groups, value_of, names):
    """One group of bars for each of `groups`, one bar for each of `names` that has a value."""
    width = 0.8 / len(names)
    for row, name in enumerate(names):
        for at, group in enumerate(groups):
            value = value_of(name, group)
            if value is None:
                continue
            place = at + (row - (len(names) - 1) / 2) * width
            axes.bar(place, value, width * 0.95, color=COLOURS[name], label=name if at == 0 else None)
            axes.text(place, value, f"{value:,.0f}", ha="center", va="bottom", fontsize=5, rotation=90)
    axes.legend(frameon=False, fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def plot_publish(raw, path):
    groups = list(raw["sink"])
    figure, axes = plt.subplots(figsize=(11, 4.5))

    def rate(name, group):
        runs = raw.get(name, {}).get(group)
        return median(run["records_per_s"] for run in runs) if runs else None
    bars(axes, groups, rate, [name for name in COLOURS if name in raw])
    axes.set_xticks(range(len(groups)), groups, fontsize=7)
    axes.set_ylabel("records/s")
    save(figure, path)


def plot_latency(raw, path):
    groups = [(what, key) for what in ("acknowledged", "consumed", "flush") for key in ("p50_us", "p99_us", "p999_us")]
    figure, axes = plt.subplots(figsize=(11, 4.5))

    def latency(name, group):
        runs = [run[group[0]][group[1]] for run in raw.get(name, {}).get("latency", []) if run[group[0]]]
        return median(runs) if runs else None
    bars(axes, groups, latency, [name for name in COLOURS if name in raw and name != "sink"])
    axes.set_yscale("log")
    axes.set_xticks(range(len(groups)), [f"{what}\n{key.removesuffix('_us')}" for what, key in groups], fontsize=7)
    axes.set_ylabel("µs")
    save(figure, path)


def page(measured, pictures):
    taken, options, machine = measured["taken"], measured["options"], measured["machine"]
    lines = ["# The Kafka door's speed, as measured", "",
             "Written by `./dev bench kafka`; what each measure means: [performance.md](../performance.md). Raw figures: "
             "[kafka.json](kafka.json).", "",
             f"{taken['at'][:10]}, {machine['cores']} cores, {machine['memory_mb'] / 1000:.0f} GB memory, release build; load average "
             f"{taken['load_before']:.1f} before, {taken['load_after']:.1f} after. Median of {options['runs']} "
             f"run{'s' if options['runs'] > 1 else ''} of {options['seconds']:g} s each."]
    if measured["without_kafka"]:
        lines += ["", f"Without Apache Kafka: {measured['without_kafka']}."]
    lines += ["", "| measure | goal | result | met |", "|---|---|---|---|"]
    lines += [f"| {m['what']} | {m['goal']} | {m['text']} | {'yes' if m['met'] else '**no**'} |" for m in measured["measures"]]
    return "\n".join([*lines, "", *(f"![{name.removesuffix('.png')}]({name})" for name in pictures)]) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    measured = json.loads(Path(sys.argv[1]).read_text())
    directory = Path(sys.argv[2])
    pictures = []
    if plt:
        pictures = ["kafka-publish.png", "kafka-latency.png"]
        plot_publish(measured["raw"], directory / pictures[0])
        plot_latency(measured["raw"], directory / pictures[1])
    else:
        print("present.py: no plots without python3-matplotlib", file=sys.stderr)
    (directory / "kafka.md").write_text(page(measured, pictures))


if __name__ == "__main__":
    main()
