"""Before the steady state: import, preparation and first call, which are never mixed with the times of later calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reports import units
from reports.answer import headline
from reports.figures.frame import drawn
from reports.material import Material
from reports.page import cells
from reports.reading import number
from reports.records import Case, Run

ID, TITLE = "cold-start", "Before the first result"
PARTS = ("import", "prepare", "first call")
TEMPLATE = """
<p class="note">One reading each, at {{ where }}, from dark to light: importing the framework, bringing data and
parameters to it (prepare), and the first call, which traces and compiles where the framework does. None of it is in the
times above.{{ left_out }}</p>
<ul class="bars" aria-hidden="true">
{% for bar in bars %}
<li class="{{ bar.colour }}"><span class="name">{{ bar.name }}</span><span class="track"><span class="stack"
style="width: {{ bar.width }}%">{% for share in bar.shares %}<span style="flex: {{ share }}"></span>{% endfor %}</span>
<span class="said">{{ bar.said }}</span></span></li>
{% endfor %}
</ul>
<details><summary>Numbers: before the first result</summary>
{{ data_link("cold-start-table", "cold-start") }}
{{ table("cold-start-table", "Once per process, at " ~ where, [("implementation", false), ("import", true),
  ("prepare", true), ("first call", true), ("sum", true), ("later calls (median)", true)], rows) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """The run's readings at the headline's smallest batch; None where there are none."""
    run, group = material.run, headline(material.run)[0]
    looks = material.looks
    read = sorted(((case, _parts(run, case)) for case in group.cases), key=lambda item: sum(_known(item[1])))
    shown, left_out = drawn([group])
    read = [(case, parts) for case, parts in read if _known(parts) and case.implementation in shown]
    if not read:
        return None
    most = max(sum(_known(parts)) for _, parts in read)
    return {
        "left_out": left_out,
        "where": f"{group.problem} {group.pass_}, batch {units.count(group.batch)}, {group.dtype} on {group.device}",
        "bars": [
            {
                "name": case.implementation,
                "colour": cells.colour_class(looks[case.implementation].colour),
                "width": f"{45 * sum(_known(parts)) / most:.2f}",
                "shares": [f"{share / sum(_known(parts)):.4f}" for share in _known(parts)],
                "said": _said(parts),
            }
            for case, parts in read
            if sum(_known(parts)) > 0
        ],
        "rows": [
            [
                cells.name(case.implementation, looks),
                *(cells.time(part) if math.isfinite(part) else "–" for part in parts),
                cells.time(sum(_known(parts))),
                cells.time(case.median_ns),
            ]
            for case, parts in read
        ],
    }


def _parts(run: Run, case: Case) -> tuple[float, ...]:
    """Import, preparation and first call in ns, NaN where not recorded."""
    imported = number(run.implementations[case.implementation].get("import_s")) * 1e9
    return imported, case.prepare_ns, case.first_call_ns


def _known(parts: Sequence[float]) -> list[float]:
    return [part for part in parts if math.isfinite(part) and part >= 0]


def _said(parts: Sequence[float]) -> str:
    """`0.93 s: import 0.92 s, prepare 2 ms, first call 9 ms`."""
    told = [f"{name} {units.time(part, 2)}" for name, part in zip(PARTS, parts, strict=True) if math.isfinite(part)]
    return f"{units.time(sum(_known(parts)), 2)}: {', '.join(told)}"
