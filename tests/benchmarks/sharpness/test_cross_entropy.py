"""The count for the cross-entropies: what is planted is wrong, right code is right."""

from __future__ import annotations

from samegrad.benchmarks.sharpness import cross_entropy
from samegrad.impls.parameters import initial
from samegrad.impls.verifying.mistakes import bank


def test_nothing_is_missed_and_nothing_right_is_called_wrong():
    """On two networks of each kind; `python -m samegrad.benchmarks.sharpness` has sixty."""
    result = cross_entropy.measure(2)
    assert result["planted_per_scale"] > 80 and result["missed"] == {"1": 0, "10": 0}
    assert result["right_code"] == 24 and result["false_alarms"] == 0


def test_a_gradient_that_is_off_by_one_part_in_a_million_is_not_accepted():
    for problem in cross_entropy.NETWORKS:
        parameters = initial(problem.sizes, 0, 1.0)
        right = cross_entropy._right(problem, parameters, "float64")
        assert cross_entropy.accepts(problem, parameters, right, "float64")
        assert not cross_entropy.accepts(problem, parameters, {**right, "W1": right["W1"] * (1 + 1e-6)}, "float64")


def test_every_mistake_that_is_planted_is_in_the_bank():
    names = {mistake.name for problem in cross_entropy.NETWORKS for mistake in bank(problem.activations)}
    assert set(cross_entropy.LOGIC) <= names
