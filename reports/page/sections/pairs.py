"""Who is faster than whom, by what ratio, at which batch; and where no difference is shown."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from reports import units
from reports.answer import headline, margin
from reports.crossovers import pairs
from reports.figures.frame import drawn
from reports.material import Material
from reports.page import cells
from reports.ratios import CONFIDENCE, compare

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
    limit, looks = margin(run), material.looks
    shown, left_out = drawn(list(run.groups))
    rows = []
    for fast, slow in combinations([case for case in group.cases if case.implementation in shown], 2):
        found = compare(group, slow, fast, pairs(group))
        word = {"slower": "faster", "faster": "slower"}.get(found.verdict(limit), found.verdict(limit))
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
        "where": f"{group.problem} {group.pass_}, batch {units.count(group.batch)}, {group.dtype} on {group.device}",
        "margin": f"{100 * limit:g} %",
        "confidence": f"{100 * CONFIDENCE:g} %",
        "left_out": left_out,
        "problems": [(name, name) for name in dict.fromkeys(group.problem for group in run.groups)],
        "passes": [(name, name) for name in dict.fromkeys(group.pass_ for group in run.groups)],
        "settings": [(f"{dtype}|{device}", f"{dtype} on {device}") for dtype, device in run.settings],
        "batches": [(batch, units.count(batch)) for batch in sorted({group.batch for group in run.groups})],
    }
