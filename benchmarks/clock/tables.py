"""The groups of a run file as tables for a terminal of 80 to 120 columns, each with the one sentence it supports."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samegrad.benchmarks.clock.cold_start import PHASES
from samegrad.benchmarks.clock.noise import alike_within
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import Interval, quantiles
from samegrad.benchmarks.results.verdict import EQUIVALENT, FASTER, NOT_RESOLVED, SLOWER

STYLES = {FASTER: "green", SLOWER: "red", EQUIVALENT: "cyan", NOT_RESOLVED: "yellow"}
ENDED = {
    "died": "died",
    "hung": "hung",
    "disagreement": "wrong",
    "impossible": "impossible",
    "handicapped": "handicapped",
    "out of memory": "out of memory",
}
"""The remark on an implementation's case that ended after its first launches, by the kind of failure."""


def table(group: Mapping[str, Any]) -> Table:
    """One entry of `groups`: median time, ratio to the baseline, interval and verdict of every implementation."""
    launches = len(group["rounds"])
    grid = Table(title=f"{group['group']} ({launches} launch{'es' if launches > 1 else ''})", title_justify="left")
    grid.add_column("implementation", no_wrap=True)
    grid.add_column("median", justify="right", no_wrap=True)
    if networks := group.get("networks"):
        grid.add_column("per network", justify="right", no_wrap=True)
    grid.add_column("ratio", justify="right", no_wrap=True)
    grid.add_column("95 % interval", justify="right", no_wrap=True)
    grid.add_column("verdict", no_wrap=True)
    for row in group["rows"]:
        word = row["verdict"] or ("one launch" if row.get("failed") else "preview")
        ended = f", then {ENDED.get(row['failed'], 'failed')}" if row.get("failed") else ""
        grid.add_row(
            row["implementation"],
            units.time(row["median_ns"]),
            *([units.time(row["median_ns"] / networks)] if networks else []),
            f"{units.ratio(row['ratio'])}×",
            units.interval(row["low"], row["high"]) or "–",
            Text.assemble(
                (word, STYLES.get(word, "")), (ended, "red"), *(f", {note}" for note in row.get("notes", ()))
            ),
        )
    return grid


def fit_table(fits: Mapping[str, Any]) -> Table:
    """One entry of `fits`: fixed cost and rate with intervals, half-performance batch, and how well a line fits."""
    grid = Table(title=" ".join(str(fits[key]) for key in ("problem", "pass", "dtype", "device")), title_justify="left")
    grid.add_column("implementation", no_wrap=True)
    for heading in ("fixed cost", "ns per row", "half batch"):
        grid.add_column(heading, justify="right")
    grid.add_column("t = t0 + n/r?")
    for name, fit in fits["implementations"].items():
        if one := fit["fit"]:
            half = "–" if one["half_batch"] is None else f"{one['half_batch']:,.0f}"
            t0 = _with_interval(one["t0_ns"], one["t0_interval_ns"], units.time)
            per_row = _with_interval(one["per_row_ns"], one["per_row_interval_ns"], units.ratio)
            grid.add_row(name, t0, per_row, half, one["statement"])
    return grid


def _with_interval(value: float, interval: list[float] | None, show: Callable[[float], str]) -> str:
    return show(value) if interval is None else f"{show(value)}\n{show(interval[0])} to {show(interval[1])}"


def cold_start_table(cold_start: Mapping[str, Mapping[str, Any]]) -> Table:
    """The medians of every phase over the new processes, and the peak memory of any of them."""
    grid = Table(title="cold start: median over new processes", title_justify="left")
    grid.add_column("implementation", no_wrap=True)
    for heading in (*PHASES, "peak memory"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, samples in cold_start.items():
        if reason := samples.get("unavailable") or samples.get("failed"):
            grid.add_row(name, Text(reason, overflow="fold"))
            continue
        known = [peak for peak in samples["peak_bytes"] if peak is not None]
        memory = f"{max(known) / 2**20:,.0f} MiB" if known else "unavailable"
        grid.add_row(name, *(units.time(quantiles(samples[phase]).median_ns) for phase in PHASES), memory)
    return grid


def render(run_file: Mapping[str, Any], width: int = 100, color: bool = False) -> str:
    """The run file's key `samegrad` as text: every group's table and sentence, fixed costs and rates, the cold start,
    and whether the run was noisy and why.
    """
    console = Console(file=io.StringIO(), width=width, force_terminal=color, no_color=not color, highlight=False)
    for group in run_file["groups"]:
        console.print(table(group))
        console.print(Text(group["sentence"]))
        for line in dropped_lines(group):
            console.print(Text(line, style="yellow"))
        console.print()
    for entry in run_file["fits"]:
        console.print(fit_table(entry))
        console.print()
    if run_file["cold_start"]:
        console.print(cold_start_table(run_file["cold_start"]))
    if run_file["groups"]:
        noise = run_file["noise"]
        console.print(Text("\n".join(noise_lines(noise)), style="bold yellow" if noise["noisy"] else ""))
    for handicap in run_file.get("handicaps", ()):
        console.print(Text(f"HANDICAP: {handicap['sentence']}", style="bold yellow"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def dropped_lines(group: Mapping[str, Any]) -> list[str]:
    """A line for each round of a group of which no time is kept."""
    text = "Dropped: round {round} of launch {launch}; in the block of {in} {reason}."
    return [text.format(**drop) for drop in group.get("dropped", ())]


def noise_lines(noise: Mapping[str, Any]) -> list[str]:
    """The verdict on the run: its reasons, or what was looked at and found calm."""
    if noise["noisy"]:
        return [f"NOISY: {reason}" for reason in noise["reasons"]]
    known = [Interval(**interval) for interval in noise["sentinel"].values() if interval["low"] is not None]
    within = alike_within(known)
    if within is None:
        return ["Noise is not known: one launch has no A/A interval."]
    return [
        f"Not noisy: none of {len(known)} A/A intervals lies beyond 1 %; equal workers are known to be equal within "
        f"±{within:.1%} (the median)."
    ]
