"""Who is faster than whom, by what ratio, at which batch; and where no difference is shown."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import CONFIDENCE
from samegrad.benchmarks.results.verdict import verdict
from samegrad.reports.answer import headline
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.options import batch_options, pass_options, problem_options, setting_options
from samegrad.reports.ratios import compare

ID, TITLE = "pairs", "Who is faster than whom"
TEMPLATE = """
<p class="note">“Faster” stands only where the whole interval lies beyond the margin of {{ margin }}; “equivalent”
where it lies inside. Intervals hold at {{ confidence }} for all pairs of a batch together (Student's t over launches,
Bonferroni).{{ left_out }}</p>
<div class="controls" data-for="pairs">
{{ choices("pairs", "problem", "Problem", problems) }}
{{ choices("pairs", "pass", "Pass", passes) }}
{{ choices("pairs", "setting", "Computed in", settings) }}
{{ choices("pairs", "batch", "Batch", batches) }}
</div>
{{ data_link("pairs-table", "pairs") }}
{{ table("pairs-table", where, [("implementation", false), ("is", false), ("than", false), ("times", true),
  ("interval", true)], rows) }}
"""


def data(material: Material) -> dict[str, Any] | None:
    """The pairs of the headline's smallest batch, which the controls replace; None with fewer than two to compare."""
    run = material.run
    if max((len(group.cases) for group in run.groups), default=0) < 2:
        return None
    group = headline(run)[0]
    limit, looks = run.margin, material.looks
    shown, left_out = drawn(list(run.groups))
    rows = []
    for fast, slow in combinations([case for case in group.cases if case.implementation in shown], 2):
        found = compare(group, slow, fast)
        word = verdict(found.inverse, limit)
        rows.append(
            [
                cells.name(fast.implementation, looks),
                cells.verdict(word or "no difference shown"),
                cells.name(slow.implementation, looks),
                cells.ratio(found.ratio),
                units.interval(found.low, found.high) or "–",
            ]
        )
    return {
        "rows": rows,
        "where": group.where,
        "margin": f"{100 * limit:g} %",
        "confidence": f"{100 * CONFIDENCE:g} %",
        "left_out": left_out,
        "problems": problem_options(run.groups),
        "passes": pass_options(run.groups),
        "settings": setting_options(run.groups),
        "batches": batch_options(run.groups),
    }
