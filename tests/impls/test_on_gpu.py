"""The way to a GPU as far as a machine without one can go: finding, refusing, reading back, precision, memory.

The frameworks are real, in their own processes; the GPUs are in name only (`tests/gpus_in_name.py`), or the CPU
is taken for one (`tests/waiting.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from samegrad.impls.child import call
from samegrad.impls.implementation import PASSES
from samegrad.impls.registry import REGISTRY
from tests import gpus_in_name, waiting

NO_TF32 = "has no TF32: NVIDIA GPUs have it from compute capability 8.0 on; leave --tf32 out"
pytestmark = pytest.mark.slow

OBSERVED = {
    "torch-eager": (gpus_in_name.in_torch, waiting.torch_on_gpu),
    "jax-jit": (gpus_in_name.in_jax, waiting.jax_pipelined),
    "keras-xla": (gpus_in_name.in_tensorflow, waiting.keras_on_gpu),
}


def observe(name: str) -> dict[str, Any]:
    """What is made of GPUs in name, and when it is waited for a result, in the process of its framework."""
    in_name, waits = OBSERVED[name]
    return {**in_name(), "waiting": waits(REGISTRY[name].load())}


@cache
def observed(name):
    return call("tests.impls.test_on_gpu:observe", {"name": name}, timeout_s=600)


def made_of(name):
    if reason := REGISTRY[name].missing():
        pytest.skip(reason)
    return observed(name)


@pytest.mark.parametrize(
    ("name", "framework"), [("torch-eager", "torch"), ("jax-jit", "jax"), ("keras-xla", "tensorflow")]
)
def test_a_device_that_is_not_there_is_refused_by_name(name, framework):
    for asked, answer in zip(("gpu", "cuda:1", "mps"), made_of(name)["without"], strict=True):
        assert answer.startswith(f"Unavailable: {framework} ") and f"sees no {asked!r} device; use 'cpu'" in answer


def test_pytorch_finds_the_device_that_was_asked_for():
    actual = made_of("torch-eager")
    *there, third, mps = actual["with two"]
    assert there == ["cuda:0", "cuda:0", "cuda:1"]
    assert "sees no 'cuda:2' device" in third and "sees no 'mps' device" in mps
    assert actual["with mps"][:2] == ["mps", "mps"] and "sees no 'cuda' device" in actual["with mps"][2]
    assert actual["mps in float64"] == "Unavailable: PyTorch has no float64 on 'mps'; use float32, or device 'cpu'"


def test_pytorch_takes_the_device_and_counts_its_memory_anew():
    actual = made_of("torch-eager")
    assert actual["taken"] == ["cuda:1", "cuda:1 counts anew"]
    assert actual["kind"] == "{'device': device(type='cuda', index=1), 'dtype': torch.float32}"
    assert actual["waits"]


def test_jax_and_tensorflow_find_the_device_that_was_asked_for():
    *there, third = made_of("jax-jit")["with two"]
    assert there == ["gpu 0", "cuda 1"] and "sees no 'cuda:2' device" in third
    *there, third, mps = made_of("keras-xla")["with two"]
    assert there == ["/device:GPU:0", "/device:GPU:1"]
    assert "sees no 'cuda:2' device" in third and "sees no 'mps' device" in mps


def test_where_a_result_lies_is_read_from_every_array_of_it():
    assert made_of("torch-eager")["places"] == ["cpu", "cpu", "cpu and meta:0"]
    for name in ("jax-jit", "keras-xla"):
        actual = made_of(name)
        assert actual["places"] == ["cpu", "gpu:1", "cpu and gpu:1"] and actual["place of a result"] == "cpu"


def test_tensorflow_does_not_take_the_cpu_for_a_gpu():
    """With soft placement, which is its default, it does."""
    assert made_of("keras-xla")["soft placement"] in ("InvalidArgumentError", "RuntimeError")


def test_tensorflow_is_given_a_device_only_where_it_would_take_another():
    assert made_of("keras-xla")["scopes"] == {
        "/device:CPU:0": ["/device:CPU:0"],
        "/device:GPU:0": [],
        "/device:GPU:1": ["/device:GPU:1"],
    }


def test_tf32_is_off_until_a_case_asks_for_it_and_off_again_after_it():
    """Read back from the framework; an older GPU, AMD's, and the CPU refuse, and change nothing."""
    refused = [f"Unavailable: 'cuda:1' {NO_TF32}", "highest"]
    assert made_of("torch-eager")["precision"] == ["highest", *refused, "None", "high", "highest"]
    refused = [f"Unavailable: 'gpu' {NO_TF32}", "highest"]
    assert made_of("jax-jit")["precision"] == ["highest", *refused * 2, "None", "tensorfloat32", "highest"]
    refused = [f"Unavailable: 'cuda:1' {NO_TF32}", False]
    on_cpu = f"Unavailable: 'cpu' {NO_TF32}"
    assert made_of("keras-xla")["precision"] == [False, *refused, "None", True, on_cpu, False]


def test_memory_and_time_are_the_device_s_own():
    assert made_of("torch-eager")["answers"] == [1001, 2.5e6]
    assert made_of("keras-xla")["answers"] == 7
    assert made_of("jax-jit")["memory"] == [150, None]  # the second held no more than the process had held before


@pytest.mark.parametrize("name", OBSERVED)
def test_what_a_framework_raises_for_want_of_memory_is_reported_as_that(name):
    """Its own class and words."""
    assert made_of(name)["out of memory"] == "out of memory"


def test_on_a_gpu_pytorch_waits_last():
    """Once, for the device in use, after the model, all four gradients and the update. (Its CPU plays the GPU.)"""
    assert made_of("torch-eager")["waiting"] == {
        "forward": ["forward", "wait for cuda"],
        "value_and_grad": ["forward", *["gradient"] * 4, "wait for cuda"],
        "train_step": ["forward", *["gradient"] * 4, "update", "wait for cuda"],
        "two pipelined": [*["forward", *["gradient"] * 4] * 2, "wait for cuda"],
    }


def test_on_a_gpu_tensorflow_waits_last():
    """Once, after the compiled function."""
    assert made_of("keras-xla")["waiting"] == {
        "forward": ["_predict", "wait"],
        "value_and_grad": ["_value_and_grad", "wait"],
        "train_step": ["_descend", "wait"],
        "two pipelined": ["_value_and_grad", "_value_and_grad", "wait"],
    }


@pytest.mark.parametrize("pass_name", PASSES)
def test_pipelined_calls_do_not_wait_and_their_end_does(pass_name):
    """Of eight calls of JAX, which works on after a call has returned: some are not ready, and then all are."""
    before, after = made_of("jax-jit")["waiting"][pass_name]
    assert before > 0 and after == 0
