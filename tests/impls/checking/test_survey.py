"""The whole of `samegrad agree`: one document, readable again, and its tables."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from samegrad.impls.checking import known_faults, survey
from samegrad.impls.documents import base
from samegrad.impls.documents.agreement import AgreementDocument


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
    document, path = AgreementDocument.of(result), tmp_path / "agreement.json"
    path.write_bytes(document.encoded())
    assert base.read(path, [AgreementDocument]) == document and (document.format, document.format_version) == (
        AgreementDocument.FORMAT,
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
    """Nor is a crash, or nothing at all; but drift that was not measured is no failure."""
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


def test_in_short_there_is_a_line_for_each_and_the_verdict_is_last():
    """A right one, and one that is wrong at a single scale."""
    row = {"problem": "xor", "pass": "forward", "dtype": "float32", "scale": 1.0, "seed": 0, "tensor": "W1"}
    right = [
        {**row, "implementation": name, "tau": tau, "disagreement": None} for name, tau in (("a", 0.1), ("b", 0.5))
    ]
    parts = {"left_out": {"c": "needs torch"}, "failed": {}}
    result = {"agree": {"rows": right, **parts}, "drift": None, "known_faults": []}

    def shown():
        console = Console(width=80, file=io.StringIO())
        console.print(survey.render(result, whole=False))
        return console.file.getvalue().splitlines()

    assert [line.split() for line in shown()[3:5]] == [["a", "0.1"], ["b", "0.5"]]
    assert "left out: c: needs torch" in shown() and shown()[-1].startswith("all 2 agree")
    fault = {"name": "a fault", "cure": "a cure.", "present": True}
    result["known_faults"] = [{**fault, "versions": {name: "1"}} for name in ("torch", "jax")]
    assert [line for line in shown() if "fault" in line] == ["known fault of torch, jax: a fault. Cure: a cure."]
    right.append({**row, "implementation": "a", "tau": None, "disagreement": "W1 is off"})
    assert ["a", "∞"] in [line.split() for line in shown()] and shown()[-1].startswith("1 disagreements")
