"""What implementations do under the contract's eyes: `observed(name)`, from a process of their own framework.

Run as a script, it observes the targets it is given (names of the registry, or faults of `tests/benchmarks/planted.py`)
one after the other and prints what it saw as JSON lines; the tests hold that against the contract.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from impls.errors import Unavailable
from impls.parameters import Layer, tensors
from impls.problem import DTYPES, XOR
from impls.registry import DEFAULT, REGISTRY

ROOT = Path(__file__).parents[1]
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "jaxlib")
RATE = 0.5
BATCH = 7
"""Not that of the truth table, so that data of another seed differ."""

LARGE = 131_072
"""Rows at which the arithmetic takes milliseconds: enough to see whether it is still going on."""
ROUNDS = 5

DATA = ("x", "y", "samples")
"""Where implementations that are compiled keep their data."""
ALONE = ("keras-jax", "keras-torch")
"""Keras takes one back end per process."""
SHARED = {"c": "numpy", "autograd": "numpy", "tensorflow": "keras", "equinox": "jax"}
"""Frameworks that are observed in the process of another."""
SLOW_TO_COMPILE = ("torch-compile", "torch-compile-manual")
"""Observed at one shape only, as each is compiled for seconds."""
FAULTY = {
    "jax": ["jax-jit unfenced", "jax-jit captured"],
    "torch": ["torch-eager accumulating"],
    "numpy": ["numpy deferred"],
}
"""Faults that are observed beside the right ones: what does not see them does not see anything."""


def rows_of(name: str) -> int:
    """The batch at which the results of an implementation are observed."""
    return LARGE if name in SLOW_TO_COMPILE else BATCH


def process_of(name: str) -> str:
    """The process that an implementation is observed in: its framework's, or one of its own."""
    entry = REGISTRY[name.partition(" ")[0]]
    return name if name in ALONE else SHARED.get(entry.framework, entry.framework)


def observed(name: str) -> dict[str, Any]:
    """What was seen of an implementation, or of a fault; the process runs once for all that share it."""
    return _observed(process_of(name))[name]


