"""Results that are not ready are called so, and those that are ready are not, whatever they look like."""

from __future__ import annotations

import time

import numpy as np
import pytest

from samegrad.benchmarks.own.readiness import Waiter, observe
from samegrad.impls.child import call
from samegrad.impls.registry import get_entry
from tests.benchmarks.own import subjects

FRAMEWORKS = {"in_jax": "jax-jit", "in_torch": "torch-eager", "in_tensorflow": "keras-xla"}


@pytest.fixture(autouse=True)
def _idle():
    """What a test has left undone in the pool is not work of the next."""
    yield
    subjects.POOL.submit(subjects.nothing).result()


@pytest.mark.slow
@pytest.mark.parametrize("subject", subjects.UNREADY, ids=lambda subject: subject.__name__)
def test_what_is_not_ready_is_called_so(subject):
    outcome = observe(subject, Waiter(subject()))
    assert outcome.late


@pytest.mark.slow
@pytest.mark.parametrize("subject", subjects.READY, ids=lambda subject: subject.__name__)
def test_what_is_ready_is_not_called_unready(subject):
    outcome = observe(subject, Waiter(subject()))
    assert outcome.late == ""
    assert outcome.ready_ns == outcome.returned_ns


@pytest.mark.slow
def test_how_much_was_left_is_reported():
    """The work takes 20 ms, and the call almost nothing."""
    outcome = observe(subjects.a_future, Waiter(subjects.a_future()))
    assert outcome.ready_ns > 0.9e9 * subjects.WORK_S > 5 * outcome.returned_ns


@pytest.mark.slow
@pytest.mark.parametrize(("function", "needs"), FRAMEWORKS.items())
def test_the_frameworks(function, needs):
    """JAX, whose arrays can be asked; PyTorch, whose futures can; TensorFlow, which is synchronized."""
    if reason := get_entry(needs).missing():
        pytest.skip(reason)
    response = call(f"tests.benchmarks.own.subjects:{function}", {}, timeout_s=400)
    assert {name: bool(one["late"]) for name, one in response["unready"].items()} == dict.fromkeys(
        response["unready"], True
    )
    assert {name: one["late"] for name, one in response["ready"].items()} == dict.fromkeys(response["ready"], "")
    for one in response["unready"].values():
        assert one["ready_ns"] > one["returned_ns"]


@pytest.mark.slow
def test_the_call_that_is_timed_waits():
    """By the result's own means, or for the thread that the call has started."""
    for subject in (subjects.a_future, subjects.a_promise, subjects.a_thread_that_nobody_sees):
        waiter = Waiter(subject())
        observe(subject, waiter)
        fenced = waiter.fenced(subject)
        assert waiter.is_needed
        began_s = time.monotonic()
        fenced()
        assert time.monotonic() - began_s >= subjects.WORK_S


class Block:
    """An array as JAX has them."""

    def __init__(self, log):
        self.log = log

    def is_ready(self):
        return False

    def block_until_ready(self):
        self.log.append(self)


def test_every_array_of_a_nested_result_is_waited_for():
    log = []
    result = {"a": [Block(log), Block(log)], "b": subjects.Answer(Block(log))}
    fenced = Waiter(result).fenced(lambda: result)
    assert fenced() is result
    assert log == [result["a"][0], result["a"][1], result["b"].loss]


def test_where_there_is_nothing_to_wait_for_the_call_is_timed_as_it_is():
    assert not Waiter({"a": np.ones(3), "b": (1.0, "text", None)}).is_needed


def test_looking_through_a_large_result_is_no_waiting(monkeypatch):
    """A thousand numbers take milliseconds to look through, and now and then more than the second time."""
    through, walks = Waiter.__call__, iter([0.002, 0.0] * 100)
    monkeypatch.setattr(Waiter, "__call__", lambda self, result: time.sleep(next(walks)) or through(self, result))
    outcome = observe(lambda: list(range(1000)), Waiter(list(range(1000))))
    assert outcome.late == "" and outcome.ready_ns == outcome.returned_ns
