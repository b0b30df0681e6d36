"""The bound on an optimizer's steps: no right computation is beyond it, and it is not much wider than it must be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.learning import optimizers
from samegrad.impls.learning.optimizer_bound import BoundedSteps, Uncertain
from samegrad.impls.learning.optimizers import OPTIMIZERS, Settings

COST = arithmetic("float32")
OPERATIONS = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / y,
    "square": lambda x, y: x**2,
    "root": lambda x, y: np.sqrt(x * x),
    "constant first": lambda x, y: (0.3 - y) + 0.7 * x + 0.1 + 1 / y,
    "constant last": lambda x, y: x * 0.7 - 0.1 + y / 0.3,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_carries_every_error_along(operation):
    """The exact result of operands within their errors is within the bound, and near it at the worst corner."""
    random = np.random.default_rng(1)
    x, y = random.uniform(0.5, 2, (2, 1000)) * random.choice([-1, 1], (2, 1000))
    e, d = 1e-3 * random.uniform(0, 1, (2, 1000))
    f = OPERATIONS[operation]
    actual = f(Uncertain(x, e, COST), Uncertain(y, d, COST))
    np.testing.assert_allclose(actual.value, f(x, y), rtol=1e-15, atol=1e-15)
    corners = [abs(f(x + s * e, y + t * d) - f(x, y)) for s, t in itertools.product((-1, 0, 1), repeat=2)]
    worst = np.max(corners, axis=0)
    assert (worst <= actual.error).all()
    assert (actual.error <= 1.01 * worst + 40 * COST.u * (abs(actual.value) + 4)).all()


def test_an_operation_of_exact_numbers_costs_its_roundings():
    """In float32 the rounded result is within the bound, and beyond a tenth of it somewhere."""
    random = np.random.default_rng(2)
    x, y = random.standard_normal((2, 10_000)).astype(np.float32)
    exact = [Uncertain(v.astype(np.float64), np.zeros(v.shape), COST) for v in (x, y)]
    for f in (OPERATIONS[name] for name in ("sum", "product", "quotient")):
        bounded = f(*exact)
        share = abs(f(x, y).astype(np.float64) - bounded.value) / bounded.error
        assert 0.1 < share.max() <= 1


def test_a_divisor_that_may_be_zero_has_no_bound():
    one = Uncertain(np.array([1.0, 1.0]), np.zeros(2), COST)
    assert np.isinf((one / Uncertain(np.array([0.5, 0.0]), np.array([0.5, 0.0]), COST)).error).all()


def start(dtype, count=200):
    """Parameters and the gradients of three steps, with bounds as large as a small batch has, and some far larger."""
    random = np.random.default_rng(3)
    p = random.standard_normal(count).astype(dtype).astype(np.float64)
    g = random.standard_normal((3, count)) * 10.0 ** random.uniform(-4, 0, (3, count))
    B = 20 * arithmetic(dtype).u * (abs(g) + 0.01)
    B[:, ::20] = abs(g[:, ::20]) * 0.5
    return p, g, B


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_in_the_dtype_on_gradients_within_their_bounds_are_within(name, dtype):
    """Whatever sign the gradients' errors have at each step; each step from where the last one really ended."""
    settings = Settings(name, 0.1, epsilon=0.01)
    p, g, B = start(dtype)
    for signs in itertools.product((-1, 1), repeat=3):
        bounded, theirs, rounded = BoundedSteps(settings, dtype), optimizers.make(settings), p
        for sign, gradient, bound in zip(signs, g, B, strict=True):
            expected, error = bounded.step(rounded, gradient, bound)
            actual = theirs.step(rounded.astype(dtype), (gradient + 0.99 * sign * bound).astype(dtype))
            assert actual.dtype == dtype
            assert (abs(actual - expected) <= error).all()
            rounded = actual.astype(np.float64)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_bound_is_that_of_the_worst_gradients_within_a_small_factor(name):
    """Where gradients are known well: the corners' own spread and some roundings, both times six at most."""
    settings, dtype = Settings(name, 0.1, epsilon=0.01), "float64"
    p, g, B = start(dtype)
    bounded = BoundedSteps(settings, dtype)
    for number in (1, 2):
        expected, error = bounded.step(p, g[number - 1], B[number - 1])
    ends = []
    for signs in itertools.product((-1, 1), repeat=2):
        exact = optimizers.make(settings)
        ends += [[exact.step(p.astype(np.longdouble), row) for row in g[:2] + np.array(signs)[:, None] * B[:2]][-1]]
    spread = abs(np.array(ends) - expected).max(axis=0)
    known = np.arange(len(p)) % 20 != 0
    assert (error <= 6 * spread + 6 * 60 * 2**-53 * (abs(p) + 1))[known].all()
