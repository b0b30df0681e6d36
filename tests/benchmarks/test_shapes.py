"""Changing batches: each of the eight is compared with its own reference, and what they compile is counted."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest
from samegrad.benchmarks.clock.calls.shapes import CYCLE
from samegrad.benchmarks.clock.case import TIMED, Case
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.impls.checking.agreement import Reference, worst_tau
from samegrad.impls.checking.gate import Broken, Gate
from samegrad.impls.errors import Unavailable
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.tutorial import NumpyTutorial
from samegrad.impls.problem import XOR
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

PASS = "value_and_grad:shapes"
TASK = Task(XOR, XOR.parameters(), 5, "float32")


def built(implementation):
    return build(implementation, CallRequest("mine", PASS, TASK))


class Noting(NumpyTutorial):
    """Notes the rows of each call, and compiles for each number of them that is new."""

    def prepare(self, task):
        super().prepare(task)
        self.rows = []

    def value_and_grad(self):
        self.rows.append(len(self.x))
        return super().value_and_grad()

    def compilations(self):
        return len(set(self.rows))


def test_the_batch_changes_from_call_to_call_and_comes_back():
    call = built(Noting())
    for _ in range(2 * CYCLE + 1):
        call.run()
    assert call.implementation.rows == [*range(5, 13), *range(5, 13), 5] and PASS in TIMED


def test_what_the_first_cycle_compiles_is_counted():
    call = built(Noting())
    assert worst_tau(call.agreements(call.run(), Reference.of(TASK))) <= 1
    assert call.compilations == CYCLE
    eager = built(NumpyTutorial())
    eager.agreements(eager.run(), Reference.of(TASK))
    assert eager.compilations == 0


def test_one_that_is_right_passes_the_gate_and_goes_on_with_its_cycle():
    call = built(Noting())
    call.agreements(call.run(), Reference.of(TASK))
    Gate(call).require()
    call.once()
    assert call.implementation.rows[-1] == 5
    call.run()
    assert call.implementation.rows[-1] == 6


@pytest.mark.parametrize("rows", [5, 8])
def test_one_that_leaves_out_the_rows_beyond_a_batch_is_found(rows):
    """It is right for the first batch, or for the first four of them."""

    class Cut(NumpyTutorial):
        def feed(self, x, y=None):
            super().feed(x[:rows], y[:rows])

    call = built(Cut())
    assert worst_tau(call.agreements(call.run(), Reference.of(TASK))) > 1


def test_one_that_remembers_what_it_returned_for_a_batch_is_found_by_the_gate():
    class Remembering(NumpyTutorial):
        def value_and_grad(self):
            known = self.__dict__.setdefault("known", {})
            return known.setdefault(len(self.x), super().value_and_grad())

    call = built(Remembering())
    assert worst_tau(call.agreements(call.run(), Reference.of(TASK))) <= 1
    with pytest.raises(Broken):
        Gate(call).require()


def test_who_works_in_arrays_for_one_batch_says_so():
    with pytest.raises(
        Unavailable, match="mine works in arrays made for one batch, and takes no other from call to call"
    ):
        built(NumpyManual())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "compilations"),
    [("torch-eager", 0), ("torch-functional", 0), ("jax-jit", CYCLE), ("keras-xla", CYCLE), ("tensorflow-xla", CYCLE)],
)
def test_compiled_calls_cost_one_compilation_for_each_shape_and_eager_ones_none(name, compilations):
    entry = get_entry(name)
    if reason := entry.missing():
        pytest.skip(reason)
    process = WorkerProcess(name, 1, 300)
    try:
        process.ask("start", target=entry.target, threads=1)
        task = Case("xor", PASS, 5, "float32", "cpu").task(42)
        prepared = process.ask("prepare", key=name, pass_name=PASS, task=task.as_json())
        blocks = [process.ask("time", key=name, prefix=2, calls=16)["ns"] for _ in range(3)]
        again = process.ask("recheck", key=name, took_ns=1e9)
    finally:
        process.close()
    assert prepared["compilations"] == compilations and min(blocks) > 0 and again["gate_ns"] > 0
