"""Derivatives of a loss that is only known as a program: the complex step where it can be had, differences elsewhere.

    complex step    ∂L/∂θⱼ = Im L(θ + i·10⁻²⁰·eⱼ)/10⁻²⁰, exact to rounding, for programs that are analytic throughout
    differences     D(h) = (L(θ + h·eⱼ) − L(θ − h·eⱼ))/2h = L′ + c₂h² + c₄h⁴ + …, extrapolated to h = 0 (Richardson)

The table is T[i][0] = D(h₀/2ⁱ), T[i][j] = T[i][j−1] + (T[i][j−1] − T[i−1][j−1])/(4ʲ − 1); its best entry has
the least error estimate max(|T[i][j] − T[i][j−1]|, |T[i][j] − T[i−1][j−1]|) (Ridders, Advances in Engineering Software
4:75–76, 1982). Rounding in L, of some u·|L|, is worth u·|L|/h in D, and the table cannot see it if it is alike by
chance in two entries; so the bound is the estimate, with a margin, plus that noise at the step of the entry.

A program that takes complex numbers may still not be analytic (abs, real, a comparison): the complex step is believed
only where it lies within the bound of the differences.
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
"""Roundings of size u·|L| that a loss may have accumulated when it is a sum of a few dozen terms."""
SHADOWS = 8


class Derivative(NamedTuple):
    """`gradient` and a `bound` on its error, of the shape of θ; `method` is "complex step" or "differences"."""

    gradient: Array
    bound: Array
    method: str


Loss = Callable[[Array], complex]
"""θ: (count,) → L; it may be given complex numbers."""


def derivative(loss: Loss, theta: Array) -> Derivative:
    """The gradient of `loss` at θ: (count,). Whatever the loss raises for real numbers is passed on."""
    by_differences = richardson(loss, theta)
    by_step = complex_step(loss, theta)
    if by_step is None or not np.all(abs(by_step - by_differences.gradient) <= by_differences.bound):
        return by_differences
    return Derivative(by_step, _spread(loss, theta, by_step), "complex step")


def richardson(loss: Loss, theta: Array) -> Derivative:
    """Ridders' extrapolated central differences."""
    results = [_ridders(loss, theta, j) for j in range(theta.size)]
    gradient, bound = (np.array(column) for column in zip(*results, strict=True))
    return Derivative(gradient, bound, "differences")


def _ridders(loss: Loss, theta: Array, j: int) -> tuple[float, float]:
    best, estimate = np.nan, np.inf
    previous: list[float] = []
    for i in range(LEVELS):
        slope, noise = _central(loss, theta, j, FIRST_STEP / 2**i)
        row = [slope]
        for k, before in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - before) / (4**k - 1))
            error = MARGIN * max(abs(row[k] - row[k - 1]), abs(row[k] - before)) + noise
            if error < estimate:
                best, estimate = row[k], error
        previous = row
    slopes, noises = zip(*(_central(loss, theta, j, NEAREST * 2**i) for i in range(3)), strict=True)
    doubt = MARGIN * (max(slopes) - min(slopes) + noises[0])
    beyond_a_kink = abs(slopes[0] - best) > estimate + doubt
    return (slopes[0], doubt) if beyond_a_kink else (best, estimate)


def _central(loss: Loss, theta: Array, j: int, h: float) -> tuple[float, float]:
    """D(h) in coordinate j, and what rounding in the loss may have added to it."""
    step = np.zeros_like(theta)
    step[j] = h
    high, low = (float(np.real(loss(theta + s))) for s in (step, -step))
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
    some ten: product, sum, activation, slope); eight random perturbations see the response's size, not its worst case.
    """
    rng = np.random.default_rng(0)
    moved = np.zeros(theta.size)
    for _ in range(SHADOWS):
        other = complex_step(loss, theta * (1 + UNIT * rng.choice([-2.0, 2.0], theta.size)))
        if other is not None:
            moved = np.maximum(moved, abs(other - gradient))
    return 64 * (moved + UNIT * abs(gradient) + UNIT * float(np.max(abs(gradient), initial=0.0)))
