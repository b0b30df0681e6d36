"""The ladder's goals are judged by whole intervals, against the best rung, of what was really measured."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from rich.console import Console

from samegrad.benchmarks.clock import ladder
from samegrad.benchmarks.clock.call_cost import PARTS
from samegrad.benchmarks.clock.ladder import (
    GOALS,
    RUNGS,
    LadderGoal,
    call_cost_table,
    case_of,
    cases,
    goals_tables,
    judge,
    medians,
    rungs,
    rungs_table,
    show,
)
from samegrad.benchmarks.clock.record import Group, Request, Run
from samegrad.benchmarks.documents.ladder import MET, MISSED, NOT_RESOLVED, SHOWN, CallCost, Ladder
from samegrad.benchmarks.results import units
from samegrad.impls.child import ROOT
from samegrad.impls.documents.base import read

ROUNDS, LAUNCHES = 10, 3
SAMPLE = ROOT / "reports/sample/ladder.json"
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
    actual = [
        row for row in judge(run) if (row.ours, row.theirs, row.batch) == (ours, theirs, batch)
        and row.pass_name == "value_and_grad" and row.at_most == at_most
    ]  # fmt: skip
    return actual[0]


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
    """At most 2 times slower: 1.5 times is met, 4 times is missed."""
    for slower, word in ((1.5, "met"), (4, "missed")):
        run = scripted({"c-floor": 1000, **dict.fromkeys(rungs("numpy"), slower * 1000)})
        assert verdict(run, "numpy", "c-floor", 16384, at_most=True).word == word


def test_what_was_not_measured_is_not_judged():
    run = scripted({})
    run.groups[case_of(LadderGoal("numpy-fast", "numpy-tutorial", 4, 4.5))].times_ns.pop("numpy-fast")
    assert verdict(run, "numpy-fast", "numpy-tutorial").word == "not measured"


def test_one_launch_is_a_preview():
    run = scripted({"numpy-tutorial": 5000, "numpy-fast": 1000})
    for group in run.groups.values():
        group.times_ns = {name: launches[:1] for name, launches in group.times_ns.items()}
    assert verdict(run, "numpy-fast", "numpy-tutorial").word == "preview"


def test_every_goal_names_implementations_that_exist():
    """A goal about a rung that was renamed would be 'not measured' for ever."""
    for goal in GOALS:
        assert rungs(goal.ours) or goal.ours in RUNGS, goal
        assert goal.theirs in RUNGS, goal


def test_the_tables_tell_every_goal_and_every_rung_in_80_columns():
    """Nothing is cut or broken: every name, every number and every word of a row is on one line."""
    run = scripted({"tensorflow-manual": 123_456_789, "torch-compile-manual": 512_345})
    judged = judge(run, "OPENBLAS_CORETYPE=SkylakeX")
    costs = [CallCost("torch-compile-manual", dict.fromkeys(PARTS, (1.2e7,)))]
    console = Console(file=io.StringIO(), width=80)
    console.print(rungs_table(medians(run)), call_cost_table(costs), *goals_tables(judged))
    text = console.file.getvalue()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and "…" not in text
    assert all(any(line.split()[:1] == [name] for line in lines) for name in RUNGS)
    for goal in judged:
        assert f"{goal.ours} {goal.compared}" in text
        words = (f"{goal.batch:,}", goal.best, units.interval(goal.low, goal.high), goal.word)
        assert any(all(word in line for word in words) for line in lines), goal
    assert any(line.split() == ["torch-compile-manual", *["12000.0"] * 4] for line in lines)


def test_a_part_that_is_nothing_has_no_sign():
    """A difference of two times, and a fortieth of a microsecond below zero."""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(call_cost_table([CallCost("numpy", dict.fromkeys(PARTS, (-25.0,)))]))
    assert console.export_text().count(" 0.0") == len(PARTS)


def test_a_ladder_ends_with_what_became_of_its_goals(capsys):
    """And says once why several cases were left out."""
    ladder = read(SAMPLE, [Ladder])
    show(ladder)
    shown = capsys.readouterr().out
    words = [goal.word for goal in ladder.goals]
    assert shown.splitlines()[-1] == (
        f"Of {len(words) - words.count(SHOWN)} goals: {words.count(MET)} met, {words.count(MISSED)} missed, "
        f"{words.count(NOT_RESOLVED)} not resolved."
    )
    assert " ".join(shown.split()).count("Keras's own training loops return no gradient") == 1
    assert max(map(len, shown.splitlines())) <= 80


def test_where_a_variable_forces_the_kernels_the_goals_are_printed_at_both(monkeypatch):
    """The second time the processes are started without it; afterwards it is as it was."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    seen = []

    def measured(request, progress):
        seen.append(os.environ.get("OPENBLAS_CORETYPE"))
        run = scripted({"numpy-tutorial": 5000.0 * len(seen), "numpy-fast": 1000})
        run.launches.append({"launch": 1, "started": "2026-11-27T00:00:00+00:00"})
        return run

    monkeypatch.setattr(ladder, "measure", measured)
    monkeypatch.setattr(ladder.fresh, "measure", lambda *_, **__: {})
    actual, interrupted = ladder.measure_ladder(Request(cases(), budget_s=1.0), lambda line: None)
    assert seen == ["Prescott", None] and os.environ["OPENBLAS_CORETYPE"] == "Prescott" and interrupted is None
    ratios = {
        goal.kernels: round(goal.ratio, 1)
        for goal in actual.goals
        if (goal.ours, goal.theirs, goal.batch) == ("numpy-fast", "numpy-tutorial", 4)
    }
    assert ratios == {"OPENBLAS_CORETYPE=Prescott": 5.0, "BLAS's own kernels": 10.0}
    assert len(actual.goals) == 2 * len(GOALS)
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    actual, _ = ladder.measure_ladder(Request(cases(), budget_s=1.0), lambda line: None)
    assert {goal.kernels for goal in actual.goals} == {None}
