"""The findings of a self-check as tables: measured against promised."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding, Selfcheck

STYLES = {MET: "green", WITHIN_CHANCE: "yellow", MISSED: "bold red"}


def show(report: Selfcheck, console: Console) -> None:
    """Print one table for each check, what was not measured, and how to read it."""
    for check in dict.fromkeys(finding.check for finding in report.findings):
        console.print(table(check, [finding for finding in report.findings if finding.check == check]))
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


def table(check: str, findings: list[Finding]) -> Table:
    """One check's findings, a line each."""
    grid = Table(title=f"{check}: {CAPTIONS[check]}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("what", "under", "by"):
        grid.add_column(column)
    for column in ("measured", "of", "95 % limits", "promised"):
        grid.add_column(column, justify="right")
    grid.add_column("result")
    for finding in findings:
        grid.add_row(
            finding.what,
            finding.condition,
            finding.arm,
            finding.said,
            str(finding.of),
            finding.limits,
            finding.promised,
            Text(finding.result or "", style=STYLES.get(finding.result or "", "")),
        )
    return grid
