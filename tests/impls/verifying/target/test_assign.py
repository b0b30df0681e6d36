"""Assignment: which returned value is which gradient."""

from __future__ import annotations

import numpy as np

from samegrad.impls.verifying.target import assign
from samegrad.impls.verifying.target.layouts import ParameterLayout, Slot


def slots(*sizes):
    return ParameterLayout(False, "flat").slots(sizes, [True] * (len(sizes) - 1))


def named(*pairs):
    return [(name, np.asarray(value, dtype=float)) for name, value in pairs]


def test_gradients_are_assigned_by_name_before_order():
    W, b = np.ones((4, 3)), np.ones(3)
    assigned = assign.assign(named(("db1", b), ("dW1", W), ("loss", 0.5)), slots(4, 3))
    assert assigned.gradients["W1"].shape == (4, 3) and assigned.loss == 0.5 and assigned.labelled


def test_gradients_are_assigned_by_order_then_shape():
    first, second = np.ones((4, 5)), np.ones((5, 3))
    for order in ((first, np.ones(5), second, np.ones(3)), (second, np.ones(3), first, np.ones(5))):
        assigned = assign.assign(named(*(("", value) for value in order)), slots(4, 5, 3))
        assert assigned.gradients["W1"].shape == (4, 5) and assigned.gradients["b2"].shape == (3,)


def test_a_number_beside_the_gradients_is_the_loss_and_one_vector_is_all_of_them():
    assigned = assign.assign(named(("", 0.25), ("", np.ones((4, 3))), ("", np.ones(3))), slots(4, 3))
    assert assigned.loss == 0.25
    assigned = assign.assign(named(("", np.arange(15.0))), slots(4, 3))
    assert np.array_equal(assigned.gradients["b1"], [12, 13, 14])


def test_too_little_is_not_assigned():
    assert assign.assign(named(("", np.ones(3))), slots(4, 3)) is None
    assert assign.assign([], slots(4, 3)) is None


def test_a_number_under_a_bias_s_own_name_is_its_gradient_and_no_loss():
    slots = [Slot("W1", (3, 1), (3,)), Slot("b1", (1,), ())]
    leaves = [("loss", np.array(7.0)), ("m", np.ones(3)), ("c", np.array(2.0))]
    assigned = assign.assign(leaves, slots, {"W1": "m", "b1": "c"})
    assert assigned is not None and assigned.loss == 7 and float(assigned.gradients["b1"]) == 2
