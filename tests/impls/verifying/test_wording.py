"""Wording: equations and losses as the user writes them."""

from __future__ import annotations

import pytest

from samegrad.impls.verifying import wording
from samegrad.impls.verifying.conventions import BY_NAME


@pytest.mark.parametrize(
    ("equation", "flipped", "columns", "expected"),
    [
        ("dW2 = a1ᵀ δ2", False, False, "dW2 = a1ᵀ δ2"),
        ("dW2 = a1ᵀ δ2", True, False, "dW2 = δ2ᵀ a1"),
        ("dW2 = a1ᵀ δ2", True, True, "dW2 = δ2 a1ᵀ"),
        ("δ1 = (δ2 W2ᵀ) ∘ s", True, False, "δ1 = (δ2 W2) ∘ s"),
        ("δ1 = (δ2 W2ᵀ) ∘ s", True, True, "δ1 = (W2ᵀ δ2) ∘ s"),
        ("db1 = sum over rows of δ1", True, True, "db1 = sum over columns of δ1"),
    ],
)
def test_equations_are_in_the_users_layout(equation, flipped, columns, expected):
    assert wording.in_layout(equation, flipped, columns) == expected


@pytest.mark.parametrize(
    ("convention", "outputs", "expected"),
    [
        ("half-sse", 1, "δ2 = (a2 − y) ∘ s"),
        ("mse", 1, "δ2 = 2/N·(a2 − y) ∘ s"),
        ("mse", 3, "δ2 = 2/(N·k)·(a2 − y) ∘ s"),
        ("half-row-mean", 3, "δ2 = 1/N·(a2 − y) ∘ s"),
    ],
)
def test_the_constant_in_an_equation_is_that_of_the_users_loss(convention, outputs, expected):
    """∂L/∂a of each loss by hand: the 2 of the derivative over what the mean is taken over."""
    assert wording.with_factor("δ2 = 2/(N·k)·(a2 − y) ∘ s", BY_NAME[convention], outputs) == expected


def test_the_delta_of_a_cross_entropy_has_no_slope():
    """a − y over what the mean is taken over: the slope of its output is cancelled by the loss's derivative."""
    for loss, activation in (("binary cross-entropy", "sigmoid"), ("cross-entropy", "softmax")):
        assert wording.delta_equation(2, ("tanh", activation), loss) == "δ2 = 1/(N·k)·(a2 − y)"
    assert wording.with_factor("δ2 = 1/(N·k)·(a2 − y)", BY_NAME["ce-mean"], 3) == "δ2 = 1/N·(a2 − y)"
    assert wording.with_factor("δ2 = 1/(N·k)·(a2 − y)", BY_NAME["bce-sum"], 3) == "δ2 = (a2 − y)"


def test_a_loss_is_described_by_its_name_or_its_relation_to_the_mean():
    assert wording.loss_words(BY_NAME["mse"], 1) == "1/N·Σ(a−y)², the mean squared error"
    assert wording.loss_words(BY_NAME["half-sse"], 1) == "½·Σ(a−y)²: N/2 times the gradient of the mean"
    assert wording.loss_words(BY_NAME["ce-mean"], 3) == "the cross-entropy, averaged over the rows, −1/N·Σ y·ln a"
