"""How far to trust this run: its noise, its failures, where and how it was made."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from samegrad.benchmarks.documents.run import IntervalEntry, LaunchOfRun, Quantiles
from samegrad.benchmarks.documents.selfcheck import Selfcheck
from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.provenance import noise_reasons
from samegrad.reports.records import Run

ID, TITLE = "trust", "How far to trust this run"
TEMPLATE = """
<p>{{ verdict }}</p>
{% if reasons %}
<ul>
{% for reason in reasons %}
<li>{{ reason }}</li>
{% endfor %}
</ul>
{% endif %}
{% for remark in remarks %}
<p class="note">{{ remark }}.</p>
{% endfor %}
{% if selfcheck %}
<p>{{ selfcheck }} <a href="#selfcheck">All of the clock's self-check</a></p>
{% endif %}
{% if sentinel %}
<h3>The same against itself</h3>
<p class="note">A duplicate of each group's baseline, in a process of its own, measured with the rest: an interval that
does not hold 1 shows a difference where there is none. {{ holding }}</p>
<details{{ " open" if sentinel | length < 7 }}><summary>Numbers: the same against itself</summary>
{{ data_link("sentinel", "the-same-against-itself") }}
{{ table("sentinel", "Duplicate over original", [("group", false), ("ratio", true), ("interval", true),
  ("holds 1", false)], sentinel) }}
</details>
{% endif %}
{% if launches %}
<h3>The yardstick</h3>
<p class="note">A fixed piece of NumPy work, timed in every round: what the machine did meanwhile.</p>
{{ data_link("launches", "yardstick") }}
{{ table("launches", "One line per launch", [("launch", true), ("started", false), ("median", true),
  ("10th percentile", true), ("90th percentile", true), ("90th / 10th", true)], launches) }}
{% endif %}
{% if dropped %}
<h3>Rounds dropped</h3>
<p class="note">In these the machine or a worker stood still: they are left out for every implementation of the group,
so that rounds stay paired.</p>
<details{{ " open" if dropped | length < 7 }}><summary>Numbers: rounds dropped ({{ dropped | length }})</summary>
{{ data_link("dropped", "rounds-dropped") }}
{{ table("dropped", "One line per round", [("group", false), ("launch", true), ("round", true), ("in", false),
  ("because", false)], dropped) }}
</details>
{% endif %}
{% if failures %}
<h3>Failures</h3>
{% for failure in failures %}
<p><strong>{{ failure.implementation }}</strong>{% if failure.group %} in {{ failure.group }}{% endif %}:
{{ failure.reason }}</p>
{% if failure.stderr %}<pre>{{ failure.stderr | join("\n") }}</pre>{% endif %}
{% endfor %}
{% endif %}
{% if skipped %}
<h3>Skipped</h3>
<ul>
{% for item in skipped %}
<li><strong>{{ item.implementation }}</strong>: {{ item.reason }}</li>
{% endfor %}
</ul>
{% endif %}
<h3>How it was made</h3>
{% if command %}<pre>{{ command }}</pre>{% endif %}
<details><summary>Environment, options and implementations in full</summary>
{{ data_link("environment", "environment") }}
{{ table("environment", "As the run file has it", [("part", false), ("what", false), ("value", false)], environment) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """The run's own assessment; None where there is no run."""
    if not material.runs:
        return None
    run, ours = material.run, material.run.ours
    sentinel = [_sentinel(group, interval) for group, interval in ours.noise.sentinel.items()]
    return {
        "reasons": noise_reasons(run),
        "verdict": _verdict(run),
        "remarks": run.remarks,
        "selfcheck": _selfcheck(material.selfcheck),
        "sentinel": sentinel,
        "holding": f"{sum(row[-1] == 'yes' for row in sentinel)} of {len(sentinel)} hold it.",
        "launches": [_launch(launch, launch.yardstick) for launch in ours.launches if launch.yardstick],
        "dropped": [
            [group.group, str(drop.launch), str(drop.round), drop.in_, drop.reason]
            for group in ours.groups
            for drop in group.dropped
        ],
        "failures": ours.failures,
        "skipped": ours.skipped,
        "command": ours.command,
        "environment": _environment(run),
    }


def _verdict(run: Run) -> str:
    if noise_reasons(run):
        return "The run found itself NOISY; repeat it on a quieter machine before relying on it. Its reasons:"
    spread = run.ours.noise.yardstick_spread
    told = f" The yardstick's 90th percentile was at most {units.ratio(spread)} times its 10th." if spread else ""
    return f"The run found itself quiet.{told}"


def _selfcheck(found: Selfcheck | None) -> str:
    """What the clock's own A/A test found where the machine was quiet."""
    told = [f"{one.check} {one.said} (limits {one.limits})" for one in found.same_against_itself] if found else []
    quiet = len([one for one in found.same_against_itself if one.condition == "quiet"]) if found else 0
    return f"Equals told apart by the clock itself, on a quiet machine: {'; '.join(told[:quiet])}." if quiet else ""


def _sentinel(group: str, interval: IntervalEntry) -> list[cells.Cell]:
    low, high = interval.low, interval.high
    holds = "–" if low is None or high is None else "yes" if low <= 1 <= high else "no"
    css = "slower" if holds == "no" else ""
    return [group, _fine(interval.ratio), f"{_fine(low)} to {_fine(high)}", cells.cell(holds, css=css)]


def _fine(ratio: float | None) -> str:
    """A ratio near 1, to a tenth of a percent."""
    return units.significant(ratio, 4)


def _launch(launch: LaunchOfRun, yardstick: Quantiles) -> list[cells.Cell]:
    times = [cells.time(ns) for ns in (yardstick.median_ns, yardstick.p10_ns, yardstick.p90_ns)]
    started = launch.started[:19].replace("T", " ")
    return [str(launch.launch), started, *times, cells.ratio(yardstick.p90_ns / yardstick.p10_ns)]


def _environment(run: Run) -> list[list[cells.Cell]]:
    """Everything recorded, one line per value, nested names joined by dots."""
    looks = style.looks(run.implementations)
    parts = {"environment": to_builtins(run.ours.environment), "options": to_builtins(run.ours.options)}
    rows: list[list[cells.Cell]] = [[part, name, said] for part, what in parts.items() for name, said in _flat(what)]
    for implementation, what in run.implementations.items():
        rows += [[cells.name(implementation, looks), name, said] for name, said in _flat(what)]
    if run.file and run.file.commit_info.id:
        rows.append(["commit", "id", run.file.commit_info.id])
    return [*rows, ["run file", "name", run.path.name], ["run file", "date", run.date]]


def _flat(found: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(found, dict):
        return [item for key, value in found.items() for item in _flat(value, f"{name}.{key}".lstrip("."))]
    if isinstance(found, (list, tuple)):
        return [(name, ", ".join(map(str, found)))]
    return [(name, "–" if found is None else str(found))]
