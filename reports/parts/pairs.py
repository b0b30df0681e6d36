"""Who is faster than whom, by what ratio, at which batch; and where no difference is shown."""

from __future__ import annotations

from itertools import combinations

from samegrad.benchmarks.results.statistics import CONFIDENCE
from samegrad.benchmarks.results.verdict import verdict
from samegrad.reports import cells
from samegrad.reports.answer import headline
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.page.chart_data import options
from samegrad.reports.part import Columns, Markup, ReportPart, note, table
from samegrad.reports.ratios import compare

ID, TITLE = "pairs", "Who is faster than whom"
TEMPLATE = """
<div class="controls" data-for="pairs">
{{ choices("pairs", "problem", "Problem", problem) }}
{{ choices("pairs", "pass", "Pass", pass) }}
{{ choices("pairs", "setting", "Computed in", setting) }}
{{ choices("pairs", "batch", "Batch", batch) }}
</div>
"""


def part(material: Material) -> ReportPart | None:
    """The table of pairs at the smallest batch of the first problem; the page's controls switch it to others.

    It is None with fewer than two implementations to compare.
    """
    run, looks = material.run, material.looks
    if max((len(group.cases) for group in run.groups), default=0) < 2:
        return None
    group = headline(run)[0]
    shown, left_out = drawn(run.groups)
    pairs = combinations([case for case in group.cases if case.implementation in shown], 2)
    compared = [(fast, slow, compare(group, slow, fast)) for fast, slow in pairs]
    columns: Columns = {
        "implementation": lambda pair: cells.name(pair[0].implementation, looks),
        "is": lambda pair: cells.verdict(verdict(pair[2].inverse, group.margin) or "no difference shown"),
        "than": lambda pair: cells.name(pair[1].implementation, looks),
        "times": lambda pair: cells.ratio(pair[2].ratio),
        "interval": lambda pair: cells.interval(pair[2].low, pair[2].high),
    }
    how = f"""“Faster” is only where the whole interval lies beyond the margin of {100 * group.margin:g} %; “equivalent”
        where it lies inside. Intervals hold at {100 * CONFIDENCE:g} % for all pairs of a batch together (Student's t
        over launches, Bonferroni).{left_out}"""
    shown_table = table("pairs-table", group.where, compared, columns)
    return ReportPart(ID, TITLE, [note(how), Markup(TEMPLATE, options(run.groups)), shown_table])
