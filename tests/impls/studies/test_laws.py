"""Starts: the recipe's own numbers, the same ones whoever asks, and of the law that was named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from samegrad.impls.errors import BadInput
from samegrad.impls.learning import recipes
from samegrad.impls.parameters import network, vector
from samegrad.impls.studies import laws

SIZES = (2, 4, 1)


def test_uniform_is_the_recipe_and_a_seed_is_its_start():
    """Whatever else is drawn with it."""
    drawn = laws.draw("uniform 0 1", SIZES, 40, 5)
    for number in range(5):
        expected = recipes.uniform(SIZES, 40 + number)
        np.testing.assert_array_equal(vector(network(drawn, number)), vector(expected))
    alone = laws.draw("normal 0.5", SIZES, 43, 1)
    np.testing.assert_array_equal(vector(network(alone, 0)), vector(network(laws.draw("normal 0.5", SIZES, 40, 5), 3)))


@pytest.mark.parametrize(
    ("law", "weights", "biases"),
    [
        ("uniform -1 3", stats.uniform(-1, 4), stats.uniform(-1, 4)),
        ("normal 0.01", stats.norm(0, 0.01), stats.norm(0, 0.01)),
        ("glorot", stats.uniform(-1, 2), None),  # √(6/(2 + 4)) = 1
        ("he", stats.norm(0, 1), None),  # √(2/2) = 1
    ],
)
def test_numbers_follow_the_law(law, weights, biases):
    """Of the first layer, by Kolmogorov and Smirnov; seeds are fixed, so that chance decides once."""
    W, b = laws.draw(law, SIZES, 0, 3000)[0]
    assert stats.kstest(W.ravel(), weights.cdf).pvalue > 0.01
    if biases is None:
        assert not b.any()
    else:
        assert stats.kstest(b.ravel(), biases.cdf).pvalue > 0.01


def test_a_law_that_is_none_is_refused():
    for law in ("", "cauchy 1", "normal", "normal 0", "normal inf", "normal 1 2", "uniform 1 1", "uniform 0 x", "he 2"):
        with pytest.raises(BadInput, match="law"):
            laws.parsed(law)
