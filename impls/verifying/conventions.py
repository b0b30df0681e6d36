"""Conventions of the squared error: the same gradient up to one constant, so none of them is a mistake.

With N rows and k outputs, and S = Σᵢⱼ (aᵢⱼ − yᵢⱼ)² over all of them, people write

    S/(N·k)      S/N      S/k      S      and each of them with ½ in front, so that the 2 of the derivative cancels.

The gradient of each is `factor(N, k)` times that of the mean squared error S/(N·k). For one output S/(N·k) = S/N.
"""

from __future__ import annotations

from dataclasses import dataclass

from impls.errors import choose


@dataclass(frozen=True)
class Convention:
    """One way to write the squared error."""

    name: str
    formula: str
    relation: str
    """The factor to the mean squared error's gradient, in words."""
    half: bool
    over_rows: bool
    """Is the mean taken over the rows?"""
    over_outputs: bool

    def factor(self, rows: int, outputs: int) -> float:
        """This convention's gradient over that of the mean squared error."""
        whole = (1 if self.over_rows else rows) * (1 if self.over_outputs else outputs)
        return whole / 2 if self.half else float(whole)


MSE = Convention("mse", "1/(N·k)·Σ(a−y)²", "1 times", False, True, True)
CONVENTIONS = (
    MSE,
    Convention("half-mse", "½·1/(N·k)·Σ(a−y)²", "½ times", True, True, True),
    Convention("half-sse", "½·Σ(a−y)²", "N·k/2 times", True, False, False),
    Convention("sse", "Σ(a−y)²", "N·k times", False, False, False),
    Convention("half-row-mean", "1/(2N)·Σ(a−y)²", "k/2 times", True, True, False),
    Convention("row-mean", "1/N·Σ(a−y)²", "k times", False, True, False),
    Convention("row-sum", "Σ over rows of the mean over outputs of (a−y)²", "N times", False, False, True),
    Convention("half-row-sum", "½·Σ over rows of the mean over outputs of (a−y)²", "N/2 times", True, False, True),
)
"""Most usual first: where two are the same (one output, one row), the first is named."""

BY_NAME = {convention.name: convention for convention in CONVENTIONS}
STRICT = ("mse", "half-mse", "sse", "half-sse")
"""What `--loss` takes."""


def get_convention(name: str) -> Convention:
    """The convention of that name. Raises BadInput for an unknown one."""
    return BY_NAME[choose("loss", name, STRICT)]
