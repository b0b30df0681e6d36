"""Known faults of the frameworks, and whether the versions tried still have them."""

from __future__ import annotations

from samegrad.impls.documents.agreement import FaultRow
from samegrad.reports.material import Material
from samegrad.reports.part import Items, ReportPart, note

ID, TITLE = "faults", "Known faults of the frameworks"
HERE = {True: "Present", False: "Absent", None: "Not tried"}


def part(material: Material) -> ReportPart | None:
    """Each fault once, with its outcome in every framework; None where none was tried."""
    if material.agreement is None or not material.agreement.known_faults:
        return None
    by_name: dict[str, list[FaultRow]] = {}
    for fault in material.agreement.known_faults:
        by_name.setdefault(fault.name, []).append(fault)
    items = [
        (name, [_outcome(fault) for fault in faults], f"Cure: {faults[0].cure} Source: {faults[0].source.rstrip('.')}.")
        for name, faults in by_name.items()
    ]
    how = "Found by the bound, each reproduced by a few lines when samegrad agree ran."
    return ReportPart(ID, TITLE, [note(how), Items(items)])


def _outcome(fault: FaultRow) -> str:
    """The outcome in words: `Present in keras 3.15.1: W1[0, 0] is …`."""
    versions = ", ".join(f"{name} {version}" for name, version in fault.versions.items())
    return f"{HERE[fault.present]}{f' in {versions}' if versions else ''}: {fault.evidence or fault.what}"
