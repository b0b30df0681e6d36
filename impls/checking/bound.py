"""The bound: how far a *right* computation may be from the exact loss and gradients, element by element.

A running error analysis (Wilkinson; Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, sections 3.3
and 4.2): beside each quantity q goes e_q ≥ |q̂ − q| for every q̂ that a computation in the dtype may have in its place,
in any order of summation, with or without fused multiply-add, with constants grouped in any way. Write u for the unit
roundoff (half the spacing at 1) and η for the smallest normal number, which pays for underflow, gradual or flushed.

    rounding     q̂ = fl(q′)          |q̂ − q′| ≤ u·|q′| + η
    product      p = x·y             e_p = |x|·e_y + |y|·e_x + e_x·e_y + u·(|x| + e_x)·(|y| + e_y) + η
    sum          s = Σ tᵢ, n terms   e_s = Σ e_tᵢ + n·u·Σ (|tᵢ| + e_tᵢ) + n·η

The sum costs (n − 1)·u·Σ|t̂ᵢ| at most, in whatever order it is formed and for *every* n, with no term of second order;
an inner product with its products rounded, or fused, n·u (Jeannerod & Rump, SIAM J. Matrix Anal. Appl. 34:338–344,
2013). For n terms of equal sign that is a relative n·u: 0.1 % for 16384 rows in float32, 25 % for 4 million. No bound
that holds for every order is smaller: adding rows one after the other in float32 can be that wrong. So a mistake is
best looked for in a small batch, where the bound is tight, and the large batch is checked for being the same function.

Each layer, with k = fan_in:

    z = xW + b       e_z = e_x|W| + (k+1)·u·((|x| + e_x)|W| + |b|) + (k+1)·η         an inner product of k+1 terms
    a = f(z)         e_a and the error e_s of the slope f′(z): see each activation below
    r = a − y        e_r = e_a + u·(|r| + e_a)
    L = Σr²/N        e_t = 2|r|e_r + e_r² + u·(|r| + e_r)² + η;   e_L = Σe_t/N + (N+3)·u·Σ(r² + e_t)/N + η
    ∂L/∂a = 2r/N     e_c = 2/N·e_r + 3u·2/N·(|r| + e_r) + η       2/N, and its product, and one more if grouped apart
    δ = ∂L/∂a ∘ f′   e_δ as a product
    ∂L/∂x = δWᵀ,  ∂L/∂W = xᵀδ,  ∂L/∂b = Σδ                         as sums of products
    p′ = p − λg      e_p′ = λe_g + 2u·λ(|g| + e_g) + u·(|p′| + the two terms before) + η        λ itself may be rounded

With a cross-entropy ∂L/∂z of the last layer is (a − y)/N, which some compute so, and some as the product of the slope
with −y/a + (1 − y)/(1 − a), whose every factor is right to a few roundings: 8u(|a| + |y|) pays for both. A softmax a
moves, where each z moves by at most e, by a relative e^(2e) − 1, and costs k + 8 roundings and those of its exponent;
with a squared error its cotangent is a ∘ (c − Σc a), in whatever order the products are formed.

where N is the number of elements of the prediction, and the mean may be taken in two steps or by a rounded reciprocal.
In TF32 the factors of a product of matrices are cut to ten bits of fraction, some devices rounding and some not. That
changes a factor by 2⁻¹⁰ of itself at most and a product by p = (1 + 2⁻¹⁰)² − 1, so that n·u + p takes the place of
each n·u; all else is as in float32.

The analysis holds while N·u < 1: up to 16 million elements in float32.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.checking.oracle import WORKING_SET, Evaluation, by_networks, pieces
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, Layer, Parameters, networks
from samegrad.impls.problem import SQUARED, TF32, Problem, storage

MEASURED = Path(__file__).with_name("constants.json")
CUT = 2.0**-10
"""The largest relative change of a factor whose fraction is cut to ten bits."""
ROWS = 2**13
"""Rows that are bounded in one go, so that memory stays bounded too."""


class Arithmetic(NamedTuple):
    """What a dtype costs: `u` the unit roundoff, `eta` the smallest normal number; of the functions, multiples of u."""

    u: float
    eta: float
    sigmoid: float
    """Worst relative error of σ over the installed frameworks, in u."""
    tanh: float
    """Worst relative error of tanh over the installed frameworks, in u."""
    product: float = 0.0
    """What the product of two factors loses before it is summed: 0, but in TF32."""

    def sum(self, terms: int) -> float:
        """The relative cost of a sum of so many products."""
        return terms * self.u + self.product


@cache
def arithmetic(dtype: str) -> Arithmetic:
    """The costs of `dtype`; those of σ and tanh are twice the worst error in ULP that `constants` has measured.

    Twice, since one unit in the last place is up to 2u relative to the number.
    """
    worst: dict[str, float] = {}
    for row in json.loads(MEASURED.read_bytes())["measured"]:
        if row["dtype"] == storage(dtype):
            worst[row["function"]] = max(worst.get(row["function"], 0.0), row["worst_ulp"])
    numbers = np.finfo(storage(dtype))
    product = (1 + CUT) ** 2 - 1 if dtype == TF32 else 0.0
    return Arithmetic(float(numbers.eps) / 2, float(numbers.tiny), 2 * worst["sigmoid"], 2 * worst["tanh"], product)


class Bounded(NamedTuple):
    """A quantity's magnitude (with its sign, where it has one) and the bound on its error, of one shape."""

    value: Array
    error: Array

    @property
    def reach(self) -> Array:
        """The largest magnitude that a computed value can have."""
        return abs(self.value) + self.error


