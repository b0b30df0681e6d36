"""Structure: which values of an object are weights and biases; names are a hint, shapes decide."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from samegrad.impls.verifying.target import places
from samegrad.impls.verifying.target.structure import structures


def read(thing, ends=(None, None), mapping=None):
    """Every reading, as (names by tensor, sizes, flipped)."""
    leaves = list(places.of_object(thing, lambda kind: kind in (SimpleNamespace, Unit)))
    return [({t: p.name for t, p in s.places.items()}, s.sizes, s.flipped) for s in structures(leaves, ends, mapping)]


def shaped(**shapes):
    return SimpleNamespace(**{name: np.full(shape, 0.5) for name, shape in shapes.items()})


class Unit:
    def __init__(self, weights, bias=None):
        self.weights = weights
        if bias is not None:
            self.bias = bias


@pytest.mark.parametrize(
    ("shapes", "ends", "expected"),
    [
        ([(2, 4), (4, 1)], (None, None), [((2, 4, 1), False)]),
        ([(4, 2), (1, 4)], (None, None), [((2, 4, 1), True)]),
        ([(2, 2), (2, 2)], (None, None), [((2, 2, 2), False), ((2, 2, 2), True)]),
        ([(4, 5), (3, 4)], (5, 3), [((5, 4, 3), True)]),
        ([(2, 4), (3, 1)], (2, 1), []),
        ([(4, 5), (5, 4)], (4, None), [((4, 5, 4), False)]),
    ],
)
def test_weights_chain_in_one_orientation_or_both(shapes, ends, expected):
    """From the inputs to the outputs, where these are known. A reading may come twice, by names and by shapes."""
    named = {f"W{n}": shape for n, shape in enumerate(shapes, start=1)}
    thing = shaped(**named)
    plain = [(sizes, flipped) for tensors, sizes, flipped in read(thing, ends) if tensors == {n: n for n in named}]
    assert list(dict.fromkeys(plain)) == expected


def test_names_decide_where_they_tell():
    """The order of the layers is in the numbers, not in the order in which the arrays were made."""
    ((tensors, sizes, flipped), *_) = read(shaped(W2=(4, 1), b2=(1,), W1=(2, 4), b1=(4,), dW1=(2, 4), cache=(4, 1)))
    assert tensors == {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2"} and sizes == (2, 4, 1) and not flipped


def test_shapes_decide_where_names_do_not_tell():
    """u: (2, 4) and w: (4, 1); the name w would be that of a weight, u of nothing, and yet u comes first."""
    for names in (("u", "w"), ("u", "v"), ("first", "second")):
        readings = read(shaped(**{names[0]: (2, 4), names[1]: (4, 1)}), (2, None))
        assert ({"W1": names[0], "W2": names[1]}, (2, 4, 1), False) in readings


def test_vectors_are_the_biases_of_the_layers_whose_units_they_fit():
    """Without a telling name, by their number of entries, in either layout of a vector."""
    readings = read(shaped(first=(2, 4), shift=(1, 4), second=(4, 3), move=(3,)), (2, 3))
    assert readings[0][0] == {"W1": "first", "b1": "shift", "W2": "second", "b2": "move"}


def test_one_bias_goes_with_the_layer_of_its_number_or_of_its_units():
    assert read(shaped(W1=(2, 4), W2=(4, 3), b2=(3,)))[0][0] == {"W1": "W1", "W2": "W2", "b2": "b2"}
    assert read(shaped(W1=(2, 4), W2=(4, 3), bias=(4,)))[0][0] == {"W1": "W1", "b1": "bias", "W2": "W2"}


def test_an_array_under_two_names_counts_once():
    thing = shaped(W1=(2, 4), W2=(4, 3))
    thing.weights1 = thing.W1
    assert read(thing, (2, 3))[0][0] == {"W1": "W1", "W2": "W2"}


def test_neurons_in_lists_are_layers():
    """(units, inputs): flipped, from the inputs of the first list to the units of the last."""
    net = SimpleNamespace(
        hidden=[Unit(np.ones(2), 0.1), Unit(np.ones(2), 0.2), Unit(np.ones(2), 0.3)], output=[Unit(np.ones(3), 0.1)]
    )
    tensors, sizes, flipped = next(r for r in read(net, (2, 1)) if "b2" in r[0])
    assert (sizes, flipped) == ((2, 3, 1), True)
    assert tensors == {
        "W1": "hidden[*].weights",
        "b1": "hidden[*].bias",
        "W2": "output[*].weights",
        "b2": "output[*].bias",
    }


@pytest.mark.parametrize(
    ("shapes", "sizes", "flipped", "axis", "first"),
    [
        ({"W1": (3, 4), "W2": (5, 2)}, (2, 4, 2), False, 0, True),
        ({"W1": (3, 4), "W2": (5, 2)}, (2, 4, 2), False, 0, False),
        ({"W1": (4, 3), "W2": (2, 5)}, (2, 4, 2), True, 1, True),
        ({"W1": (4, 3), "W2": (2, 5)}, (2, 4, 2), True, 1, False),
    ],
    ids=["first row", "last row", "first column", "last column"],
)
def test_a_bias_may_be_inside_the_weights(shapes, sizes, flipped, axis, first):
    """One entry more than inputs, along the axis of the inputs: each such reading is among those that are tried."""
    mark = "[0]" if first else "[-1]"
    actual = [r for r in read(shaped(**shapes), (2, 2)) if r[0].get("b1") == f"W1{mark}"]
    assert any((s, f) == (sizes, flipped) for _, s, f in actual)
    leaves = list(places.of_object(shaped(**shapes), lambda kind: True))
    whole = next(s for s in structures(leaves, (2, 2)) if s.places.get("b1") and s.places["b1"].name == f"W1{mark}")
    assert (whole.places["b1"].axis, whole.places["b1"].first) == (axis, first)


def test_weights_that_are_one_vector_may_hold_their_bias():
    """w_ of 1 + inputs entries, as in the best known book's perceptron."""
    readings = read(SimpleNamespace(w_=np.ones(5)), (4, None))
    assert {(*r[0].values(), r[1]) for r in readings} == {("w_[1:]", "w_[0]", (4, 1)), ("w_[:-1]", "w_[-1]", (4, 1))}
    assert readings[0][0] == {"W1": "w_[1:]", "b1": "w_[0]"}


def test_the_user_says_which_is_which():
    thing = shaped(a=(2, 4), b=(4, 2), c=(4,))
    readings = read(thing, (2, None), {"W1": "a", "b1": "c", "W2": "b"})
    assert readings[0][0] == {"W1": "a", "b1": "c", "W2": "b"} and all(r[0] == readings[0][0] for r in readings)
    assert read(thing, (2, None), {"W1": "nowhere"}) == []


def test_slots_have_the_shapes_of_the_users_arrays():
    leaves = list(places.of_object(shaped(W1=(4, 2), b1=(4, 1), W2=(3, 4), b2=(3, 1)), lambda kind: True))
    slots = {slot.tensor: slot for slot in next(structures(leaves, (2, 3))).slots}
    assert {n: (s.canonical, s.shape, s.flipped) for n, s in slots.items()} == {
        "W1": ((2, 4), (4, 2), True), "b1": ((4,), (4, 1), False),
        "W2": ((4, 3), (3, 4), True), "b2": ((3,), (3, 1), False),
    }  # fmt: skip
