"""The cost of a call, taken apart.

    empty call    the framework's own call of a function that does nothing but return its argument
    dispatch      what more it takes until value_and_grad has handed its work over
    waiting       what more until the result is ready; 0 where the work was done on the way
    conversion    what more until loss and gradients are in NumPy

At batch 4 the arithmetic is nearly free, so this is where the microseconds go. The four callables (empty; the pass with
its waiting taken away; the pass; the pass and to_numpy) are timed in one process, in blocks of about 1 ms and random
order; a part is the median over rounds of the difference between two of them in the same round. A new process is a new
sample: `measure` takes several.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from samegrad.benchmarks.clock.blocks import settle, time_block
from samegrad.benchmarks.clock.schedule import calibrate, orders
from samegrad.benchmarks.clock.selfcheck.fence import unfenced
from samegrad.impls.problem import XOR
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

PARTS = ("empty call", "dispatch", "waiting", "conversion")
ROUNDS = 60
BLOCK_NS = 1_000_000
BATCH = 4
HAIR = 0.02


def numpy_empty() -> Callable[[], Any]:
    x, out = np.zeros((BATCH, 2), np.float32), np.zeros((BATCH, 2), np.float32)
    return lambda: np.positive(x, out=out)


def torch_empty() -> Callable[[], Any]:
    import torch

    x, identity = torch.zeros(BATCH, 2), torch.nn.Identity()
    return lambda: identity(x)


def jax_empty() -> Callable[[], Any]:
    import jax

    x, identity = jax.numpy.zeros((BATCH, 2)), jax.jit(lambda x: x)
    return lambda: identity(x).block_until_ready()


def tensorflow_empty() -> Callable[[], Any]:
    import tensorflow as tf

    x, identity = tf.zeros((BATCH, 2)), tf.function(lambda x: x, jit_compile=True)
    return lambda: identity(x)


def operation_empty() -> Callable[[], Any]:
    """The empty call of `tensorflow-manual`: a bare operation, without tf.function."""
    import tensorflow as tf

    from samegrad.impls.on_tensorflow.manual import operation

    x = tf.zeros((BATCH, 2))
    identity = operation(tf.identity, x)
    return lambda: identity(x)


EMPTY = {
    "tensorflow-manual": operation_empty,
    "tensorflow": tensorflow_empty,
    "torch": torch_empty,
    "jax": jax_empty,
}
"""The maker of the empty call, by implementation or by the framework that it computes with."""


def empty_call(name: str) -> Callable[[], Any]:
    """The empty call that goes the implementation's own way."""
    return EMPTY.get(name, EMPTY.get(get_entry(name).computes_with, numpy_empty))()


class TimedCall:
    """A callable in this process, as the schedule sees it."""

    def __init__(self, call: Callable[[], Any], around: Callable[[], Any] = contextlib.nullcontext) -> None:
        self.call, self.around = call, around

    def time(self, prefix: int, calls: int) -> int:
        with self.around():
            block_ns = time_block(self.call, prefix, calls)
        self.call()  # waits for what an unfenced block has left, where it is fenced again
        return block_ns


def take_apart(whole: dict[str, np.ndarray]) -> dict[str, float]:
    """The parts in ns, from the times (rounds,) of "empty", "unfenced", "fenced" and "converted", paired by round.

    Raises NegativePart where one is negative beyond its interval (99.9 %, by the order of the differences) and by more
    than a hair of the whole: then the calls do not go the same way, and there is nothing to take apart.
    """
    steps = [np.zeros_like(whole["empty"]), *(whole[key] for key in ("empty", "unfenced", "fenced", "converted"))]
    whole_ns = float(np.median(steps[-1]))
    parts: dict[str, float] = {}
    for part, before, after in zip(PARTS, steps, steps[1:], strict=False):
        differences = np.sort(after - before)
        parts[part] = float(np.median(differences))
        high = differences[
            min(len(differences) - 1, math.ceil((len(differences) + 3.29 * len(differences) ** 0.5) / 2))
        ]
        if high < 0 and parts[part] < -HAIR * whole_ns:
            raise NegativePart(
                f"{part} comes out as {parts[part]:,.0f} ns, and as {high:,.0f} ns at most, of {whole_ns:,.0f} ns: "
                "the calls do not go the same way"
            )
    return parts


class NegativePart(Exception):
    """Raised where a part of a call came out negative: the measurement failed."""

    refusal = "disagreement"


def observe(name: str) -> dict[str, float]:
    """The parts of one implementation's value_and_grad in this process. Raises Unavailable where it cannot run."""
    implementation = get_entry(name).load()()
    implementation.set_threads(1)
    implementation.prepare(Task(XOR, XOR.parameters(), BATCH))
    to_numpy, value_and_grad = implementation.to_numpy, implementation.value_and_grad
    timed = {
        "empty": TimedCall(empty_call(name)),
        "unfenced": TimedCall(value_and_grad, around=partial(unfenced, implementation)),
        "fenced": TimedCall(value_and_grad),
        "converted": TimedCall(lambda: to_numpy(value_and_grad())),
    }
    for one in timed.values():
        one.call()
    settle()
    calls = {key: calibrate(one, BLOCK_NS).calls for key, one in timed.items()}
    times = {key: np.empty(ROUNDS) for key in timed}
    keys = list(timed)
    for number, order in enumerate(orders(len(keys), ROUNDS, np.random.default_rng())):
        for key in (keys[place] for place in order):
            times[key][number] = timed[key].time(max(1, calls[key] // 4), calls[key]) / calls[key]
    return take_apart(times)