def running_bound(problem: Problem, parameters: Parameters, x: Array, y: Array, dtype: str) -> Evaluation:
    """Bounds on the errors of predictions, loss and gradients of a right computation in `dtype`.

    x: (batch, inputs), y: (batch, outputs) and the parameters are float64 numbers that `dtype` holds exactly. The
    result has the shapes of `oracle.evaluate`. Raises BadInput where the batch is too large for any bound.
    """
    if networks(parameters) is not None:
        length = WORKING_SET // (len(x) * max(problem.sizes))
        return by_networks(lambda some: _running_bound(problem, some, x, y, dtype), parameters, length)
    return _running_bound(problem, parameters, x, y, dtype)


def _running_bound(problem: Problem, parameters: Parameters, x: Array, y: Array, dtype: str) -> Evaluation:
    cost = _cost(y.size, y.shape[1], dtype)
    predictions, square, totals = _totals(problem, parameters, x, y, y.size, cost)
    loss = (square.error + cost.sum(y.size + 3) * square.reach) / y.size + cost.eta
    gradients = [Layer(*(_summed(total, len(x), cost) for total in layer)) for layer in totals]
    return Evaluation(predictions, loss, gradients)


def sparse_bound(
    problem: Problem,
    parameters: Parameters,
    x: Array,
    near: Array,
    marked: NDArray[np.int_],
    targets: Array,
    dtype: str,
) -> Evaluation:
    """Bounds where all rows but the `marked` ones have targets `near` their predictions; derived in `probe.py`.

    near: (batch, outputs); marked: (m,) numbers of rows, and targets: (m, outputs) those of them. The sums are to be
    compared with those over the marked rows alone.
    """
    n, m, elements = len(x), len(marked), near.size
    cost = _cost(elements, near.shape[1], dtype)
    predictions, square, rest = _totals(problem, parameters, x, near, elements, cost)
    _, squares, counted = _totals(problem, parameters, x[marked], targets, elements, cost)
    rests = 2 + cost.sum(n)
    loss = squares.error + cost.sum(targets.size + 3) * squares.reach + (rests + 3 * cost.u) * square.reach
    gradients = [
        Layer(*(_summed(own, m, cost) + rests * other.reach + n * cost.eta for own, other in zip(*layers, strict=True)))
        for layers in zip(counted, rest, strict=True)
    ]
    return Evaluation(predictions, loss / elements + cost.eta, gradients)


def _cost(elements: int, outputs: int, dtype: str) -> Arithmetic:
    """The costs of the dtype. Raises BadInput where a sum over so many elements has no bound."""
    cost = arithmetic(dtype)
    if elements * cost.u >= 1:
        raise BadInput(
            f"a sum over {elements} elements can lose every digit in {dtype}; "
            f"take a batch below {1 / cost.u / outputs:.0f}"
        )
    return cost


def _totals(
    problem: Problem, parameters: Parameters, x: Array, y: Array, elements: int, cost: Arithmetic
) -> tuple[Array, Bounded, list[list[Bounded]]]:
    """`_of_rows` of all rows, piece by piece."""
    leading = parameters[0].b.shape[:-1]
    predictions = np.empty((*leading, *y.shape))
    square = Bounded(np.zeros(leading), np.zeros(leading))
    totals = [[_zeros(tensor) for tensor in layer] for layer in parameters]
    for rows in pieces(len(x), ROWS):
        predictions[..., rows, :], squares, terms = _of_rows(problem, parameters, x[rows], y[rows], elements, cost)
        square = _plus(square, squares)
        totals = [list(map(_plus, *layers)) for layers in zip(totals, terms, strict=True)]
    return predictions, square, totals


