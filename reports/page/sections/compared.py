"""Several runs: what became faster or slower, whether like was compared with like, and all runs side by side."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.reports import compare, provenance, style
from samegrad.reports.figures.frame import drawn, short
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.options import batch_options, pass_options, problem_options, setting_options
from samegrad.reports.records import Run

ID, TITLE = "compared", "Compared with other runs"
TEMPLATE = """
{{ table("runs", "The runs; the last is the one that the page is about", [("run", false), ("date", false),
  ("machine", false), ("threads", false), ("rounds", false), ("noisy", false), ("file", false)], listed) }}
<h3>Side by side</h3>
<div class="controls" data-for="across">
{{ choices("across", "problem", "Problem", problems) }}
{{ choices("across", "pass", "Pass", passes) }}
{{ choices("across", "setting", "Computed in", settings) }}
{{ choices("across", "batch", "Batch", batches) }}
</div>
<figure>
<div class="plot" id="across"></div>
<figcaption id="across-caption"></figcaption>
{{ data_link("across-table", "runs-side-by-side") }}
</figure>
<details><summary>Numbers: side by side</summary>
{{ table("across-table", "Medians in every run", across_columns, []) }}
</details>
<script type="application/json" id="across-data">{{ across | tojson }}</script>
{% for pair in compared %}
<h3>{{ pair.title }}</h3>
{% for line in pair.unlike %}
<p class="alarm" role="note"><strong>Not like with like: {{ line }}</strong></p>
{% endfor %}
{% if pair.notes %}
<details{{ " open" if pair.notes | length < 4 }}><summary>What changed ({{ pair.notes | length }})</summary>
<ul>
{% for line in pair.notes %}
<li>{{ line }}</li>
{% endfor %}
</ul>
</details>
{% endif %}
<p>{{ pair.summary }}</p>
<p class="note">{{ pair.scale }} Intervals hold at 95 % for all cases of the table together (Welch, Bonferroni).</p>
<details{{ " open" if pair.rows | length <= 20 }}><summary>Numbers: {{ pair.title }}</summary>
{{ data_link(pair.id, pair.id) }}
{{ table(pair.id, pair.title, [("implementation", false), ("problem", false), ("pass", false), ("batch", true),
  ("computed in", false), ("before", true), ("after", true), ("after / before", true), ("interval", true),
  ("became", false)], pair.rows) }}
</details>
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """The earlier runs against the last; None for a single run."""
    runs = material.runs
    if len(runs) < 2 or not material.run.groups:
        return None
    groups = [group for run in runs for group in run.groups]
    return {
        "listed": [_listed(number, run) for number, run in enumerate(runs, start=1)],
        "compared": [_compared(number, material) for number in range(1, len(runs))],
        "across": (across := _across(material)),
        "across_columns": [("implementation", False), *((f"run {name}", True) for name in across["runs"])],
        "problems": problem_options(groups),
        "passes": pass_options(groups),
        "settings": setting_options(groups),
        "batches": batch_options(groups),
    }


def _listed(number: int, run: Run) -> list[cells.Cell]:
    noisy = "yes" if run.ours.noise.noisy else "no"
    told = [provenance.date(run), run.ours.environment.machine, provenance.threads(run), provenance.rounds(run)]
    return [str(number), *told, cells.cell(noisy, css="slower" if noisy == "yes" else ""), run.path.name]


def _compared(number: int, material: Material) -> dict[str, Any]:
    """Run `number` (the first is 1) against the last."""
    before, after = material.runs[number - 1], material.run
    found = compare.changes(before, after)
    return {
        "id": f"compared-{number}",
        "title": f"From run {number} to run {len(material.runs)}",
        "unlike": compare.unlike(before, after),
        "notes": compare.updated(before, after) + compare.missing(before, after),
        "summary": compare.summary(found) if found else "These two runs have no case in common.",
        "scale": compare.scale_used(before, after),
        "rows": [_row(change, material.looks) for change in compare.slowest_first(found)],
    }


def _row(change: compare.Change, looks: dict[str, style.Look]) -> list[cells.Cell]:
    group, comparison = change.group, change.comparison
    word = change.word or "no verdict"
    return [
        cells.name(change.implementation, looks),
        group.problem,
        passes.title(group.pass_),
        cells.batch(group.batch),
        group.setting,
        cells.time(change.before_ns),
        cells.time(change.after_ns),
        cells.ratio(comparison.ratio),
        units.interval(comparison.low, comparison.high) or "–",
        cells.verdict(word),
    ]


def _dates(runs: tuple[Run, ...]) -> list[str]:
    """The day of each run, or its time where all are of one day."""
    dates = [provenance.date(run) for run in runs]
    return [date[11:] or date for date in dates] if len({date[:10] for date in dates}) == 1 else [d[:10] for d in dates]


def _across(material: Material) -> dict[str, Any]:
    """For each panel and batch, every implementation's times in every run, null where it was not measured."""
    runs, looks = material.runs, material.looks
    shown, _ = drawn([group for run in runs for group in run.groups])
    points: dict[str, dict[str, list[list[float] | None]]] = {}
    for place, run in enumerate(runs):
        for group in run.groups:
            key = f"{group.dtype}|{group.device}|{group.problem}|{group.pass_}|{group.batch}"
            for case in group.cases:
                if case.implementation in shown:
                    line = points.setdefault(key, {}).setdefault(case.implementation, [None] * len(runs))
                    line[place] = [float(f"{ns:.5g}") for ns in (case.median_ns, *case.spread_ns)]
    return {
        "runs": [f"{number}: {date}" for number, date in enumerate(_dates(runs), start=1)],
        "series": {
            name: {
                "name": name,
                "label": short(name),
                "colour": cells.colour_class(looks[name].colour),
                "dashes": [2 * dash for dash in looks[name].dashes],
                "marker": looks[name].marker,
            }
            for name in looks
            if name in shown
        },
        "points": points,
    }
