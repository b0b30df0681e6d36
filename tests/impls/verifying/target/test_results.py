"""Results: gradients that were returned, and those that a change of the parameters shows."""

from __future__ import annotations

import numpy as np

from samegrad.impls.verifying.target.layouts import Slot
from samegrad.impls.verifying.target.places import Leaf, Part
from samegrad.impls.verifying.target.results import canonical, gradients_among, lone_number, of_change, of_returned


def test_a_step_is_read_within_its_slack():
    """The gradient that is recovered from p′ = p − rate·g is within the slack of g, also where g is tiny."""
    rng = np.random.default_rng(0)
    slot = Slot("W1", (4, 3), (4, 3))
    for scale in (1.0, 1e-8):
        p, g = rng.standard_normal((4, 3)), scale * rng.standard_normal((4, 3))
        reading = of_change([slot], {"W1": p}, {"W1": p - 0.1 * g}, 0.1, True)
        error = abs(reading.gradients["W1"] - g)
        assert np.all(error <= reading.slack["W1"])
        assert np.any(error > 1e-3 * reading.slack["W1"])  # a bound, and not a blank cheque


def test_a_step_of_another_shape_shows_its_shape():
    """And the learning rate is 1 where it is not known: what is found is the step itself."""
    slot = Slot("W1", (2, 3), (2, 3))
    reading = of_change([slot], {"W1": np.ones((2, 3))}, {"W1": np.zeros((2, 3))}, 0.1, False)
    assert np.array_equal(reading.gradients["W1"], np.ones((2, 3))) and not reading.rate_known and reading.rate == 1


def test_a_step_in_float32_is_read_within_float32_s_rounding():
    rng = np.random.default_rng(1)
    p, g = (rng.standard_normal((4, 3)).astype(np.float32) for _ in range(2))
    new = p - np.float32(0.375) * g
    reading = of_change([Slot("W1", (4, 3), (4, 3))], {"W1": p}, {"W1": new}, 0.375, True)
    assert reading.dtype == "float32" and np.all(abs(reading.gradients["W1"] - g) <= reading.slack["W1"])


def test_gradients_of_weights_that_hold_their_bias_are_taken_apart():
    """One array of the whole's shape is the gradient of both."""
    kept = Leaf("w", {"w": np.zeros((3, 2))}, "w")
    places = {"W1": Part(kept, 0, True, False), "b1": Part(kept, 0, True, True)}
    slots = [Slot("W1", (2, 2), (2, 2)), Slot("b1", (2,), (2,))]
    actual = gradients_among([("dw", np.arange(6.0).reshape(3, 2))], slots, places)
    assert actual.gradients["b1"].tolist() == [0, 1] and actual.gradients["W1"].tolist() == [[2, 3], [4, 5]]
    assert gradients_among([("dw", np.zeros((2, 2)))], slots, places) is None
    reading = of_returned(actual, slots)
    assert reading.kind == "returned" and reading.absent == [] and reading.gradients["b1"].shape == (2,)


def test_what_was_not_returned_is_zero_and_absent():
    actual = gradients_among([("dW1", np.ones((4, 3)))], [Slot("W1", (4, 3), (4, 3)), Slot("b1", (3,), (3,))], {})
    reading = of_returned(actual, [Slot("W1", (4, 3), (4, 3)), Slot("b1", (3,), (3,))])
    assert reading.absent == ["b1"] and not reading.gradients["b1"].any()


def test_a_lone_number_is_one_number():
    assert lone_number(0.5) == lone_number(np.array([[0.5]])) == 0.5
    assert lone_number(None) is None and lone_number([1.0, 2.0]) is None and lone_number("0.5") is None


def test_parameters_in_the_canonical_layout():
    """Flipped weights are turned, a bias in a column flattened, one that is not there is zero."""
    slots = [Slot("W1", (2, 3), (3, 2), True), Slot("b1", (3,), (3, 1)), Slot("W2", (3, 1), (1, 3), True)]
    W1, W2 = np.arange(6.0).reshape(3, 2), np.arange(3.0)[None]
    (first, second) = canonical(slots, {"W1": W1, "b1": np.ones((3, 1)), "W2": W2})
    assert np.array_equal(first.W, W1.T) and first.b.tolist() == [1, 1, 1]
    assert np.array_equal(second.W, W2.T) and second.b.tolist() == [0]
