"""The whole of `samegrad agree`: one document, readable again, and its tables."""

from __future__ import annotations

import pytest
from rich.console import Console

from samegrad.impls.checking import known_faults, survey
from samegrad.impls.documents import base
from samegrad.impls.documents.agreement import Agreement


@pytest.mark.slow
def test_one_document_holds_everything(tmp_path, monkeypatch):
    """Agreement, drift and faults of one implementation: saved as strict JSON, read again, and shown in 80 columns."""
    tried = {"name": "a fault", "what": "", "cure": "a cure.", "source": "a source", "versions": {"keras": "3.15.1"}}
    faults = [
        tried | {"present": True, "evidence": "it is there"},
        tried | {"present": False, "evidence": "", "name": "another"},
        tried | {"present": None, "evidence": "no keras", "name": "a third"},
    ]
    monkeypatch.setattr(known_faults, "run", lambda implementations, progress: faults)
    lines: list[str] = []
    result = survey.run(["numpy"], problems=["line"], scales=(1.0,), seeds=(0,), progress=lines.append)
    document, path = Agreement.of(result), tmp_path / "agreement.json"
    path.write_bytes(document.encoded())
    assert base.read(path, [Agreement]) == document and (document.format, document.format_version) == (
        Agreement.FORMAT,
        1,
    )
    assert [row.tau for row in document.taus] == [row["tau"] for row in result["agree"]["rows"]]
    assert survey.exit_status(result) == survey.AGREE and len(lines) == 3

    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(survey.render(result))
    shown = capture.get()
    for part in ("all 1 agree", "rounding explains all of it", "known fault: a fault (keras 3.15.1)"):
        assert part in shown
    for part in ("it is there", "Cure: a cure.", "absent: another", "not tried: a third: no keras"):
        assert part in shown


def test_a_disagreement_or_an_unexplained_drift_is_not_agreement():
    """Nor is a crash, or nothing at all; but drift that was not measured is not held against anyone."""
    row = {"implementation": "i", "problem": "p", "pass": "f", "dtype": "d", "scale": 1, "seed": 0}
    wrong = {"rows": [row | {"disagreement": "W1 is wrong"}], "failed": {}}
    right = {"rows": [row | {"disagreement": None}], "failed": {}}
    drift = {"step": 1, "distance": 1.0, "tensor": "W1", "times_shadow": 99.0, "explained": False}
    drifted = {"rows": [row | drift], "failed": {}}
    assert survey.exit_status({"agree": right, "drift": None}) == survey.AGREE
    assert survey.exit_status({"agree": wrong, "drift": None}) == survey.DISAGREE
    assert survey.exit_status({"agree": right, "drift": drifted}) == survey.DISAGREE
    assert survey.exit_status({"agree": right | {"failed": {"numpy": "crashed"}}, "drift": None}) == survey.NOT_SHOWN
    left_out = {"rows": [{"implementation": "i", "left_out": "too large"}], "failed": {}}
    for nothing in ({"rows": [], "failed": {}}, left_out):
        assert survey.exit_status({"agree": nothing, "drift": None}) == survey.NOT_SHOWN
