"""Derivatives of a loss that is only known as a program: the complex step where it works, differences elsewhere.

    complex step    ∂L/∂θⱼ = Im L(θ + i·10⁻²⁰·eⱼ)/10⁻²⁰, exact to rounding, for programs that are analytic throughout
    differences     D(h) = (L(θ + h·eⱼ) − L(θ − h·eⱼ))/2h = L′ + c₂h² + c₄h⁴ + …, extrapolated to h = 0 (Richardson)

The table is T[i][0] = D(h₀/2ⁱ), T[i][j] = T[i][j−1] + (T[i][j−1] − T[i−1][j−1])/(4ʲ − 1); its best entry has
the least error estimate max(|T[i][j] − T[i][j−1]|, |T[i][j] − T[i−1][j−1]|) (Ridders, Advances in Engineering Software
4:75–76, 1982). Rounding in L, of some u·|L|, is worth u·|L|/h in D, and the table cannot see it if it is alike by
chance in two entries; so the bound is the estimate, with a margin, plus that noise at the step of the entry.

A program that takes complex numbers may still not be analytic (abs, real, a comparison): the complex step is believed
only where its derivatives in some random directions lie within the bound of the differences. What is wrong in any entry
is wrong in all of these directions but for a chance of probability 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from samegrad.impls.parameters import Array

COMPLEX_STEP = 1e-20
FIRST_STEP = 0.125
LEVELS = 9
NEAREST = 2.0**-22
"""A step within which a kink, as |w| has at 0, is improbable; there may be one within the steps of the table, which
then extrapolates beyond it. What D has lost here by rounding is 1e-8 of the loss."""
UNIT = np.finfo(np.float64).eps / 2
MARGIN = 4.0
"""Times the error estimate: Ridders' estimate compares entries that are each less accurate than the best one, and is
a bound in practice; the margin pays for a table whose neighbours agree by chance."""
NOISE = 16.0
"""The roundings of size u·|L| that a loss may have accumulated when it is a sum of a few dozen terms."""
WORSE = 8.0
"""Times the best estimate: where the newest entry is that much worse, rounding has the upper hand, and smaller steps
only make it worse."""
DIRECTIONS = 2
SHADOWS = 4


class Derivative(NamedTuple):
    """`gradient` and a `bound` on its error, of the shape of θ; `method` is "complex step" or "differences"."""

    gradient: Array
    bound: Array
    method: str


Loss = Callable[[Array], complex]
"""θ: (count,) → L; it may be given complex numbers."""


def derivative(loss: Loss, theta: Array) -> Derivative:
    """The gradient of `loss` at θ: (count,). Whatever the loss raises for real numbers is passed on."""
    loss(theta)
    by_step = complex_step(loss, theta)
    if by_step is None or not _is_that_of_differences(loss, theta, by_step):
        return richardson(loss, theta)
    return Derivative(by_step, _spread(loss, theta, by_step), "complex step")


def _is_that_of_differences(loss: Loss, theta: Array, gradient: Array) -> bool:
    rng = np.random.default_rng(1)
    for direction in rng.uniform(-1, 1, (DIRECTIONS, theta.size)):
        slope, bound = _ridders(loss, theta, direction)
        if not abs(gradient @ direction - slope) <= bound:
            return False
    return True


def richardson(loss: Loss, theta: Array) -> Derivative:
    """Ridders' extrapolated central differences."""
    results = [_ridders(loss, theta, unit) for unit in np.eye(theta.size)]
    gradient, bound = (np.array(column) for column in zip(*results, strict=True))
    return Derivative(gradient, bound, "differences")


def _ridders(loss: Loss, theta: Array, direction: Array) -> tuple[float, float]:
    best, estimate = np.nan, np.inf
    previous: list[float] = []
    for i in range(LEVELS):
        slope, noise = _central(loss, theta, FIRST_STEP / 2**i, direction)
        row = [slope]
        for k, before in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - before) / (4**k - 1))
            error = MARGIN * max(abs(row[k] - row[k - 1]), abs(row[k] - before)) + noise
            if error < estimate:
                best, estimate = row[k], error
        if previous and MARGIN * abs(row[-1] - previous[-1]) > WORSE * estimate:
            break
        previous = row
    slopes, noises = zip(*(_central(loss, theta, NEAREST * 2**i, direction) for i in range(3)), strict=True)
    doubt = MARGIN * (max(slopes) - min(slopes) + noises[0])
    beyond_a_kink = abs(slopes[0] - best) > estimate + doubt
    return (slopes[0], doubt) if beyond_a_kink else (best, estimate)


def _central(loss: Loss, theta: Array, h: float, direction: Array) -> tuple[float, float]:
    """D(h) in a direction, and what rounding in the loss may have added to it."""
    high, low = (float(np.real(loss(theta + s * direction))) for s in (h, -h))
    return (high - low) / (2 * h), NOISE * UNIT * max(abs(high), abs(low)) / h


def complex_step(loss: Loss, theta: Array) -> Array | None:
    """The gradient by the complex step; None where the loss does not take complex numbers, or returns a real one."""
    gradient = np.empty(theta.size)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for j in range(theta.size):
            shifted = theta.astype(complex)
            shifted[j] += 1j * COMPLEX_STEP
            try:
                value = loss(shifted)
            except Exception:  # whatever the user's code, or a library below it, says of complex numbers
                return None
            if not np.iscomplexobj(value):
                return None
            gradient[j] = np.imag(value) / COMPLEX_STEP
    return gradient if np.isfinite(gradient).all() else None


def _spread(loss: Loss, theta: Array, gradient: Array) -> Array:
    """How far a right gradient may be: 64 times its movement under perturbations of θ by one rounding.

    A backward stable computation gives the exact gradient at a θ that is perturbed by a few roundings (a layer makes
    some ten: product, sum, activation, slope); four random perturbations see the response's size, not its worst case.
    """
    rng = np.random.default_rng(0)
    moved = np.zeros(theta.size)
    for _ in range(SHADOWS):
        other = complex_step(loss, theta * (1 + UNIT * rng.choice([-2.0, 2.0], theta.size)))
        if other is not None:
            moved = np.maximum(moved, abs(other - gradient))
    return 64 * (moved + UNIT * abs(gradient) + UNIT * float(np.max(abs(gradient), initial=0.0)))