def step_bound(
    parameters: Parameters, gradients: Parameters, bounds: Parameters, learning_rate: float, dtype: str
) -> Parameters:
    """Bounds on the parameters after one step p − λg, of gradients g known within `bounds`; p as `dtype` holds it."""
    u, eta, *_ = arithmetic(dtype)

    def step(p: Array, g: Array, e_g: Array) -> Array:
        change = abs(learning_rate) * e_g + 2 * u * abs(learning_rate) * (abs(g) + e_g) + eta
        return change + u * (abs(p - learning_rate * g) + change) + eta

    return [Layer(*map(step, *layers)) for layers in zip(parameters, gradients, bounds, strict=True)]


def _of_rows(
    problem: Problem, parameters: Parameters, x: Array, y: Array, elements: int, cost: Arithmetic
) -> tuple[Array, Bounded, list[tuple[Bounded, Bounded]]]:
    """The bound on the predictions of some rows, and Σ|terms| with Σ errors for the squares, and for each W and b."""
    u, eta, *_ = cost
    passed = []
    a = Bounded(x, np.zeros(x.shape))
    for (W, b), activation in zip(parameters, problem.activations, strict=True):
        before = a
        b = b[..., np.newaxis, :]
        terms = a.reach @ abs(W) + abs(b)
        n = W.shape[-2] + 1
        z = Bounded(a.value @ W + b, a.error @ abs(W) + cost.sum(n) * terms + n * eta)
        a, slope = BOUNDS[activation](z, cost)
        passed.append((W, before, slope))

    r = _rounded(Bounded(a.value - y, a.error), u)
    if problem.loss == SQUARED:
        t = _rounded(Bounded(r.value**2, (2 * abs(r.value) + r.error) * r.error), u, eta)
        c = _rounded(Bounded(2 / elements * r.value, 2 / elements * r.error), 3 * u, eta)
        d = (
            _softmax_back(a, c, u, eta)
            if problem.activations[-1] == "softmax"
            else _rounded(_product(c, slope), u, eta)
        )
    else:
        t = _cross_entropy(a, y, u, eta)
        d = _rounded(Bounded(r.value / elements, (r.error + 8 * u * (a.reach + abs(y))) / elements), 3 * u, eta)

    gradients = []
    for ell, (W, before, slope) in reversed([*enumerate(passed, start=1)]):
        if ell < len(passed):
            d = _rounded(_product(c, slope), u, eta)
        x_, x_error = abs(before.value).swapaxes(-1, -2), before.error.swapaxes(-1, -2)
        dW = Bounded(x_ @ abs(d.value), x_ @ d.error + x_error @ d.reach)
        gradients.append((dW, Bounded(abs(d.value).sum(axis=-2), d.error.sum(axis=-2))))
        m, back = W.shape[-1], W.swapaxes(-1, -2)
        c = Bounded(d.value @ back, d.error @ abs(back) + cost.sum(m) * (d.reach @ abs(back)) + m * eta)
    return a.error, Bounded(t.value.sum(axis=(-2, -1)), t.error.sum(axis=(-2, -1))), gradients[::-1]


def _sigmoid(z: Bounded, cost: Arithmetic) -> tuple[Bounded, Bounded]:
    """σ and its slope s = σ(1 − σ), for which |d ln s/dz| = |1 − 2σ| ≤ 1.

    So s grows by at most e^|Δ| over a change Δ, and |σ(z + Δ) − σ(z)| ≤ s·(e^|Δ| − 1). The slope may be computed as
    σ·(1 − σ), which loses digits as σ → 1, or better, as σ(z)·σ(−z) or t·σ²; both factors are bounded for the worst.
    """
    u, eta, c, *_ = cost
    t = np.exp(-abs(z.value))
    big, small = 1 / (1 + t), t / (1 + t)
    right = z.value >= 0
    a, rest = np.where(right, big, small), np.where(right, small, big)
    moved = a * rest * np.expm1(z.error)
    activation = Bounded(a, moved + c * u * (a + moved) + eta)
    complement = Bounded(rest, moved + c * u * (big + moved) + u * (rest + moved) + eta)
    return activation, _rounded(_product(activation, complement), u, eta)


