"""The clauses that a type cannot say, for every implementation that can run here."""

from __future__ import annotations

from typing import Any

import pytest

from impls.problem import DTYPES
from impls.registry import DEFAULT, REGISTRY
from tests.observations import observed, rows_of

TENSORFLOW_S = {"tensorflow", "keras", "jax", "jaxlib"}
"""TensorFlow has Keras in it, and its Lite converter imports JAX wherever that is installed."""
IMPORTED_BY_THEMSELVES = {"keras": TENSORFLOW_S, "tensorflow": TENSORFLOW_S}
COMPILED = [
    name for name, entry in REGISTRY.items() if entry.framework in ("jax", "keras") or "compile" in entry.execution
]
"""Those whose compilers could fold captured data away."""
NAMES_AND_DTYPES = [(name, dtype) for name in REGISTRY for dtype in (DTYPES if name in DEFAULT else DTYPES[:1])]
THEIR_BACKEND = {"keras-jax": {"tensorflow"}, "keras-torch": {"tensorflow", "torch"}}


def seen(name: str) -> dict[str, Any]:
    if reason := REGISTRY[name].missing():
        pytest.skip(reason)
    return observed(name)


def results(name: str, dtype: str) -> dict[str, Any]:
    found = seen(name)["dtypes"][dtype]
    if "unavailable" in found:
        pytest.skip(found["unavailable"])
    return found


@pytest.mark.parametrize(("name", "dtype"), NAMES_AND_DTYPES)
def test_results_come_back_in_the_canonical_layout_and_dtype(name, dtype):
    """Predictions (batch, outputs); a scalar loss and Layers (W: (fan_in, fan_out), b: (fan_out,)), input to output."""
    pair = [
        ["array", [], dtype],
        [
            ["Layer", ["array", [2, 4], dtype], ["array", [4], dtype]],
            ["Layer", ["array", [4, 1], dtype], ["array", [1], dtype]],
        ],
    ]
    expected = {"forward": ["array", [rows_of(name), 1], dtype], "value_and_grad": pair, "train_step": pair}
    assert results(name, dtype)["results"] == expected


@pytest.mark.parametrize(("name", "dtype"), NAMES_AND_DTYPES)
def test_value_and_grad_repeats_to_the_bit(name, dtype):
    """Nothing accumulates and nothing is updated."""
    assert results(name, dtype)["repeats"]


@pytest.mark.parametrize(("name", "dtype"), NAMES_AND_DTYPES)
def test_a_step_moves_the_parameters_and_tells_the_loss_of_before(name, dtype):
    """So parameters are state and arguments of what is compiled, not constants in it."""
    found = results(name, dtype)
    assert found["moves"]
    assert found["step's loss is that of before"]


@pytest.mark.parametrize(("name", "dtype"), NAMES_AND_DTYPES)
def test_what_was_converted_stays_as_it_was_under_later_calls(name, dtype):
    assert results(name, dtype)["stays"]


@pytest.mark.parametrize("name", [name for name in COMPILED if REGISTRY[name].framework != "c"])
def test_data_enter_compiled_code_as_arguments(name):
    """With other data in their place, the compiled function gives the gradients of the others."""
    results(name, "float32")
    assert seen(name)["follows its data"] is not None, "keeps its data in a place of its own: add it to DATA"
    assert seen(name)["follows its data"]


@pytest.mark.parametrize("name", REGISTRY)
def test_a_process_that_runs_one_framework_imports_no_other(name):
    framework = REGISTRY[name].framework
    own = IMPORTED_BY_THEMSELVES.get(framework, {*REGISTRY[name].packages, "jaxlib" if framework == "jax" else ""})
    assert set(seen(name)["frameworks"]) <= own | THEIR_BACKEND.get(name, set())


def test_captured_data_are_noticed():
    """JAX with its data closed over does not follow other data."""
    assert seen("jax-jit") and observed("jax-jit captured")["follows its data"] is False


def test_accumulating_gradients_are_noticed():
    """PyTorch without zeroing does not repeat."""
    assert seen("torch-eager") and observed("torch-eager accumulating")["dtypes"]["float32"]["repeats"] is False
