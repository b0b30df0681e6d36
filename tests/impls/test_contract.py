"""The clauses that a type cannot say, for every implementation that can run here."""

from __future__ import annotations

from typing import Any

import pytest

from samegrad.impls.conformance.clauses import CLAUSES
from samegrad.impls.registry import ENTRIES, REGISTRY
from tests.groups import in_process
from tests.observations import FAULTY, observed, process_of

TENSORFLOW_S = {"tensorflow", "keras", "jax", "jaxlib"}
"""TensorFlow has Keras in it, and its Lite converter imports JAX wherever that is installed."""
IMPORTED_BY_THEMSELVES = {"keras": TENSORFLOW_S, "tensorflow": TENSORFLOW_S}
THEIR_BACKEND = {"keras-jax": {"tensorflow"}, "keras-torch": {"tensorflow", "torch"}}
COMPILERS = {"jax", "torch", "tensorflow"}
"""Their compilations are counted."""
OURS = {entry.name for entry in ENTRIES}
WITHOUT_GRADIENT = {"keras-fit", "keras-train-on-batch"}
"""Keras's own training loops keep the gradient to themselves."""
NAMES = [in_process(name, process_of(name)) for name in REGISTRY]
PLANTED = [in_process(name, process, broken) for process, faults in FAULTY.items() for name, broken in faults.items()]


def seen(name: str) -> dict[str, Any]:
    if reason := REGISTRY[name.partition(" ")[0]].missing():
        pytest.skip(reason)
    actual = observed(name)
    if "unavailable" in actual:
        pytest.skip(actual["unavailable"])
    return actual


@pytest.mark.slow
@pytest.mark.parametrize("clause", CLAUSES)
@pytest.mark.parametrize("name", NAMES)
def test_an_implementation_keeps_every_clause(name, clause):
    [entry] = [entry for entry in seen(name)["clauses"] if entry["clause"] == clause]
    if clause == "compiled" and not COMPILERS & set(seen(name)["frameworks"]):
        pytest.skip("no compiler that tells")
    if clause in ("state", "repeatable") and name in WITHOUT_GRADIENT:
        pytest.skip("has no gradient to show")
    if entry["holds"] is None and name not in OURS:
        pytest.skip("another package's, which may leave out what is optional")
    assert entry["holds"], entry["faults"] or "was not examined"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "broken"), PLANTED)
def test_a_fault_of_a_framework_s_own_is_seen(name, broken):
    """Not waiting, not zeroing, data closed over, functions made anew: that, and no other clause, is broken."""
    assert {entry["clause"] for entry in seen(name)["clauses"] if entry["holds"] is False} == broken, seen(name)[
        "clauses"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [in_process("jax-jit captured", "jax")])
def test_captured_data_are_seen_in_two_ways(name):
    """By rows that are fed, and, where an implementation takes none, by what JAX says of its constants."""
    sentences = [fault["sentence"] for entry in seen(name)["clauses"] for fault in entry["faults"]]
    assert any("goes on with the rows of prepare" in sentence for sentence in sentences)
    assert any("constants were captured during lowering" in sentence for sentence in sentences)


@pytest.mark.slow
@pytest.mark.parametrize("name", [in_process("jax-jit unfenced", "jax")])
def test_jax_says_itself_that_an_array_is_not_ready(name):
    """In every pass, at the batch where a call takes less than a millisecond."""
    sentences = [fault["sentence"] for entry in seen(name)["clauses"] for fault in entry["faults"]]
    assert len([sentence for sentence in sentences if "an array of JAX was not ready" in sentence]) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_runs_one_framework_imports_no_other(name):
    entry = REGISTRY[name]
    own = IMPORTED_BY_THEMSELVES.get(entry.framework, {*entry.packages, "jaxlib" if "jax" in entry.packages else ""})
    assert set(seen(name)["frameworks"]) <= own | THEIR_BACKEND.get(name, set())


@pytest.mark.slow
@pytest.mark.parametrize("name", [in_process("torch-compile", "torch")])
def test_no_process_precompiles_headers_for_its_kernels_alone(name):
    """PyTorch would do so anew in each temporary folder, for ten seconds, which no user's second run pays."""
    assert seen(name)["precompiled"] == []
