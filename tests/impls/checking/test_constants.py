"""The measuring of σ and tanh, and the constants that the bound takes from it."""

from __future__ import annotations

import json

import mpmath
import numpy as np
import pytest

from samegrad.impls.checking import bound, constants
from samegrad.impls.errors import Unavailable

WIDE = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps / 1000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", constants.FUNCTIONS)
def test_the_truth_is_far_better_than_the_dtype(function, dtype):
    """Within a hundredth of a unit in the last place of 50-digit arithmetic, over all arguments."""
    if dtype == "float64" and not WIDE:
        pytest.skip("this machine has no numbers wider than float64")
    z = constants.arguments(function, dtype, count=50)
    exact = {"sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)), "tanh": mpmath.tanh}[function]
    with mpmath.workdps(50):
        for value, actual in zip(z.flat, constants.truth(function, z).flat, strict=True):
            right = exact(mpmath.mpf(float(value)))
            high = float(actual)
            error = mpmath.mpf(high) + mpmath.mpf(float(actual - high)) - right
            assert abs(error) < 0.01 * float(np.spacing(abs(np.array(float(right), dtype))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arguments_cover_both_sides_and_all_magnitudes(dtype):
    """From 2⁻²⁰ to saturation on both sides, never to where the result is no longer a normal number."""
    z = constants.arguments("sigmoid", dtype, count=1000)
    assert z.shape == (4000, 1) and z.dtype == np.dtype(dtype)
    assert z.max() == 40 and abs(z).min() == constants.SMALLEST and -z.min() > 0.95 * np.log(np.finfo(dtype).max)
    assert constants.truth("sigmoid", z.astype(np.float32) if dtype == "float32" else z).min() > np.finfo(dtype).tiny
    counts, _ = np.histogram(abs(z), [2.0**-20, 2.0**-10, 1, 10, 100, 1000])
    assert (counts[:4] > 100).all()


def test_a_worse_sigmoid_is_measured_as_worse(monkeypatch):
    """The manual implementation is within the constants kept; one that is off by 20 ULP is measured so, and refused."""
    monkeypatch.setattr(constants, "ARGUMENTS", 2000)
    rows = constants.measure("numpy")
    assert {(row["function"], row["dtype"]) for row in rows} == {
        (function, dtype) for function in constants.FUNCTIONS for dtype in ("float32", "float64")
    }
    for row in rows:
        # A rounded result is half a ULP off at its worst; 2000 arguments find most of that.
        assert 0.4 < row["worst_ulp"] <= getattr(bound.arithmetic(row["dtype"]), row["function"]) / 2
    assert not constants.beyond(rows)

    right = constants._predictions
    monkeypatch.setattr(
        constants,
        "_predictions",
        lambda *args: right(*args) * (1 + 20 * np.finfo(args[2].dtype).eps).astype(args[2].dtype),
    )
    worse = constants.measure("numpy")
    assert min(row["worst_ulp"] for row in worse) > 10 and len(constants.beyond(worse)) == 4


def test_the_bound_takes_twice_the_worst(tmp_path, monkeypatch):
    """Over all that was measured in that dtype, whoever it was measured of."""
    rows = [
        {"function": function, "dtype": dtype, "worst_ulp": ulp}
        for function, dtype, ulp in (
            ("sigmoid", "float32", 2.5),
            ("sigmoid", "float32", 1.0),
            ("tanh", "float32", 0.5),
            ("sigmoid", "float64", 9.0),
        )
    ]
    (tmp_path / "constants.json").write_text(json.dumps({"measured": rows}))
    monkeypatch.setattr(bound, "MEASURED", tmp_path / "constants.json")
    assert bound.arithmetic.__wrapped__("float32")[:4] == (2**-24, 2**-126, 5.0, 1.0)


def test_keeping_replaces_only_what_was_measured_again(tmp_path, monkeypatch, capsys):
    """`--write` keeps other machines' and devices' rows; a left-out implementation is named with its reason."""
    kept = [
        {
            "function": "sigmoid",
            "dtype": "float32",
            "worst_ulp": 9.0,
            "implementation": name,
            "device": device,
            "machine": "m",
        }
        for name, device in (("numpy", "cpu"), ("numpy", "gpu"), ("other", "cpu"))
    ]
    path = tmp_path / "constants.json"
    path.write_text(json.dumps({"measured": kept}))
    monkeypatch.setattr(constants, "MEASURED", path)

    def call(target, request, timeout_s):
        if request["implementation"] != "numpy":
            raise Unavailable("not here")
        return [{**kept[0], "worst_ulp": 3.0, "at": 1.0}]

    monkeypatch.setattr(constants, "call", call)
    assert constants.main(["--write"]) == 0
    rows = json.loads(path.read_text())["measured"]
    assert sorted((r["implementation"], r["device"], r["worst_ulp"]) for r in rows) == [
        ("numpy", "cpu", 3.0),
        ("numpy", "gpu", 9.0),
        ("other", "cpu", 9.0),
    ]
    assert "torch-eager: left out: not here" in capsys.readouterr().out
    assert constants.main([]) == 0
    monkeypatch.setattr(constants, "call", lambda *a, **k: [{**kept[0], "worst_ulp": 1e3, "at": 1.0}])
    assert constants.main([]) == 1
    assert "numpy: sigmoid in float32 is worse than what the bound allows" in capsys.readouterr().out
