"""Layouts: into the user's shapes and back."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.verifying import probe
from samegrad.impls.verifying.target.layouts import (
    DATA_LAYOUTS,
    PARAMETER_LAYOUTS,
    VECTOR_LAYOUTS,
    DataLayout,
    ParameterLayout,
)


@pytest.mark.parametrize("layout", [*PARAMETER_LAYOUTS, *VECTOR_LAYOUTS], ids=str)
def test_a_layout_and_back_is_where_it_was(layout):
    sizes, biases = (4, 5, 1), [True, True]
    layers, _, _ = probe.make(sizes, 3, 0, biases)
    for slot in layout.slots(sizes, biases):
        value = layers[int(slot.tensor[1]) - 1][slot.tensor[0] == "b"]
        assert np.array_equal(slot.decode(slot.encode(value)), value)
        assert slot.encode(value).shape == slot.shape


def test_a_transposed_gradient_stays_visible():
    """It keeps a shape that is not the parameter's, in either orientation."""
    for layout in (ParameterLayout(False, "flat"), ParameterLayout(True, "flat")):
        slot = layout.slots((4, 5), [False])[0]
        assert slot.decode(np.zeros(slot.shape[::-1])).shape == (5, 4)


@pytest.mark.parametrize("layout", DATA_LAYOUTS, ids=lambda layout: layout.name)
def test_predictions_come_back_as_rows(layout):
    x = np.arange(4.0).reshape(1, 4) if layout.single else np.arange(12.0).reshape(3, 4)
    y = x[:, :1] if "flat" in layout.name else x[:, :2]
    if "numbers" in layout.name:
        x = x[:, :1]
    beside_labels = DataLayout("columns" if "column" in layout.name else "one row" if layout.single else "rows")
    _, encoded = (beside_labels if layout.labels else layout).encode(x, y)  # predictions are no labels
    assert np.array_equal(layout.predictions(encoded, *y.shape), y)
    assert layout.predictions("nothing", 3, 2) is None and layout.predictions(np.zeros(5), 3, 2) is None


def test_labels_are_the_classes_of_rows():
    """The number of the class that has the 1; not for one output, where a label is a target like any other."""
    y = np.eye(3)[[2, 0, 1]]
    for name in ("labels", "columns, labels"):
        assert DataLayout(name).encode(np.zeros((3, 4)), y)[1].tolist() == [2, 0, 1]
        with pytest.raises(ValueError, match="several outputs"):
            DataLayout(name).encode(np.zeros((3, 4)), y[:, :1])
    assert DataLayout("one row, labels").encode(np.zeros((1, 4)), y[:1])[1] == 2


def test_lists_are_lists_of_plain_numbers():
    x, y = np.arange(6.0).reshape(3, 2), np.arange(3.0)[:, None]
    assert DataLayout("lists").encode(x, y) == (x.tolist(), y.tolist())
    assert DataLayout("lists, flat targets").encode(x, y)[1] == [0, 1, 2]
    assert DataLayout("one list").encode(x[:1], y[:1]) == ([0, 1], [0])
