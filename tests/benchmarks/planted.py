"""Implementations with one fault each, for the tests that must find it, and callables that misbehave in a worker.

A worker imports a target "module:name"; here the name says what is planted where: "torch-eager sign", or
"torch-eager sign in train_step". The fault is put into the framework's own result, before `to_numpy`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Layer
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

TARGET = "tests.benchmarks.planted"


def _transposed(tensor: Any) -> Any:
    """The numbers of the transpose in the shape of the tensor."""
    if type(tensor).__module__.startswith("tensorflow"):
        import tensorflow as tf

        return tf.reshape(tf.transpose(tensor), tensor.shape)
    return tensor.T.reshape(tensor.shape)


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "sign": ("W2", lambda tensor: -tensor),
    "factor 2": ("b1", lambda tensor: 2 * tensor),
    "transposed": ("W1", _transposed),
    "missing bias": ("b2", lambda tensor: 0 * tensor),
}
"""What is planted, and the tensor of `xor` that it is planted in."""

PLACES = ("W1", "b1", "W2", "b2")


def _spoil(result: Any, fault: str) -> Any:
    """A result of any pass with the fault in it, in the framework's own layout: pairs, or all tensors in a row."""
    place, spoiled = FAULTS[fault]
    if not isinstance(result, tuple):
        return spoiled(result)
    loss, actual = result
    is_paired = isinstance(actual[0], tuple)
    flat = [tensor for layer in actual for tensor in layer] if is_paired else list(actual)
    at = PLACES.index(place)
    flat[at] = spoiled(flat[at])
    return loss, [Layer(*pair) for pair in zip(flat[0::2], flat[1::2], strict=True)] if is_paired else flat


class Planted(Implementation):
    """A faultless implementation, and around one pass of it the fault."""

    right: type[Implementation]
    fault: str
    pass_name: str

    def __init__(self) -> None:
        self.inner = self.right()

    def prepare(self, task: Task) -> None:
        self.inner.prepare(task)

    def forward(self) -> Any:
        return self._pass("forward")

    def value_and_grad(self) -> Any:
        return self._pass("value_and_grad")

    def train_step(self, learning_rate: float) -> Any:
        return self._pass("train_step", learning_rate)

    def _pass(self, pass_name: str, *arguments: Any) -> Any:
        result = getattr(self.inner, pass_name)(*arguments)
        return _spoil(result, self.fault) if pass_name == self.pass_name else result

    def to_numpy(self, result: Any) -> Any:
        return self.inner.to_numpy(result)


def unfenced(implementation: type[Implementation]) -> type[Implementation]:
    """Left without waiting: what the compiled functions return is handed on at once."""
    return type("Unfenced", (implementation,), {"wait": lambda self, result: result})


def deferred(implementation: type[Implementation]) -> type[Implementation]:
    """Any implementation left without waiting: a thread does the work, and `to_numpy` waits for it."""

    class Deferred(Planted):
        right, fault, pass_name = implementation, "", ""

        def __init__(self):
            super().__init__()
            self.executor = ThreadPoolExecutor(1)

        def _pass(self, pass_name, *arguments):
            def work() -> Any:
                time.sleep(0.01)  # in which the call returns, however busy the machine
                return super(Deferred, self)._pass(pass_name, *arguments)

            return self.executor.submit(work)

        def to_numpy(self, result):
            return super().to_numpy(result.result())

    return Deferred


def captured(implementation: type[Implementation]) -> type[Implementation]:
    """JAX with the data closed over, which the compiler takes for constants."""
    import jax

    class Captured(implementation):  # type: ignore[misc, valid-type]
        def prepare(self, task):
            super().prepare(task)
            x, y = self.x, self.y
            given = self._value_and_grad
            closed = jax.jit(lambda parameters: given(parameters, x, y))
            self._value_and_grad = lambda parameters, x, y: closed(parameters)

    return Captured


def accumulating(implementation: type[Implementation]) -> type[Implementation]:
    """PyTorch without zeroing: every call adds its gradients to those of the calls before."""

    class Accumulating(implementation):  # type: ignore[misc, valid-type]
        def value_and_grad(self):
            loss = self.loss(self.model(self.x), self.y)
            loss.backward()
            return loss, [parameter.grad for parameter in self.parameters]

    return Accumulating


