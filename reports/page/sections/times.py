"""Time per call against batch: the chart with its controls, bars at one batch, crossovers, and every number."""

from __future__ import annotations

from typing import Any

from reports import style, units
from reports.answer import headline, margin
from reports.crossovers import Crossover, crossovers
from reports.figures import batches
from reports.figures.frame import drawn
from reports.material import Material
from reports.page import cells
from reports.page.chart_data import chart_data, panels
from reports.records import Group, Run
from reports.table import against

ID, TITLE = "times", "Time per call against batch"
TEMPLATE = """
<figure>
<div class="controls" data-for="chart">
{{ choices("chart", "problem", "Problem", problems) }}
{{ choices("chart", "pass", "Pass", passes) }}
{{ choices("chart", "setting", "Computed in", settings) }}
{{ choices("chart", "show", "Show", shows) }}
{{ choices("chart", "scale", "Axes", [("log", "logarithmic"), ("linear", "linear")]) }}
</div>
<fieldset class="series" id="series"><legend>Implementations</legend></fieldset>
<div class="plot" id="chart" role="group" tabindex="0"
aria-label="Chart of times; the arrow keys step through its points"></div>
<p class="readout" id="readout" aria-live="polite"></p>
<figcaption id="chart-caption">{{ description }}</figcaption>
</figure>
<noscript><p class="note">The chart and its controls need JavaScript; all its numbers are in the tables below.</p>
</noscript>
<script type="application/json" id="chart-data">{{ chart | tojson }}</script>
<p class="note">Lines are medians of all rounds, bands go from the 10th to the 90th percentile; relative to an
implementation, bands are the intervals of the ratio. Rings mark crossovers that the intervals show.{{ left_out }}</p>

<h3>At one batch</h3>
<div class="controls" data-for="bars">
{{ choices("bars", "batch", "Batch", batches) }}
</div>
<ul class="bars" id="bars"></ul>

{% if crossings %}
<details><summary>Crossovers: where one overtakes another ({{ crossings | length }})</summary>
{{ data_link("crossover-table", "crossovers") }}
{{ table("crossover-table", "Shown by the intervals; “near” is interpolated between the batches measured.",
  [("problem", false), ("pass", false), ("computed in", false), ("faster when small", false),
   ("faster when large", false), ("between", false), ("near batch", true)], crossings) }}
</details>
{% endif %}
{% for panel in tables %}
<details><summary>Numbers: {{ panel.title }}</summary>
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title ~ ", " ~ panel.baseline, [("batch", true), ("implementation", false), ("median", true),
  ("10th percentile", true), ("90th percentile", true), ("ratio (interval)", true), ("verdict", false)], panel.rows) }}
</details>
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """The run's times; None for a run of cold starts alone."""
    run = material.run
    if not run.groups:
        return None
    looks = material.looks
    fastest, left_out = drawn(list(run.groups))
    shown = [name for name in looks if name in fastest]
    chart = chart_data(run, shown, looks)
    return {
        "chart": chart,
        "left_out": left_out,
        "description": batches.describe(headline(run)),
        "problems": _options(group.problem for group in run.groups),
        "passes": _options(group.pass_ for group in run.groups),
        "settings": [(f"{dtype}|{device}", f"{dtype} on {device}") for dtype, device in run.settings],
        "shows": [
            ("time", "time per call"),
            *((item["name"], f"relative to {item['name']}") for item in chart["series"]),
        ],
        "batches": [(batch, units.count(batch)) for batch in sorted({group.batch for group in run.groups})],
        "crossings": _crossings(run, shown),
        "tables": _tables(run, looks),
    }


def _options(values: Any) -> list[tuple[str, str]]:
    return [(value, value) for value in dict.fromkeys(values)]


def _crossings(run: Run, shown: list[str]) -> list[list[cells.Cell]]:
    return [
        _crossing(groups[0], found)
        for groups in panels(run).values()
        for found in crossovers(groups, shown, margin(run))
    ]


def _crossing(group: Group, found: Crossover) -> list[cells.Cell]:
    near = float(f"{found.near:.1e}")
    return [
        group.problem,
        group.pass_,
        f"{group.dtype} on {group.device}",
        found.first,
        found.second,
        f"{units.count(found.low)} and {units.count(found.high)}",
        cells.cell(units.count(near), near),
    ]


def _tables(run: Run, looks: dict[str, style.Look]) -> list[dict[str, Any]]:
    tables = []
    for number, groups in enumerate(panels(run).values(), start=1):
        first = groups[0]
        rows = [
            [
                cells.batch(group.batch),
                cells.name(case.implementation, looks),
                cells.time(case.median_ns),
                cells.time(case.spread_ns[0]),
                cells.time(case.spread_ns[1]),
                cells.cell(against(group, case), case.ratio),
                cells.verdict(case.verdict),
            ]
            for group in groups
            for case in group.cases
        ]
        baselines = ", ".join(dict.fromkeys(group.baseline for group in groups if group.baseline))
        tables.append(
            {
                "id": f"times-{number}",
                "title": f"{first.problem} · {first.pass_} · {first.dtype} on {first.device}",
                "baseline": f"ratio to {baselines}" if baselines else "without a baseline",
                "rows": rows,
            }
        )
    return tables
