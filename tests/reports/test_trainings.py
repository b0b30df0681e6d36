"""The documents of `samegrad train`: read, drawn with their differences, and shown with their verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samegrad.impls.documents import base
from samegrad.impls.documents.base import DocumentError
from samegrad.impls.documents.learning import Starts, Training
from samegrad.reports import report
from samegrad.reports.material import gather
from samegrad.reports.parts import training
from samegrad.reports.parts.training import thinned

STORED = Path(__file__).with_name("stored")
TRAINING, STARTS = STORED / "training-1.json", STORED / "starts-1.json"
SMALL = {"problems": ("line",), "passes": ("forward",), "batches": (4,)}


@pytest.fixture
def document():
    """A stored training of the line by numpy and torch-eager."""
    return json.loads(TRAINING.read_text(encoding="utf-8"))


def beside(write_run, *documents):
    """A run with these documents beside it."""
    return gather([write_run(), *(write_run(content, f"{n}.json") for n, content in enumerate(documents))])


def test_a_training_comes_back_as_it_was_saved(document):
    """Curves, spread, marks and title."""
    readings = base.read(TRAINING, [Training])
    assert readings.epochs == tuple(document["epochs"]) and readings.title == "line with sgd, float64"
    for curve, run in zip(readings.runs, document["runs"], strict=True):
        assert (curve.losses, curve.loss_difference) == (tuple(run["losses"]), tuple(run["loss_difference"]))
        assert curve.explained is run["explained"]


@pytest.mark.parametrize("kind", [Training, Starts])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is JSON of another kind"),
        ({"format_version": 2}, "2 is newer"),
        ({"format_version": None}, "whole number"),
    ],
)
def test_another_file_or_a_newer_one_is_refused(write_run, kind, change, message):
    """In one line, for both kinds."""
    with pytest.raises(DocumentError, match=message):
        base.read(write_run({"format": kind.FORMAT, "format_version": 1} | change), [kind])


def test_a_verdict_is_the_document_s(document, write_run, paragraphs):
    """Explained by rounding, or not and by whom; and only as far as can be compared."""
    assert paragraphs(training.part(beside(write_run, document)))[0] == (
        "line with sgd, float64: 2 frameworks follow one curve; what is between them is rounding."
    )
    document["runs"][1]["explained"] = False
    document["shadows"]["comparable_until"] = 50
    assert paragraphs(training.part(beside(write_run, document)))[0] == (
        "line with sgd, float64: rounding does not explain how far torch-eager went up to epoch 50, "
        "where rounding is amplified beyond comparing."
    )


def test_the_share_of_starts_is_reported(write_run, paragraphs):
    """With its percentiles; and a disagreement is not hidden."""
    content = json.loads(STARTS.read_text(encoding="utf-8"))
    part = training.part(beside(write_run, content))
    assert paragraphs(part)[0] == "The same starts converge in all." and part.blocks[-1].rows[0][1]["text"] == "99.5 %"
    content |= {"different": [7, 9], "agree": False}
    part = training.part(beside(write_run, content))
    assert paragraphs(part)[0] == (
        "2 of 200 starts (seeds 7, 9) converge in one framework and not in another; rounding does not explain it."
    )


def test_a_curve_that_ends_early_is_refused(document, write_run):
    """Every curve has a point at every mark, and every point is a number."""
    document["runs"][0]["losses"][3] = None
    with pytest.raises(DocumentError, match=r"at \$\.runs\[0\]\.losses\[3\]: expected `float`, got `null`"):
        beside(write_run, document)
    document["runs"][0]["losses"][3] = 1.0
    del document["runs"][0]["losses"][60:]
    with pytest.raises(DocumentError, match="every curve needs 101 points"):
        beside(write_run, document)


def test_thinning_keeps_the_largest_of_what_jumps():
    """Of 1,000 marks at most 100 points; a single peak is among them."""
    values = [0.0] * 1000
    values[537] = 5.0
    epochs, kept = thinned(range(1000), values, 100, is_largest=True)
    assert len(kept) <= 100 and max(kept) == 5.0 and epochs[kept.index(5.0)] == 530
    assert thinned(range(3), [1.0, 2.0, 3.0], 100, is_largest=False) == ([0, 1, 2], [1.0, 2.0, 3.0])
    assert thinned([], [], 100, is_largest=True) == ([], [])


def test_the_report_draws_the_latest_training(tmp_path, monkeypatch, make_run, write_run):
    """Beside the latest run, with its numbers."""
    monkeypatch.chdir(tmp_path)
    for folder, stored in ((Training.FOLDER, TRAINING), (Starts.FOLDER, STARTS)):
        folder.mkdir(parents=True)
        (folder / "a.json").write_text(stored.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "reports/runs").mkdir()
    write_run(make_run(**SMALL), "reports/runs/a.json")
    names = {path.name for path in report.draw(say=lambda line: None)}
    assert {"training.png", "training.svg", "training.csv"} <= names
    assert '<section id="training"' in (tmp_path / "reports/latest/report.html").read_text(encoding="utf-8")
