"""Conventions: the same gradient up to one constant, so none of them is a mistake.

With N rows and k outputs, and S a sum over all N·k elements, people write

    S/(N·k)      S/N      S/k      S

of the squared errors (aᵢⱼ − yᵢⱼ)², also with ½ in front, so that the 2 of the derivative cancels; and of the terms of a
cross-entropy. The gradient of each is `factor(N, k)` times that of the mean S/(N·k). For one output S/(N·k) = S/N.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samegrad.impls.errors import choose
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, PARTNERS, SQUARED


@dataclass(frozen=True)
class Convention:
    """One way to write a loss."""

    name: str
    formula: str
    relation: str
    """The factor to the mean squared error's gradient in words; for a cross-entropy, what it is."""
    half: bool
    over_rows: bool
    """Is the mean taken over the rows?"""
    over_outputs: bool
    loss: str = SQUARED

    def factor(self, rows: int, outputs: int) -> float:
        """This convention's gradient over that of the mean over all elements."""
        whole = (1 if self.over_rows else rows) * (1 if self.over_outputs else outputs)
        return whole / 2 if self.half else float(whole)

    def suits(self, activations: Sequence[str]) -> bool:
        """Does this loss go with the activation of the output?"""
        return PARTNERS.get(self.loss, activations[-1]) == activations[-1]


MSE = Convention("mse", "1/(N·k)·Σ(a−y)²", "1 times", False, True, True)
BINARY = "(y·ln a + (1−y)·ln(1−a))"
CONVENTIONS = (
    MSE,
    Convention("half-mse", "½·1/(N·k)·Σ(a−y)²", "½ times", True, True, True),
    Convention("half-sse", "½·Σ(a−y)²", "N·k/2 times", True, False, False),
    Convention("sse", "Σ(a−y)²", "N·k times", False, False, False),
    Convention("half-row-mean", "1/(2N)·Σ(a−y)²", "k/2 times", True, True, False),
    Convention("row-mean", "1/N·Σ(a−y)²", "k times", False, True, False),
    Convention("row-sum", "Σ over rows of the mean over outputs of (a−y)²", "N times", False, False, True),
    Convention("half-row-sum", "½·Σ over rows of the mean over outputs of (a−y)²", "N/2 times", True, False, True),
    Convention("bce-mean", f"−1/(N·k)·Σ{BINARY}", "the mean binary cross-entropy",
               False, True, True, BINARY_CROSS_ENTROPY),
    Convention("bce-sum", f"−Σ{BINARY}", "the binary cross-entropy, summed",
               False, False, False, BINARY_CROSS_ENTROPY),
    Convention("bce-row-mean", f"−1/N·Σ{BINARY}", "the binary cross-entropy, averaged over the rows",
               False, True, False, BINARY_CROSS_ENTROPY),
    Convention("ce-mean", "−1/N·Σ y·ln a", "the cross-entropy, averaged over the rows",
               False, True, False, CROSS_ENTROPY),
    Convention("ce-sum", "−Σ y·ln a", "the cross-entropy, summed",
               False, False, False, CROSS_ENTROPY),
    Convention("ce-element-mean", "−1/(N·k)·Σ y·ln a", "the cross-entropy, averaged over all elements",
               False, True, True, CROSS_ENTROPY),
)  # fmt: skip
"""Most usual first: where two are the same (one output, one row), the first is named."""

BY_NAME = {convention.name: convention for convention in CONVENTIONS}
STRICT = ("mse", "half-mse", "sse", "half-sse", "bce-mean", "bce-sum", "ce-mean", "ce-sum")
"""The names of losses with one constant that `--loss` takes."""
FAMILIES = {
    "squared-error": tuple(c for c in CONVENTIONS if c.loss == SQUARED),
    "cross-entropy": tuple(c for c in CONVENTIONS if c.loss != SQUARED),
}
"""The names of losses with any constant that `--loss` takes."""


def get_conventions(name: str) -> tuple[Convention, ...]:
    """The conventions that `--loss name` allows. Raises BadInput for an unknown name."""
    choose("loss", name, (*STRICT, *FAMILIES))
    return FAMILIES.get(name) or (BY_NAME[name],)
