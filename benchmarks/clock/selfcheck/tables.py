"""The findings of a self-check as tables: measured against promised."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding, Selfcheck, figure

STYLES = {MET: "green", WITHIN_CHANCE: "yellow", MISSED: "bold red"}


def show(report: Selfcheck, console: Console, whole: bool = True) -> None:
    """Print every finding, or the promises that were not met alone, and what was not measured."""
    findings = report.findings if whole else [one for one in report.findings if one.result in (WITHIN_CHANCE, MISSED)]
    for check in dict.fromkeys(finding.check for finding in findings):
        console.print(f"{check}: {CAPTIONS[check]}", style="italic")
        by_title: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.check == check:
                by_title.setdefault(f"{finding.condition}, {finding.arm}", []).append(finding)
        for title, group in by_title.items():
            console.print(table(title, group))
        console.print()
    for skipped in report.skipped:
        console.print(Text(f"not measured: {skipped.check}, {skipped.condition}: {skipped.reason}"))
    for warning in report.warnings:
        console.print(warning, style="bold yellow")
    console.print(f"{report.summary} In {report.seconds:.0f} s.")


CAPTIONS = {
    "in one process": "Equal and slowed callables of one process, 100 paired blocks; sign interval, margin 1 %",
    "between workers": "Equal and slowed workers, five launches a comparison; t-interval, margin 1 %",
    "stock": "The same work under stock pytest-benchmark, its defaults, on the same CPU",
    "bias": "Time per call in the same process as timeit's, paired; the mean over processes",
    "first call": "A callable that sleeps 0.3 s in its first call, against one that does not",
    "fence": "value_and_grad of xor at a batch of 65,536 on all CPUs; then with all waiting taken away",
    "noise rule": "The yardstick's rule on scripted times",
}


WIDTHS = {"measured": 10, "95 % limits": 16, "promised": 21}
"""Characters of the columns beside the first: together at most 80."""


def table(title: str, findings: list[Finding]) -> Table:
    """The findings of one check under one condition by one clock, a line each."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(title, width=80 - sum(WIDTHS.values()) - len(WIDTHS))
    for column, width in WIDTHS.items():
        grid.add_column(column, width=width, justify="left" if column == "promised" else "right")
    for finding in findings:
        number = figure(finding.measured, finding.unit)
        measured = f"{finding.count} of {finding.of}" if finding.count is not None else number
        grid.add_row(
            finding.what, measured, finding.limits, Text(finding.outcome, STYLES.get(finding.result or "", ""))
        )
    return grid
