"""The clock's self-check: what it found of known work under known loads, beside what it promises."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding, Selfcheck
from samegrad.benchmarks.results import units
from samegrad.reports.material import Material
from samegrad.reports.page import cells

ID, TITLE = "selfcheck", "Can the clock be believed?"
TEMPLATE = """
<p>{{ summary }}</p>
{% for line in warnings %}
<p class="alarm" role="note"><strong>{{ line }}</strong></p>
{% endfor %}
<p class="note">{{ how }}: known work under known loads, by this suite's clock and by others beside it; limits hold at
95 %. A/A compares the same with itself.</p>
{{ data_link("selfcheck-table", "selfcheck-promises") }}
{{ table("selfcheck-table", "Promises that were not kept, and the same against itself", columns, short) }}
<details><summary>Numbers: every promise ({{ promises | length }})</summary>
{{ data_link("selfcheck-promises", "selfcheck-promises") }}
{{ table("selfcheck-promises", "Every promise of the clock beside what it measured", columns, promises) }}
</details>
{% if others %}
<details><summary>Numbers: what nothing was promised of ({{ others | length }})</summary>
{{ data_link("selfcheck-others", "selfcheck-others") }}
{{ table("selfcheck-others", "For comparison", columns, others) }}
</details>
{% endif %}
{% for line in skipped %}
<p class="note">Not measured: {{ line }}</p>
{% endfor %}
"""
COLUMNS = [("what", False), ("of", False), ("under", False), ("by", False), ("measured", True), ("limits", True)]
COLUMNS += [("promised", True), ("result", False)]
CSS = {MET: "equivalent", MISSED: "slower"}


def data(material: Material) -> dict[str, Any] | None:
    """None without a self-check."""
    found = material.selfcheck
    if found is None or not found.findings:
        return None
    notable = [finding for finding in found.promises if finding.result in (MISSED, WITHIN_CHANCE)]
    notable += [finding for finding in found.same_against_itself if finding not in notable]
    return {
        "summary": found.summary,
        "warnings": _warnings(found, material),
        "how": _how(found),
        "columns": COLUMNS,
        "short": [_row(finding) for finding in notable],
        "promises": [_row(finding) for finding in found.promises],
        "others": [_row(finding) for finding in found.findings if not finding.result],
        "skipped": [f"{one.check}: {one.condition}: {one.reason}" for one in found.skipped],
    }


def _warnings(found: Selfcheck, material: Material) -> list[str]:
    """Reasons why the selfcheck may not apply to this run."""
    lines = list(found.warnings)
    if material.runs:
        here, there = material.run.ours.environment.machine, found.environment.machine
        if here != there:
            lines.append(f"Another machine than the run's: {there}; the run was made on {here}.")
    return lines


def _how(found: Selfcheck) -> str:
    date = found.started[:16].replace("T", " ")
    return f"samegrad selfcheck{' --quick' if found.quick else ''}, {date}, {units.count(found.seconds)} s"


def _row(finding: Finding) -> list[cells.Cell]:
    return [
        finding.what,
        finding.check,
        finding.condition,
        finding.arm,
        cells.cell(finding.said, finding.measured),
        finding.limits or "–",
        finding.promised or "–",
        cells.cell(finding.result or "–", css=CSS.get(finding.result or "", "")),
    ]
