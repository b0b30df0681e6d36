"""Constructors: an object of given layer sizes, whatever the arguments are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samegrad.impls.verifying.target.calls import Unreadable
from samegrad.impls.verifying.target.constructor import Constructor, other_inputs
from samegrad.impls.verifying.target.source import UserError

SIZES = (4, 5, 3)


class Sized:
    def __init__(self, input_size, hidden_size, output_size, lr=0.1, seed=None):
        self.got = (input_size, hidden_size, output_size, lr, seed)


class Listed:
    def __init__(self, layer_sizes):
        self.got = layer_sizes


class Spread:
    def __init__(self, *sizes, epochs=3):
        self.got = (sizes, epochs)


class WithData:
    def __init__(self, x, y, hidden_nodes):
        self.got = (x.shape, y.shape, hidden_nodes)


class Arrays:
    def __init__(self, input_array, output_array):
        self.got = (input_array.shape, output_array.shape)


class Named:
    def __init__(self, nx, nodes, out):
        self.got = (nx, nodes, out)


class Layered:
    def __init__(self, input_layer_neurons, hidden_layer_neurons, output_layer_neurons):
        self.got = (input_layer_neurons, hidden_layer_neurons, output_layer_neurons)


class Two:
    def __init__(self, n_in, hidden1_size, hidden2_size, n_out):
        self.got = (n_in, hidden1_size, hidden2_size, n_out)


class HiddenList:
    def __init__(self, n_in, hidden_sizes, n_out):
        self.got = (n_in, hidden_sizes, n_out)


class Modelled:
    def __init__(self, model=[2, 3, 1]):  # noqa: B006  (as people write it)
        self.got = model


class Counted:
    def __init__(self, n_layers, neurons_in_each_layer):
        self.got = (n_layers, neurons_in_each_layer)


class Annotated:
    def __init__(self, n_in: Nowhere, n_out: int):  # noqa: F821
        self.got = (n_in, n_out)


class Unspoken:
    def __init__(self, p, q, r):
        self.got = (p, q, r)


class Optional:
    def __init__(self, n_in, n_hidden, n_out, hidden_weights=None, activation="tanh", verbose=True):
        self.got = (n_in, n_hidden, n_out, hidden_weights, activation, verbose)


class Strange:
    def __init__(self, colour, taste, smell, sound, touch):
        pass


def made(kind, sizes=SIZES, init=None):
    constructor = Constructor(kind, Path(__file__), init or {})
    return constructor.make(next(constructor.variants()), sizes, None, 0.25, 7).got


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Sized, (4, 5, 3, 0.25, 0)),
        (Listed, [4, 5, 3]),
        (Spread, ((4, 5, 3), 7)),
        (WithData, ((7, 4), (7, 3), 5)),
        (Arrays, ((7, 4), (7, 3))),
        (Named, (4, 5, 3)),
        (Layered, (4, 5, 3)),
        (HiddenList, (4, [5], 3)),
        (Modelled, [4, 5, 3]),
        (Counted, (3, [4, 5, 3])),
        (Annotated, (4, 3)),
        (Unspoken, (4, 5, 3)),
        (Optional, (4, 5, 3, None, "tanh", False)),
    ],
    ids=lambda kind: getattr(kind, "__name__", ""),
)
def test_a_constructor_gets_the_sizes_that_it_asks_for(kind, expected):
    """4-5-3, a rate of 0.25, 7 epochs and 7 rows of data, each where its name, or their number, says that it is due."""
    assert made(kind) == expected
    assert Constructor(kind, Path(__file__), {}).sizeable or kind is Unspoken


def test_two_hidden_layers_get_a_size_each():
    assert made(Two, (4, 6, 5, 3)) == (4, 6, 5, 3)


def test_what_the_user_gives_is_given():
    assert made(Sized, init={"hidden_size": 9, "lr": 2.0}) == (4, 9, 3, 2.0, 0)


def test_a_hidden_size_may_be_a_list_in_another_variant():
    """`hidden` alone says neither; each reading is tried in turn."""

    class Either:
        def __init__(self, n_in, hidden, n_out):
            self.got = hidden

    constructor = Constructor(Either, Path(__file__), {})
    actual = [constructor.make(roles, SIZES, None, 0.1, 1).got for roles in constructor.variants()]
    assert actual == [5, [4, 5, 3], [5]]


@pytest.mark.parametrize(
    ("kind", "init", "depth"),
    [
        (Sized, {}, 1),
        (Two, {}, 2),
        (Modelled, {}, 1),
        (Listed, {}, None),
        (Spread, {}, None),
        (HiddenList, {}, None),
        (Listed, {"layer_sizes": [8, 64, 64, 2]}, 2),
        (Named, {}, 1),
    ],
)
def test_the_number_of_hidden_layers_is_that_of_the_arguments_and_their_defaults(kind, init, depth):
    """A person's own default is kept, since a mistake may be in a layer that a shallower network has not."""
    assert Constructor(kind, Path(__file__), init).hidden_layers() == depth


def test_what_is_not_known_is_asked_for_and_an_error_is_the_users():
    constructor = Constructor(Strange, Path(__file__), {})
    assert not constructor.sizeable
    with pytest.raises(Unreadable, match='--init "colour=…"'):
        constructor.make({}, SIZES, None, 0.1, 1)

    class Picky:
        def __init__(self, n_in, n_out):
            raise KeyError("mine")

    constructor = Constructor(Picky, Path(__file__), {})
    with pytest.raises(UserError, match="KeyError: 'mine'"):
        constructor.make(next(constructor.variants()), SIZES, None, 0.1, 1)


def test_an_object_is_copied_each_time():
    mine = Sized(2, 3, 1)
    mine.W = np.ones(3)
    constructor = Constructor(mine, Path(__file__), {})
    one, other = (constructor.make({}, SIZES, None, 0.1, 1) for _ in range(2))
    one.W[0] = 7
    assert mine.W[0] == other.W[0] == 1 and not constructor.sizeable


def test_another_number_of_inputs_is_none_that_a_layer_has():
    assert other_inputs((4, 5, 3), (4, 4, 6)) == (7, 5, 3)
