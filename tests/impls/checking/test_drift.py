"""Drift: right trainings stay within what rounding alone becomes; an error of their own is distinguished from it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from rich.console import Console

from samegrad.impls import registry
from samegrad.impls.checking import agree, drift, tables
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import XOR
from samegrad.impls.registry import Entry

STEPS = (1, 10, 100)


class SlightlyFast(NumpyManual):
    """A learning rate that went through float32, as a framework's own default may."""

    def train_step(self, learning_rate):
        return super().train_step(float(np.float32(learning_rate)))


def measured_in_this_process(name):
    """`drift.run`, but with the implementation called here, where the registry is patched."""

    def call(target, arguments, **limits):
        return json.loads(json.dumps(drift.measure(**arguments)))

    return call


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_training_is_explained_by_rounding(dtype):
    """The manual implementation in a fresh process: rows at every step, none farther than the shadows allow."""
    result = drift.run(["numpy"], dtypes=[dtype], steps=STEPS)
    assert [row["step"] for row in result["rows"]] == [*STEPS, *STEPS]
    assert all(row["explained"] for row in result["rows"]) and drift.unexplained(result) == []
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(tables.render_drift(json.loads(json.dumps(result))))
    assert "rounding explains all of it" in capture.get() and "farthest shadow" in capture.get()


def test_an_error_of_its_own_is_distinguished_from_amplification(monkeypatch):
    """A learning rate that is off by 10⁻⁸ is seen in float64 from the first steps on, and named."""
    monkeypatch.setitem(registry.REGISTRY, "planted", Entry("planted", "planted_module:Kind", "numpy", "wrong"))
    monkeypatch.setitem(sys.modules, "planted_module", type("module", (), {"Kind": SlightlyFast}))
    monkeypatch.setattr(agree, "call", measured_in_this_process("planted"))
    result = drift.run(["planted", "numpy"], problems=["xor"], dtypes=["float64"], steps=STEPS)
    wrong = [row for row in result["rows"] if not row["explained"]]
    assert [(row["implementation"], row["step"]) for row in wrong] == [("planted", step) for step in STEPS]
    assert all("planted on xor float64" in line and "error of its own" in line for line in drift.unexplained(result))


def test_the_trajectory_is_gradient_descent():
    """Its first step is p − λ·g, and the loss has fallen after the hundredth."""
    truth = drift.trajectory(XOR, "float64", STEPS, 0.1, seed=1)
    assert set(truth) == set(STEPS)
    x, y = XOR.data(drift.BATCH)
    start = XOR.parameters(1)
    before, after = (drift.evaluate(XOR, parameters, x, y) for parameters in (start, truth[100]))
    for name, p in tensors(truth[1]).items():
        np.testing.assert_array_equal(p, tensors(start)[name] - 0.1 * tensors(before.gradients)[name])
    assert after.loss < before.loss


def test_shadows_differ_from_the_truth_and_from_each_other_by_roundings():
    """After one step in float32 a shadow is off by roundings of its parameters, and two shadows are not alike."""
    (row,) = drift.shadows("xor", "float32", (1,), 0.1, 1)
    largest = max(abs(tensor).max() for layer in XOR.parameters(1) for tensor in layer)
    # One rounding of p, and one of λ·g, which is smaller than p here: 2u of the largest parameter.
    assert 0 < row["median"] <= row["largest"] <= 2 * 2**-24 * largest
    one, other = (drift.trajectory(XOR, "float32", (50,), 0.1, 1, np.random.default_rng(seed))[50] for seed in (1, 2))
    assert drift.farthest(one, other)["distance"] > 0


def test_the_farthest_parameter_is_named():
    """By tensor and index."""
    truth = XOR.parameters(1)
    moved = XOR.parameters(1)
    moved[1].W[2, 0] += 0.5
    moved[0].b[1] += 0.25
    assert drift.farthest(moved, truth) == {"distance": pytest.approx(0.5, abs=2**-52), "tensor": "W2", "index": [2, 0]}
