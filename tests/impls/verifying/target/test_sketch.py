"""Sketches: what a function's arguments are."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from samegrad.impls.verifying.target import sketch


def nested(params, x, y):
    (W1, b1), (W2, b2) = params
    return W1, b1, W2, b2, x, y


def keyed(p, x, y):
    return p["W_hidden"], p["b_hidden"], p["W_out"], x, y


def dotted(params, x, y):
    return params.W1, params.W2, x, y


@pytest.mark.parametrize(
    ("function", "layers", "biases"),
    [(nested, 2, [True, True]), (keyed, 2, [True, False]), (dotted, 2, [False, False])],
)
def test_containers_are_built_as_the_function_uses_them(function, layers, biases):
    read = next(sketch.sketches(function, inspect.getmodule(np.linalg)))
    assert (read.layers, read.biases) == (layers, biases)
