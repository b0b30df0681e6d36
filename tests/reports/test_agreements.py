"""The documents of `samegrad agree`: read with the same care as run files, and drawn beside them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from samegrad.impls.documents import base
from samegrad.impls.documents.agreement import AgreementDocument
from samegrad.impls.documents.base import DocumentError
from samegrad.reports import report
from samegrad.reports.material import gather
from samegrad.reports.parts import drift, survey
from tests.reports.drawn import render

STORED = Path(__file__).with_name("stored") / "agreement-1.json"
SMALL = {"problems": ("line",), "passes": ("forward",), "batches": (4,)}


@pytest.fixture
def document():
    """A stored document: numpy and torch-eager, both problems and dtypes, two scales."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def test_a_document_comes_back_as_it_was_saved(document):
    """Every τ, distance, shadow and fault."""
    readings = base.read(STORED, [AgreementDocument])
    assert [tau.tau for tau in readings.taus] == [row["tau"] for row in document["agree"]["rows"]]
    assert [row.distance for row in readings.distances] == [row["distance"] for row in document["drift"]["rows"]]
    assert [shadow.largest for shadow in readings.shadows] == [row["largest"] for row in document["drift"]["shadows"]]
    assert [fault.present for fault in readings.known_faults] == [
        fault["present"] for fault in document["known_faults"]
    ]
    assert readings.implementations == ["numpy", "torch-eager"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is JSON of another kind"),
        ({"format_version": 2}, "at $.format_version: 2 is newer than this version of samegrad reads"),
        ({"format_version": "1"}, "at $.format_version: must be a whole number of at least 1, found '1'"),
    ],
)
def test_another_file_or_a_newer_one_is_refused(document, write_run, change, message):
    """In one line."""
    with pytest.raises(DocumentError) as caught:
        base.read(write_run(document | change), [AgreementDocument])
    assert message in str(caught.value)


def test_a_survey_in_which_nothing_could_be_measured_is_drawn(document, write_run):
    """It gives no section."""
    document["agree"]["rows"] = document["known_faults"] = []
    document["drift"] = None
    results = gather([write_run(), write_run(document, "agreement.json")])
    assert not results.agreement.taus and survey.part(results) is None and drift.part(results) is None


def test_what_could_not_be_compared_is_no_agreement(document, write_run, paragraphs):
    """An infinite τ, which JSON cannot hold, is saved as null and shown as ∞."""
    document["agree"]["rows"][5].update(tau=None, disagreement="shape (4,) instead of (1,)")
    results = gather([write_run(), write_run(document, "agreement.json")])
    assert math.isinf(results.agreement.taus[5].worst)
    assert "1 of 144 disagree (numpy); the largest τ is ∞" in paragraphs(survey.part(results))[0]


def test_an_unexplained_drift_is_named(document, write_run, paragraphs):
    """And not explained as rounding."""
    results = gather([write_run(), write_run(document, "agreement.json")])
    assert paragraphs(drift.part(results))[0].startswith("Rounding explains all of it")
    document["drift"]["rows"][3]["explained"] = False
    results = gather([write_run(), write_run(document, "agreement.json")])
    assert "does not explain how far numpy went" in paragraphs(drift.part(results))[0]


def test_the_report_draws_drift_beside_the_run(tmp_path, make_run, write_run):
    """Picture, numbers, and the page's sections."""
    paths = report.draw([write_run(make_run(**SMALL)), STORED], tmp_path / "out", say=lambda line: None)
    assert {"drift.png", "drift.svg", "drift.csv"} <= {path.name for path in paths}
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert all(f'<section id="{name}"' in page for name in ("survey", "drift", "faults"))


def test_the_latest_agreement_is_shown_beside_the_latest_run(tmp_path, monkeypatch, write_run):
    """Without arguments both are found; without an agreement the run is drawn alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports/runs").mkdir(parents=True)
    write_run(name="reports/runs/a.json")
    assert gather().agreement is None
    (tmp_path / "reports/agreements").mkdir()
    (tmp_path / "reports/agreements/b.json").write_text(STORED.read_text(encoding="utf-8"), encoding="utf-8")
    assert gather().agreement is not None and [path.name for path in gather().paths] == ["a.json", "b.json"]


def test_an_agreement_alone_has_a_page_of_its_own():
    """Its own sections, and nothing about a run that is not there."""
    page = render(gather([STORED]))
    assert re.findall(r'<section id="([^"]+)"', page) == ["survey", "drift", "faults"]
    assert "unknown machine" not in page


def test_an_implementation_without_shadows_is_drawn(document, write_run, figures):
    """No shadows, a distance of zero."""
    document["drift"]["shadows"] = []
    document["drift"]["rows"][1]["distance"] = 0.0
    results = gather([write_run(), write_run(document, "agreement.json")])
    from samegrad.reports import style

    with style.applied():
        assert figures(results)["drift"].draw() is not None
