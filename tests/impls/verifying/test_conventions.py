"""Conventions: which losses go with which outputs, and what `--loss` allows."""

from __future__ import annotations

import itertools

import pytest

from samegrad.impls.errors import BadInput
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, OUTPUTS, SQUARED
from samegrad.impls.verifying.conventions import BY_NAME, CONVENTIONS, FAMILIES, MSE, STRICT, get_conventions

SUITS = {SQUARED: OUTPUTS, BINARY_CROSS_ENTROPY: ("sigmoid",), CROSS_ENTROPY: ("softmax",)}


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.name)
def test_a_loss_goes_with_its_own_outputs(convention):
    """A squared error with any; a cross-entropy with the one whose slope it cancels. Hidden layers do not matter."""
    for hidden, output in itertools.product(((), ("sigmoid",), ("softmax",), ("tanh", "relu")), OUTPUTS):
        assert convention.suits((*hidden, output)) == (output in SUITS[convention.loss])


@pytest.mark.parametrize("rows, outputs", [(7, 3), (1, 3), (7, 1), (1, 1)])
def test_a_factor_is_the_number_of_elements_over_which_no_mean_is_taken(rows, outputs):
    """S/(N·k) times N·k/divisor, halved where the loss is."""
    divisors = {"sse": 1, "row-mean": rows, "row-sum": outputs, "mse": rows * outputs}
    for name, divisor in divisors.items():
        assert BY_NAME[name].factor(rows, outputs) == rows * outputs / divisor
    for name, whole in (
        ("half-mse", "mse"),
        ("half-sse", "sse"),
        ("half-row-mean", "row-mean"),
        ("half-row-sum", "row-sum"),
    ):
        assert BY_NAME[name].factor(rows, outputs) == BY_NAME[whole].factor(rows, outputs) / 2
    for name, same in (("bce-mean", "mse"), ("bce-sum", "sse"), ("bce-row-mean", "row-mean"), ("ce-mean", "row-mean"),
                       ("ce-sum", "sse"), ("ce-element-mean", "mse")):  # fmt: skip
        assert BY_NAME[name].factor(rows, outputs) == BY_NAME[same].factor(rows, outputs)


def test_a_demanded_loss_is_one_convention_and_a_family_all_of_its_own():
    for name in STRICT:
        assert get_conventions(name) == (BY_NAME[name],)
    assert {c.loss for c in get_conventions("squared-error")} == {SQUARED}
    assert {c.loss for c in get_conventions("cross-entropy")} == {BINARY_CROSS_ENTROPY, CROSS_ENTROPY}
    assert sum(map(len, FAMILIES.values())) == len(CONVENTIONS) == len(BY_NAME)
    with pytest.raises(BadInput, match="Did you mean 'mse'"):
        get_conventions("mes")
    assert CONVENTIONS[0] == MSE
