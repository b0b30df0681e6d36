"""The clauses that a type cannot say, for every implementation that can run here."""

from __future__ import annotations

from typing import Any

import pytest

from samegrad.impls.conformance.clauses import CLAUSES
from samegrad.impls.registry import ENTRIES, REGISTRY
from tests.observations import FAULTY, observed

TENSORFLOW_S = {"tensorflow", "keras", "jax", "jaxlib"}
"""TensorFlow has Keras in it, and its Lite converter imports JAX wherever that is installed."""
IMPORTED_BY_THEMSELVES = {"keras": TENSORFLOW_S, "tensorflow": TENSORFLOW_S}
THEIR_BACKEND = {"keras-jax": {"tensorflow"}, "keras-torch": {"tensorflow", "torch"}}
COMPILERS = {"jax", "torch", "tensorflow"}
"""Their compilations are counted."""
OURS = {entry.name for entry in ENTRIES}
WITHOUT_GRADIENT = {"keras-fit", "keras-train-on-batch"}
"""Keras's own training loops keep the gradient to themselves."""


def seen(name: str) -> dict[str, Any]:
    if reason := REGISTRY[name.partition(" ")[0]].missing():
        pytest.skip(reason)
    found = observed(name)
    if "unavailable" in found:
        pytest.skip(found["unavailable"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("clause", CLAUSES)
@pytest.mark.parametrize("name", REGISTRY)
def test_an_implementation_keeps_every_clause(name, clause):
    [told] = [told for told in seen(name)["clauses"] if told["clause"] == clause]
    if clause == "compiled" and not COMPILERS & set(seen(name)["frameworks"]):
        pytest.skip("no compiler that tells")
    if clause in ("state", "repeatable") and name in WITHOUT_GRADIENT:
        pytest.skip("has no gradient to show")
    if told["holds"] is None and name not in OURS:
        pytest.skip("another package's, which may leave out what is optional")
    assert told["holds"], told["faults"] or "was not examined"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "broken"), [pair for faults in FAULTY.values() for pair in faults.items()])
def test_a_fault_of_a_framework_s_own_is_seen(name, broken):
    """Not waiting, not zeroing, data closed over, functions made anew: that, and no other clause, is broken."""
    assert {told["clause"] for told in seen(name)["clauses"] if told["holds"] is False} == broken, seen(name)["clauses"]


@pytest.mark.slow
def test_captured_data_are_seen_in_two_ways():
    """By rows that are fed, and, where an implementation takes none, by what JAX says of its constants."""
    sentences = [fault["sentence"] for told in seen("jax-jit captured")["clauses"] for fault in told["faults"]]
    assert any("goes on with the rows of prepare" in sentence for sentence in sentences)
    assert any("constants were captured during lowering" in sentence for sentence in sentences)


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY)
def test_a_process_that_runs_one_framework_imports_no_other(name):
    entry = REGISTRY[name]
    own = IMPORTED_BY_THEMSELVES.get(entry.framework, {*entry.packages, "jaxlib" if "jax" in entry.packages else ""})
    assert set(seen(name)["frameworks"]) <= own | THEIR_BACKEND.get(name, set())
