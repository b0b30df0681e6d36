"""The part of the page on a study: its sentences, its figures' numbers, and what a damaged file is refused for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samegrad.impls.documents import base
from samegrad.impls.documents.base import DocumentError
from samegrad.impls.documents.study import Study, law_in_words, percent
from samegrad.impls.studies.failures import KINDS
from samegrad.reports.material import gather
from samegrad.reports.parts import study

STORED = Path(__file__).with_name("stored") / "study-1.json"


@pytest.fixture
def document():
    """A stored study of 32 cells of 60 starts."""
    return base.read(STORED, [Study])


def test_every_kind_of_failure_has_a_colour():
    assert set(study.COLOURS) == {*KINDS, study.LEARNED} and len(set(study.COLOURS.values())) == len(study.COLOURS)


def test_figures_have_the_numbers_of_every_cell(document):
    part = study.part(gather([STORED]))
    rates, survival, failures = (figure.rows for figure in part.figures)
    assert [row["share"] for row in rates] == [cell.share for cell in document.cells]
    for row in (row for row in survival if row["time"] == document.spec.epochs):
        best = document.best[(row["law"], row["width"], row["activation"]), row["optimizer"]]
        assert row["share"] == pytest.approx(best.share) and row["learning_rate"] == best.learning_rate
    for cell in range(len(document.cells)):
        shares = [row["share"] for row in failures if row["kind"] == study.LEARNED]
        assert shares[cell] == document.cells[cell].share
    assert sum(row["share"] for row in failures) == pytest.approx(len(document.cells))


def test_the_answer_says_what_the_cells_say(document, paragraphs):
    part = study.part(gather([STORED]))
    assert paragraphs(part)[: len(document.answer)] == document.answer
    contrast, rivals, reasons, sureness = document.answer
    by_law = [[cell for cell in document.cells if cell.law == law] for law in document.spec.laws]
    low, high = max(
        (sorted(pair, key=lambda cell: cell.share) for pair in zip(*by_law, strict=True)),
        key=lambda pair: pair[1].share - pair[0].share,
    )
    assert contrast == (
        f"With weights from {law_in_words(low.law)} and {low.optimizer} at a rate of {low.learning_rate:g}, "
        f"{low.in_words} of starts of 2-{low.width}-1 ({low.activation}) learn within 300 epochs; "
        f"from {law_in_words(high.law)}, {high.in_words}."
    )
    assert "alone learns" in rivals and f"in {document.agreeing} of 32 cells" in sureness
    assert f"{sum(document.failures.values()):,} failed" in reasons


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (0.5, "50"), (0.00312, "0.31"), (0.299, "29.9"), (0.9931, "99.31"), (0.99988, "99.988")],
)
def test_shares_near_the_ends_keep_two_digits(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content["cells"].pop(), "must be those of the spec's lists"),
        (lambda content: content["cells"].reverse(), "must be those of the spec's lists"),
        (lambda content: content["cells"][3]["halves"][0].update(failures={}), "must have learned at a look or failed"),
        (lambda content: content["spec"].update(starts=61), "every cell must have 61 starts"),
        (lambda content: content["spec"].update(starts=10**9), r"at \$.spec.starts"),
    ],
)
def test_a_study_that_does_not_add_up_is_refused(damage, message, write_run):
    content = json.loads(STORED.read_text(encoding="utf-8"))
    damage(content)
    with pytest.raises(DocumentError, match=message):
        gather([write_run(content)])
