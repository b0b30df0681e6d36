"""`samegrad ladder`: what the obvious way of writing the network costs against the best way, and against the floor.

The goals are ratios, measured side by side in one interleaved run: one thread, float32, xor. Where a goal names *best*,
it is the fastest rung of that framework at that batch, and the interval is corrected for the choice. A goal is *met* or
*missed* only where the whole interval shows it; otherwise it is *not resolved*. Where a variable of the environment has
BLAS use other kernels than it would by itself, everything is measured a second time without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samegrad.benchmarks.clock import fresh
from samegrad.benchmarks.clock.call_cost import PARTS
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.doctor import forced_kernels, without_forced
from samegrad.benchmarks.clock.environment import environment
from samegrad.benchmarks.clock.record import Request, Run
from samegrad.benchmarks.clock.run import measure
from samegrad.benchmarks.documents.ladder import (
    MET,
    MISSED,
    NOT_MEASURED,
    NOT_RESOLVED,
    PREVIEW,
    SHOWN,
    CallCost,
    Goal,
    Ladder,
)  # fmt: skip
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, quantiles, ratio_interval
from samegrad.impls.implementation import LOOP
from samegrad.impls.registry import REGISTRY

BATCHES = (4, 16384, 262144)
FRAMEWORKS = ("numpy", "torch", "jax", "tensorflow")
RUNGS = {name: entry for name, entry in REGISTRY.items() if not entry.is_for_networks}
"""The rungs: every implementation that is made for one network."""


@dataclass(frozen=True)
class LadderGoal:
    """A goal before it is measured: see `documents.ladder.Goal`."""

    ours: str
    theirs: str
    batch: int
    factor: float | None
    at_most: bool = False
    pass_name: str = "value_and_grad"


def _faster(ours: str, theirs: str, *factors: float | None) -> list[LadderGoal]:
    return [LadderGoal(ours, theirs, batch, factor) for batch, factor in zip(BATCHES, factors, strict=True)]


def _near_floor(framework: str, *factors: float | None) -> list[LadderGoal]:
    return [
        LadderGoal(framework, "c-floor", n, factor, at_most=True) for n, factor in zip(BATCHES, factors, strict=True)
    ]


GOALS: tuple[LadderGoal, ...] = (
    *_faster("numpy-fast", "numpy-tutorial", 4.5, 6.0, 6.5),
    *_faster("torch", "torch-eager", 4.5, 6.0, 4.5),
    *_faster("jax", "jax-jit", 2.4, 2.5, 2.6),
    *_faster("tensorflow", "keras-graph", 2.4, 4.5, 9.0),
    *_faster("keras-jax", "keras-graph", 8.0, None, None),
    *(goal for framework in FRAMEWORKS for goal in _near_floor(framework, None, 2.0, 2.0)),
    LadderGoal("jax", "c-floor", 4, 3.0, at_most=True, pass_name=LOOP),
)


def rungs(framework: str) -> list[str]:
    """The implementations that count for a framework's best: its own, and for TensorFlow those of Keras on it too."""
    if framework == "tensorflow":
        return [name for name, entry in RUNGS.items() if "tensorflow" in entry.packages]
    return [name for name, entry in RUNGS.items() if entry.framework == framework]


def contenders(goal: LadderGoal) -> list[str]:
    return rungs(goal.ours) if goal.ours in FRAMEWORKS else [goal.ours]


def cases() -> dict[Case, tuple[str, ...]]:
    """The cases to measure: every rung at each batch, and the training loops beside the floor's."""
    loops = tuple(name for name, entry in RUNGS.items() if entry.is_floor or entry.framework == "jax")
    asked = dict.fromkeys(case_of(goal) for goal in GOALS)
    return {case: loops if case.pass_name == LOOP else tuple(RUNGS) for case in asked}


def case_of(goal: LadderGoal) -> Case:
    return Case("xor", goal.pass_name, goal.batch, "float32", "cpu")


def judge(run: Run, which: str | None = None) -> list[Goal]:
    """Each goal beside what was measured: which rung was best, the ratio with its interval, and the word."""
    return [_judged(goal, run.groups[case_of(goal)].times_ns, which) for goal in GOALS]


def _judged(goal: LadderGoal, times_ns: Mapping[str, Sequence[Any]], which: str | None) -> Goal:
    measured = [name for name in contenders(goal) if times_ns.get(name) and name != goal.theirs]
    if not measured or not times_ns.get(goal.theirs):
        return Goal(**asdict(goal), best=None, ratio=None, low=None, high=None, word=NOT_MEASURED, kernels=which)
    best = min(measured, key=lambda name: min(quantiles(launch).median_ns for launch in times_ns[name]))
    slow, quick = (best, goal.theirs) if goal.at_most else (goal.theirs, best)
    interval = ratio_interval(launch_log_ratios(times_ns[slow], times_ns[quick]), comparisons=len(measured))
    return Goal(**asdict(goal), best=best, **interval._asdict(), word=_word(goal, interval), kernels=which)


def medians(run: Run) -> dict[str, dict[str, float]]:
    """The median over all launches in ns, by group and implementation: the ladder itself."""
    return {
        case.group: {
            name: float(np.median(np.concatenate(launches)))
            for name, launches in group.times_ns.items()
            if launches and name in REGISTRY
        }
        for case, group in run.groups.items()
    }