def recompiling(implementation: type[Implementation]) -> type[Implementation]:
    """Each forward pass compiles something: a function made in its body, or for PyTorch one of a number that counts."""
    framework = implementation.__module__.removeprefix("samegrad.impls.on_").partition(".")[0]
    numbers = itertools.count()

    def renewed(result: Any) -> Any:
        if framework == "jax":
            import jax

            return jax.jit(lambda a: 1 * a)(result)
        if framework == "keras":
            import tensorflow as tf

            return tf.function(lambda a: 1 * a)(result)
        import torch

        number = next(numbers)
        return torch.compile(lambda a, n: (n - n + 1) * a, backend="eager", dynamic=False)(result, number)

    class Recompiling(implementation):  # type: ignore[misc, valid-type]
        def forward(self):
            return self.wait(renewed(super().forward()))

    return Recompiling


def unlimited(implementation: type[Implementation]) -> type[Implementation]:
    """The implementation as it is, for a process whose threads are limited already: most allow that only once."""
    return type("Unlimited", (implementation,), {"set_threads": classmethod(lambda cls, threads: None)})


WHOLE = {
    "right": unlimited,
    "unfenced": unfenced,
    "deferred": deferred,
    "captured": captured,
    "accumulating": accumulating,
    "recompiling": recompiling,
}


def __getattr__(name: str) -> type[Implementation]:
    """Make what a target's name says."""
    implementation, _, place = name.partition(" ")
    fault, _, pass_name = place.partition(" in ")
    try:
        right = get_entry(implementation).load()
    except ValueError:
        raise AttributeError(name) from None
    if fault in WHOLE:
        return WHOLE[fault](right)
    return type("Planted", (Planted,), {"right": right, "fault": fault, "pass_name": pass_name or "value_and_grad"})


# Makers of callables, for workers that are started with `function=True`.


def calm() -> Callable[[], Any]:
    return lambda: None


def dies() -> Callable[[], Any]:
    print("about to leave", file=sys.stderr, flush=True)
    return lambda: os._exit(3)


def is_killed() -> Callable[[], Any]:
    return lambda: os.kill(os.getpid(), signal.SIGKILL)


def crashes() -> Callable[[], Any]:
    """A real segmentation fault: it reads at address 0."""
    import ctypes

    return lambda: ctypes.string_at(0)


def hangs() -> Callable[[], Any]:
    print("still here", file=sys.stderr, flush=True)
    return lambda: time.sleep(600)


def raises() -> Callable[[], Any]:
    def call() -> None:
        raise ArithmeticError("the seventh digit is wrong")

    return call


def chatters() -> Callable[[], Any]:
    """Writes to standard output in every way there is, answers of its own among it."""

    def call() -> None:
        print("by print")
        print(json.dumps({"ns": 1}), flush=True)
        os.write(1, b"by the system\n")
        subprocess.run([sys.executable, "-S", "-c", "print('by a child')"], check=True)
        with contextlib.suppress(OSError):
            sys.__stdout__.write("by the original\n")  # type: ignore[union-attr]

    return call


def babbles() -> Callable[[], Any]:
    """From its call on, no answer of this worker is JSON."""

    def call() -> None:
        json.dumps = lambda answer: "glossolalia"  # type: ignore[assignment]

    return call


def answers_a_list() -> Callable[[], Any]:
    """From its call on, the worker answers with JSON of another kind."""

    def call() -> None:
        json.dumps = lambda answer: "[1, 2]"  # type: ignore[assignment]

    return call


def writes_much() -> Callable[[], Any]:
    """Fills standard error beyond what a pipe would hold."""

    def call() -> None:
        for number in range(20_000):
            print(f"line {number}", file=sys.stderr)

    return call


def fails_to_start() -> Callable[[], Any]:
    raise ImportError("libcuda.so.1 is not there")


def waits_for_a_signal() -> Callable[[], Any]:
    """A call during which a signal can arrive."""
    return lambda: time.sleep(0.5)


def starts_another() -> Callable[[], Any]:
    """As a framework starts its helpers."""
    return lambda: subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
