"""`agree`: right implementations agree, planted mistakes are found and named, and what cannot run is left out aloud."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest
from rich.console import Console

from samegrad.impls import registry
from samegrad.impls.checking import agree, known_faults, tables
from samegrad.impls.errors import Unavailable
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Layer
from samegrad.impls.registry import Entry

QUICK = {"scales": (1.0, 100.0), "seeds": (0, 1)}


class ForgetsHiddenBias(NumpyManual):
    def value_and_grad(self):
        loss, gradients = super().value_and_grad()
        return loss, [Layer(gradients[0].W, 0 * gradients[0].b), *gradients[1:]]


class OnlyFloat32(NumpyManual):
    def prepare(self, task):
        if task.dtype == "float64":
            raise Unavailable("float64 is unavailable")
        super().prepare(task)


class NotANumber(NumpyManual):
    def forward(self):
        return super().forward() * np.float32("nan")


@pytest.fixture
def planted(monkeypatch):
    """Put a class of this module into the registry, under the name `planted`."""

    def plant(kind):
        monkeypatch.setitem(registry.REGISTRY, "planted", Entry("planted", "planted_module:Kind", "numpy", "wrong"))
        monkeypatch.setitem(sys.modules, "planted_module", type("module", (), {"Kind": kind}))

    return plant


def text(renderable) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_the_manual_implementation_agrees_everywhere():
    """In a fresh process: a row for each problem, dtype, scale, pass and tensor, none over τ = 1."""
    result = json.loads(json.dumps(agree.run(["numpy"], **QUICK)))
    # xor: predictions, then twice (loss, W1, b1, W2, b2); line: predictions, then twice (loss, W1, b1)
    assert len(result["rows"]) == 2 * 2 * (11 + 7)
    assert max(row["tau"] for row in result["rows"]) <= 1
    assert (
        agree.disagreements(result) == []
        and result["left_out"] == result["failed"] == {}
        and "numpy" in result["versions"]["numpy"]
    )
    shown = text(tables.render_agree(result))
    assert "all 1 agree" in shown and "xor, float64" in shown and max(map(len, shown.splitlines())) <= 80


def test_a_planted_mistake_is_named(planted):
    """A forgotten bias is found in both dtypes, in the gradient and in the step that takes it, and nowhere else."""
    planted(ForgetsHiddenBias)
    rows = agree.measure("planted", ["xor"], scales=(1.0,), seeds=(0, 1))
    lines = agree.disagreements({"rows": rows})
    starts = [line.split(" seed ")[0] for line in lines if "b1[" in line]
    passes = ("value_and_grad", "train_step")
    assert starts == [f"planted at xor {p} {dtype} scale 1" for dtype in ("float32", "float64") for p in passes]
    assert len(lines) == 4
    shown = text(tables.render_agree({"rows": rows, "left_out": {}, "failed": {}}))
    assert "4 disagreements" in shown and "b1[" in shown


def test_a_nan_is_a_disagreement_in_json_too(planted):
    """An infinite τ is kept as None, and the row says what was found."""
    planted(NotANumber)
    rows = json.loads(json.dumps(agree.measure("planted", ["line"], ["float32"], (1.0,), (0,)), allow_nan=False))
    (line,) = (line for line in agree.disagreements({"rows": rows}) if "predictions" in line)
    assert "planted at line forward float32" in line and "is nan, but should be" in line
    assert "∞" in text(tables.render_agree({"rows": rows, "left_out": {}, "failed": {}}))


def test_a_refused_case_is_left_out_aloud(planted):
    """An unavailable dtype leaves a row with the reason; the other dtype is measured."""
    planted(OnlyFloat32)
    rows = agree.measure("planted", ["line"], scales=(1.0,), seeds=(0,))
    assert [row["left_out"] for row in rows if "left_out" in row] == ["float64 is unavailable"]
    assert {row["dtype"] for row in rows if "tau" in row} == {"float32"}
    shown = text(tables.render_agree({"rows": rows, "left_out": {}, "failed": {}}))
    assert "left out: 1 case of planted: float64 is unavailable" in shown


def test_an_implementation_that_cannot_run_is_left_out(monkeypatch):
    """A missing package, and a process that gives no answer in time: the others are still measured."""
    absent = Entry("absent", "nowhere:Nothing", "none", "none", ("no_such_package",), "none")
    monkeypatch.setitem(registry.REGISTRY, "absent", absent)
    result = agree.run(["absent", "numpy"], problems=["line"], scales=(1.0,), seeds=(0,))
    assert "absent needs no_such_package" in result["left_out"]["absent"] and result["rows"]
    late = agree.run(["numpy"], problems=["line"], timeout_s=0.01)
    assert (
        late["failed"]["numpy"] == "gave no answer to 'measure' within 0.01 s"
        and not late["rows"]
        and not late["left_out"]
    )
    shown = text(tables.render_agree(late))
    assert "failed: numpy: gave no answer" in shown and "nothing was measured" in shown


@pytest.mark.slow
def test_a_framework_agrees_in_its_own_process():
    """All passes and both dtypes of PyTorch on xor, from small weights to saturated units."""
    pytest.importorskip("torch")
    result = agree.run(["torch-eager"], problems=["xor"], scales=(1.0, 100.0), seeds=(0,))
    assert result["left_out"] == result["failed"] == {} and agree.disagreements(result) == []
    assert len(result["rows"]) == 2 * 2 * 11


def reproduced(fault):
    result = known_faults.check(fault)
    if result["present"] is None:
        pytest.skip(result["evidence"])
    return result


@pytest.mark.slow
def test_keras_on_torch_in_float64_is_found():
    """At the pinned versions the fault is there; the bound sees it by a factor of millions."""
    pytest.importorskip("keras", "3.15")
    pytest.importorskip("torch")
    result = reproduced(known_faults.KERAS_ON_TORCH)
    assert result["present"] and "τ = " in result["evidence"]
    assert "known fault: Keras on torch" in text(tables.render_faults([result]))


@pytest.mark.slow
def test_constants_through_float32_are_found_and_cured():
    """Python floats lose half their digits on the way into both optimizers; np.float64 keeps them, and that is all."""
    pytest.importorskip("keras", "3.15")
    pytest.importorskip("tensorflow")
    assert reproduced(known_faults.CONSTANTS)["each"] == [True, True]
    cured = reproduced(dataclasses.replace(known_faults.CONSTANTS, arguments={"cured": True}))
    assert cured["each"] == [False, False] and cured["present"] is False


def test_lost_digits_are_found_where_they_are_lost():
    """a(1 − a) gives no gradient at z = 20 in float32, t·a² gives all of it."""
    actual = known_faults.digits_lost(["numpy", "numpy-tutorial"])
    lost, kept = actual["evidence"].split("; ")
    assert (
        actual["present"] and lost.startswith("numpy-tutorial: ∂L/∂b2 is 0, but") and kept == "numpy: all digits kept"
    )
    assert not known_faults.digits_lost(["numpy"])["present"]
    with pytest.raises(Unavailable, match="none can run here"):
        known_faults.digits_lost([])


def test_faults_are_tried_once_per_framework():
    """Implementations of one framework share the process that tries them."""
    tried = [f.arguments["implementations"] for f in known_faults.known(["numpy", "torch-eager", "numpy-tutorial"])]
    assert tried == [["numpy", "numpy-tutorial"], ["torch-eager"]]
    assert known_faults.known(["keras-xla"])[:2] == [known_faults.KERAS_ON_TORCH, known_faults.CONSTANTS]
