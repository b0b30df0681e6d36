"""The equations of `impls/checking/bound.py` once more, number by number in exact fractions, for tests to compare with.

Nothing is vectorised and nothing is chunked; σ and tanh come from mpmath. Slow, and meant for a handful of rows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import numpy as np

ZERO = Fraction(0)


class Number(NamedTuple):
    """A value and the bound on its error."""

    value: Fraction
    error: Fraction


class Machine(NamedTuple):
    """u, η, the constants of σ and tanh, and what a product loses in TF32, as fractions."""

    u: Fraction
    eta: Fraction
    sigmoid: Fraction
    tanh: Fraction
    product: Fraction

    def sum(self, terms: int) -> Fraction:
        return terms * self.u + self.product


def exact(number: Any) -> Fraction:
    return Fraction(float(number))


def rounded(q: Number, u: Fraction, eta: Fraction) -> Number:
    return Number(q.value, q.error + u * (abs(q.value) + q.error) + eta)


def times(p: Number, q: Number, m: Machine) -> Number:
    error = abs(p.value) * q.error + abs(q.value) * p.error + p.error * q.error
    return rounded(Number(p.value * q.value, error), m.u, m.eta)


def inner(terms: list[tuple[Number, Number]], m: Machine) -> Number:
    """Σ pᵢqᵢ of n terms, in any order."""
    value = sum((p.value * q.value for p, q in terms), ZERO)
    carried = sum((abs(p.value) * q.error + abs(q.value) * p.error + p.error * q.error for p, q in terms), ZERO)
    reach = sum(((abs(p.value) + p.error) * (abs(q.value) + q.error) for p, q in terms), ZERO)
    return Number(value, carried + m.sum(len(terms)) * reach + len(terms) * m.eta)


def activate(name: str, z: Number, m: Machine) -> tuple[Number, Number]:
    """The activation and its slope, each with its bound."""
    if name == "identity":
        return z, Number(Fraction(1), ZERO)
    if name == "relu":
        on = z.value > 0
        return (z if on else Number(ZERO, ZERO)), Number(Fraction(int(on)), ZERO)
    with mpmath.workdps(60):
        at, off = mpmath.mpf(z.value.numerator) / z.value.denominator, mpmath.mpf(float(z.error))
        if name == "sigmoid":
            a = 1 / (1 + mpmath.exp(-at))
            rest = 1 / (1 + mpmath.exp(at))
            moved = a * rest * mpmath.expm1(off)
        else:
            a, rest = mpmath.tanh(at), mpmath.sech(at) ** 2
            moved = rest * mpmath.expm1(2 * off) / 2
        a, rest, moved = (Fraction(str(mpmath.nstr(v, 50))) for v in (a, rest, moved))
    if name == "sigmoid":
        cu = m.sigmoid * m.u
        active = Number(a, moved + cu * (a + moved) + m.eta)
        complement = Number(rest, moved + cu * (max(a, rest) + moved) + m.u * (rest + moved) + m.eta)
        return active, times(active, complement, m)
    e = moved + m.tanh * m.u * (abs(a) + moved) + m.eta
    slope = Number(rest, 2 * e + e**2 + m.u * (abs(a) + e) ** 2)
    return Number(a, e), rounded(slope, 3 * m.u, m.eta)


def bounds(activations, parameters, x, y, m: Machine):
    """(predictions, loss, gradients): the bounds, as lists of fractions in the shapes of the arrays."""
    rows, elements = [], y.size
    layers = [([[exact(w) for w in row] for row in W], [exact(v) for v in b]) for W, b in parameters]
    for x_row, y_row in zip(x, y, strict=True):
        a = [Number(exact(v), ZERO) for v in x_row]
        inputs, slopes = [], []
        for (W, b), name in zip(layers, activations, strict=True):
            inputs.append(a)
            z = []
            for j, bias in enumerate(b):
                terms = [(v, Number(W[i][j], ZERO)) for i, v in enumerate(a)]
                z.append(inner([*terms, (Number(Fraction(1), ZERO), Number(bias, ZERO))], m))
            pairs = [activate(name, v, m) for v in z]
            a, slope = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            slopes.append(slope)
        r = [rounded(Number(v.value - exact(t), v.error), m.u, ZERO) for v, t in zip(a, y_row, strict=True)]
        squares = [rounded(Number(v.value**2, 2 * abs(v.value) * v.error + v.error**2), m.u, m.eta) for v in r]
        scale = Fraction(2, elements)
        c = [rounded(Number(scale * v.value, scale * v.error), 3 * m.u, m.eta) for v in r]
        deltas = []
        for (W, _), slope in zip(reversed(layers), reversed(slopes), strict=True):
            delta = [times(v, s, m) for v, s in zip(c, slope, strict=True)]
            deltas.append(delta)
            c = [inner([(d, Number(w, ZERO)) for d, w in zip(delta, row, strict=True)], m) for row in W]
        rows.append((a, squares, inputs, deltas[::-1]))

    n = len(rows)
    predictions = [[v.error for v in a] for a, *_ in rows]
    values = [s for _, squares, *_ in rows for s in squares]
    carried, reach = sum(s.error for s in values), sum(s.value + s.error for s in values)
    loss = (carried + m.sum(elements + 3) * reach) / elements + m.eta
    gradients = []
    for number, (W, b) in enumerate(layers):
        one = Number(Fraction(1), ZERO)
        dW = [
            [inner([(r[2][number][i], r[3][number][j]) for r in rows], m).error for j in range(len(b))]
            for i in range(len(W))
        ]
        db = [inner([(one, r[3][number][j]) for r in rows], m).error for j in range(len(b))]
        gradients.append((dW, db))
    assert n == len(y)
    return predictions, loss, gradients


def as_array(nested: Any) -> np.ndarray:
    return np.array(nested, dtype=object).astype(np.float64)
