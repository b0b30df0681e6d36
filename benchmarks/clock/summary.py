"""The end of a run, for a terminal of 80 columns: a small table for each problem, and what it comes to."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from samegrad.benchmarks.clock.tables import dropped_lines, noise_lines
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.series import family
from samegrad.benchmarks.results.statistics import Interval, foreseen, pairs
from samegrad.benchmarks.results.verdict import EQUIVALENT, NOT_RESOLVED, verdict

CELL = 7
MARKS = {EQUIVALENT: "=", NOT_RESOLVED: "?", None: "?"}
LAUNCHES = (5, 10, 20)
MOST_LINES = 4
"""The most parts of one sentence, or reasons, that are printed."""

Entry = Mapping[str, Any]
"""One of a run file's `groups`."""


def tables(entries: Sequence[Entry], width: int) -> Iterator[str]:
    """The lines of a table for each problem, dtype and device, with a column for each pass and batch."""
    settings = dict.fromkeys((entry["problem"], entry["dtype"], entry["device"]) for entry in entries)
    for setting in settings:
        here = [entry for entry in entries if (entry["problem"], entry["dtype"], entry["device"]) == setting]
        passes = Counter(entry["pass"] for entry in here)
        here = [entry for name in passes for entry in here if entry["pass"] == name]
        names = list(dict.fromkeys(row["implementation"] for entry in here for row in entry["rows"]))
        first = 1 + max(map(len, [*names, "baseline takes"]))
        cell = max(CELL, *(-(-(len(name) + 1) // count) for name, count in passes.items()))
        cell = max(cell, *(len(str(entry["batch"])) + 1 for entry in here))
        cell = max(cell, *(len(_networks(entry)) + 1 for entry in here))
        fit = max(1, (width - first) // cell)
        for start in range(0, len(here), fit):
            yield f"{' '.join(setting)}: ratio to the baseline (= same, ? not resolved)"
            yield from _table(names, here[start : start + fit], first, cell)
            yield ""


def _table(names: Sequence[str], entries: Sequence[Entry], first: int, cell: int) -> Iterator[str]:
    passes = [(name, len(list(of))) for name, of in groupby(entries, key=lambda entry: entry["pass"])]
    yield " " * first + "".join(f"{name[: cell * count - 1]:>{cell * count}}" for name, count in passes)
    yield "batch".ljust(first) + "".join(f"{entry['batch']:>{cell}}" for entry in entries)
    if several := any(entry.get("networks") for entry in entries):
        yield "networks".ljust(first) + "".join(f"{_networks(entry):>{cell}}" for entry in entries)
    for name in names:
        yield name.ljust(first) + "".join(f"{_cell(entry, name):>{cell}}" for entry in entries)
    baselines = [next(row for row in entry["rows"] if row["implementation"] == entry["baseline"]) for entry in entries]
    times = [units.time(row["median_ns"]).replace(" ", "") for row in baselines]
    yield "baseline takes".ljust(first) + "".join(f"{time:>{cell}}" for time in times)
    if several:
        each_ns = [
            row["median_ns"] / (entry.get("networks") or 1) for row, entry in zip(baselines, entries, strict=True)
        ]
        yield "per network".ljust(first) + "".join(f"{units.time(ns).replace(' ', ''):>{cell}}" for ns in each_ns)


def _networks(entry: Entry) -> str:
    """The number of networks, as a table's title has it."""
    return units.count(entry.get("networks") or 1)


def _cell(entry: Entry, name: str) -> str:
    row = next((row for row in entry["rows"] if row["implementation"] == name), None)
    return "-" if row is None else f"{units.ratio(row['ratio'])}{MARKS.get(row['verdict'], ' ')}"


def conclusion(run_file: Mapping[str, Any], width: int) -> Iterator[str]:
    """The answer, what is not resolved, and how far to trust it."""
    entries = run_file["groups"]
    answers = [line for answer in run_file.get("answers", ()) for line in textwrap.wrap(answer, width)]
    yield from _few(answers, 2 * MOST_LINES)
    for problem in dict.fromkeys(entry["problem"] for entry in entries if not family(entry["problem"])):
        here = [entry for entry in entries if entry["problem"] == problem]
        asked = [entry for entry in here if entry["pass"] == "value_and_grad"] or here
        yield from _few(textwrap.wrap(min(asked, key=lambda entry: entry["batch"])["sentence"], width))
    words = [row["verdict"] for entry in entries for row in entry["rows"] if row["implementation"] != entry["baseline"]]
    if unclear := sum(word in (NOT_RESOLVED, None) for word in words):
        yield from textwrap.wrap(f"Not resolved: {unclear} of {len(words)} comparisons. {_bought(entries)}", width)
    yield from _few([line for entry in entries for line in dropped_lines(entry)])
    if entries:
        yield from _few([line for reason in noise_lines(run_file["noise"]) for line in textwrap.wrap(reason, width)])


def _bought(entries: Sequence[Entry]) -> str:
    """What more launches would resolve, if they scatter as these do."""
    unclear = [
        (Interval(row["ratio"], row["low"], row["high"]), len(entry["rounds"]), pairs(len(entry["rows"])))
        for entry in entries
        for row in entry["rows"]
        if row["verdict"] == NOT_RESOLVED
    ]
    for launches in LAUNCHES:
        then = [
            verdict(foreseen(interval, count, launches, many)) for interval, count, many in unclear if count < launches
        ]
        if bought := sum(word != NOT_RESOLVED for word in then):
            return f"{launches} launches would resolve about {bought} (--launches={launches})."
    return "A preview resolves nothing (--launches=3)." if not unclear else "More launches would resolve none soon."


def _few(lines: Sequence[str], most: int = MOST_LINES) -> list[str]:
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"(and {len(lines) - most + 1} lines more: -v, or the page)"]
