"""The comparison of gradient checkers: what is planted is wrong, right code is right, and counts are counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.benchmarks.sharpness import __main__ as sharpness
from samegrad.benchmarks.sharpness import checkers
from samegrad.benchmarks.sharpness.planted import (
    LOGIC,
    backward,
    downcasts,
    naive_slope,
    network,
    planted,
    stable_slope,
    wrong_gradient,
)
from samegrad.impls.parameters import tensors


@pytest.fixture
def numpy_only(monkeypatch):
    """Neither torch nor JAX: they take seconds to import and have tests of their own."""
    monkeypatch.setattr(sharpness, "checkers", lambda: {"ours": checkers.ours, "allclose": checkers.allclose})


def test_every_planted_gradient_differs_from_the_right_one():
    right = tensors(backward(network(0, 1.0), naive_slope, "float64"))
    for mistake in planted():
        wrong = tensors(wrong_gradient(mistake, network(0, 1.0)))
        assert any(not np.allclose(wrong[name], right[name], rtol=1e-3) for name in right), mistake.name
    assert len(LOGIC) >= 28


@pytest.mark.parametrize("slope", [naive_slope, stable_slope])
def test_right_code_is_accepted_and_a_downcast_is_not(slope):
    parameters = network(1, 1.0)
    assert checkers.ours(1, 1.0, backward(parameters, slope, "float64"))
    assert checkers.allclose(1, 1.0, backward(parameters, slope, "float64"))
    for name, gradients in downcasts(parameters).items():
        assert not checkers.ours(1, 1.0, gradients), name
        assert all(tensor.dtype == np.float64 for tensor in tensors(gradients).values()), name


def test_scipy_sees_a_flipped_sign_and_accepts_the_right_gradient():
    sign = planted()[LOGIC.index("sign")]
    assert checkers.scipy_check(2, 1.0, backward(network(2, 1.0), naive_slope, "float64"))
    assert not checkers.scipy_check(2, 1.0, wrong_gradient(sign, network(2, 1.0)))


def test_what_a_checker_accepts_is_counted(monkeypatch):
    """One that accepts everything misses everything; one that accepts nothing raises every false alarm."""
    everyone = {"ours": checkers.ours, "blind": lambda *_: True, "strict": lambda *_: False}
    monkeypatch.setattr(sharpness, "checkers", lambda: everyone)
    monkeypatch.setattr(sharpness, "_versions", lambda packages: {})
    result = sharpness.measure(networks=1)
    for scale in ("1", "10"):
        assert result["missed"][scale]["blind"] == len(LOGIC) and result["missed"][scale]["strict"] == 0
        assert result["false_alarms"]["blind"][scale] == 0 and result["false_alarms"]["strict"][scale] == 1
    assert result["missed"]["1"]["ours"] == 0
    assert result["downcasts_missed"] == {"ours": 0, "blind": 3, "strict": 0}
    assert result["ours_right_code"] == {"cases": 12, "false_alarms": 0}


def test_the_command_saves_what_it_prints(numpy_only, tmp_path, capsys):
    sharpness.main(["--networks", "1", "--out", str(tmp_path / "there" / "found.json")])
    saved = json.loads((tmp_path / "there" / "found.json").read_text())
    assert saved["format"] == "samegrad-sharpness" and saved["networks"] == 1
    assert sharpness.table(saved) in capsys.readouterr().out
