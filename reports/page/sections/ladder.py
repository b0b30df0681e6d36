"""The ladder: what the obvious way of each framework costs against its best."""

from __future__ import annotations

import math
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.reports.figures import ladder
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.ratios import compare

ID, TITLE = "ladder", "The ladder"
TEMPLATE = """
<p class="note">Every execution of each framework at {{ where }}, on a logarithmic scale, the slowest first; and how
many times faster than that it is, with its interval (95 % for all pairs together).
{% if floor %}The left edge is {{ floor }}.{% endif %}</p>
<ul class="bars dots">
{% for rung in rungs %}
<li class="{{ rung.colour }}"><span class="name{{ rung.first }}">{{ rung.name }}</span>
<span class="track{{ rung.first }}"><span class="dot" style="margin-left: {{ rung.left }}%"></span>
<span class="said">{{ rung.time }}{% if rung.ratio %} · <b>{{ rung.ratio }}×</b>{{ rung.interval }}{% endif %}</span>
</span></li>
{% endfor %}
</ul>
<details><summary>Numbers: the ladder</summary>
{{ data_link("ladder-table", "ladder") }}
{{ table("ladder-table", "Against each framework's slowest execution", [("framework", false), ("implementation", false),
  ("median", true), ("times faster", true), ("interval", true)], rows) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where no framework was measured in several executions."""
    run = material.run
    group = ladder.group_of(run)
    if group is None:
        return None
    low, high = group.cases[0].median_ns, group.cases[-1].median_ns
    floors = [case for case in group.cases if case.is_floor]
    rungs, rows = [], []
    for framework, cases in ladder.rungs(run, group):
        for case in cases:
            found = compare(group, cases[0], case)
            interval = units.interval(found.low, found.high)
            name = cells.name(case.implementation, material.looks)
            times = cells.ratio(found.ratio)
            rows.append([framework, name, cells.time(case.median_ns), times, interval or "–"])
            rungs.append(
                {
                    "name": case.implementation,
                    "first": " first" if case is cases[0] else "",
                    "colour": cells.colour_class(material.looks[case.implementation].colour),
                    "left": f"{55 * math.log(case.median_ns / low) / (math.log(high / low) or 1):.2f}",
                    "time": units.time(case.median_ns),
                    "ratio": "" if case is cases[0] else units.ratio(found.ratio),
                    "interval": f" ({interval})" if interval else "",
                }
            )
    return {
        "where": group.where,
        "floor": f"{floors[0].implementation}, {units.time(low)}" if floors and floors[0] is group.cases[0] else "",
        "rungs": rungs,
        "rows": rows,
    }
