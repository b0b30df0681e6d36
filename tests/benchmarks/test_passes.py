"""What passes and their variants are called, and which are drawn together."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.results import passes


@pytest.mark.parametrize(
    ("label", "title", "unit", "family"),
    [
        ("value_and_grad", "value_and_grad", "gradient", ""),
        ("value_and_grad:host", "value_and_grad, input from the host", "gradient, input from the host", "host"),
        ("forward:pipelined", "forward, pipelined", "forward pass, pipelined", "pipelined"),
        ("train_step:adam", "train_step with adam", "training step with adam", "optimizers"),
        ("train_step:host", "train_step, input from the host", "training step, input from the host", "host"),
        ("backward:<b>", "backward, <b>", "backward, <b>", "<b>"),
        ("", "", "", ""),
    ],
)
def test_every_label_has_a_title_a_unit_and_a_family(label, title, unit, family):
    """Known variants in words, unknown ones by their own name."""
    assert (passes.title(label), passes.unit(label), passes.family(label)) == (title, unit, family)


def test_plain_passes_come_first():
    """Whatever the order of the file."""
    labels = ["forward:host", "train_step:adam", "forward", "train_step", "forward:host"]
    assert passes.plain_first(labels) == ["forward", "train_step", "forward:host", "train_step:adam"]
    assert passes.families(labels) == ["", "host", "optimizers"]
    assert passes.families(["forward:host"]) == ["host"]
