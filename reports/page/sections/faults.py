"""Known faults of the frameworks, and whether the versions tried still have them."""

from __future__ import annotations

from typing import Any

from samegrad.impls.documents.agreement import Fault
from samegrad.reports.material import Material

ID, TITLE = "faults", "Known faults of the frameworks"
TEMPLATE = """
<p class="note">Found by the bound, each reproduced by a few lines when samegrad agree ran.</p>
<ul class="faults">
{% for fault in faults %}
<li><strong>{{ fault.name }}</strong>
{% for line in fault.found %}
<br>{{ line }}
{% endfor %}
<br><span class="note">Cure: {{ fault.cure }} Source: {{ fault.source }}.</span></li>
{% endfor %}
</ul>
"""
HERE = {True: "Present", False: "Absent", None: "Not tried"}


def data(material: Material) -> dict[str, Any] | None:
    """Each fault once, with what was found of it in every framework; None where none was tried."""
    if material.agreement is None or not material.agreement.known_faults:
        return None
    by_name: dict[str, list[Fault]] = {}
    for fault in material.agreement.known_faults:
        by_name.setdefault(fault.name, []).append(fault)
    return {
        "faults": [
            {
                "name": name,
                "found": [_found(fault) for fault in faults],
                "cure": faults[0].cure,
                "source": faults[0].source.rstrip("."),
            }
            for name, faults in by_name.items()
        ]
    }


def _found(fault: Fault) -> str:
    """`Present in keras 3.15.1: W1[0, 0] is …`."""
    versions = ", ".join(f"{name} {version}" for name, version in fault.versions.items())
    where = f" in {versions}" if versions else ""
    return f"{HERE[fault.present]}{where}: {fault.evidence or fault.what}"