def _tanh(z: Bounded, cost: Arithmetic) -> tuple[Bounded, Bounded]:
    """tanh and its slope s = 1 − tanh², for which |d ln s/dz| = 2|tanh| ≤ 2.

    Hence |tanh(z + Δ) − tanh z| ≤ s·(e^(2|Δ|) − 1)/2. The slope may be computed as 1 − a·a, in error by
    2|a|e_a + e_a² + u(|a| + e_a)² + u·s, or as (1 − a)(1 + a), in error by at most 2e_a + e_a² + 3u·s: the sum of their
    largest terms covers both.
    """
    u, eta, _, c, _ = cost
    a = np.tanh(z.value)
    s = 1 / np.cosh(np.minimum(abs(z.value), 350)) ** 2
    moved = s * np.expm1(2 * z.error) / 2
    e = moved + c * u * (abs(a) + moved) + eta
    return Bounded(a, e), _rounded(Bounded(s, 2 * e + e**2 + u * (abs(a) + e) ** 2), 3 * u, eta)


def _relu(z: Bounded, cost: Arithmetic) -> tuple[Bounded, Bounded]:
    """max(z, 0), no further from the truth than z is, and its slope, exact where the sign of z is certain.

    Within rounding of the kink right computations may take either slope, 0 or 1, so that its error is 1 there.
    """
    on, unsure = z.value > 0, abs(z.value) <= z.error
    value = Bounded(np.where(on, z.value, 0), np.where(on | unsure, z.error, 0))
    return value, Bounded(on.astype(np.float64), unsure.astype(np.float64))


def _identity(z: Bounded, cost: Arithmetic) -> tuple[Bounded, Bounded]:
    """z and its slope 1."""
    return z, Bounded(np.ones(z.value.shape), np.zeros(z.value.shape))


def _softmax(z: Bounded, cost: Arithmetic) -> tuple[Bounded, Bounded]:
    """e^(z − m)/Σ e^(z − m), m the largest z of the row; the slope is no number for each unit, and is left at 1."""
    u, eta, *_ = cost
    below = z.value - z.value.max(axis=-1, keepdims=True)
    a = np.exp(below)
    a /= a.sum(axis=-1, keepdims=True)
    moved = np.expm1(2 * z.error.max(axis=-1, keepdims=True) + 2 * u * abs(below).max(axis=-1, keepdims=True))
    return Bounded(a, a * (moved + (a.shape[-1] + 8) * u * (1 + moved)) + eta), _identity(z, cost)[1]


def _softmax_back(a: Bounded, c: Bounded, u: float, eta: float) -> Bounded:
    """∂L/∂z = a ∘ (c − Σ c a) for softmax and the cotangent c = ∂L/∂a."""
    k = a.value.shape[-1]
    p = _product(c, a)
    s, e_s = p.value.sum(axis=-1, keepdims=True), p.error.sum(axis=-1, keepdims=True)
    total = p.reach.sum(axis=-1, keepdims=True)
    inner = Bounded(c.value - s, c.error + e_s)
    d = _product(a, inner)
    return Bounded(d.value, d.error + (k + 6) * u * a.reach * (c.reach + total) + (k + 6) * eta)


def _cross_entropy(a: Bounded, y: Array, u: float, eta: float) -> Bounded:
    """A bound on the terms y ln a, and (1 − y) ln(1 − a) where one adds them: of the size of ln a, and u/a off."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.minimum(a.value, abs(1 - a.value)) - a.error
        size = abs(np.log(np.maximum(far, eta))) + 1
        return Bounded(size, (a.error + u) / np.maximum(far, eta) + 4 * u * size + eta)


BOUNDS: dict[str, Callable[[Bounded, Arithmetic], tuple[Bounded, Bounded]]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "identity": _identity,
    "softmax": _softmax,
}


def _rounded(q: Bounded, u: float, eta: float = 0.0) -> Bounded:
    """q after a rounding; a sum or difference of two numbers never underflows, so that it needs no η."""
    return Bounded(q.value, q.error + u * q.reach + eta)


def _product(p: Bounded, q: Bounded) -> Bounded:
    """p·q, unrounded."""
    return Bounded(p.value * q.value, abs(p.value) * q.error + p.error * q.reach)


def _summed(total: Bounded, n: int, cost: Arithmetic) -> Array:
    """The bound on a sum of n terms, of Σ|terms| and Σ errors."""
    return total.error + cost.sum(n) * total.reach + n * cost.eta


def _zeros(tensor: Array) -> Bounded:
    return Bounded(np.zeros(tensor.shape), np.zeros(tensor.shape))


def _plus(p: Bounded, q: Bounded) -> Bounded:
    return Bounded(p.value + q.value, p.error + q.error)
