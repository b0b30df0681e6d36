"""Places: what people keep numbers in, to be read and set."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.verifying.target import places
from samegrad.impls.verifying.target.places import Leaf, Part, Stack


class Layer:
    def __init__(self):
        self.weights = np.zeros((2, 3))
        self.bias = np.zeros(3)


class Holder:
    rate = 0.1

    def __init__(self):
        self.layers = [Layer(), Layer()]
        self.table = {"W9": np.ones((1, 2)), "name": "text"}
        self.itself = self


def test_leaves_are_found_below_objects_lists_and_dictionaries_and_can_be_set():
    holder = Holder()
    actual = {leaf.name: leaf for leaf in places.of_object(holder, lambda kind: kind in (Layer, Holder))}
    assert {"layers[0].weights", "layers[1].bias", "table['W9']", "rate"} <= set(actual)
    alias = holder.layers[0].weights
    actual["layers[0].weights"].set(np.full((2, 3), 7.0))
    assert alias[0, 0] == 7  # in place: other names for the array see it too
    actual["table['W9']"].set(np.zeros((2, 2)))
    assert holder.table["W9"].shape == (2, 2)


def test_only_numbers_are_arrays():
    for value in (None, "text", True, [1, "a"], {"a": 1}, np.array(["a"]), print):
        assert places.to_array(value) is None
    assert places.to_array([[1, 2], [3, 4]]).shape == (2, 2)


def test_what_is_no_array_is_not_asked_for_its_entries():
    """As np.r_, which has an entry for every index and no end (this one has an end, for the sake of the test)."""
    asked = []

    class Endless:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            asked.append(index)
            return [1.0, 2.0, 3.0][index]

    assert places.to_array(Endless()) is None and not asked


# Stacks and parts ----------------------------------------------------------------------------------------------------


class Neuron:
    def __init__(self, weights, bias):
        self.weights, self.bias, self.output = weights, bias, None


def neurons(units, inputs, as_list=False):
    made = [np.arange(float(inputs)) + 10 * i for i in range(units)]
    return [Neuron(list(w) if as_list else w, float(i)) for i, w in enumerate(made)]


@pytest.mark.parametrize("as_list", [False, True], ids=["arrays", "lists"])
def test_neurons_of_a_list_are_one_matrix(as_list):
    """(units, inputs), and their biases one vector; what is set is set in each neuron, as the kind of thing it was."""
    hidden = neurons(3, 2, as_list)
    actual = {s.name: s for s in places.stacks(list(places.of_object({"hidden": hidden}, lambda kind: kind is Neuron)))}
    assert set(actual) == {"['hidden'][*].weights", "['hidden'][*].bias"}
    weights, bias = actual["['hidden'][*].weights"], actual["['hidden'][*].bias"]
    assert np.array_equal(weights.array(), [[0, 1], [10, 11], [20, 21]]) and np.array_equal(bias.array(), [0, 1, 2])
    weights.set(np.arange(6.0).reshape(3, 2))
    bias.set(np.array([5.0, 6.0, 7.0]))
    assert [list(n.weights) for n in hidden] == [[0, 1], [2, 3], [4, 5]] and [n.bias for n in hidden] == [5, 6, 7]
    assert all(isinstance(n.weights, list) == as_list and type(n.bias) is float for n in hidden)


def test_values_of_unlike_shapes_are_no_stack():
    """Layers of different sizes in a list are no neurons of one layer."""
    layers = [Neuron(np.zeros(2), 0.0), Neuron(np.zeros(3), 0.0)]
    stacked = places.stacks(list(places.of_object(layers, lambda kind: kind is Neuron)))
    assert [stack.name for stack in stacked] == ["[*].bias"]


def holder(array):
    return Leaf("w", {"w": array}, "w")


PARTS = {
    "first row": (0, True, np.array([0, 1]), np.array([[2, 3], [4, 5]])),
    "last row": (0, False, np.array([4, 5]), np.array([[0, 1], [2, 3]])),
    "first column": (1, True, np.array([0, 2, 4]), np.array([[1], [3], [5]])),
    "last column": (1, False, np.array([1, 3, 5]), np.array([[0], [2], [4]])),
}


@pytest.mark.parametrize("where", PARTS)
def test_a_bias_inside_the_weights_is_taken_and_set(where):
    """In the array 0 … 5 of three rows; the other part stays as it was."""
    axis, first, bias, weights = PARTS[where]
    leaf = holder(np.arange(6.0).reshape(3, 2))
    b, W = Part(leaf, axis, first, True), Part(leaf, axis, first, False)
    assert np.array_equal(b.array(), bias) and np.array_equal(W.array(), weights)
    b.set(-1.0 - bias)
    assert np.array_equal(b.array(), -1.0 - bias) and np.array_equal(W.array(), weights)
    W.set(weights + 0.5)
    assert np.array_equal(b.array(), -1.0 - bias) and np.array_equal(W.array(), weights + 0.5)
    assert np.array_equal(W.take(leaf.array()), weights + 0.5)  # of any array of the whole's shape, as of a gradient
    assert {b.name, W.name} == ({"w[0]", "w[1:]"} if first else {"w[-1]", "w[:-1]"})


@pytest.mark.parametrize("first", [True, False])
def test_a_bias_inside_a_vector_is_one_number(first):
    leaf = holder(np.arange(4.0))
    b, W = Part(leaf, 0, first, True), Part(leaf, 0, first, False)
    assert b.array() == (0 if first else 3) and np.array_equal(W.array(), [1, 2, 3] if first else [0, 1, 2])
    b.set(np.array(9.0))
    W.set(np.array([5.0, 6.0, 7.0]))
    assert np.array_equal(leaf.array(), [9, 5, 6, 7] if first else [5, 6, 7, 9])


def test_a_part_of_a_stack_is_set_in_every_neuron():
    """Neurons whose list of weights ends with the bias."""
    hidden = [Neuron([1.0, 2.0, 3.0], 0.0), Neuron([4.0, 5.0, 6.0], 0.0)]
    stack = Stack("hidden[*].weights", [Leaf("w", neuron, "weights") for neuron in hidden])
    bias = Part(stack, 1, False, True)
    assert np.array_equal(bias.array(), [3, 6])
    bias.set(np.array([30.0, 60.0]))
    assert [n.weights for n in hidden] == [[1.0, 2.0, 30.0], [4.0, 5.0, 60.0]]


def test_what_is_set_keeps_its_dtype_and_what_cannot_be_set_says_so():
    kept = {"w": np.zeros(2, np.float32), "n": 3, "t": (np.zeros(2, np.int64),)}
    Leaf("w", kept, "w").set(np.array([0.1, 0.2]))
    assert kept["w"].dtype == np.float32 and kept["w"][0] == np.float32(0.1)
    Leaf("w", kept, "w").set(np.zeros((2, 2)))
    assert kept["w"].dtype == np.float32 and kept["w"].shape == (2, 2)
    Leaf("n", kept, "n").set(np.array(0.5))
    assert kept["n"] == 0.5 and type(kept["n"]) is float
    with pytest.raises(TypeError, match="t is in a tuple"):
        Leaf("t", kept["t"], 0).set(np.ones(2))


def test_returned_values_are_named_by_the_return_statement():
    """By keys, by names, by their place in a list; a list of vectors that is called a weight is one matrix."""
    W, b = np.ones((2, 3)), np.ones(3)
    assert [n for n, _ in places.of_result({"dW": W, "inner": {"db": b}})] == ["dW", "inner.db"]
    assert [n for n, _ in places.of_result((W, b), ["gw", "gb"])] == ["gw", "gb"]
    assert [n for n, _ in places.of_result([W, (b, b)])] == ["[0]", "[1][0]", "[1][1]"]
    assert [n for n, _ in places.of_result(W, ["total"])] == ["total"]
    ((name, value),) = places.of_result({"dW1": list(W)})
    assert name == "dW1" and value.shape == (2, 3)
