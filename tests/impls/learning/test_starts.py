"""Many starts at once: each is the single training from its seed, and all frameworks count the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.impls.checking.oracle import flatten
from samegrad.impls.documents.learning import Starts
from samegrad.impls.errors import BadInput
from samegrad.impls.learning import numpy_trainer, recipes, starts, starts_descent
from samegrad.impls.learning.starts_descent import BY_IMPLEMENTATION, Descent, by_hand
from samegrad.impls.learning.trainer import TRAINERS
from samegrad.impls.registry import get_entry

COUNT, EPOCHS, RATE = 40, 700, 2.0
"""At this rate starts converge in 400 to 1,000 epochs, so that some do here and others do not."""


@pytest.fixture(scope="module")
def one_by_one():
    """Epochs needed by each start, trained singly by the manual trainer (−1: not converged)."""
    recipe = recipes.changed(recipes.xor(), learning_rate=RATE, epochs=EPOCHS)
    theta = np.stack([flatten(recipes.uniform(recipe.problem.sizes, 42 + i)) for i in range(COUNT)])
    needed = np.full(COUNT, -1)
    for epoch in range(EPOCHS + 1):
        losses = ((numpy_trainer.predict(theta, recipe.problem, recipe.x) - recipe.y) ** 2).mean(axis=(1, 2))
        needed[(losses < starts.THRESHOLD) & (needed < 0)] = epoch
        theta = theta - RATE * numpy_trainer.gradient(theta, recipe.problem, recipe.x, recipe.y)
    assert 0.1 < (needed >= 0).mean() < 0.9
    return needed


def descent(epochs=EPOCHS, dtype="float64", **changes):
    recipe = recipes.xor()
    theta = np.stack([flatten(recipes.uniform(recipe.problem.sizes, 42 + i)) for i in range(COUNT)]).T
    kind = {"theta": np.ascontiguousarray(theta, dtype), "x": recipe.x.astype(dtype), "y": recipe.y.astype(dtype)}
    settings = {"hidden": 4, "rate": RATE, "epochs": epochs, "threshold": starts.THRESHOLD, "report": lambda *_: None}
    return Descent(**{**kind, **settings, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_each_framework_counts_what_single_trainings_need(name, one_by_one):
    """In its own process: the same starts converge, after the same number of epochs."""
    for package in get_entry(name).packages:
        pytest.importorskip(package)
    recipe = recipes.changed(recipes.xor(), learning_rate=RATE, epochs=EPOCHS)
    result = starts.run(recipe, COUNT, [name])
    assert result["left_out"] == {}
    (run,) = result["runs"]
    found = np.array([-1 if value is None else value for value in run["epochs_needed"]])
    np.testing.assert_array_equal(found, one_by_one)
    assert run["share"] == (one_by_one >= 0).mean() and result["different"] == [] and result["agree"]
    assert run["quantiles"]["50"] == np.percentile(one_by_one[one_by_one >= 0], 50)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_manual_gradient_with_the_starts_last_is_the_trainers(dtype):
    """Elementwise, in the dtype."""
    here = descent(dtype=dtype)
    recipe = recipes.xor()
    losses, gradient = by_hand(here.theta, here)
    assert gradient.dtype == dtype and losses.dtype == dtype
    exact = numpy_trainer.gradient(here.theta.T.astype("float64"), recipe.problem, recipe.x, recipe.y)
    # Some twenty roundings of numbers below 1 per element.
    np.testing.assert_allclose(gradient, exact.T, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_the_shared_loss_is_the_networks():
    """Unit by unit on plain numbers, for other sizes than xor's too."""
    random = np.random.default_rng(3)
    x, y, theta = random.standard_normal((5, 3)), random.standard_normal((5, 1)), random.standard_normal(3 * 2 + 2 + 3)
    problem = recipes.Problem("probe", (3, 2, 1), ("sigmoid", "sigmoid"), lambda batch, seed: (x, y))
    expected = np.mean((numpy_trainer.predict(theta, problem, x) - y) ** 2)
    found = starts_descent.loss(list(theta), x.tolist(), y[:, 0].tolist(), 2, lambda z: 1 / (1 + np.exp(-z)))
    assert found == pytest.approx(expected, rel=1e-14)


def test_the_last_epoch_counts_and_no_later_one(one_by_one):
    """A start that needs exactly all epochs has converged; with one epoch less it has not."""
    latest = one_by_one.max()
    assert (BY_IMPLEMENTATION["numpy"](descent(epochs=int(latest))) == latest).any()
    assert not (BY_IMPLEMENTATION["numpy"](descent(epochs=int(latest) - 1)) >= latest).any()


def test_dropping_what_converged_and_taking_pieces_change_nothing(one_by_one, monkeypatch):
    """Looked up often, in the middle of a run; the last piece shorter than the others."""
    monkeypatch.setattr(starts_descent, "BLOCK", 7)
    monkeypatch.setattr(starts_descent, "PIECE", 15)
    np.testing.assert_array_equal(BY_IMPLEMENTATION["numpy"](descent()), one_by_one)


def test_frameworks_that_differ_are_reported(monkeypatch):
    """Planted: one implementation misses an early start (wrong), another only one at the very end (a rounding)."""
    pytest.importorskip("torch")
    early, late = [5, 6, 900, -1], [5, 6, 995, -1]
    answers = {}

    def together(work, folder, progress):
        return {name: {"seconds": 1.0, "needed": answers[name]} for name in work}, {}, {}

    monkeypatch.setattr(starts, "together", together)
    recipe = recipes.changed(recipes.xor(), epochs=1000)
    answers |= {"numpy": early, "torch-eager": [5, -1, 900, -1]}
    result = starts.run(recipe, 4, ["numpy", "torch-eager"])
    assert result["different"] == [43] and not result["agree"]
    answers |= {"numpy": late, "torch-eager": [5, 6, -1, -1]}
    result = starts.run(recipe, 4, ["numpy", "torch-eager"])
    assert result["different"] == [44] and result["agree"] and result["runs"][0]["share"] == 0.75


def test_a_document_is_complete_where_no_start_converged(monkeypatch):
    """Its percentiles are null."""
    monkeypatch.setattr(starts, "together", lambda work, *_: ({"numpy": {"seconds": 1.0, "needed": [-1, -1]}}, {}, {}))
    result = starts.run(recipes.xor(), 2, ["numpy"])
    assert result["runs"][0]["quantiles"] is None and result["runs"][0]["share"] == 0
    told = json.loads(Starts.of(result).encoded())
    assert {key: told[key] for key in result if key != "recipe"} == {k: v for k, v in result.items() if k != "recipe"}


def test_other_trainings_are_refused():
    """It counts starts of xor by plain descent; seeds end where NumPy's do."""
    for recipe in (recipes.line(), recipes.changed(recipes.xor(), "adam"), recipes.changed(recipes.xor(), batch=2)):
        with pytest.raises(BadInput, match="plain gradient descent"):
            starts.run(recipe, 5)
    with pytest.raises(BadInput, match="seeds end at"):
        starts.run(recipes.xor(2**32 - 1), 5)