def goals_tables(judged: Sequence[Goal]) -> Iterator[Table]:
    """Measured against promised: a table for each pair, a row for each batch."""
    colours = {MET: "green", MISSED: "red", NOT_RESOLVED: "yellow"}
    for (ours, compared), goals in groupby(judged, lambda goal: (goal.ours, goal.compared)):
        grid = Table(title=f"{ours} {compared}", title_justify="left", show_header=False, box=None, pad_edge=False)
        for width in (8, 6, 21, 24, 12):
            grid.add_column(justify="right" if width < 10 else "left", width=width, no_wrap=True)
        for goal in goals:
            measured = "–" if goal.ratio is None else f"{units.ratio(goal.ratio)}×"
            if interval := units.interval(goal.low, goal.high):
                measured += f" ({interval})"
            word = Text(goal.word, style=colours.get(goal.word, ""))
            target = "shown" if goal.factor is None else goal.target
            grid.add_row(f"{goal.batch:,}", target, goal.best or "–", measured, word)
        yield grid


def call_cost_table(costs: Sequence[CallCost]) -> Table:
    """Where the microseconds of a call go at batch 4: the median over processes of each part."""
    grid = Table(title="xor value_and_grad at batch 4: a call taken apart, µs", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("implementation", *PARTS):
        grid.add_column(heading, justify="right" if heading in PARTS else "left", no_wrap=True)
    for cost in costs:
        grid.add_row(cost.implementation, *(f"{cost.medians_ns[part] / 1e3:z.1f}" for part in PARTS))
    return grid


def rungs_table(by_group: Mapping[str, Mapping[str, float]]) -> Table:
    """The table of every rung's median in every group, the fastest at the first batch first."""
    grid = Table(title="every rung: median", title_justify="left", box=SIMPLE_HEAD)
    grid.add_column("implementation", no_wrap=True)
    for group in by_group:
        _, pass_name, batch, *_ = group.split()
        what = "gradient" if pass_name == "value_and_grad" else pass_name
        grid.add_column(f"{what}\n{batch.removeprefix('batch=')} rows", justify="right", no_wrap=True)
    first = next(iter(by_group.values()))
    for name in sorted(RUNGS, key=lambda name: first.get(name, float("inf"))):
        times = [by_name.get(name) for by_name in by_group.values()]
        if any(times):
            grid.add_row(name, *(units.time(time) for time in times))
    return grid


def _word(goal: LadderGoal, interval: Interval) -> str:
    low, high = interval.low, interval.high
    if goal.factor is None:
        return SHOWN
    if low is None or high is None:
        return PREVIEW
    if goal.at_most:
        return MET if high <= goal.factor else MISSED if low > goal.factor else NOT_RESOLVED
    return MET if low >= goal.factor else MISSED if high < goal.factor else NOT_RESOLVED


def steps(request: Request) -> int:
    """The number of progress messages of `measure_ladder`, without those of a noisy run's additional launches."""
    runs = 2 if forced_kernels(os.environ) else 1
    return runs * request.launches * (1 + len(request.cases)) + fresh.PROCESSES * len(request.implementations)


def measure_ladder(request: Request, say: Callable[[str], None]) -> tuple[Ladder, str | None]:
    """Measure everything, and judge it; where a signal ended it, what is complete, and the signal's name."""

    def measured(which: str) -> Run:
        prefix = f"{which}, launch" if which else "launch"
        return measure(request, lambda launch, _, message: say(f"{prefix} {launch}/{request.launches}: {message}"))

    forced = forced_kernels(os.environ)
    run = measured(forced)
    goals = judge(run, forced or None)
    left_out = {f"{case.group}: {name}": str(failure) for case, name, failure in run.failures()}
    call_cost = {}
    if not run.interrupted:
        call_cost = fresh.measure(
            "samegrad.benchmarks.clock.call_cost",
            request.implementations,
            lambda number, name: say(f"cost of a call, process {number}/{fresh.PROCESSES}: {name}"),
            on_interrupt=run.interrupt,
        )
    interrupted_by = run.interrupted_by
    if forced and not interrupted_by:
        with own_kernels():
            free = measured(OWN_KERNELS)
        goals += judge(free, OWN_KERNELS)
        interrupted_by = free.interrupted_by
    if interrupted_by:
        left_out["the rest"] = f"interrupted by {interrupted_by}"
    fields = {
        "started": run.launches[0]["started"],
        "environment": environment(),
        "goals": goals,
        "medians_ns": medians(run),
        "call_cost_ns": call_cost,
        "left_out": left_out,
        "noise": run.noise(),
    }
    return Ladder.of(fields), interrupted_by


OWN_KERNELS = "BLAS's own kernels"


@contextmanager
def own_kernels() -> Iterator[None]:
    """Remove, inside the block, the variables that choose BLAS's kernels for the processes started in it."""
    before = dict(os.environ)
    for name in before.keys() - without_forced(before).keys():
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)


def show(ladder: Ladder) -> None:
    """Print the tables, what was left out and why, and how many goals are met."""
    console = Console(highlight=False, markup=False)
    console.print(rungs_table(ladder.medians_ns))
    console.print(call_cost_table(ladder.costs))
    by_reason: dict[str, None] = dict.fromkeys(ladder.left_out.values())
    for reason in by_reason:
        whats = [what for what, its in ladder.left_out.items() if its == reason]
        console.print(f"left out: {whats[0]}{f' and {len(whats) - 1} more' * (len(whats) > 1)}: {reason}")
    console.print("xor, float32, one thread: measured against promised")
    console.print(*goals_tables(ladder.goals), sep="\n")
    for reason in ladder.doubts:
        console.print(f"NOISY: {reason}")
    console.print(ladder.summary)
