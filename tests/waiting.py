"""When frameworks wait for a result: the order of what they do in each pass, and what is ready after a pipelined call.

Each function runs in its framework's own process, last, since it changes the framework. What it returns is asserted in
`tests/impls/test_on_gpu.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest
from samegrad.benchmarks.clock.calls.pipelined import PipelinedCall
from samegrad.benchmarks.clock.case import PIPELINED
from samegrad.impls.conformance.examination import BATCH, GATE_BATCHES, RATE, SEED
from samegrad.impls.implementation import PASSES
from samegrad.impls.problem import XOR
from samegrad.impls.task import Task


def prepared(cls: type) -> Any:
    implementation = cls()
    implementation.prepare(Task(XOR, XOR.parameters(SEED), BATCH, "float32"))
    return implementation


def passes(implementation: Any) -> dict[str, Callable[[], Any]]:
    return {
        "forward": implementation.forward,
        "value_and_grad": implementation.value_and_grad,
        "train_step": lambda: implementation.train_step(RATE),
    }


def torch_on_gpu(cls: type) -> dict[str, list[str]]:
    """What PyTorch does, in order, in each pass of an instance that takes its CPU for a GPU."""
    import torch

    implementation = prepared(cls)
    events: list[str] = []
    implementation.model.register_forward_hook(lambda *_: events.append("forward"))
    for parameter in implementation.parameters:
        parameter.register_post_accumulate_grad_hook(lambda _: events.append("gradient"))
    implementation.optimizer.register_step_post_hook(lambda *_: events.append("update"))
    torch.cuda.synchronize = lambda device=None: events.append(f"wait for {device}")
    implementation.device, implementation.is_async = torch.device("cuda"), True
    return recorded(implementation, events)


def keras_on_gpu(cls: type) -> dict[str, list[str]]:
    """The same for TensorFlow, where each pass is one compiled function."""
    import tensorflow as tf

    implementation = prepared(cls)
    events: list[str] = []

    def noting(event: str, compiled: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments):
            result = compiled(*arguments)
            events.append(event)
            return result

        return run

    for name in ("_predict", "_value_and_grad", "_descend"):
        setattr(implementation, name, noting(name, getattr(implementation, name)))
    tf.test.experimental.sync_devices = lambda: events.append("wait")
    implementation.is_async = True
    return recorded(implementation, events)


def jax_pipelined(cls: type) -> dict[str, list[int]]:
    """Of several pipelined calls of each pass, how many had a result that was not ready, before `finish` and after."""
    import jax

    actual = {}
    for pass_name in PASSES:
        asked = CallRequest("jax-jit", f"{pass_name}:{PIPELINED}", Task(XOR, XOR.parameters(SEED), max(GATE_BATCHES)))
        call = build(cls(), asked)
        jax.block_until_ready(call.run())
        results = [call.run() for _ in range(8)]
        late = []
        for finish in (lambda: None, call.finish):
            finish()
            late.append(sum(not all(leaf.is_ready() for leaf in jax.tree.leaves(result)) for result in results))
        actual[pass_name] = late
    return actual


class PipelinedHere(PipelinedCall):
    """Of an implementation that is prepared already."""

    def prepare(self, task: Task) -> None:
        pass


def recorded(implementation: Any, events: list[str]) -> dict[str, list[str]]:
    actual = {}
    for name, run in passes(implementation).items():
        events.clear()
        run()
        actual[name] = list(events)
    events.clear()
    asked = CallRequest("", f"value_and_grad:{PIPELINED}", Task(XOR, XOR.parameters(SEED), BATCH))
    pipelined = PipelinedHere(implementation, asked)
    for run in (pipelined.run, pipelined.run, pipelined.finish):
        run()
    actual["two pipelined"] = list(events)
    return actual
