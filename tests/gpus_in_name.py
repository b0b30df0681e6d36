"""GPUs in name only: what frameworks say of a GPU, put in their mouths where there is none, and what is made of it.

Each function runs in its framework's own process (see `tests/impls/test_on_gpu.py`) and leaves the framework as it was.
What it returns is asserted in `tests/impls/test_on_gpu.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from samegrad.impls.errors import Unavailable
from samegrad.impls.problem import XOR
from samegrad.impls.serve import failure
from samegrad.impls.task import Task

TORCH_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which 1.02 GiB is free."
)
JAX_MEMORY = "RESOURCE_EXHAUSTED: Failed to allocate request for 4.00GiB (4294967296B) on device ordinal 0"
TENSORFLOW_MEMORY = "failed to allocate memory [Op:AddV2]"


def output(call: Callable[..., Any], *arguments: Any) -> str:
    """What a call returns, in words, or why it is refused."""
    try:
        return str(call(*arguments))
    except Unavailable as reason:
        return f"Unavailable: {reason}"


def in_torch() -> dict[str, Any]:
    import torch

    from samegrad.impls.on_torch import shared as on_torch
    from samegrad.impls.on_torch.autograd import TorchEager

    subject = TorchEager()
    actual: dict[str, Any] = {"without": [output(on_torch.find_device, name) for name in ("gpu", "cuda:1", "mps")]}
    actual["precision"] = [torch.get_float32_matmul_precision()]
    with patch("torch.cuda.device_count", lambda: 2):
        actual["with two"] = [output(on_torch.find_device, name) for name in ("gpu", "cuda", "cuda:1", "cuda:2", "mps")]
        for capability in ((7, 5), (9, 0)):
            with patch("torch.cuda.get_device_capability", lambda device, capability=capability: capability):
                actual["precision"].append(output(TorchEager.allow_tf32, True, "cuda:1"))
                actual["precision"].append(torch.get_float32_matmul_precision())
    TorchEager.allow_tf32(False, "cpu")
    actual["precision"].append(torch.get_float32_matmul_precision())
    with patch("torch.backends.mps.is_available", lambda: True):
        actual["with mps"] = [output(on_torch.find_device, name) for name in ("gpu", "mps", "cuda")]
        actual["mps in float64"] = output(subject.place, "float64", "mps")
    with (
        patch("torch.cuda.device_count", lambda: 2),
        patch("torch.cuda.set_device", lambda device: actual.setdefault("taken", []).append(str(device))),
        patch("torch.cuda.reset_peak_memory_stats", lambda device: actual["taken"].append(f"{device} counts anew")),
    ):
        actual["kind"] = str(subject.place("float32", "cuda:1"))
        actual["waits"] = subject.is_async
    here, elsewhere = torch.zeros(1), torch.zeros(1, device="meta")
    actual["places"] = [subject.device_of(result) for result in (here, (here, [here]), (here, [here, elsewhere]))]
    subject.device = torch.device("cuda", 1)
    event = SimpleNamespace(record=lambda: None, synchronize=lambda: None, elapsed_time=lambda end: 2.5)
    with (
        patch("torch.cuda.max_memory_allocated", lambda device: 1000 + device.index),
        patch("torch.cuda.Event", lambda enable_timing: event),
    ):
        actual["answers"] = [subject.device_memory_bytes(), subject.device_ns(lambda: None)]
    actual["out of memory"] = failure(torch.OutOfMemoryError(TORCH_MEMORY))["failed"]
    return actual


def in_jax() -> dict[str, Any]:
    import jax

    from samegrad.impls.on_jax import shared as on_jax
    from samegrad.impls.on_jax.autodiff import JaxJit

    subject = JaxJit()
    actual: dict[str, Any] = {"without": [output(on_jax.find_device, name) for name in ("gpu", "cuda:1", "mps")]}
    actual["precision"] = [jax.config.jax_default_matmul_precision]
    for capability in ("7.5", "gfx90a", "10.0"):
        gpus = [SimpleNamespace(compute_capability=capability)]
        with patch("jax.devices", lambda kind, gpus=gpus: gpus):
            actual["precision"].append(output(JaxJit.allow_tf32, True, "gpu"))
            actual["precision"].append(jax.config.jax_default_matmul_precision)
    JaxJit.allow_tf32(False, "cpu")
    actual["precision"].append(jax.config.jax_default_matmul_precision)
    with patch("jax.devices", lambda kind: [f"{kind} 0", f"{kind} 1"]):
        actual["with two"] = [output(on_jax.find_device, name) for name in ("gpu", "cuda:1", "cuda:2")]

    def leaf(platform: str, number: int) -> Any:
        return SimpleNamespace(devices=lambda: [SimpleNamespace(platform=platform, id=number)])

    here, there = leaf("cpu", 0), leaf("gpu", 1)
    actual["places"] = [subject.device_of(result) for result in (here, (there, [there]), (there, [here]))]
    actual["place of a result"] = subject.device_of((jax.numpy.zeros(1), [(jax.numpy.ones(2), jax.numpy.ones(1))]))
    peaks = iter([100, 150, 150, 150])
    subject.device = SimpleNamespace(memory_stats=lambda: {"peak_bytes_in_use": next(peaks)})
    actual["memory"] = []
    for _ in range(2):
        subject.earlier_peak_bytes = subject._peak_bytes()
        actual["memory"].append(subject.device_memory_bytes())
    actual["out of memory"] = failure(jax.errors.JaxRuntimeError(JAX_MEMORY))["failed"]
    return actual


def in_tensorflow() -> dict[str, Any]:
    import tensorflow as tf

    from samegrad.impls.on_keras.tensorflow import KerasXla
    from samegrad.impls.on_tensorflow import shared as on_tensorflow

    experimental = tf.config.experimental
    subject = KerasXla()
    actual: dict[str, Any] = {"without": [output(on_tensorflow.find_device, name) for name in ("gpu", "cuda:1", "mps")]}
    try:
        with tf.device("/GPU:0"):
            actual["soft placement"] = f"on {tf.constant(1.0).device}"
    except (tf.errors.InvalidArgumentError, RuntimeError) as error:
        actual["soft placement"] = type(error).__name__
    gpus = [SimpleNamespace(name=f"/device:GPU:{number}") for number in range(2)]
    actual["precision"] = [experimental.tensor_float_32_execution_enabled()]
    with (
        patch("tensorflow.config.list_logical_devices", lambda kind: gpus if kind == "GPU" else []),
        patch("tensorflow.config.list_physical_devices", lambda kind: gpus),
    ):
        actual["with two"] = [output(on_tensorflow.find_device, name) for name in ("gpu", "cuda:1", "cuda:2", "mps")]
        for capability in ((7, 5), (9, 0)):
            details = {"compute_capability": capability}
            with patch("tensorflow.config.experimental.get_device_details", lambda gpu, details=details: details):
                actual["precision"].append(output(KerasXla.allow_tf32, True, "cuda:1"))
                actual["precision"].append(experimental.tensor_float_32_execution_enabled())
    actual["precision"].append(output(KerasXla.allow_tf32, True, "cpu"))
    KerasXla.allow_tf32(False, "cpu")
    actual["precision"].append(experimental.tensor_float_32_execution_enabled())

    def leaf(kind: str, number: int) -> Any:
        return SimpleNamespace(device=f"/job:localhost/replica:0/task:0/device:{kind}:{number}")

    here, there = leaf("CPU", 0), leaf("GPU", 1)
    actual["places"] = [subject.device_of(result) for result in (here, (there, [there]), (there, [here]))]
    subject.prepare(Task(XOR, XOR.parameters(), 4))
    actual["place of a result"] = subject.device_of(subject.train_step(0.1))
    subject.is_async, subject.short_name = True, "GPU:1"
    memory = {"GPU:1": {"current": 1, "peak": 7}}
    with patch("tensorflow.config.experimental.get_memory_info", memory.__getitem__):
        actual["answers"] = subject.device_memory_bytes()
    actual["scopes"] = scopes_of(subject, gpus)
    actual["out of memory"] = failure(tf.errors.ResourceExhaustedError(None, None, TENSORFLOW_MEMORY))["failed"]
    return actual


def scopes_of(subject: Any, gpus: list[Any]) -> dict[str, list[str]]:
    """The device scopes that a call enters, where there are two GPUs, by the device that is asked for."""
    entered: list[str] = []

    class Scope:
        def __init__(self, name: str) -> None:
            entered.append(name)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    actual = {}
    cpus = [SimpleNamespace(name="/device:CPU:0")]
    with (
        patch("tensorflow.config.list_logical_devices", lambda kind: gpus if kind == "GPU" else cpus),
        patch("tensorflow.device", Scope),
    ):
        for name in ("/device:CPU:0", "/device:GPU:0", "/device:GPU:1"):
            entered.clear()
            subject.device = name
            assert subject.here(lambda value: value + 1)(1) == 2
            actual[name] = list(entered)
    return actual
