"""Time per call against batch: the chart with its controls, bars at one batch, crossovers, and every number."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.crossovers import Crossover
from samegrad.reports import style
from samegrad.reports.answer import headline
from samegrad.reports.figures import batches
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.chart_data import chart_data, panels
from samegrad.reports.page.options import batch_options, pass_options, problem_options, setting_options
from samegrad.reports.ratios import crossovers, judged
from samegrad.reports.records import NOTHING, Case, Group, Run
from samegrad.reports.table import against

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
{{ data_link("times-1", "times") }}
</figure>
<noscript><p class="note">The chart and its controls need JavaScript; all its numbers are in the tables below.</p>
</noscript>
<script type="application/json" id="chart-data">{{ chart | tojson }}</script>
<p class="note">Lines are medians of all rounds, bands go from the 10th to the 90th percentile; relative to an
implementation, bands are the intervals of the ratio. Rings mark crossovers that the intervals show; of more than
eight lines, those between implementations that are the fastest somewhere.{{ left_out }}</p>

<h3>At one batch</h3>
<div class="controls" data-for="bars">
{{ choices("bars", "batch", "Batch", batches) }}
</div>
<ul class="bars" id="bars" aria-describedby="bars-where"></ul>
<p class="note" id="bars-where"></p>

{% if crossings %}
<details><summary>Crossovers: where one overtakes another ({{ crossing_count }})</summary>
{{ data_link("crossover-table", "crossovers") }}
{{ table("crossover-table", "Shown by the intervals; “near” is interpolated between the batches measured." ~
  (" The first " ~ (crossings | length) ~ "." if crossing_count > crossings | length else ""),
  [("problem", false), ("pass", false), ("computed in", false), ("faster when small", false),
   ("faster when large", false), ("between", false), ("near batch", true)], crossings) }}
</details>
{% endif %}
{% if tables | length > 8 %}
<details><summary>Numbers: {{ tables | length }} tables</summary>
{% endif %}
{% for panel in tables %}
<details><summary>Numbers: {{ panel.title }}</summary>
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title ~ ", " ~ panel.baseline, [("batch", true), ("implementation", false), ("median", true),
  ("10th percentile", true), ("90th percentile", true), ("ratio (interval)", true), ("verdict", false)] +
  ([("device memory", true)] if panel.memory else []) +
  ([("by the device's clock", true)] if panel.clocked else []), panel.rows) }}
</details>
{% endfor %}
{% if tables | length > 8 %}
</details>
{% endif %}
{% if tables_left_out %}
<p class="note">{{ tables_left_out }} more tables are in the CSV files beside this page.</p>
{% endif %}
"""
MOST_ROWS, MOST_CROSSINGS = 2400, 400
"""Tables with more rows than this in all are left to the CSV files, and so many crossovers are listed: a small page."""


def data(material: Material) -> dict[str, Any] | None:
    """The run's times; None for a run of cold starts alone."""
    run = material.run
    if not run.groups:
        return None
    looks = material.looks
    fastest, left_out = drawn(list(run.groups))
    shown = [name for name in looks if name in fastest]
    chart, found = chart_data(run, shown, looks), _crossings(run, shown)
    return {
        "chart": chart,
        "left_out": left_out,
        "description": batches.describe(headline(run)),
        "problems": problem_options(run.groups),
        "passes": pass_options(run.groups),
        "settings": setting_options(run.groups),
        "shows": [
            ("time", "time per call"),
            *((item["name"], f"relative to {item['name']}") for item in chart["series"]),
        ],
        "batches": batch_options(run.groups),
        "crossings": found[:MOST_CROSSINGS],
        "crossing_count": len(found),
        "tables": (tables := _tables(run, looks)),
        "tables_left_out": len(chart["panels"]) - len(tables),
    }


def _crossings(run: Run, shown: list[str]) -> list[list[cells.Cell]]:
    return [
        _crossing(groups[0], found)
        for groups in panels(run).values()
        for found in crossovers(groups, shown, run.margin)
    ]


def _crossing(group: Group, found: Crossover) -> list[cells.Cell]:
    near = float(f"{found.near:.1e}")
    return [
        group.problem,
        passes.title(group.pass_),
        group.setting,
        found.first,
        found.second,
        f"{units.count(found.low)} and {units.count(found.high)}",
        cells.cell(units.count(near), near),
    ]


def _tables(run: Run, looks: dict[str, style.Look]) -> list[dict[str, Any]]:
    tables, left = [], MOST_ROWS
    for number, groups in enumerate(panels(run).values(), start=1):
        count = sum(len(group.cases) for group in groups)
        if count <= left:
            left -= count
            title = f"{groups[0].what} · {groups[0].setting}"
            tables.append({"id": f"times-{number}", "title": title, **_table(groups, looks)})
    return tables


def _table(groups: list[Group], looks: dict[str, style.Look]) -> dict[str, Any]:
    """One panel's numbers; columns for the device's memory and its own time where some case has them."""
    memory = any(_device(case, "device_memory_bytes") for group in groups for case in group.cases)
    clocked = any(_device(case, "device_ns") for group in groups for case in group.cases)
    baselines = ", ".join(dict.fromkeys(group.baseline for group in groups if group.baseline))
    rows = [
        [
            cells.batch(group.batch),
            cells.name(case.implementation, looks),
            cells.time(case.median_ns),
            cells.time(case.spread_ns[0]),
            cells.time(case.spread_ns[1]),
            cells.cell(against(ratio), ratio and ratio.ratio),
            cells.verdict(word, case.notes),
            *([cells.memory(_device(case, "device_memory_bytes") or 0)] if memory else []),
            *([cells.time(_device(case, "device_ns") or NOTHING)] if clocked else []),
        ]
        for group in groups
        for case in group.cases
        for ratio, word in [judged(group, case)]
    ]
    baseline = f"ratio to {baselines}" if baselines else "without a baseline"
    return {"baseline": baseline, "memory": memory, "clocked": clocked, "rows": rows}


def _device(case: Case, what: str) -> float | None:
    """A figure by the device's own clock or counter; None where there is none."""
    return getattr(case.extra, what, None)
