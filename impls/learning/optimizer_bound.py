"""How far right steps of an optimizer may be from the textbook's, given how far their gradients may be from the truth.

The running error analysis of `checking.bound`, carried through the textbook's own equations: `optimizers.py` works on
anything that adds, multiplies, divides and has a root, and `Uncertain` is numbers with a bound on the error of each,
which every operation carries along and adds its own rounding to. So each optimizer is bounded by the code that defines
it, for as many steps as are asked for, the errors of its state included:

    sum          e = e_x + e_y                              quotient     e = (|x|·e_y + |y|·e_x) / (|y|·(|y| − e_y))
    product      e = |x|·e_y + |y|·e_x + e_x·e_y            root         e = √x − √max(x − e_x, 0)
    rounding     e + R·u·(|value| + e) + η                  constant     e = u·|c|, as it is rounded to the dtype

For a root √(x + e_x) − √x is less than that. R is `ROUNDINGS`. A quotient whose divisor may be 0, as in √v + ε where
rounding reaches −ε, has an infinite bound.

Where B, the bound on a gradient, is not small beside |g|, this is wider than need be: it does not see that numerator
and root contain the same g. The first step alone would have a narrower one, as it is g times a constant or
g/(c·|g| + ε), which rises with g: between its values at g − B and g + B. At small batches both are far below what a
mistake makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from samegrad.impls.checking.bound import Arithmetic, arithmetic
from samegrad.impls.learning import optimizers
from samegrad.impls.learning.optimizers import Adam, Settings, Sgd
from samegrad.impls.parameters import Array

ROUNDINGS = 3
"""Per operation of the textbook: one in the dtype; one more for a program that groups otherwise, as m + (1−ρ)·(g − m)
or g·(1/(√v + ε)) do; one of the evaluation here, in float64."""
POWER_ULP = 4
"""The largest error of a framework's βᵗ, in units in the last place of float64, in which all of them compute it."""


@dataclass(frozen=True, eq=False)
class Uncertain:
    """Numbers as a dtype computes them: `value`, and `error`, the bound on how far a right computation may be off."""

    value: Array
    error: Array
    cost: Arithmetic

    def __add__(self, other: Any) -> Uncertain:
        other = self._meet(other)
        return self._rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Any) -> Uncertain:
        other = self._meet(other)
        return self._rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Any) -> Uncertain:
        other = self._meet(other)
        error = abs(self.value) * other.error + self.error * (abs(other.value) + other.error)
        return self._rounded(self.value * other.value, error, self.cost.eta)

    def __truediv__(self, other: Any) -> Uncertain:
        other = self._meet(other)
        magnitude = abs(other.value)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (abs(self.value) * other.error + magnitude * self.error) / (magnitude * (magnitude - other.error))
            error = np.where(magnitude > other.error, error, np.inf)
            return self._rounded(self.value / other.value, error, self.cost.eta)

    def __radd__(self, other: Any) -> Uncertain:
        return self._meet(other) + self

    def __rsub__(self, other: Any) -> Uncertain:
        return self._meet(other) - self

    def __rmul__(self, other: Any) -> Uncertain:
        return self._meet(other) * self

    def __rtruediv__(self, other: Any) -> Uncertain:
        return self._meet(other) / self

    def __pow__(self, two: int) -> Uncertain:
        return self * self

    def sqrt(self) -> Uncertain:
        """The method that `np.sqrt` calls."""
        root = np.sqrt(self.value)
        return self._rounded(root, root - np.sqrt(np.maximum(self.value - self.error, 0)))

    def _meet(self, other: Any) -> Uncertain:
        """The other operand as Uncertain; a constant is rounded to the dtype."""
        if isinstance(other, Uncertain):
            return other
        value = np.asarray(other, np.float64)
        return Uncertain(value, self.cost.u * abs(value), self.cost)

    def _rounded(self, value: Array, error: Array, eta: float = 0.0) -> Uncertain:
        return Uncertain(value, error + ROUNDINGS * self.cost.u * (abs(value) + error) + eta, self.cost)


class UncertainAdam(Adam):
    """Adam with βᵗ as some `pow` in float64 has it."""

    def power(self, beta: float, p: Any) -> Any:
        value = np.asarray(beta**self.t)
        return Uncertain(value, POWER_ULP * np.spacing(value), p.cost)


class BoundedSteps:
    """The textbook's optimizer, one step after another, in a dtype whose roundings are bounded."""

    def __init__(self, settings: Settings, dtype: str) -> None:
        self.optimizer: Sgd = UncertainAdam(settings) if settings.name == "adam" else optimizers.make(settings)
        self.cost = arithmetic(dtype)

    def step(self, p: Array, g: Array, bound: Array) -> tuple[Array, Array]:
        """The parameters after one more step from p, which is of the dtype, on g, known within `bound`.

        All: (count,), float64. Returns them and the bound on their errors.
        """
        start: Any = Uncertain(p, np.zeros_like(p), self.cost)
        gradient: Any = Uncertain(g, bound, self.cost)
        after: Any = self.optimizer.step(start, gradient)
        return after.value, after.error
