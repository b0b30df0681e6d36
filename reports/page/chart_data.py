"""What the page's script draws from: each panel's medians, percentiles, pairwise ratios and crossovers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from reports import style
from reports.answer import UNIT_OF, headline, margin
from reports.crossovers import crossovers, pairs
from reports.figures.frame import short
from reports.page.cells import colour_class
from reports.ratios import compare
from reports.records import Group, Run


def panels(run: Run) -> dict[str, list[Group]]:
    """Groups by `dtype|device|problem|pass`, in the order of the file; within one, by batch."""
    found: dict[str, list[Group]] = {}
    for group in run.groups:
        found.setdefault(f"{group.dtype}|{group.device}|{group.problem}|{group.pass_}", []).append(group)
    return {key: sorted(groups, key=lambda group: group.batch) for key, groups in found.items()}


def chart_data(run: Run, names: list[str], looks: Mapping[str, style.Look]) -> dict[str, Any]:
    """Everything about the named implementations, which the script knows by their place in the list."""
    first = headline(run)[0]
    return {
        "series": [
            {
                "name": name,
                "label": short(name),
                "colour": colour_class(looks[name].colour),
                "dashes": [2 * dash for dash in looks[name].dashes],
                "marker": looks[name].marker,
                "floor": looks[name] is style.FLOOR,
            }
            for name in names
        ],
        "start": {
            "problem": first.problem,
            "pass": first.pass_,
            "setting": f"{first.dtype}|{first.device}",
            "batch": first.batch,
        },
        "units": UNIT_OF,
        "margin": margin(run),
        "panels": {key: _panel(groups, names, margin(run)) for key, groups in panels(run).items()},
    }


def _panel(groups: list[Group], names: list[str], limit: float) -> dict[str, Any]:
    place = {name: number for number, name in enumerate(names)}
    return {
        "batches": [group.batch for group in groups],
        "points": [
            {
                place[case.implementation]: [_digits(case.median_ns), *map(_digits, case.spread_ns)]
                for case in group.cases
                if case.implementation in place
            }
            for group in groups
        ],
        "pairs": [_pairs(group, names, place) for group in groups],
        "crossings": [
            [place[found.first], place[found.second], found.low, found.high, _digits(found.near)]
            for found in crossovers(groups, names, limit)
        ],
    }


def _pairs(group: Group, names: list[str], place: dict[str, int]) -> dict[str, list[float | None]]:
    """`"i,j"` → the ratio of i's time to j's and its interval."""
    cases = {case.implementation: case for case in group.cases if case.implementation in place}
    found = {}
    for one, other in combinations([name for name in names if name in cases], 2):
        compared = compare(group, cases[one], cases[other], pairs(group))
        numbers = (compared.ratio, compared.low, compared.high)
        found[f"{place[one]},{place[other]}"] = [_digits(number) for number in numbers]
    return found


def _digits(value: float) -> float | None:
    """Five significant digits; None, JSON's null, for what is unknown."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