@cache
def _observed(process: str) -> dict[str, dict[str, Any]]:
    names = [name for name in REGISTRY if process_of(name) == process and not REGISTRY[name].missing()]
    names += FAULTY.get(process, [])
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.observations", *names],
        cwd=ROOT,
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    seen = [json.loads(line.removeprefix("SEEN ")) for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(seen) == len(names), f"the process ended early: {done.stderr[-3000:]}"
    return {entry["name"]: entry for entry in seen}


def find(name: str) -> type:
    """The class of a registry's name, or of a fault."""
    if name in REGISTRY:
        return REGISTRY[name].load()
    from tests.benchmarks import planted

    return getattr(planted, name)


def observe(name: str) -> dict[str, Any]:
    """Everything that the contract says and a type cannot, seen on fresh instances."""
    cls = find(name)
    before = {module for module in FRAMEWORKS if module in sys.modules}
    seen: dict[str, Any] = {"name": name, "dtypes": {}}
    for dtype in DTYPES if name in DEFAULT else DTYPES[:1]:  # test_rungs.py has all of them in all cases
        try:
            seen["dtypes"][dtype] = observe_results(cls, dtype, rows_of(name))
        except Unavailable as reason:
            seen["dtypes"][dtype] = {"unavailable": str(reason)}
    if "results" in seen["dtypes"]["float32"]:
        seen["follows its data"] = follows_its_data(cls, rows_of(name))
        seen["left undone"] = left_undone(cls)
        if sys.modules.get("jax") and REGISTRY[name.partition(" ")[0]].framework == "jax":
            seen["not ready"] = not_ready(cls)
    if name in ON_GPU:
        seen["on a GPU"] = ON_GPU[name](cls)
    seen["frameworks"] = sorted(before | {module for module in FRAMEWORKS if module in sys.modules})
    return seen


def prepared(cls: type, dtype: str = "float32", batch: int = BATCH, seed: int = 1) -> Any:
    implementation = cls()
    implementation.prepare(XOR, XOR.parameters(1), batch, dtype, seed=seed)
    return implementation


def observe_results(cls: type, dtype: str, batch: int) -> dict[str, Any]:
    """Layout of every pass's result, whether it repeats, and whether what was converted stays as it was."""
    implementation = prepared(cls, dtype, batch)
    read = implementation.to_numpy
    predictions = read(implementation.forward())
    gradients = [read(implementation.value_and_grad()) for _ in range(3)]
    kept = [np.array(tensor) for tensor in flat(gradients[0])]
    predictions_kept = np.array(predictions)
    steps = [read(implementation.train_step(RATE)) for _ in range(2)]
    after = read(implementation.value_and_grad())
    first_step_kept = [np.array(tensor) for tensor in flat(steps[0])]
    read(implementation.forward())
    implementation.train_step(RATE)
    return {
        "results": {
            "forward": layout(predictions),
            "value_and_grad": layout(gradients[0]),
            "train_step": layout(steps[0]),
        },
        "repeats": all(same(flat(gradients[0]), flat(again)) for again in gradients[1:]),
        "step's loss is that of before": bool(steps[0][0] == gradients[0][0]),
        "moves": not same(flat(after), flat(gradients[0])) and not same(flat(steps[0]), flat(steps[1])),
        "stays": same(kept, flat(gradients[0]))
        and same([predictions_kept], [predictions])
        and same(first_step_kept, flat(steps[0])),
    }


def flat(pair: Any) -> list[Any]:
    return [pair[0], *tensors(pair[1]).values()]


def same(some: list[Any], others: list[Any]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def layout(result: Any) -> Any:
    """A result in words: kind, shape and dtype of every array in it."""
    if isinstance(result, tuple) and not isinstance(result, Layer):
        return [layout(part) for part in result]
    if isinstance(result, list):
        return [[type(part).__name__, *(layout(tensor) for tensor in part)] for part in result]
    kind = "array" if isinstance(result, np.ndarray | np.generic) else type(result).__name__
    return [kind, list(np.shape(result)), str(getattr(result, "dtype", None))]


def follows_its_data(cls: type, batch: int) -> bool | None:
    """Whether other data in the place of its own change what a prepared and called implementation returns.

    None where it keeps its data in none of the places of DATA.
    """
    implementation, other = prepared(cls, batch=batch), prepared(cls, batch=batch, seed=2)
    kept = [name for name in DATA if hasattr(implementation, name)]
    if not kept:
        return None
    before = flat(implementation.to_numpy(implementation.value_and_grad()))
    expected = flat(other.to_numpy(other.value_and_grad()))
    assert not same(before, expected)
    for name in kept:
        setattr(implementation, name, getattr(other, name))
    return same(flat(implementation.to_numpy(implementation.value_and_grad())), expected)


def passes(implementation: Any) -> dict[str, Callable[[], Any]]:
    return {
        "forward": implementation.forward,
        "value_and_grad": implementation.value_and_grad,
        "train_step": lambda: implementation.train_step(RATE),
    }


def left_undone(cls: type) -> dict[str, list[float]]:
    """For each pass, the share of its work that was still to do when it returned, of some rounds, sorted.

    0 for a call that waits, up to 1. On a busy machine another thread may be done before a call returns that does not
    wait, and work that belongs to no call (a compiler's processes being ended) can be taken for what a call left.
    Work is the CPU time of all threads of this process, which no other process can change. What is left when the call
    returns is done at the latest when `to_numpy` has the numbers; what the conversion itself costs is known from doing
    it again.
    """
    implementation = prepared(cls, batch=LARGE)
    read, now_ns = implementation.to_numpy, time.process_time_ns
    found = {}
    for name, call in passes(implementation).items():
        read(call())
        shares = []
        gc.disable()
        for _ in range(ROUNDS):
            began_ns = now_ns()
            result = call()
            returned_ns = now_ns()
            read(result)
            first_ns = now_ns()
            read(result)
            second_ns = now_ns()
            left_ns = max(0, (first_ns - returned_ns) - (second_ns - first_ns))
            shares.append(left_ns / (returned_ns - began_ns + left_ns))
        gc.enable()
        found[name] = sorted(shares)
    return found


def not_ready(cls: type) -> dict[str, int]:
    """For each pass, in how many of the calls some array of the result was not ready when the call had returned."""
    import jax

    implementation = prepared(cls, batch=LARGE)
    found = {}
    for name, call in passes(implementation).items():
        jax.block_until_ready(call())
        found[name] = 0
        for _ in range(ROUNDS):
            result = call()
            found[name] += not all(leaf.is_ready() for leaf in jax.tree.leaves(result))
            jax.block_until_ready(result)
    return found


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
    implementation.device = torch.device("cuda")
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
    implementation.on_gpu = True
    return recorded(implementation, events)


def recorded(implementation: Any, events: list[str]) -> dict[str, list[str]]:
    found = {}
    for name, call in passes(implementation).items():
        events.clear()
        call()
        found[name] = list(events)
    return found


ON_GPU = {"torch-eager": torch_on_gpu, "keras-xla": keras_on_gpu}

if __name__ == "__main__":
    for target in sys.argv[1:]:
        print("SEEN", json.dumps(observe(target)), flush=True)
