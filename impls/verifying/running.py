"""Numbers that carry a bound on their own rounding error, so that a *wrong* formula has a bound as well.

`bound.py` bounds the right gradient. To say that what was found is what a certain mistake would give, the mistake needs
a bound too. So a mistaken pass is written once, plainly, and runs on `Running` numbers: each operation adds what it
may round (the rules are those of `bound.py`, per operation instead of per layer),

    x·y:  |x|e_y + |y|e_x + e_x·e_y + u|xy|        x ± y:  e_x + e_y + u|x ± y|        n-term sums:  Σe + n·u·Σ|tᵢ|

with u = ε, twice the unit roundoff, since the user may have grouped the factors otherwise than the bank does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.parameters import Array


class Running:
    """An array `value` (float64) and an elementwise bound `error` of the same shape."""

    __array_ufunc__ = None  # so that NumPy arrays leave the operators to this class

    def __init__(self, value: Array, error: Array | float = 0.0, dtype: str = "float64") -> None:
        self.value = np.asarray(value, dtype=np.float64)
        same = isinstance(error, np.ndarray) and error.shape == self.value.shape
        self.error: Array = error if same else np.full(self.value.shape, error)  # type: ignore[assignment]
        self.dtype = dtype
        cost = arithmetic(dtype)
        self._u, self._eta = 2 * cost.u, cost.eta

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def T(self) -> Running:  # noqa: N802  (as NumPy has it)
        """The transpose."""
        return self._moved(np.transpose)

    def reshape(self, *shape: int) -> Running:
        """The same numbers in another shape."""
        return self._moved(lambda array: array.reshape(*shape))

    def __getitem__(self, index: Any) -> Running:
        return self._moved(lambda array: array[index])

    def __add__(self, other: Running | Array | float) -> Running:
        other = self._lift(other)
        return self._rounded(self.value + other.value, self.error + other.error)

    def __mul__(self, other: Running | Array | float) -> Running:
        other = self._lift(other)
        error = abs(self.value) * other.error + self.error * (abs(other.value) + other.error)
        return self._rounded(self.value * other.value, error)

    def __matmul__(self, other: Running) -> Running:
        other = self._lift(other)
        magnitude, reach = abs(self.value), abs(other.value) + other.error
        error = magnitude @ other.error + self.error @ reach
        terms = other.shape[0] if other.value.ndim else 1
        total = terms * self._u * ((magnitude + self.error) @ reach)
        return self._rounded(self.value @ other.value, error + total)

    def __neg__(self) -> Running:
        return Running(-self.value, self.error, self.dtype)

    def __sub__(self, other: Running | Array | float) -> Running:
        return self + (-self._lift(other))

    def __rsub__(self, other: Array | float) -> Running:
        return self._lift(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Running:
        """The sum, as np.sum forms it; n terms cost n roundings of the sum of their sizes."""
        terms = self.value.size if axis is None else self.shape[axis]
        total = (abs(self.value) + self.error).sum(axis=axis, keepdims=keepdims)
        error = self.error.sum(axis=axis, keepdims=keepdims) + terms * self._u * total
        return Running(self.value.sum(axis=axis, keepdims=keepdims), error, self.dtype)

    def softmax(self) -> Running:
        """e^z / Σ e^z in each row; the errors as `bound._softmax` has them, with twice the roundings."""
        below = self.value - self.value.max(axis=1, keepdims=True)
        a = np.exp(below)
        a /= a.sum(axis=1, keepdims=True)
        spread = self.error.max(axis=1, keepdims=True) + self._u * abs(below).max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            moved = np.expm1(2 * spread)
        return Running(a, a * (moved + (a.shape[1] + 8) * self._u * (1 + moved)) + self._eta, self.dtype)

    def absolute(self) -> Running:
        """|x|, which is exact."""
        return self._moved(abs)

    def sigmoid(self) -> Running:
        """1/(1 + e⁻ᶻ) in each element, by t = e^(−|z|)."""
        t = np.exp(-abs(self.value))
        value = np.where(self.value >= 0, 1, t) / (1 + t)
        return self._function(value, t / (1 + t) ** 2, arithmetic(self.dtype).sigmoid)

    def tanh(self) -> Running:
        """tanh in each element."""
        value = np.tanh(self.value)
        return self._function(value, (1 - value) * (1 + value), arithmetic(self.dtype).tanh)

    def relu(self) -> Running:
        """z where it is positive and 0 elsewhere, which is exact."""
        on = self.value > 0
        return Running(np.where(on, self.value, 0), np.where(on, self.error, 0), self.dtype)

    def step(self) -> Running:
        """1 where positive and 0 elsewhere."""
        return Running((self.value > 0).astype(np.float64), 0.0, self.dtype)

    def _lift(self, other: Running | Array | float) -> Running:
        return other if isinstance(other, Running) else Running(np.asarray(other, dtype=np.float64), 0.0, self.dtype)

    def _rounded(self, value: Array, error: Array) -> Running:
        return Running(value, error + self._u * (abs(value) + error) + self._eta, self.dtype)

    def _function(self, value: Array, slope: Array, multiples: float) -> Running:
        """f(z) costs some multiples of u, and carries z's error e over: |f(z + e) − f(z)| ≤ f′(z)·e·exp(2e).

        For the sigmoid |d ln f′/dz| ≤ 1 and for tanh ≤ 2, so that f′ grows by no more than exp(2e) on the way.
        """
        with np.errstate(over="ignore"):
            moved = slope * self.error * np.exp(2 * self.error)
        return Running(value, moved + multiples * self._u * abs(value) + self._eta, self.dtype)

    def _moved(self, move: Callable[[Array], Array]) -> Running:
        """The same numbers in other places: nothing is rounded."""
        return Running(move(self.value), move(np.array(self.error)), self.dtype)
