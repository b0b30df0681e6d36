"""What it costs to call a pass otherwise: input from the host, pipelined, or a step with another optimizer."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.variants import Against, against_plain

ID, TITLE = "variants", "Called otherwise"
TEMPLATE = """
<p class="note">How many times as long as the same pass called plainly, at the smallest batch measured both ways.
{{ meanings }} Intervals are Student's t over launches, 95 % each; the two were timed in different rounds.</p>
{% for panel in tables %}
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title, panel.columns, panel.rows, "", panel.spans) }}
{% endfor %}
"""
MEANINGS = {
    "host": "Input from the host: handed over at each call, and the result fetched.",
    "pipelined": "Pipelined: many calls enqueued, and one wait for all.",
    passes.OPTIMIZERS: "With an optimizer: instead of plain gradient descent.",
}


def data(material: Material) -> dict[str, Any] | None:
    """One table per problem, dtype and device; None where no variant was measured beside its pass."""
    found = against_plain(material.run.groups)
    if not found:
        return None
    settings = list(dict.fromkeys((one.variant.problem, one.variant.setting) for one in found))
    families = list(dict.fromkeys(passes.family(one.variant.pass_) for one in found))
    return {
        "meanings": " ".join(MEANINGS[family] for family in families if family in MEANINGS),
        "tables": [
            {
                "id": f"variants-{number}",
                "title": f"{problem}, {setting}",
                **_table([o for o in found if (o.variant.problem, o.variant.setting) == (problem, setting)], material),
            }
            for number, (problem, setting) in enumerate(settings, start=1)
        ],
    }


def _table(found: list[Against], material: Material) -> dict[str, Any]:
    families = passes.families(one.variant.pass_ for one in found)
    names = [name for name in material.looks if any(one.variant.case(name) for one in found)]
    found = sorted(found, key=lambda one: families.index(passes.family(one.variant.pass_)))
    above = [_heading(one) for one in found]
    return {
        "columns": [
            ("implementation", False),
            *((_short(one.variant.pass_), True, one.variant.pass_) for one in found),
        ],
        "spans": [("", 1), *((heading, above.count(heading)) for heading in dict.fromkeys(above))],
        "rows": [[cells.name(name, material.looks), *(_cell(one, name) for one in found)] for name in names],
    }


def _heading(one: Against) -> str:
    """The heading over the columns of one family: `input from the host, batch 4`."""
    family = passes.family(one.variant.pass_)
    what = "train_step with" if family == passes.OPTIMIZERS else passes.heading(family)
    return f"{what}, batch {units.count(one.variant.batch)}"


def _short(label: str) -> str:
    """The pass, or the optimizer: what differs within a family."""
    name, variant = passes.split(label)
    return variant if passes.family(label) == passes.OPTIMIZERS else name


def _cell(one: Against, name: str) -> cells.Cell:
    compared = one.comparison(name)
    if compared is None:
        return "–"
    interval = units.interval(compared.low, compared.high)
    lines = [f"{units.ratio(compared.ratio)}×", *([interval] if interval else [])]
    return cells.cell("\n".join(lines), compared.ratio, css="lines")
