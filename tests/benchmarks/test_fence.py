"""A timed call returns only when its result is ready.

Work that a call left undone is work that somebody does after it. The share of the CPU time that is spent after the
return, up to the moment when the numbers are there, is near 0 for a call that waits and near 1 for one that does not,
on any machine under any load: it is no wall time, and other processes' work is not in it.
"""

from __future__ import annotations

import pytest

from benchmarks.clock.selfcheck.fence import EARLY_LIMIT, Wait, observe
from impls.registry import REGISTRY
from tests.observations import observed

LIMIT = 0.5
"""Seen were 0.00 to 0.22 for calls that wait, and 0.96 to 1.00 for calls that do not, four processes to a CPU."""
PASSES = ("forward", "value_and_grad", "train_step")


def seen(name):
    if reason := REGISTRY[name.partition(" ")[0]].missing():
        pytest.skip(reason)
    found = observed(name)
    if "left undone" not in found:
        pytest.skip(found["dtypes"]["float32"]["unavailable"])
    return found


@pytest.mark.parametrize("pass_name", PASSES)
@pytest.mark.parametrize("name", [name for name, entry in REGISTRY.items() if "jax" not in entry.packages])
def test_when_a_call_returns_its_work_is_done(name, pass_name):
    """JAX's own threads spend CPU time after a call that waited, too; below, JAX itself says what is ready."""
    shares = seen(name)["left undone"][pass_name]
    assert shares[len(shares) // 2] < LIMIT, shares


@pytest.mark.parametrize("pass_name", PASSES)
@pytest.mark.parametrize("name", ["jax-jit unfenced", "numpy deferred"])
def test_a_call_that_does_not_wait_is_caught(name, pass_name):
    """JAX's own asynchronous dispatch, and NumPy in a thread."""
    assert max(seen(name)["left undone"][pass_name]) > LIMIT


@pytest.mark.parametrize("pass_name", PASSES)
@pytest.mark.parametrize("name", [name for name, entry in REGISTRY.items() if entry.framework == "jax"])
def test_every_array_that_jax_returns_is_ready(name, pass_name):
    """All outputs of a compiled call become ready together, so that waiting for one of them is enough."""
    assert seen(name)["not ready"][pass_name] == 0


@pytest.mark.parametrize("pass_name", PASSES)
def test_jax_without_a_fence_is_seen_not_ready(pass_name):
    """At the same batch, so that the test above could have seen it."""
    assert seen("jax-jit unfenced")["not ready"][pass_name] > 0


def test_on_a_gpu_pytorch_waits_last():
    """Once, for the device in use, after the model, all four gradients and the update. (Its CPU plays the GPU.)"""
    on_gpu = seen("torch-eager")["on a GPU"]
    assert on_gpu == {
        "forward": ["forward", "wait for cuda"],
        "value_and_grad": ["forward", *["gradient"] * 4, "wait for cuda"],
        "train_step": ["forward", *["gradient"] * 4, "update", "wait for cuda"],
    }


def test_on_a_gpu_tensorflow_waits_last():
    """Once, after the compiled function."""
    assert seen("keras-xla")["on a GPU"] == {
        "forward": ["_predict", "wait"],
        "value_and_grad": ["_value_and_grad", "wait"],
        "train_step": ["_descend", "wait"],
    }


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
