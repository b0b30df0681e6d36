"""Recipes: what they say, the order of minibatches, and that a stored one is the same."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.errors import BadInput
from samegrad.impls.learning import recipes, shadows
from samegrad.impls.learning.recipes import RECIPES, changed, get_recipe
from samegrad.impls.parameters import tensors, vector


def test_xor_learns_as_the_published_run():
    """Near 0.25 up to epoch 2,000, 0.05 to 0.06 at 5,000, below 0.01 at 9,000; outputs near 0.1, 0.9, 0.9, 0.1."""
    recipe = get_recipe("xor")
    assert (recipe.epochs, recipe.shown_every, recipe.settings.learning_rate) == (10_000, 1000, 0.2)
    theta, losses = shadows.descend(recipe, vector(recipe.parameters), "float64")
    at = dict(zip(recipe.marks(), losses, strict=True))
    assert abs(at[1000] - 0.25) < 0.01 and abs(at[2000] - 0.25) < 0.01
    assert 0.05 <= at[5000] <= 0.06
    assert at[9000] < 0.01
    outputs = shadows.numpy_trainer.predict(theta[-1], recipe.problem, recipe.x)
    np.testing.assert_allclose(outputs, [[0.1], [0.9], [0.9], [0.1]], atol=0.1)


def test_xor_starts_uniform_on_zero_to_one():
    """Every weight and bias, over many seeds."""
    drawn = np.concatenate([vector(get_recipe("xor", seed).parameters) for seed in range(300)])
    # 5,100 draws: beyond 0.01 of an end with probability 0.99^5100, mean within 5 standard errors of 1/2.
    assert 0 <= drawn.min() < 0.01 and 0.99 < drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 5 * np.sqrt(1 / 12 / drawn.size)


def test_line_is_a_hundred_rows_of_seed_42_and_knows_its_least_squares_line():
    """The residual of the line that it names is orthogonal to x and to 1."""
    recipe = get_recipe("line")
    facts = recipe.facts
    assert recipe.x.shape == (100, 1) and (recipe.batch, recipe.epochs) == (10, 100)
    residual = recipe.y - facts["slope"] * recipe.x - facts["intercept"]
    # Sums of 100 terms of order 1 in float64.
    assert abs(residual.sum()) < 1e-11 and abs((residual * recipe.x).sum()) < 1e-11
    np.testing.assert_array_equal(
        facts["least_squares"], facts["slope"] * np.array([0.3, 0.5, 0.7]) + facts["intercept"]
    )


def test_slides_has_its_weights_in_our_layout_and_no_biases():
    """W: (fan_in, fan_out) is the transpose of the slides' (out, in)."""
    recipe = get_recipe("slides")
    named = tensors(recipe.parameters)
    np.testing.assert_array_equal(named["W1"].T, [[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_array_equal(named["W2"].T, [[0.5, 0.6], [0.7, 0.8]])
    assert not recipe.biases and not named["b1"].any() and not named["b2"].any()
    kept, losses = shadows.descend(changed(recipe, epochs=20), vector(recipe.parameters), "float64")
    biases = [
        vector([layer._replace(W=layer.W[:0]) for layer in recipes.unflatten(theta, (2, 2, 2))]) for theta in kept
    ]
    assert not np.any(biases) and losses[-1] < losses[0]


def test_minibatches_are_one_permutation_per_epoch():
    """Each row once an epoch, in another order in the next, the same whenever it is asked, other for other seeds."""
    recipe = changed(get_recipe("line"), batch=30)
    epochs = [np.concatenate(list(recipe.minibatches(epoch))) for epoch in (0, 1)]
    assert [len(rows) for rows in recipe.minibatches(0)] == [30, 30, 30, 10]
    for order in epochs:
        np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert not np.array_equal(*epochs)
    np.testing.assert_array_equal(epochs[1], np.concatenate(list(recipe.minibatches(1))))
    assert not np.array_equal(epochs[0], np.concatenate(list(get_recipe("line", 7).minibatches(0))))
    (whole,) = get_recipe("xor").minibatches(3)
    np.testing.assert_array_equal(whole, np.arange(4))


@pytest.mark.parametrize("name", RECIPES)
def test_a_stored_recipe_is_the_same(name, tmp_path):
    """What another process reads is what was meant, to the last digit."""
    recipe = changed(get_recipe(name, 3), "adam", 0.0123, 77)
    recipes.save(recipe, tmp_path / "recipe.npz")
    actual = recipes.load(tmp_path / "recipe.npz")
    assert actual.summary() == recipe.summary() and actual.facts == recipe.facts and actual.marks() == recipe.marks()
    for one, other in ((actual.x, recipe.x), (actual.y, recipe.y), (actual.asked, recipe.asked)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(vector(actual.parameters), vector(recipe.parameters))


def test_marks_have_the_ends_and_the_lines_of_the_table():
    """At most about a thousand, whatever the number of epochs."""
    for epochs in (1, 7, 1001, 123_457):
        marks = changed(get_recipe("xor"), epochs=epochs).marks()
        assert marks[0] == 0 and marks[-1] == epochs and set(range(0, epochs, 1000)) <= set(marks)
        assert len(marks) <= recipes.RECORDED + epochs // 1000 + 2


def test_another_optimizer_brings_its_rate():
    """Unless one is given; what is not asked for stays."""
    recipe = get_recipe("xor")
    assert changed(recipe, "adam").settings.learning_rate == 0.001
    assert changed(recipe, "adam", 0.5).settings.learning_rate == 0.5
    assert changed(recipe, "sgd").settings == recipe.settings and changed(recipe, epochs=3).batch == recipe.batch


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"optimizer": "adma"}, "unknown optimizer 'adma'"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive number"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch": 101}, "a minibatch of 101 rows is more than the 100"),
    ],
)
def test_nonsense_is_refused(wish, message):
    """In words that say what was found."""
    with pytest.raises(BadInput, match=message):
        changed(get_recipe("line"), **wish)
    with pytest.raises(BadInput, match="unknown recipe 'xorr'"):
        get_recipe("xorr")
