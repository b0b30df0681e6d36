"""Colours and line styles come from the run file's data."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.documents.run import ImplementationEntry
from samegrad.reports import style


def described(*pairs):
    return {
        f"{framework}-{execution}": ImplementationEntry(framework=framework, execution=execution)
        for framework, execution in pairs
    }


def test_a_framework_has_one_colour_and_an_execution_one_line_style():
    """Across implementations, so that the eye can read both."""
    actual = style.looks(described(("torch", "eager"), ("torch", "compile"), ("jax", "eager")))
    assert actual["torch-eager"].colour == actual["torch-compile"].colour != actual["jax-eager"].colour
    assert actual["torch-eager"].dashes == actual["jax-eager"].dashes != actual["torch-compile"].dashes


def test_frameworks_nobody_has_heard_of_get_free_colours():
    """Known and unknown ones never share a colour while there are free ones; beyond, colours come round again."""
    names = ["numpy", "torch", "jax", "keras", "mlx", "tinygrad", "burn", "flux"]
    assert len({look.colour for look in style.looks(described(*((name, "x") for name in names))).values()}) == len(
        names
    )
    assert len(style.looks(described(*((f"f{i}", f"e{i}") for i in range(200))))) == 200


def test_a_usual_framework_keeps_its_colour_when_others_are_missing():
    """Two reports of different runs can be read side by side."""
    alone = style.looks(described(("jax", "jit")))
    together = style.looks(described(("numpy", "manual"), ("mlx", "eager"), ("jax", "jit")))
    assert alone["jax-jit"].colour == together["jax-jit"].colour


@pytest.mark.parametrize("background", ["#FFFFFF", "#14181D"])
def test_text_in_any_colour_is_readable(background):
    """4.5 to 1, as WCAG 2.2 asks of text, on light and on dark."""
    for colour in style.PALETTE:
        assert style.contrast(style.readable(colour, background), background) >= 4.5


def test_contrast_is_that_of_the_guideline():
    """Black on white is 21 to 1 and #767676 on white the well-known 4.54 to 1 (WCAG 2.2)."""
    assert style.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert style.contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)
