"""Networks that are trained together are trained as each of them alone."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Disagreement
from samegrad.impls.learning import recipes
from samegrad.impls.learning.numpy_trainer import NumpyTrainer
from samegrad.impls.learning.optimizers import OPTIMIZERS, Settings
from samegrad.impls.learning.trainer import Setup
from samegrad.impls.on_numpy.networks import Passes
from samegrad.impls.parameters import network, vector
from samegrad.impls.problem import XOR
from samegrad.impls.registry import get_entry
from samegrad.impls.studies import laws, population
from samegrad.impls.task import Task

COUNT, STEPS = 9, 60


def drawn(law="uniform 0 1"):
    return Task(XOR, laws.draw(law, XOR.sizes, 42, COUNT), 4, "float64")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_network_goes_where_it_would_go_alone(optimizer, monkeypatch):
    """Taken out in between, in parts of four, with the state of its optimizer. Within the roundings of 60 steps."""
    monkeypatch.setattr(population, "TOGETHER", 4)
    settings, task = Settings(optimizer, 0.1), drawn()
    together = population.population(task, "numpy-networks", settings)
    assert len(together.parts) == 3
    together.advance(STEPS // 2)
    kept = np.array([True, False, True, True, False, True, True, True, False])
    together.keep(kept)
    together.advance(STEPS // 2)
    x, y = XOR.data(4)
    for column, number in enumerate(np.flatnonzero(kept)):
        alone = NumpyTrainer(Setup(Task(XOR, network(task.parameters, number), 4, "float64"), settings))
        for _ in range(STEPS):
            alone.step(x, y)
        np.testing.assert_allclose(together.state.theta[:, column], vector(alone.parameters()), rtol=1e-9)
        np.testing.assert_allclose(together.state.losses[column], alone.step(x, y), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c-floor", "jax-networks", "torch-networks", "tensorflow-networks"])
def test_other_implementations_descend_to_the_same(name):
    if reason := get_entry(name).missing():
        pytest.skip(reason)
    states = []
    for implementation in ("numpy-networks", name):
        together = population.population(drawn(), implementation, Settings("sgd", 2.0))
        together.advance(STEPS)
        together.keep(np.arange(COUNT) % 2 == 0)
        together.advance(STEPS)
        states.append(together.state)
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-15)


def test_a_wrong_gradient_trains_nothing(monkeypatch):
    """Planted: the hidden biases never get a gradient."""
    backward = Passes.value_and_grad

    def forgetful(self, chunk, x, y):
        backward(self, chunk, x, y)
        chunk.gradients[0].b[...] = 0

    population.require_right(drawn(), "numpy-networks")
    monkeypatch.setattr(Passes, "value_and_grad", forgetful)
    with pytest.raises(Disagreement, match=r"numpy-networks disagrees at xor in float64: b1"):
        population.require_right(drawn(), "numpy-networks")


def test_views_are_the_layers():
    """θ and back."""
    start = recipes.uniform(XOR.sizes, 3)
    theta = np.repeat(vector(start)[:, np.newaxis], 2, axis=1)
    for (W, b), (W_of, b_of) in zip(population.views(theta, XOR.sizes), start, strict=True):
        np.testing.assert_array_equal(W[..., 1], W_of)
        np.testing.assert_array_equal(b[..., 1], b_of)
