"""Why starts fail: networks that are built to fail in one way are found to fail in it."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.learning import numpy_trainer
from samegrad.impls.parameters import Layer, vector
from samegrad.impls.problem import XOR, Problem
from samegrad.impls.studies.failures import classify
from samegrad.impls.studies.population import NetworksState


def kind_of(activation, W1, b1, W2, b2, earlier=1.0):
    """The one class of a network, whose loss a tenth of the epochs before was `earlier` times its last."""
    layers = [Layer(*(np.array(values, float) for values in layer)) for layer in ((W1, b1), (W2, b2))]
    problem = Problem("xor", (2, len(b1), 1), (activation, "sigmoid"), XOR.rows)
    theta, (x, y) = vector(layers)[np.newaxis], XOR.data(4)
    losses = ((numpy_trainer.predict(theta, problem, x) - y) ** 2).mean(axis=(1, 2))
    gradient = numpy_trainer.gradient(theta, problem, x, y)
    ((kind, count),) = classify(problem, NetworksState(theta.T, gradient.T, losses), earlier * losses).items()
    assert count == 1
    return kind


APART = [[9, -9], [9, -9]], [-4, 14]  # the first unit is or, the second nand
ALMOST = [[1.2], [1.2]], [-1.8]  # all four right, and far from sure


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("diverged", ("sigmoid", [[np.nan, 1], [1, 1]], [0, 0], [[1], [1]], [0])),
        ("dead", ("relu", [[-1, 1], [-1, 1]], [0, 0], [[1], [1]], [0])),
        ("symmetric", ("sigmoid", [[0.02, -0.01], [0.01, 0.02]], [0, 0.01], [[0.3], [-0.2]], [0])),
        ("symmetric", ("sigmoid", [[5], [5]], [-2], [[1]], [0])),  # a single unit
        ("saturated", ("sigmoid", *APART, [[30], [-1]], [-8])),
        ("saturated", ("sigmoid", [[90, -90], [40, 40]], [-45, 20], [[1], [1]], [-1])),
        ("descending", ("sigmoid", *APART, *ALMOST, 1.02)),
        ("descending", ("sigmoid", *APART, *ALMOST, 1.0001)),
        ("bouncing", ("sigmoid", *APART, *ALMOST, 0.9)),
        ("two right", ("sigmoid", [[2, 0], [0, 2]], [-1, -1], [[0.01], [0.02]], [0])),
    ],
)
def test_a_network_fails_as_it_was_built(kind, network):
    with np.errstate(invalid="ignore"):
        assert kind_of(*network) == kind


def test_plateaus_are_distinguished_by_their_right_rows():
    """Weights so small that the slope is next to nothing, and an output that leans to three right rows, or four."""
    assert kind_of("identity", [[0.1, 0], [0, 0.1]], [0, 0], [[0.2], [0.2]], [-0.01]) == "three right"
    assert kind_of("relu", [[0.1, 0.1], [0.1, 0.1]], [0, -0.1], [[0.2], [-0.4]], [-0.01]) == "four right"


def test_every_network_is_in_one_class():
    random = np.random.default_rng(1)
    theta = random.normal(size=(500, 17)) * 10
    x, y = XOR.data(4)
    losses = ((numpy_trainer.predict(theta, XOR, x) - y) ** 2).mean(axis=(1, 2))
    state = NetworksState(theta.T, numpy_trainer.gradient(theta, XOR, x, y).T, losses)
    counts = classify(XOR, state, losses * random.uniform(0.9, 1.1, 500))
    assert sum(counts.values()) == 500 and len(counts) > 2
