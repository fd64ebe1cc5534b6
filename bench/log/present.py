#!/usr/bin/env python3
"""present.py JSON DIRECTORY: shows what bench_log measured: DIRECTORY/log.md and log-{goals,latency,rates}.png."""

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

MET, MISSED = "#2a7f62", "#c0562f"
LOG, BASELINE = "#2a5f8f", "#9aa4ad"
CURVES = [("latency_1", "baseline", "flush of 4 KiB", BASELINE), ("latency_1", "commit", "append, 1 partition", LOG),
          ("latency_1000", "commit", "append, 1,000 partitions", MISSED)]
RATES = [("throughput_100b_1", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 100 B\n1 partition"),
         ("throughput_1kib_1", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 1 KiB\n1 partition"),
         ("throughput_100b_1000", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 100 B\n1,000 part."),
         ("throughput_1kib_1000", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 1 KiB\n1,000 part."),
         ("throughput_1kib_1_five", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 1 KiB\n5 under way"),
         ("throughput_large_1", "log_mb_per_s", "write_fdatasync_mb_per_s", "append 1 MiB\n1 partition"),
         ("read_recent", "read_and_send_mb_per_s", "sendfile_mb_per_s", "read recent"),
         ("read_segments", "read_and_send_mb_per_s", "sendfile_mb_per_s", "read segments")]


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def share_of_goal(measure):
    """How well a goal is met: 1 is just so, more is better."""
    result, bound = measure["result"], measure["bound"]
    return result / bound if measure["at_least"] else bound / max(result, bound / 1000)


def plot_goals(measures, path):
    """One bar for each measure, how many times better than its goal, on a logarithmic axis."""
    figure, axes = plt.subplots(figsize=(9, 0.34 * len(measures) + 1.2))
    for row, measure in enumerate(reversed(measures)):
        share = share_of_goal(measure)
        axes.barh(row, share - 1, left=1, color=MET if measure["met"] else MISSED, height=0.6)
        axes.text(max(share, 1) * 1.04, row, f"{measure['result']:g}  (goal {measure['goal']})", va="center", fontsize=7)
    axes.set_yticks(range(len(measures)), [measure["what"] for measure in reversed(measures)], fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(0.2, 200)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times better than the goal (1 = just met)", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def plot_latency(raw, path):
    """Latency by percentile, nines evenly spaced; of several runs the median at each point."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for section, part, label, colour in CURVES:
        curves = [run[part]["curve"] for run in raw[section]]
        share = [1 / (1 - point[0]) for point in curves[0]]
        axes.plot(share, [median(points) for points in zip(*[[p[1] for p in curve] for curve in curves])],
                  label=label, color=colour)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 2, 10, 100, 1000, 10000], ["0", "50", "90", "99", "99.9", "99.99"])
    axes.minorticks_off()
    ticks = [t for t in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000) if axes.get_ylim()[0] <= t <= axes.get_ylim()[1]]
    axes.set_yticks(ticks, [f"{t:,}" for t in ticks])
    axes.set_xlabel("percentile")
    axes.set_ylabel("µs until durable")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)


def plot_rates(raw, path):
    """Bytes per second beside what the disk, or sendfile, does with as many."""
    rows = [row for row in RATES if row[0] in raw]
    figure, axes = plt.subplots(figsize=(9, 4))
    for at, (section, ours, theirs, _) in enumerate(rows):
        for shift, key, colour in ((-0.2, ours, LOG), (0.2, theirs, BASELINE)):
            value = median([median(run[key]) for run in raw[section]])
            axes.bar(at + shift, value, 0.38, color=colour)
            axes.text(at + shift, value, f"{value:,.0f}", ha="center", va="bottom", fontsize=7)
    axes.set_xticks(range(len(rows)), [row[3] for row in rows], fontsize=8)
    axes.set_ylabel("MB/s")
    axes.bar(0, 0, color=LOG, label="the log")
    axes.bar(0, 0, color=BASELINE, label="write + fdatasync of 1 MiB; sendfile")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def size_text(count):
    """1000000000 as "1 GB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:g} {unit}"
    return f"{count} B"


def spread(runs):
    return f"{min(runs):g} to {max(runs):g}" if len(runs) > 1 else ""


def table(measured, pictures):
    """The Markdown page: goals and results, how they were taken, the plots."""
    machine, options, taken = measured["machine"], measured["options"], measured["raw"]["taken"]
    loads = [part[when] for part in taken for when in ("load_before", "load_after")]
    lines = [
        "# The log's speed, as measured", "",
        "Written by `./dev bench log`; what each measure means: [performance.md](../performance.md). Raw figures: "
        "[log.json](log.json).", "",
        f"{taken[0]['at'][:10]}, {machine['cores']} cores, {machine['memory_mb'] / 1000:.0f} GB memory, one virtual disk, release build; "
        f"load average {min(loads):.1f} to {max(loads):.1f}. Median of {options['runs']} run{'s' if options['runs'] > 1 else ''}; "
        f"{options['samples']:,} samples of latency, {size_text(options['throughput_bytes'])} for each throughput, "
        f"a start with {size_text(options['start_bytes'])}.", "",
        "| measure | goal | result | met | of all runs |", "|---|---|---|---|---|"]
    for measure in measured["measures"]:
        lines.append(f"| {measure['what']} | {measure['goal']} | {measure['result']:g} | {'yes' if measure['met'] else '**no**'} | "
                     f"{spread(measure['runs'])} |")
    lines += [""] + [f"![{picture.removesuffix('.png')}]({picture})" for picture in pictures]
    return "\n".join(lines) + "\n"


def plots(measured, directory):
    """Draws what there is to draw; the names of the files."""
    drawn = ["log-goals.png"]
    plot_goals(measured["measures"], directory / drawn[-1])
    if {"latency_1", "latency_1000"} <= measured["raw"].keys():
        drawn.append("log-latency.png")
        plot_latency(measured["raw"], directory / drawn[-1])
    if any(row[0] in measured["raw"] for row in RATES):
        drawn.append("log-rates.png")
        plot_rates(measured["raw"], directory / drawn[-1])
    return drawn


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    measured = json.loads(Path(sys.argv[1]).read_text())
    directory = Path(sys.argv[2])
    pictures = plots(measured, directory) if plt else []
    (directory / "log.md").write_text(table(measured, pictures))
    if not plt:
        print("present.py: no plots without python3-matplotlib", file=sys.stderr)


if __name__ == "__main__":
    main()
