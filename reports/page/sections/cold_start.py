"""Before the steady state: import, preparation and first calls, which are never mixed with the times of later calls.

Where the run measured cold starts, each phase is the median over new processes; otherwise it is the one reading that
every worker takes on its way.
"""

from __future__ import annotations

import math
from statistics import median
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.reports.answer import headline
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.records import NOTHING, Case, Run

ID, TITLE = "cold-start", "Before the first result"
TEMPLATE = """
<p class="note">{{ how }}, from dark to light: {{ phases | join(", ") }}. None of it is in the times of later calls.</p>
<ul class="bars" aria-hidden="true">
{% for bar in bars %}
<li class="{{ bar.colour }}"><span class="name">{{ bar.name }}</span><span class="track"><span class="stack"
style="width: {{ bar.width }}%">{% for share in bar.shares %}<span style="flex: {{ share }}"></span>{% endfor %}</span>
<span class="said">{{ bar.said }}</span></span></li>
{% endfor %}
</ul>
<details><summary>Numbers: before the first result</summary>
{{ data_link("cold-start-table", "cold-start") }}
{{ table("cold-start-table", how, columns, rows) }}
</details>
{% for name, reason in absent %}
<p class="note">{{ name }}: {{ reason }}</p>
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where nothing of it was recorded."""
    run, looks = material.run, material.looks
    found = measured(run) if run.cold else readings(run)
    if not found:
        return None
    totals = {name: sum(_known(phases)) for name, (phases, _) in found.items()}
    shown = sorted((name for name in found if totals[name] > 0), key=totals.__getitem__)[:MOST]
    most = max(totals.values())
    columns = list(next(iter(found.values()))[0])
    return {
        "how": _how(run),
        "phases": columns,
        "bars": [
            {
                "name": name,
                "colour": cells.colour_class(looks[name].colour),
                "width": f"{36 * totals[name] / most:.2f}",
                "shares": [f"{share / totals[name]:.4f}" for share in _known(found[name][0])],
                "said": _said(found[name][0]),
            }
            for name in shown
        ],
        "columns": [("implementation", False), *((what, True) for what in (*columns, "sum", "peak memory"))],
        "rows": [
            [
                cells.name(name, looks),
                *(cells.time(phases.get(phase, NOTHING)) for phase in columns),
                cells.time(totals[name]),
                cells.memory(peak),
            ]
            for name, (phases, peak) in found.items()
        ],
        "absent": [(cold.implementation, cold.reason) for cold in run.cold if cold.reason],
    }


Phases = dict[str, float]


def measured(run: Run) -> dict[str, tuple[Phases, float]]:
    """The medians of each implementation's phases in ns over its processes, and its peak memory in bytes."""
    return {
        cold.implementation: ({phase: median(times) for phase, times in cold.phases.items()}, cold.peak_bytes)
        for cold in run.cold
        if cold.phases
    }


def readings(run: Run) -> dict[str, tuple[Phases, float]]:
    """Import, preparation and first call at the headline's smallest batch, one reading each."""
    if not run.groups:
        return {}
    found = {case.implementation: _reading(run, case) for case in headline(run)[0].cases}
    return {name: (phases, NOTHING) for name, phases in found.items() if _known(phases)}


def _reading(run: Run, case: Case) -> Phases:
    import_s, extra = run.implementations[case.implementation].get("import_s"), case.extra
    prepare_ns, first_ns = (extra.prepare_ns, extra.first_call_ns) if extra else (None, None)
    read = {"import": None if import_s is None else 1e9 * import_s, "prepare": prepare_ns, "first call": first_ns}
    return {phase: NOTHING if ns is None else float(ns) for phase, ns in read.items()}


def _how(run: Run) -> str:
    if run.cold:
        processes = max((len(times) for cold in run.cold for times in cold.phases.values()), default=0)
        return f"Medians of {processes} new processes each"
    return f"One reading each, at {headline(run)[0].where}"


def _known(phases: Phases) -> list[float]:
    return [ns for ns in phases.values() if math.isfinite(ns) and ns >= 0]


def _said(phases: Phases) -> str:
    """`0.93 s: import 0.92 s, prepare 2 ms, first call 9 ms`."""
    told = [f"{name} {units.time(ns, 2)}" for name, ns in phases.items() if ns > 0]
    return f"{units.time(sum(_known(phases)), 2)}: {', '.join(told)}"
