"""A case that would not fit into the memory is skipped before it is built, and the reason has the figures."""

from __future__ import annotations

import gc
import platform
import tracemalloc

import pytest

from samegrad.benchmarks.clock import memory
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.clock.noise import FEW_PAGES
from samegrad.benchmarks.clock.worker import Worker
from samegrad.impls import child
from samegrad.impls.errors import Unavailable
from samegrad.impls.problem import LINE, TF32, XOR, check_batch
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task


def xor(batch, dtype="float32", device="cpu"):
    return Task(XOR, XOR.parameters(), batch, dtype, device)


def prepare(worker, task):
    worker.prepare("numpy", "value_and_grad", task.as_json())


@pytest.fixture
def worker():
    before = gc.get_freeze_count()
    worker = Worker()
    worker.start("samegrad.impls.on_numpy.manual:NumpyManual", threads=1)
    yield worker
    if not before:
        gc.unfreeze()


def test_a_batch_that_does_not_fit_is_refused_before_anything_is_made_of_it(worker, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**20)
    prepare(worker, xor(2048))

    def rows(batch, seed):
        raise AssertionError("the data are made already")

    monkeypatch.setattr("samegrad.impls.problem._xor_rows", rows)
    monkeypatch.setitem(vars(worker), "implementation", rows)
    message = r"65536 rows of xor in float32 need about 0.017 GiB, and 0.00098 GiB are free; take smaller batches"
    with pytest.raises(Unavailable, match=message):
        prepare(worker, xor(65536))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_estimate_is_no_less_than_what_is_held_and_not_ten_times_as_much(worker, dtype):
    """By what NumPy tells tracemalloc of its arrays, those of the reference among them."""
    batch = check_batch(100_000)
    tracemalloc.start()
    try:
        prepare(worker, xor(batch, dtype))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= memory.need_bytes(xor(batch, dtype)) <= 10 * peak_bytes


@pytest.mark.parametrize(("batch", "networks"), [(4, 4000), (512, 200)])
def test_the_estimate_of_several_networks_is_neither_less_nor_ten_times_as_much(batch, networks):
    worker, task = Worker(), Task(XOR, XOR.parameters(networks=networks), batch)
    worker.start("samegrad.impls.on_numpy.networks:NumpyNetworks", threads=1)
    tracemalloc.start()
    try:
        worker.prepare("numpy-networks", "value_and_grad", task.as_json())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= memory.need_bytes(task) <= 10 * peak_bytes


def test_the_estimate_grows_with_rows_units_and_digits():
    assert memory.need_bytes(xor(1_000_000)) == 280_000_000
    assert memory.need_bytes(xor(10, "float64")) == 10 * (120 + 5 * 8 * 8)
    assert memory.need_bytes(Task(LINE, LINE.parameters(), 10, TF32)) == 10 * (80 + 5 * 4 * 3)
    assert memory.need_bytes(xor(10, device="gpu")) == 1_200  # its arrays are the GPU's affair


def test_a_container_s_limit_binds(monkeypatch):
    monkeypatch.setattr(memory.environment, "container", lambda: {"memory_bytes": 12345})
    assert memory.free_bytes() == 12345
    monkeypatch.setattr(memory.environment, "container", lambda: {"memory_bytes": None})
    assert memory.free_bytes() > 12345


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are glibc's")
def test_a_worker_keeps_its_heap_and_counts_the_pages_that_a_call_faults_in(monkeypatch):
    """Where arrays of 64 KiB and more are given back, each call's are faulted in anew."""

    def faults():
        worker = WorkerProcess("numpy-tutorial", 1, 60)
        try:
            worker.ask("start", target=get_entry("numpy-tutorial").target, threads=1)
            task = Task(XOR, XOR.parameters(), 16384)
            worker.ask("prepare", key="numpy-tutorial", pass_name="value_and_grad", task=task.as_json())
            return worker.ask("time", key="numpy-tutorial", prefix=5, calls=20)["faults"]
        finally:
            worker.close()

    assert faults() < FEW_PAGES
    fixed = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    monkeypatch.setattr(child, "MEMORY_VARIABLES", child.MEMORY_VARIABLES | fixed)
    assert faults() > 64
