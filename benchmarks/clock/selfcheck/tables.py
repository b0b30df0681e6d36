"""The findings of a self-check as tables: measured against promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.clock.selfcheck.findings import MET, MISSED, WITHIN_CHANCE
from benchmarks.results import units

STYLES = {MET: "green", WITHIN_CHANCE: "yellow", MISSED: "bold red"}


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print one table for each check, what was not measured, and how to read it."""
    for check in dict.fromkeys(finding["check"] for finding in report["findings"]):
        console.print(table(check, [finding for finding in report["findings"] if finding["check"] == check]))
    for skipped in report["skipped"]:
        console.print(Text(f"not measured: {skipped['check']}, {skipped['condition']}: {skipped['reason']}"))
    if report["busy_before"] > BUSY:
        console.print(
            f"The machine was not quiet: others used {report['busy_before']:.0%} of its CPUs just before.",
            style="bold yellow",
        )
    results = [finding["result"] for finding in report["findings"] if finding["result"]]
    console.print(
        f"{len(results)} promises: {results.count(MET)} met, {results.count(WITHIN_CHANCE)} not met but within the "
        f"chance that their counts leave, {results.count(MISSED)} missed. In {report['seconds']:.0f} s."
    )


BUSY = 0.1
"""The share of the CPUs above which a machine is not called quiet."""

CAPTIONS = {
    "in one process": "Equal and slowed callables of one process, 100 paired blocks; sign interval, margin 1 %",
    "between workers": "Equal and slowed workers, five launches a comparison; t-interval, margin 1 %",
    "stock": "The same work under stock pytest-benchmark, its defaults, on the same CPU",
    "bias": "Time per call in the same process as timeit's, paired; the mean over processes",
    "first call": "A callable that sleeps 0.3 s in its first call, against one that does not",
    "fence": "value_and_grad of xor at a batch of 65,536 on all CPUs; then with all waiting taken away",
    "noise rule": "The yardstick's rule on scripted times",
}


def table(check: str, findings: list[Mapping[str, Any]]) -> Table:
    """One check's findings, a line each."""
    grid = Table(title=f"{check}: {CAPTIONS[check]}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("what", "under", "by"):
        grid.add_column(column)
    for column in ("measured", "of", "95 % limits", "promised"):
        grid.add_column(column, justify="right")
    grid.add_column("result")
    for finding in findings:
        unit = finding["unit"]
        limits = "" if finding["low"] is None else f"{figure(finding['low'], unit)} to {figure(finding['high'], unit)}"
        measured = figure(finding["measured"], unit)
        grid.add_row(
            finding["what"],
            finding["condition"],
            finding["arm"],
            measured if finding["count"] is None else f"{finding['count']} = {measured}",
            str(finding["of"]),
            limits,
            promise(finding),
            Text(finding["result"] or "", style=STYLES.get(finding["result"], "")),
        )
    return grid


def figure(value: float, unit: str) -> str:
    """A figure in its unit: "20.0 %" of all, "+0.57 %" off, "25.0 µs", "1.0061×"."""
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "percent":
        return f"{value:+.2f} %"
    if unit == "ns":
        return units.time(value) if value >= 1000 else f"{value:.1f} ns"
    return f"{value:.4f}×"


def promise(finding: Mapping[str, Any]) -> str:
    """What was promised: "≤ 8 %", "≥ 95 %", "±1 %", "≤ 15 ns"."""
    least, most = finding["at_least"], finding["at_most"]
    if least is None and most is None:
        return ""
    scale, unit = {"share": (100, " %"), "percent": (1, " %"), "ns": (1, " ns"), "times": (1, "×")}[finding["unit"]]
    if least is not None and most is not None:
        return f"±{scale * most:g}{unit}"
    return f"≤ {scale * most:g}{unit}" if least is None else f"≥ {scale * least:g}{unit}"
