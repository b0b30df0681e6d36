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
from samegrad.reports.part import Figure, ReportPart, Table, Text, note
from samegrad.reports.provenance import footer
from samegrad.reports.records import GroupTimes

ID, TITLE = "agreement", "The same gradients"
FAINTEST = 1e-3
"""The τ with the palest cell; a τ of 1 has the darkest."""
HEADING = "Agreement: the part of the error bound that is used"
DEFINITION = "τ = |difference from the reference| / error bound, the largest over all batches"
SUBHEADING = f"{DEFINITION}; above 1 is a disagreement."
HOW = f"""{DEFINITION} and elements. The bound is derived from the arithmetic, not chosen; at most 1 is agreement, and
no time is recorded without it."""


def part(material: Material) -> ReportPart | None:
    """A figure per dtype and device, and a table for each problem in it; None where no τ was recorded."""
    run, looks, figures, tables = material.run, material.looks, list[Figure](), list[Table]()
    for dtype, device in run.settings:
        groups = run.select(dtype, device)
        if not (taus := rows(groups)):
            continue
        grids = [
            grid_of(problem, (row for row in taus if row["problem"] == problem))
            for problem in dict.fromkeys(row["problem"] for row in taus)
        ]
        name, setting = f"agreement-{material.suffix(dtype, device)}", groups[0].setting
        draw = partial(heat.draw, footer(run), f"{HEADING} ({setting})", SUBHEADING, grids, looks)
        figures.append(Figure(name, draw, taus, describe(taus)))
        for grid in grids:
            caption = f"{grid.title}, {setting}: largest τ"
            tables.append(heat.as_table(f"agreement-{len(tables) + 1}", caption, grid, looks, f"Numbers: {caption}"))
    if not figures:
        return None
    return ReportPart(ID, TITLE, [Text(_verdict(rows(run.groups))), note(HOW), *figures, *tables])


def rows(groups: Iterable[GroupTimes]) -> list[dict[str, Any]]:
    """Every τ of every case, one row per tensor."""
    return [
        {**group.facts, "implementation": case.implementation, "tensor": tensor, "tau": tau}
        for group in groups
        for case in group.cases
        for tensor, tau in case.agreement.items()
    ]


def grid_of(problem: str, taus: Iterable[dict[str, Any]]) -> heat.Grid:
    """For each implementation the largest τ over the batches, by pass and tensor."""
    return tau_grid(problem, ((row["implementation"], (title(row["pass"]), row["tensor"]), row["tau"]) for row in taus))


def tau_grid(name: str, taus: Iterable[tuple[str, tuple[str, str], float]]) -> heat.Grid:
    """The largest τ of each implementation and column: darker for more of the bound, and an alarm beyond it."""
    largest: dict[str, dict[tuple[str, str], float]] = {}
    for implementation, key, tau in taus:
        of_one = largest.setdefault(implementation, {})
        of_one[key] = max(tau, of_one.get(key, 0.0))
    return heat.Grid(name, {row: {key: _value(tau) for key, tau in of.items()} for row, of in largest.items()})


def _value(tau: float) -> heat.Value:
    share = 1 - math.log10(max(tau, FAINTEST)) / math.log10(FAINTEST)
    return heat.Value(tau, tau_in_words(tau), None if tau > 1 else share)


def tau_in_words(tau: float) -> str:
    """τ in few characters: `0.021`, `0.4`, `0`, `<0.001`."""
    if math.isinf(tau):
        return "∞"
    if 0 < tau < FAINTEST:
        return "<0.001"
    return f"{tau:.2g}" if tau < 100 else f"{tau:.0e}"


def describe(taus: Sequence[dict[str, Any]]) -> str:
    """The figure in words: the largest τ of each implementation."""
    largest: dict[str, float] = {}
    for row in taus:
        largest[row["implementation"]] = max(row["tau"], largest.get(row["implementation"], 0.0))
    each = ", ".join(f"{name} {tau_in_words(tau)}" for name, tau in sorted(largest.items(), key=lambda item: item[1]))
    return f"Largest error in units of its bound (τ, at most 1 where results agree): {each}."


def _verdict(taus: Sequence[dict[str, Any]]) -> str:
    """The sentence on the largest τ, and where it is."""
    worst = max(taus, key=lambda row: row["tau"])
    where = (
        f"the largest τ is {tau_in_words(worst['tau'])}: {worst['implementation']}, {worst['tensor']} of "
        f"{worst['problem']} {worst['pass']}, batch {worst['batch']:,}, {worst['dtype']}"
    )
    return f"{'All results agree with the reference' if worst['tau'] <= 1 else 'Not all results agree'}; {where}."
