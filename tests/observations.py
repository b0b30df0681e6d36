"""What implementations do under the contract's eyes: `observed(name)`, from a process of their own framework.

The clauses are examined as `samegrad conformance` does it; beside them stand what else was imported, and what PyTorch
and TensorFlow would do on a GPU. The process runs once for all that share it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import Asked
from samegrad.benchmarks.clock.calls.pipelined import PipelinedCall
from samegrad.benchmarks.clock.case import PIPELINED
from samegrad.impls.child import call
from samegrad.impls.conformance.examination import BATCH, RATE, SEED, TIMED, examine
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import PASSES
from samegrad.impls.problem import DTYPES, XOR
from samegrad.impls.registry import DEFAULT, REGISTRY
from samegrad.impls.task import Task
from tests.gpus_in_name import in_jax, in_tensorflow, in_torch

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "jaxlib")
TIME_LIMIT_S = 1200

ALONE = ("keras-jax", "keras-torch")
"""Keras takes one back end per process."""
SHARED = {"c": "numpy", "autograd": "numpy", "tensorflow": "keras", "equinox": "jax"}
"""Frameworks that are observed in the process of another."""
SLOW_TO_COMPILE = ("torch-compile", "torch-compile-manual")
"""Observed at one shape only, as each is compiled for seconds."""
ONE_SHAPE = 32_768
"""Rows enough to see whether they wait (at most 0.08 of the work was left), and few enough for many references."""
FAULTY: dict[str, dict[str, set[str]]] = {
    "jax": {"jax-jit unfenced": {"ready"}, "jax-jit captured": {"arguments"}, "jax-jit recompiling": {"compiled"}},
    "torch": {"torch-eager accumulating": {"state"}, "torch-eager recompiling": {"compiled"}},
    "keras": {"keras-eager recompiling": {"compiled"}},
    "numpy": {"numpy deferred": {"ready"}},
}
"""Faults of `tests/benchmarks/planted.py` that are observed beside the right ones, and the clauses that they break."""


def process_of(name: str) -> str:
    """The process that an implementation is observed in: its framework's, or one of its own."""
    entry = REGISTRY[name.partition(" ")[0]]
    return name if name in ALONE else SHARED.get(entry.framework, entry.framework)


def observed(name: str) -> dict[str, Any]:
    """What was seen of an implementation of the registry, or of a fault. JSON-able."""
    return _observed(process_of(name))[name]


@cache
def _observed(process: str) -> dict[str, dict[str, Any]]:
    names = [name for name in REGISTRY if process_of(name) == process and not REGISTRY[name].missing()]
    names += FAULTY.get(process, {})
    return call("tests.observations:observe", {"names": names}, timeout_s=TIME_LIMIT_S)


def observe(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Everything, one after the other in this process; test_rungs.py has all problems, dtypes and batches of each."""
    return {name: _observe(name) for name in names}


def _observe(name: str) -> dict[str, Any]:
    before = {module for module in FRAMEWORKS if module in sys.modules}
    target = f"tests.benchmarks.planted:{name}" if " " in name else name
    batch, timed = (ONE_SHAPE, ()) if name in SLOW_TO_COMPILE else (BATCH, TIMED)
    try:
        seen = examine(target, ["xor"], DTYPES if name in DEFAULT else DTYPES[:1], batch, timed)
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    if name in ON_GPU:
        seen["on a GPU"] = ON_GPU[name](REGISTRY[name].load())
    if name in IN_NAME:
        seen["GPUs in name"] = IN_NAME[name]()
    if name in PIPELINES:
        seen["pipelined"] = PIPELINES[name](REGISTRY[name].load())
    seen["frameworks"] = sorted(before | {module for module in FRAMEWORKS if module in sys.modules})
    return seen


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

    found = {}
    for pass_name in PASSES:
        asked = Asked("jax-jit", f"{pass_name}:{PIPELINED}", Task(XOR, XOR.parameters(SEED), max(TIMED)))
        call = build(cls(), asked)
        jax.block_until_ready(call.run())
        results = [call.run() for _ in range(8)]
        late = []
        for finish in (lambda: None, call.finish):
            finish()
            late.append(sum(not all(leaf.is_ready() for leaf in jax.tree.leaves(result)) for result in results))
        found[pass_name] = late
    return found


class PipelinedHere(PipelinedCall):
    """Of an implementation that is prepared already."""

    def prepare(self, task: Task) -> None:
        pass


def recorded(implementation: Any, events: list[str]) -> dict[str, list[str]]:
    found = {}
    for name, run in passes(implementation).items():
        events.clear()
        run()
        found[name] = list(events)
    events.clear()
    asked = Asked("", f"value_and_grad:{PIPELINED}", Task(XOR, XOR.parameters(SEED), BATCH))
    pipelined = PipelinedHere(implementation, asked)
    for run in (pipelined.run, pipelined.run, pipelined.finish):
        run()
    found["two pipelined"] = list(events)
    return found


ON_GPU = {"torch-eager": torch_on_gpu, "keras-xla": keras_on_gpu}
PIPELINES = {"jax-jit": jax_pipelined}
IN_NAME = {"torch-eager": in_torch, "jax-jit": in_jax, "keras-xla": in_tensorflow}
