"""A cold start is observed in processes of its own, phase by phase, and one that fails says why."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from samegrad.benchmarks.clock import call_cost, cold_start, fresh
from samegrad.benchmarks.clock.call_cost import PARTS, NegativePart, take_apart
from samegrad.benchmarks.clock.cold_start import PHASES
from samegrad.benchmarks.clock.fresh import PROCESSES
from samegrad.benchmarks.clock.tables import render
from samegrad.impls.registry import REGISTRY

measure = partial(fresh.measure, cold_start.__name__)


def silent(number, name):
    pass


@pytest.mark.slow
def test_every_phase_is_observed_in_every_process():
    """Import, build and two calls take some time each; NumPy alone holds more than 10 MB and less than 10 GB."""
    actual = measure(["numpy"], silent)["numpy"]
    for phase in PHASES:
        assert len(actual[phase]) == PROCESSES and min(actual[phase]) > 0
    assert all(10e6 < peak < 10e9 for peak in actual["peak_bytes"])


def test_implementations_take_turns_in_every_round(monkeypatch):
    """Each once a round, and in more than one order over the rounds."""
    progress = []
    monkeypatch.setattr(fresh, "_in_new_process", lambda name, *_: {phase: 1 for phase in PHASES})
    measure(["numpy", "numpy-tutorial", "c-floor"], lambda number, name: progress.append((number, name)))
    rounds = [[name for number, name in progress if number == one] for one in range(1, PROCESSES + 1)]
    assert all(sorted(names) == ["c-floor", "numpy", "numpy-tutorial"] for names in rounds)
    assert len(set(map(tuple, rounds))) > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no-such-implementation", "torch-cuda-graph"])
def test_one_that_cannot_start_says_why_and_is_not_tried_again(name):
    """A name that is none is a failure; a GPU that is not there is a reason to skip."""
    calls = []
    actual = measure([name], lambda number, _: calls.append(number))[name]
    assert len(calls) == 1
    if name == "torch-cuda-graph":
        assert actual["unavailable"] == REGISTRY[name].missing() or "CUDA" in actual["unavailable"]
    else:
        assert f"unknown implementation {name!r}" in actual["failed"]


def test_one_that_hangs_is_given_up():
    actual = measure(["numpy"], silent, time_limit_s=1e-3)["numpy"]
    assert actual["failed"] == "numpy: gave no answer to 'observe' within 0.001 s"


def test_the_table_shows_phases_memory_and_reasons():
    actual = {
        "numpy": {**{phase: [2e6, 1e6, 3e6] for phase in PHASES}, "peak_bytes": [2**20 * 90]},
        "jax-jit": {"unavailable": "jax-jit needs jax"},
    }
    text = render({"groups": [], "fits": [], "cold_start": actual})
    assert "2.00 ms" in text and "90 MiB" in text and "jax-jit needs" in text


def test_a_call_is_taken_apart_by_paired_differences():
    """A drift that hits a round's callables alike cancels; the parts add up to the whole."""
    drift = np.linspace(0, 500, 9)
    whole = {"empty": 10 + drift, "unfenced": 30 + drift, "fenced": 35 + drift, "converted": 75 + drift}
    parts = take_apart(whole)
    assert parts == {"empty call": 260, "dispatch": 20, "waiting": 5, "conversion": 40}


def test_a_part_that_is_negative_beyond_its_interval_is_a_failed_measurement():
    """An empty call by another way than the pass; a part that only scatters about 0 is none."""
    scatter = np.tile([-1.0, 1.0], 30)
    whole = {"empty": 79 + scatter, "unfenced": 14 + scatter, "fenced": 14 - scatter, "converted": 20 + scatter}
    with pytest.raises(NegativePart, match="dispatch comes out as -65 ns, and as -65 ns at most, of 20 ns"):
        take_apart(whole)
    assert take_apart(whole | {"empty": 10 + scatter})["waiting"] == 0


@pytest.mark.slow
def test_the_parts_of_a_call_are_observed_in_a_new_process():
    """NumPy's empty call takes some time, and less than its whole pass."""
    actual = fresh.measure(call_cost.__name__, ["numpy"], silent, processes=1)["numpy"]
    assert set(actual) == set(PARTS) and 0 < actual["empty call"][0] < actual["dispatch"][0]
