"""A timed call returns only when its result is ready: where frameworks wait on a GPU, and the self-check's own measure.

(That calls on the CPU wait, and that one which does not is found out, is in tests/impls/test_contract.py.)
"""

from __future__ import annotations

import pytest

from samegrad.benchmarks.clock.selfcheck.fence import EARLY_LIMIT, Wait, observe
from samegrad.impls.registry import REGISTRY
from tests.observations import observed


def seen(name):
    if reason := REGISTRY[name].missing():
        pytest.skip(reason)
    return observed(name)


@pytest.mark.slow
def test_on_a_gpu_pytorch_waits_last():
    """Once, for the device in use, after the model, all four gradients and the update. (Its CPU plays the GPU.)"""
    on_gpu = seen("torch-eager")["on a GPU"]
    assert on_gpu == {
        "forward": ["forward", "wait for cuda"],
        "value_and_grad": ["forward", *["gradient"] * 4, "wait for cuda"],
        "train_step": ["forward", *["gradient"] * 4, "update", "wait for cuda"],
        "two pipelined": [*["forward", *["gradient"] * 4] * 2, "wait for cuda"],
    }


@pytest.mark.slow
def test_on_a_gpu_tensorflow_waits_last():
    """Once, after the compiled function."""
    assert seen("keras-xla")["on a GPU"] == {
        "forward": ["_predict", "wait"],
        "value_and_grad": ["_value_and_grad", "wait"],
        "train_step": ["_descend", "wait"],
        "two pipelined": ["_value_and_grad", "_value_and_grad", "wait"],
    }


@pytest.mark.slow
@pytest.mark.parametrize("pass_name", ["forward", "value_and_grad", "train_step"])
def test_pipelined_calls_do_not_wait_and_their_end_does(pass_name):
    """Of eight calls of JAX, which works on after a call has returned: some are not ready, and then all are."""
    before, after = seen("jax-jit")["pipelined"][pass_name]
    assert before > 0 and after == 0


class Scripted:
    """A clock, and a framework on it whose call returns after `returns_ns` while its work takes `works_ns`."""

    def __init__(self, returns_ns, works_ns, converts_ns=1000):
        self.now_ns, self.done_ns = 0, 0
        self.returns_ns, self.works_ns, self.converts_ns = returns_ns, works_ns, converts_ns

    def call(self):
        self.done_ns = self.now_ns + self.works_ns
        self.now_ns += self.returns_ns

    def to_numpy(self, result):
        self.now_ns = max(self.now_ns, self.done_ns) + self.converts_ns

    def clock(self):
        return self.now_ns

    def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9)


@pytest.mark.parametrize(
    ("returns_ns", "works_ns", "is_fenced"),
    [(1_000_000, 1_000_000, True), (1_000_000, 1_050_000, True), (10_000, 1_000_000, False), (5e5, 1e6, False)],
)
def test_selfcheck_tells_how_much_too_early_a_call_returns(returns_ns, works_ns, is_fenced):
    """What `samegrad selfcheck` measures by wall time: exact on a scripted clock."""
    scripted = Scripted(returns_ns, works_ns)
    wait = observe(scripted.call, scripted.to_numpy, 5, scripted.clock, scripted.sleep)
    assert wait == Wait(call_ns=returns_ns, at_once_ns=works_ns - returns_ns + 1000, rested_ns=1000)
    assert wait.early_ns == works_ns - returns_ns
    assert wait.is_fenced is is_fenced is (wait.early_ns <= EARLY_LIMIT * works_ns)
