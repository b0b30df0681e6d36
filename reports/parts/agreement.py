"""Agreement: the largest part of the error bound that each implementation uses, by pass and tensor.

τ = max |g − g*| / B, the error bound B being that of the agreement gate: at most 1 where the two agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from samegrad.benchmarks.results.passes import title
from samegrad.reports.figures import heat
from samegrad.reports.material import Material
from samegrad.reports.part import Figure, ReportPart, Text, note
from samegrad.reports.provenance import footer
from samegrad.reports.records import GroupTimes

ID, TITLE = "agreement", "The same gradients"
NAME = "agreement"
FAINTEST = 1e-3
"""The τ with the palest cell; a τ of 1 has the darkest."""


def part(material: Material) -> ReportPart | None:
    """A figure per dtype and device, and a table for each problem in it; None where no τ was recorded."""
    run, figures, tables = material.run, list[Figure](), list[heat.Table]()
    for dtype, device in run.settings:
        groups = run.select(dtype, device)
        grids = [
            grid
            for problem in dict.fromkeys(group.problem for group in groups)
            if (grid := worst(groups, problem)).values
        ]
        if not grids:
            continue
        figures.append(
            Figure(
                f"{NAME}-{material.suffix(dtype, device)}",
                partial(heat.draw, footer(run), f"{HEADING} ({groups[0].setting})", SUBHEADING, grids, material.looks),
                rows(groups),
                describe(groups),
            )
        )
        for grid in grids:
            caption = f"{grid.title}, {groups[0].setting}: largest τ"
            named = heat.Grid(caption, grid.values)
            tables.append(heat.as_table(named, f"agreement-{len(tables) + 1}", material.looks, f"Numbers: {caption}"))
    if not figures:
        return None
    how = """τ = |difference from the reference| / error bound, the largest over all batches and elements. The bound is
        derived from the arithmetic, not chosen; at most 1 is agreement, and no time is recorded without it."""
    return ReportPart(ID, TITLE, [Text(_verdict(run.groups)), note(how), *figures, *tables])


HEADING = "Agreement: the part of the error bound that is used"
SUBHEADING = (
    "τ = |difference from the reference| / error bound, the largest over all batches; above 1 is a disagreement."
)


def worst(groups: Iterable[GroupTimes], problem: str) -> heat.Grid:
    """For each implementation the largest τ over the batches, by pass and tensor; NaN where one is unknown."""
    taus: dict[str, dict[tuple[str, str], float]] = {}
    for group in groups:
        for case in group.cases if group.problem == problem else ():
            for tensor, tau in case.agreement.items():
                of_one = taus.setdefault(case.implementation, {})
                before = of_one.get((title(group.pass_), tensor), 0.0)
                of_one[title(group.pass_), tensor] = tau if math.isnan(tau) else max(before, tau)
    return grid_of(problem, taus)


def grid_of(name: str, taus: dict[str, dict[tuple[str, str], float]]) -> heat.Grid:
    """A grid of τ: darker for more of the bound on a logarithmic scale, and an alarm beyond it."""
    return heat.Grid(name, {row: {key: _value(tau) for key, tau in of.items()} for row, of in taus.items()})


def _value(tau: float) -> heat.Value:
    share = 0.0 if math.isnan(tau) else 1 - math.log10(max(tau, FAINTEST)) / math.log10(FAINTEST)
    return heat.Value(tau, tau_in_words(tau), None if tau > 1 else share)


def rows(groups: Iterable[GroupTimes]) -> list[dict[str, Any]]:
    """Every τ of every case, one row per tensor."""
    return [
        {**group.facts, "implementation": case.implementation, "tensor": tensor, "tau": tau}
        for group in groups
        for case in group.cases
        for tensor, tau in case.agreement.items()
    ]


def describe(groups: Iterable[GroupTimes]) -> str:
    """The figure in words: the largest τ of each implementation."""
    largest: dict[str, float] = {}
    for row in rows(groups):
        if not math.isnan(row["tau"]):
            largest[row["implementation"]] = max(row["tau"], largest.get(row["implementation"], 0.0))
    each = ", ".join(f"{name} {tau_in_words(tau)}" for name, tau in sorted(largest.items(), key=lambda item: item[1]))
    return f"Largest error in units of its bound (τ, at most 1 where results agree): {each}."


def tau_in_words(tau: float) -> str:
    """τ in few characters: `0.021`, `0.4`, `0`, `<0.001`."""
    if math.isnan(tau):
        return "–"
    if math.isinf(tau):
        return "∞"
    if 0 < tau < FAINTEST:
        return "<0.001"
    return f"{tau:.2g}" if tau < 100 else f"{tau:.0e}"


def _verdict(groups: Sequence[GroupTimes]) -> str:
    """The sentence on the largest τ, and where it is."""
    known = [row for row in rows(groups) if not math.isnan(row["tau"])]
    if not known:
        return "No agreement was recorded."
    worst = max(known, key=lambda row: row["tau"])
    where = (
        f"the largest τ is {tau_in_words(worst['tau'])}: {worst['implementation']}, {worst['tensor']} of "
        f"{worst['problem']} {worst['pass']}, batch {worst['batch']:,}, {worst['dtype']}"
    )
    return (
        f"All results agree with the reference; {where}." if worst["tau"] <= 1 else f"Not all results agree: {where}."
    )
