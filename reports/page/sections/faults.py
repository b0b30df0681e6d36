"""Known faults of the frameworks, and whether the versions tried still have them."""

from __future__ import annotations

from typing import Any

from reports.material import Material

ID, TITLE = "faults", "Known faults of the frameworks"
TEMPLATE = """
<p class="note">Found by the bound, each reproduced by a few lines when samegrad agree ran.</p>
<ul class="faults">
{% for fault in faults %}
<li><strong>{{ fault.name }}</strong>: {{ fault.here }}{% if fault.versions %} in {{ fault.versions }}{% endif %}.
{{ fault.told }}.<br><span class="note">Cure: {{ fault.cure }} Source: {{ fault.source }}.</span></li>
{% endfor %}
</ul>
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where none was tried."""
    if material.agreement is None or not material.agreement.faults:
        return None
    return {
        "faults": [
            {
                "name": fault.name,
                "here": {True: "present", False: "absent", None: "not tried"}[fault.present],
                "versions": fault.versions,
                "told": (fault.evidence or fault.what).rstrip("."),
                "cure": fault.cure,
                "source": fault.source.rstrip("."),
            }
            for fault in material.agreement.faults
        ]
    }
