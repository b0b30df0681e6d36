"""Many starts at once: each is the single training from its seed, and all frameworks count the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Disagreement
from samegrad.impls.documents.learning import Starts
from samegrad.impls.errors import BadInput
from samegrad.impls.learning import numpy_trainer, recipes, starts
from samegrad.impls.on_numpy.networks import NumpyNetworks
from samegrad.impls.parameters import vector
from samegrad.impls.registry import get_entry

COUNT, EPOCHS, RATE = 40, 700, 2.0
"""At this rate starts converge in 400 to 1,000 epochs, so that some do here and others do not."""


@pytest.fixture(scope="module")
def one_by_one():
    """At which look each start, trained singly by the manual trainer, has converged (−1: at none)."""
    recipe = recipes.changed(recipes.xor(), learning_rate=RATE, epochs=EPOCHS)
    theta = np.stack([vector(recipes.uniform(recipe.problem.sizes, 42 + i)) for i in range(COUNT)])
    needed = np.full(COUNT, -1)
    for epoch in range(EPOCHS + 1):
        losses = ((numpy_trainer.predict(theta, recipe.problem, recipe.x) - recipe.y) ** 2).mean(axis=(1, 2))
        if epoch % starts.LOOK == 0:
            needed[(losses < starts.THRESHOLD) & (needed < 0)] = epoch
        theta = theta - RATE * numpy_trainer.gradient(theta, recipe.problem, recipe.x, recipe.y)
    assert 0.1 < (needed >= 0).mean() < 0.9
    return needed


@pytest.mark.slow
@pytest.mark.parametrize("name", starts.STARTERS)
def test_each_framework_counts_what_single_trainings_need(name, one_by_one):
    """In its own process: the same starts converge, after the same number of epochs."""
    if reason := get_entry(name).missing():
        pytest.skip(reason)
    recipe = recipes.changed(recipes.xor(), learning_rate=RATE, epochs=EPOCHS)
    result = starts.run(recipe, COUNT, [name])
    assert result["left_out"] == {} and result["failed"] == {}
    (run,) = result["runs"]
    actual = np.array([-1 if value is None else value for value in run["epochs_needed"]])
    np.testing.assert_array_equal(actual, one_by_one)
    assert run["share"] == (one_by_one >= 0).mean() and result["different"] == [] and result["agree"]
    assert run["quantiles"]["50"] == np.percentile(one_by_one[one_by_one >= 0], 50)


def counted(folder, name="numpy-networks", epochs=EPOCHS, dtype="float64"):
    """The epochs that each start needs, in this process."""
    recipes.save(recipes.changed(recipes.xor(), learning_rate=RATE, epochs=epochs), folder / "recipe.npz")
    return np.array(starts.measure(name, str(folder), 42, COUNT, dtype)["needed"])


def test_the_last_epoch_counts_and_no_later_one(one_by_one, tmp_path):
    """A start that needs exactly all epochs has converged; with fewer epochs it has not."""
    latest = int(one_by_one[one_by_one < EPOCHS].max())
    assert (counted(tmp_path, epochs=latest) == latest).any()
    assert not (counted(tmp_path, epochs=latest - starts.LOOK) >= latest).any()


def test_float32_counts_the_same_but_for_a_look(one_by_one, tmp_path):
    actual = counted(tmp_path, dtype="float32")
    assert (
        np.mean(actual == one_by_one) > 0.9 and abs(actual - one_by_one)[(actual >= 0) & (one_by_one >= 0)].max() <= 10
    )


def test_a_first_step_that_is_wrong_for_one_start_is_refused(tmp_path, monkeypatch):
    """Planted: one start of all goes twice as far."""
    step = NumpyNetworks.train_loop

    def twice(self, rate, steps):
        result = step(self, rate, steps)
        result[0][1][0].b[2, 17] *= 1.01
        return result

    monkeypatch.setattr(NumpyNetworks, "train_loop", twice)
    with pytest.raises(Disagreement, match=r"b1\[2\] of network 17 is"):
        counted(tmp_path)


def test_frameworks_that_differ_are_reported(monkeypatch):
    """Planted: one implementation misses an early start (wrong), another only one at the very end (a rounding)."""
    pytest.importorskip("torch")
    early, late = [5, 6, 900, -1], [5, 6, 995, -1]
    answers = {}

    def together(work, folder, progress):
        return {name: {"seconds": 1.0, "needed": answers[name]} for name in work}, {}, {}

    monkeypatch.setattr(starts, "together", together)
    recipe = recipes.changed(recipes.xor(), epochs=1000)
    answers |= {"numpy-networks": early, "torch-networks": [5, -1, 900, -1]}
    result = starts.run(recipe, 4, ["numpy-networks", "torch-networks"])
    assert result["different"] == [43] and not result["agree"]
    answers |= {"numpy-networks": late, "torch-networks": [5, 6, -1, -1]}
    result = starts.run(recipe, 4, ["numpy-networks", "torch-networks"])
    assert result["different"] == [44] and result["agree"] and result["runs"][0]["share"] == 0.75


def test_a_document_is_complete_where_no_start_converged(monkeypatch):
    """Its percentiles are null."""
    monkeypatch.setattr(
        starts, "together", lambda work, *_: ({"numpy-networks": {"seconds": 1.0, "needed": [-1, -1]}}, {}, {})
    )
    result = starts.run(recipes.xor(), 2, ["numpy-networks"])
    assert result["runs"][0]["quantiles"] is None and result["runs"][0]["share"] == 0
    document = json.loads(Starts.of(result).encoded())
    assert {key: document[key] for key in result if key != "recipe"} == {
        k: v for k, v in result.items() if k != "recipe"
    }


def test_other_trainings_are_refused():
    """It counts starts of xor by plain descent; seeds end where NumPy's do."""
    for recipe in (recipes.line(), recipes.changed(recipes.xor(), "adam"), recipes.changed(recipes.xor(), batch=2)):
        with pytest.raises(BadInput, match="plain gradient descent"):
            starts.run(recipe, 5)
    with pytest.raises(BadInput, match="seeds end at"):
        starts.run(recipes.xor(2**32 - 1), 5)
