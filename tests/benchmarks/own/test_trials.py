"""Runs of which the truth is known, cut and counted: on a scripted machine that drifts."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from samegrad.benchmarks.clock import record
from samegrad.benchmarks.clock.contestant import HERE
from samegrad.benchmarks.clock.record import YARDSTICK
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.own import trials
from samegrad.benchmarks.own.contender import Contender
from tests.benchmarks.machine import VAG, Machine
from tests.benchmarks.test_runfile import document

COSTS_NS = {"a@old": 9_000.0, "a@same": 9_000.0, "a@planted": 9_270.0, YARDSTICK: 5_000.0}
LAUNCHES = 12


@pytest.fixture
def run(monkeypatch):
    """A machine that slows by 3 % from launch to launch, which its yardstick does not show."""
    rng = np.random.default_rng(0)

    def cost(name, cost_ns, machine):
        drift = 1.0 if name == YARDSTICK else 1.03 ** machine.progress[-1][0]
        return cost_ns * drift * float(np.exp(rng.normal(0, 0.003)))

    machine = Machine(COSTS_NS, cost=cost)
    monkeypatch.setattr(record, "get_entry", machine.entry)
    contenders = tuple(Contender(name, HERE, "3.11.7", {}) for name in ("old", "same", "planted"))
    names = tuple(name for name in COSTS_NS if name != YARDSTICK)
    return document(
        machine.measure(cases={VAG: names}, launches=LAUNCHES, contenders=contenders, baseline="a@old", margin=0.01)
    )


def test_every_whole_part_of_five_launches_is_a_comparison(run):
    actual = list(trials.trials(msgspec.convert(run, RunDocument)))
    for contender in ("same", "planted"):
        ways = [trial.way for trial in actual if trial.contender == contender]
        assert ways.count(trials.INTERLEAVED) == 2 and ways.count(trials.ONE_AFTER_THE_OTHER) == 1


def test_a_drift_is_seen_by_the_runs_one_after_the_other_alone(run):
    ratios = {
        (trial.way, trial.contender): trial.interval.ratio for trial in trials.trials(msgspec.convert(run, RunDocument))
    }
    assert ratios[trials.INTERLEAVED, "same"] == pytest.approx(1.0, abs=0.002)
    assert ratios[trials.INTERLEAVED, "planted"] == pytest.approx(1.03, abs=0.002)
    assert ratios[trials.ONE_AFTER_THE_OTHER, "same"] == pytest.approx(1.03**5, abs=0.005)


def test_the_table_counts_the_verdicts(run, tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(msgspec.json.encode(run))
    lines = CliRunner().invoke(trials.main, [str(path)]).output.splitlines()
    assert any(line.startswith(f"| {trials.INTERLEAVED} | same | 2 | 0 | 0 |") for line in lines)
    assert any(line.startswith(f"| {trials.INTERLEAVED} | planted | 2 | 2 | 0 |") for line in lines)
