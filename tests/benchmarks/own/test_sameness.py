"""Compare results: equal ones are called so, a difference is shown with its place, in every kind of leaf."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.own.sameness import BITS, compare, read_kept, read_tolerance, sentence
from samegrad.benchmarks.own.worker import keep
from samegrad.impls.errors import BadInput

X = np.linspace(1.0, 2.0, 6).reshape(2, 3)


def compared(a, b, tolerance, folder):
    """Two results, each through a worker's file."""
    kept = [read_kept(keep(result, str(folder / name)), folder / name) for result, name in ((a, "a.npz"), (b, "b.npz"))]
    return compare(*kept, tolerance)


@pytest.mark.parametrize(
    ("a", "b", "tolerance"),
    [
        (X, X.copy(), BITS),
        (X, X * (1 + 1e-9), None),
        (X.astype(np.float32), X * (1 + 1e-5), None),
        (3.0, np.float64(3.0), BITS),
        ({"a": [X, (1, "t")]}, {"a": [X, (1, "t")]}, BITS),
        (np.array([np.nan, np.inf, 1.0]), np.array([np.nan, np.inf, 1.0]), None),
        (X, X + 1e-4, 1e-3),
        (X + 1j, X + 1j + 1e-10, None),
        (np.zeros(3), np.zeros(3), None),
        (None, None, None),
        (np.array([True, False]), np.array([True, False]), BITS),
        (np.ones((0, 3)), np.ones((0, 3)), BITS),
    ],
)
def test_the_same_is_the_same(a, b, tolerance, tmp_path):
    assert compared(a, b, tolerance, tmp_path).difference == ""


def wrong_at(index, by):
    changed = X.copy()
    changed[index] += by
    return changed


@pytest.mark.parametrize(
    ("a", "b", "tolerance", "message"),
    [
        (wrong_at((1, 2), 0.1), X, None, "[1, 2] is 2.1, not 2"),
        (X * 1.001, X, None, "[0, 0] is 1.001, not 1 (and 5 more of 6 differ)"),
        (np.nextafter(X, 9), X, BITS, "differ"),
        (-0.0, 0.0, BITS, "is -0, not 0"),
        (X.astype(np.float32), X, BITS, "is float32, not float64"),
        (X.T, X, None, "has the shape (3, 2), not (2, 3)"),
        ((X, X), (X,), None, "2 parts, not one part"),
        ({"loss": 1.0}, {"loss": 2.0}, None, "['loss'] is 1, not 2"),
        ({"loss": 1.0}, {"lose": 1.0}, None, "it has"),
        ("yes", "no", None, "is 'yes', not 'no'"),
        (None, X, None, "is of type None, not ndarray"),
        (np.array([1, 2]), np.array([1, 3]), None, "[1] is 2, not 3"),
        (np.nan, 1.0, None, "is nan, not 1"),
        (np.inf, 1.0, None, "is inf, not 1"),
        (1.0, np.inf, None, "is 1, not inf"),
        (np.array([np.inf]), np.array([-np.inf]), None, "is inf, not -inf"),
        (X, X + 1e-4, 1e-5, "differ"),
    ],
)
def test_what_differs_is_reported_where(a, b, tolerance, message, tmp_path):
    assert message in compared(a, b, tolerance, tmp_path).difference


def test_what_has_no_numbers_is_not_called_the_same(tmp_path):
    comparison = compared(object(), object(), None, tmp_path)
    assert (comparison.difference, comparison.cannot) == ("", "of type object")
    assert sentence(comparison, "f", "g", None, False).startswith("Not compared: f returns something of type object")


def test_a_faster_wrong_function_is_called_wrong(tmp_path):
    line = sentence(compared(1.0, 2.0, None, tmp_path), "f", "g", None, is_faster=True)
    assert line == "WRONG: f is faster, and does not return what g does: is 1, not 2."


@pytest.mark.parametrize(("text", "value"), [(None, None), ("bits", "bits"), ("1e-6", 1e-6), ("0", 0.0)])
def test_a_tolerance_is_read(text, value):
    assert read_tolerance(text) == value


@pytest.mark.parametrize("text", ["-1", "1", "nan", "x", ""])
def test_no_tolerance_is_refused(text):
    with pytest.raises(BadInput, match="--same takes a tolerance"):
        read_tolerance(text)
