"""Agreement: how much of the permitted error each implementation uses, by tensor.

τ = max |g − g*| / B, the error bound B being that of the agreement gate: at most 1 where the two agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results.passes import title
from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, sheet, short
from samegrad.reports.figures.heat import ROW_IN, Cell, fill_of, table_of_cells
from samegrad.reports.provenance import footer
from samegrad.reports.records import Group, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "agreement"
TITLE = "Agreement: the part of the error bound that is used"
FAINTEST = 1e-3


def worst(groups: list[Group], problem: str, names: Iterable[str]) -> dict[str, dict[tuple[str, str], float]]:
    """For each named implementation the largest τ over the batches, by (pass, tensor); NaN where one is unknown."""
    found: dict[str, dict[tuple[str, str], float]] = {name: {} for name in names}
    for group in groups:
        for case in group.cases if group.problem == problem else ():
            cells = found[case.implementation]
            for tensor, tau in case.agreement.items():
                before = cells.get((group.pass_, tensor), 0.0)
                cells[group.pass_, tensor] = tau if math.isnan(tau) else max(before, tau)
    return {name: cells for name, cells in found.items() if cells}


def rows(groups: list[Group]) -> list[dict[str, Any]]:
    """Every τ of every case, one row per tensor."""
    return [
        {
            "problem": group.problem,
            "pass": group.pass_,
            "batch": group.batch,
            "dtype": group.dtype,
            "device": group.device,
            "implementation": case.implementation,
            "tensor": tensor,
            "tau": tau,
        }
        for group in groups
        for case in group.cases
        for tensor, tau in case.agreement.items()
    ]


def describe(groups: list[Group]) -> str:
    """The figure in words: the largest τ of each implementation."""
    largest: dict[str, float] = {}
    for row in rows(groups):
        if not math.isnan(row["tau"]):
            largest[row["implementation"]] = max(row["tau"], largest.get(row["implementation"], 0.0))
    told = ", ".join(f"{name} {said(tau)}" for name, tau in sorted(largest.items(), key=lambda item: item[1]))
    return f"Largest error in units of its bound (τ, at most 1 where results agree): {told}."


def said(tau: float) -> str:
    """τ in few characters: `0.021`, `0.4`, `0`, `<0.001`."""
    if math.isnan(tau):
        return "–"
    if math.isinf(tau):
        return "∞"
    if 0 < tau < FAINTEST:
        return "<0.001"
    return f"{tau:.2g}" if tau < 100 else f"{tau:.0e}"


def draw(run: Run, groups: list[Group], looks: Mapping[str, Look]) -> Figure | None:
    """One table of cells per problem, darker for more of the bound; None where no agreement was recorded."""
    tables = {problem: worst(groups, problem, looks) for problem in dict.fromkeys(group.problem for group in groups)}
    tables = {problem: table for problem, table in tables.items() if table}
    if not tables:
        return None
    most = min(MOST, max(len(table) for table in tables.values()))
    left_in = CHARACTER_IN * max(len(short(name)) for table in tables.values() for name in table) + 0.2
    left_out = sum(len(table) > MOST for table in tables.values())
    subheading = (
        "τ = |difference from the reference| / error bound, the largest over all batches; above 1 is a disagreement."
    )
    subheading += f" The first {MOST}; all are in the data." if left_out else ""
    heading = f"{TITLE} ({groups[0].setting})"
    page = sheet(footer(run), heading, subheading, len(tables), 1, most * ROW_IN, left_in, 0.15)
    for axes, (problem, table) in zip(page.panels, tables.items(), strict=True):
        axes.set_title(problem, loc="left", x=-left_in / (style.WIDTH_IN - left_in - 0.15) + 0.012, pad=12)
        _cells(axes, dict(list(table.items())[:MOST]), looks)
    return page.figure


def _cells(axes: Axes, table: Mapping[str, Mapping[tuple[str, str], float]], looks: Mapping[str, Look]) -> None:
    columns = list(dict.fromkeys(key for cells in table.values() for key in cells))
    places = {key: place + 0.25 * _breaks(columns, place) for place, key in enumerate(columns)}
    found = [
        Cell(places[key], row, said(tau), _fill(tau))
        for row, cells in enumerate(table.values())
        for key, tau in cells.items()
    ]
    table_of_cells(axes, found, list(table), {place: tensor for (_, tensor), place in places.items()}, looks)
    for pass_ in dict.fromkeys(pass_ for pass_, _ in columns):
        middle = [place for (owner, _), place in places.items() if owner == pass_]
        axes.text(sum(middle) / len(middle), -0.62, title(pass_), ha="center", va="bottom", color=style.MUTED)


def _breaks(columns: list[tuple[str, str]], place: int) -> int:
    """How many times the pass has changed before this column: a gap is left at each change."""
    return sum(columns[i][0] != columns[i - 1][0] for i in range(1, place + 1))


def _fill(tau: float) -> str:
    if math.isnan(tau):
        return style.BACKGROUND
    if tau > 1:
        return style.ALARM
    return fill_of(1 - math.log10(max(tau, FAINTEST)) / math.log10(FAINTEST))
