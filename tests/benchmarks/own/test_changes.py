"""From one environment to the other on a scripted machine: the changes, and the verdict of the gate."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.clock import record
from samegrad.benchmarks.clock.contestant import HERE
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK
from samegrad.benchmarks.own import changes
from samegrad.benchmarks.own.contender import Contender
from samegrad.benchmarks.runfile import RunFile
from tests.benchmarks.machine import CASES, VAG, Machine, gone

OLD, NEW = (Contender(name, HERE, "3.11.7", {"numpy": version}) for name, version in (("old", "2.1"), ("new", "2.4")))
COSTS_NS = {"a@old": 9_000.0, "a@new": 9_360.0, "b@old": 20_000.0, "b@new": 20_000.0, YARDSTICK: 5_000.0}


def measured(monkeypatch, spread=0.001, costs_ns=COSTS_NS, **options):
    """Four per cent slower in a, and nothing in b, with that much scatter from block to block."""
    rng = np.random.default_rng(0)
    machine = Machine(costs_ns, cost=lambda name, cost_ns, _: cost_ns * float(np.exp(rng.normal(0, spread))), **options)
    monkeypatch.setattr(record, "get_entry", machine.entry)
    return RunFile(machine.measure(launches=3, contenders=(OLD, NEW), baseline="a@old", margin=0.01), {})


def test_each_implementation_is_compared_with_itself(monkeypatch):
    actual = measured(monkeypatch).changes
    assert {(change.implementation, change.before, change.after) for change in actual} == {
        ("a", "old", "new"),
        ("b", "old", "new"),
    }
    assert len(actual) == 2 * len(CASES)
    for change in actual:
        assert change.low < (1.04 if change.implementation == "a" else 1.0) < change.high
        assert change.verdict == ("slower" if change.implementation == "a" else "equivalent")


def test_the_rounds_are_the_same_and_the_witness_is_of_the_old_one(monkeypatch):
    group = measured(monkeypatch).run.groups[VAG]
    assert {len(times) for times in group.times_ns.values()} == {3}
    assert group.baseline == "a@old" and SENTINEL in group.times_ns


@pytest.mark.parametrize(("limit", "status"), [(0.03, changes.IS_SLOWER), (0.05, changes.PASSED)])
def test_the_gate_fails_where_the_whole_interval_lies_beyond(monkeypatch, limit, status):
    actual, lines = changes.gate(measured(monkeypatch), limit)
    assert actual == status
    assert ("SLOWER by more than 3 %: a@new" in lines[0]) == (status == changes.IS_SLOWER)


def test_a_gate_that_judged_only_a_part_is_not_passed(monkeypatch):
    """The new environment lacks one implementation, or its worker dies."""
    lost = measured(monkeypatch, fault=lambda asked: gone(asked) if asked.name == "b@new" else None)
    status, lines = changes.gate(lost, 0.5)
    assert status == changes.NOT_JUDGED
    assert lines[0] == "That is no pass: not everything could be judged."
    assert any("b@new, xor value_and_grad" in line and "the first reason" in line for line in lines)


def test_what_scatters_too_much_is_not_judged(monkeypatch):
    status, lines = changes.gate(measured(monkeypatch, spread=3.0), 0.03)
    assert status == changes.NOT_JUDGED and any(line.startswith("NOT JUDGED") for line in lines)


def test_what_is_slower_fails_though_something_else_is_missing(monkeypatch):
    lost = measured(monkeypatch, fault=lambda asked: gone(asked) if asked.name == "b@new" else None)
    assert changes.gate(lost, 0.03)[0] == changes.IS_SLOWER


def test_the_lines_say_what_differs_and_what_it_comes_to(monkeypatch):
    lines = changes.in_words(measured(monkeypatch), 0.03)
    assert lines[0] == "Differs: numpy 2.1 in old, 2.4 in new"
    assert "Of 6 comparisons 3 became slower, 0 faster, 3 stayed within 1 %, and 0 are not resolved." in " ".join(
        " ".join(lines).split()
    )
    assert max(map(len, lines)) <= 80


def test_the_run_file_has_both(monkeypatch):
    actual = measured(monkeypatch).as_json()
    assert [contender["name"] for contender in actual["contenders"]] == ["old", "new"]
    assert len(actual["changes"]) == 6 and actual["contenders"][0]["versions"]["numpy"] == "2.1"


def test_ordinary_runs_have_none(monkeypatch):
    machine = Machine({"a": 9_000.0, YARDSTICK: 5_000.0})
    monkeypatch.setattr(record, "get_entry", machine.entry)
    run_file = RunFile(machine.measure(launches=2), {})
    assert run_file.changes == [] and not run_file.as_json()["changes"]
