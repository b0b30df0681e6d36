"""The ladder's goals are judged by whole intervals, against the best rung, of what was really measured."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from samegrad.benchmarks.clock.ladder import (
    GOALS,
    Asked,
    case_of,
    cases,
    goals_table,
    judge,
    medians,
    rungs,
    rungs_table,
)
from samegrad.benchmarks.clock.record import Group, Request, Run
from samegrad.impls.registry import REGISTRY

ROUNDS, LAUNCHES = 10, 3
OTHERWISE_NS = 1e6


def scripted(per_call_ns):
    """A run in which each implementation takes a fixed time (1 ms if not given), launches scattering by 0.1 %."""
    run = Run(Request(cases()))
    for case, names in cases().items():
        group = run.groups[case] = Group()
        for number, name in enumerate(names):
            time_ns = per_call_ns.get(name, OTHERWISE_NS)
            scatter = 1 + 0.001 * np.sin(np.arange(LAUNCHES) + number)
            group.times_ns[name] = [np.full(ROUNDS, time_ns * factor) for factor in scatter]
    return run


def verdict(run, ours, theirs, batch=4, at_most=False):
    found = [
        row for row in judge(run) if (row.ours, row.theirs, row.batch) == (ours, theirs, batch)
        and row.pass_name == "value_and_grad" and row.at_most == at_most
    ]  # fmt: skip
    return found[0]


@pytest.mark.parametrize(("factor", "word"), [(5.0, "met"), (4.5, "not resolved"), (4.0, "missed")])
def test_a_goal_is_met_or_missed_only_by_its_whole_interval(factor, word):
    """The goal is 4.5 times: 5.0 ± 0.3 % is beyond it, 4.0 below, and 4.5 can be neither."""
    run = scripted({"numpy-tutorial": factor * 1000, "numpy-fast": 1000})
    row = verdict(run, "numpy-fast", "numpy-tutorial")
    assert row.word == word and row.ratio == pytest.approx(factor, rel=0.002)  # twice the scatter


def test_the_best_rung_of_a_framework_counts_and_is_named():
    run = scripted({"torch-eager": 90_000, "torch-manual": 10_000})
    row = verdict(run, "torch", "torch-eager")
    assert row.best == "torch-manual" and row.word == "met" and row.ratio == pytest.approx(9, rel=0.002)


def test_nearness_to_the_floor_is_judged_the_other_way_round():
    """At most 3 times slower: 2 times is met, 4 times is missed."""
    for slower, word in ((2, "met"), (4, "missed")):
        run = scripted({"c-floor": 1000, **dict.fromkeys(rungs("numpy"), slower * 1000)})
        assert verdict(run, "numpy", "c-floor", 16384, at_most=True).word == word


def test_what_was_not_measured_is_not_judged():
    run = scripted({})
    run.groups[case_of(Asked("numpy-fast", "numpy-tutorial", 4, 4.5))].times_ns.pop("numpy-fast")
    assert verdict(run, "numpy-fast", "numpy-tutorial").word == "not measured"


def test_one_launch_is_a_preview():
    run = scripted({"numpy-tutorial": 5000, "numpy-fast": 1000})
    for group in run.groups.values():
        group.times_ns = {name: launches[:1] for name, launches in group.times_ns.items()}
    assert verdict(run, "numpy-fast", "numpy-tutorial").word == "preview"


def test_every_goal_names_implementations_that_exist():
    """A goal about a rung that was renamed would be 'not measured' for ever."""
    for goal in GOALS:
        assert rungs(goal.ours) or goal.ours in REGISTRY, goal
        assert goal.theirs in REGISTRY, goal


def test_the_tables_tell_every_goal_and_every_rung():
    run = scripted({})
    console = Console(file=io.StringIO(), width=160)
    console.print(rungs_table(medians(run)), goals_table(judge(run)))
    text = console.file.getvalue()
    assert all(name in text for name in REGISTRY)
    assert text.count("faster than") + text.count("slower than") == len(GOALS)
