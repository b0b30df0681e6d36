"""The data of the page's scripts: each panel's medians, percentiles, ratios and crossovers; the controls' options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.verdict import EQUIVALENT, FASTER, NOT_RESOLVED, SLOWER, verdict
from samegrad.reports import style
from samegrad.reports.answer import headline
from samegrad.reports.cells import colour_class
from samegrad.reports.figures.frame import short
from samegrad.reports.ratios import compare, crossovers
from samegrad.reports.records import GroupTimes, StoredRun

WORDS = ("", FASTER, SLOWER, EQUIVALENT, NOT_RESOLVED)
"""The verdicts, which the script knows by their place; the first is that of a pair without an interval."""
MOST_PAIRS = 30_000
"""More pairs than this would make the page too large; the others are left to its tables and the run file."""


def panels(run: StoredRun) -> dict[str, list[GroupTimes]]:
    """Groups by `dtype|device|problem|pass`: the answer's first, then plain passes; within one, by batch."""
    by_panel: dict[str, list[GroupTimes]] = {}
    groups = dict.fromkeys([*headline(run), *run.groups])
    for group in sorted(groups, key=lambda group: passes.split(group.pass_)[1] != ""):
        by_panel.setdefault(f"{group.dtype}|{group.device}|{group.problem}|{group.pass_}", []).append(group)
    return {key: sorted(of, key=lambda group: group.batch) for key, of in by_panel.items()}


def chart_data(run: StoredRun, names: list[str], looks: Mapping[str, style.Look]) -> dict[str, Any]:
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
        "passes": {
            label: {"title": passes.title(label), "unit": passes.unit(label)}
            for label in dict.fromkeys(group.pass_ for group in run.groups)
        },
        "words": WORDS,
        "panels": _panels(run, names),
    }


def _panels(run: StoredRun, names: list[str]) -> dict[str, Any]:
    """Every panel, with its pairs as long as there are not too many in all."""
    shown, left = {}, MOST_PAIRS
    for number, (key, groups) in enumerate(panels(run).items(), start=1):
        count = len(groups) * len(names) * (len(names) - 1) // 2
        shown[key] = {"table": f"times-{number}", **_panel(groups, names, with_pairs=count <= left)}
        left -= count if count <= left else 0
    return shown


def _panel(groups: list[GroupTimes], names: list[str], with_pairs: bool) -> dict[str, Any]:
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
        "pairs": [_pairs(group, names) for group in groups] if with_pairs else None,
        "crossings": [
            [place[crossing.first], place[crossing.second], crossing.low, crossing.high, _digits(crossing.near)]
            for crossing in crossovers(groups, names)
        ],
    }


def _pairs(group: GroupTimes, names: list[str]) -> list[float | None]:
    """The ratio of the first's time to the second's, its interval's ends and the verdict, for every pair in turn."""
    cases = {case.implementation: case for case in group.cases}
    ratios: list[float | None] = []
    for one, other in combinations(names, 2):
        if one in cases and other in cases:
            compared = compare(group, cases[one], cases[other])
            word = WORDS.index(verdict(compared, group.margin) or "")
            ratios += [*map(_digits, (compared.ratio, compared.low, compared.high)), word]
        else:
            ratios += [None] * 4
    return ratios


def options(groups: Sequence[GroupTimes]) -> dict[str, list[tuple[str, str]]]:
    """What the controls offer, as (value, text): problems, passes with the plain ones first, settings and batches."""
    settings = dict.fromkeys((f"{group.dtype}|{group.device}", group.setting) for group in groups)
    return {
        "problem": [(problem, problem) for problem in dict.fromkeys(group.problem for group in groups)],
        "pass": [(label, passes.title(label)) for label in passes.plain_first(group.pass_ for group in groups)],
        "setting": list(settings),
        "batch": [(str(batch), units.count(batch)) for batch in sorted({group.batch for group in groups})],
    }


def _digits(value: float | None) -> float | None:
    """Five significant digits; None, JSON's null, for what is unknown."""
    return float(f"{value:.5g}") if value is not None and math.isfinite(value) else None
