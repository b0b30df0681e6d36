"""Threads: verdicts of times that are known, workers of their own, and pools that are read back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samegrad.benchmarks.clock import blocks, cpus
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.results.threads import effects, sentence
from samegrad.impls.registry import get_entry
from tests.benchmarks.machine import FORWARD, Machine


def launches(rng, ns, count=5):
    return [ns * np.exp(0.01 * rng.standard_normal() + 0.01 * rng.standard_normal(20)) for _ in range(count)]


def times(launch_count=5):
    """Two threads halve one time at a large batch, double another at a small one, and else do nothing."""
    rng = np.random.default_rng(1)
    ns = {
        (1, 4): {"scales": 1e4, "stumbles": 1e4, "stays": 1e4},
        (2, 4): {"scales": 1e4, "stumbles": 2e4, "stays": 1e4},
        (1, 16384): {"scales": 1e7, "stumbles": 1e7, "stays": 1e7},
        (2, 16384): {"scales": 5e6, "stumbles": 1e7, "stays": 1e7},
    }
    return {key: {name: launches(rng, t, launch_count) for name, t in of.items()} for key, of in ns.items()}


def test_who_is_helped_and_who_is_slowed_down_is_reported_with_its_batch():
    text = sentence("xor value_and_grad", effects(times()))
    assert text.startswith("xor value_and_grad: 2 threads help scales at batch 16,384 (0.") and "stays" not in text
    assert " and slow down stumbles at batch 4 (" in text


def test_one_launch_shows_nothing_and_one_number_of_threads_compares_nothing():
    changes = effects(times(1))
    assert {effect.word for effect in changes} == {None} and len(changes) == 6
    assert sentence("x", changes) == "x: 2 threads make no difference that is shown."
    assert effects({key: of for key, of in times().items() if key[0] == 1}) == []


def test_equal_times_are_called_different_as_rarely_as_they_may_be():
    """All six intervals hold at once in 95 % of tables: 200 tables have more than 20 false words once in 1,000."""
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        table = {(n, b): {i: launches(rng, 1e4) for i in "abc"} for n in (1, 2) for b in (4, 256)}
        wrong += any(effect.word in ("faster", "slower") for effect in effects(table, margin=1e-9))
    assert wrong <= 20


def test_each_number_of_threads_has_workers_of_its_own():
    here = Machine({"fast": 1e3, "slow": 1e4, "(yardstick)": 1e4})
    cases = {replace(FORWARD, threads=count): ("fast", "slow") for count in (1, 2)}
    here.measure(launches=1, threads=2, cases=cases)
    started = [(asked.name, asked.request["threads"]) for asked in here.asked if asked.do == "start"]
    assert sorted(started)[:3] == [("(yardstick)", 1), ("fast", 1), ("fast", 2)] and ("slow", 2) in started
    assert len(started) == len(set(started))


def test_a_group_s_name_says_its_threads_where_there_are_several():
    case = Case("xor", "forward", 4, "float32", "cpu")
    assert case.group == "xor forward batch=4 float32 cpu"
    assert replace(case, threads=2).group == "xor forward batch=4 float32 cpu threads=2"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy", "torch-eager", "jax-jit", "keras-xla"])
@pytest.mark.parametrize("threads", [1, 2])
def test_every_pool_is_read_back_with_the_threads_asked_for(name, threads):
    """Of each framework at least one pool, by what it or threadpoolctl tells, or by the names of its threads."""
    entry = get_entry(name)
    if reason := entry.missing():
        pytest.skip(reason)
    if len(cpus.usable()) < threads:
        pytest.skip("fewer CPUs than that")
    process = WorkerProcess(name, threads, 300)
    try:
        process.ask("start", target=entry.target, threads=threads)
        task = Case("64-64-2", "value_and_grad", 64, "float32", "cpu", threads).task(42)
        actual = process.ask("prepare", key=name, pass_name="value_and_grad", task=task.as_json())["threads_found"]
    finally:
        process.close()
    assert actual.pop("threads of the process") >= 1
    assert actual and set(actual.values()) == {threads}, actual


def test_xla_s_pool_is_counted_by_the_names_of_its_threads(monkeypatch):
    monkeypatch.setattr(blocks, "_thread_names", lambda: ["python", "tf_XLAEigen", "tf_XLAEigen", "tf_Compute"])
    assert blocks.thread_pools()["XLA"] == 2
    monkeypatch.setattr(blocks, "_thread_names", lambda: ["python"])
    assert "XLA" not in blocks.thread_pools()
