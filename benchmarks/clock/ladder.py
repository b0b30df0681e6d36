"""`samegrad ladder`: what the obvious way of writing the network costs against the best way, and against the floor.

The goals are ratios, measured side by side in one interleaved run: one thread, float32, xor. Where a goal says *best*,
it is the fastest rung of that framework at that batch, and the interval is corrected for the choice. A goal is *met* or
*missed* only where the whole interval says so; otherwise it is *not resolved*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samegrad.benchmarks.clock import fresh
from samegrad.benchmarks.clock.call_cost import PARTS
from samegrad.benchmarks.clock.case import Case
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


@dataclass(frozen=True)
class Asked:
    """A goal before it is measured: see `documents.ladder.Goal`."""

    ours: str
    theirs: str
    batch: int
    factor: float | None
    at_most: bool = False
    pass_name: str = "value_and_grad"


def _faster(ours: str, theirs: str, *factors: float | None) -> list[Asked]:
    return [Asked(ours, theirs, batch, factor) for batch, factor in zip(BATCHES, factors, strict=True)]


def _near_floor(framework: str, *factors: float | None) -> list[Asked]:
    return [Asked(framework, "c-floor", n, factor, at_most=True) for n, factor in zip(BATCHES, factors, strict=True)]


GOALS: tuple[Asked, ...] = (
    *_faster("numpy-fast", "numpy-tutorial", 4.5, 6.0, 6.5),
    *_faster("torch", "torch-eager", 4.5, 6.0, 4.5),
    *_faster("jax", "jax-jit", 2.4, 2.5, 2.6),
    *_faster("tensorflow", "keras-graph", 2.4, 4.5, 9.0),
    *_faster("keras-jax", "keras-graph", 8.0, None, None),
    *_near_floor("numpy", None, 3.0, 3.0),
    *_near_floor("torch", None, 3.0, 3.0),
    *_near_floor("jax", None, 3.0, 3.0),
    *_near_floor("tensorflow", None, 3.0, 3.5),
    Asked("jax", "c-floor", 4, 3.0, at_most=True, pass_name=LOOP),
)


def rungs(framework: str) -> list[str]:
    """The implementations that count for a framework's best: its own, and for TensorFlow those of Keras on it too."""
    if framework == "tensorflow":
        return [name for name, entry in REGISTRY.items() if "tensorflow" in entry.packages]
    return [name for name, entry in REGISTRY.items() if entry.framework == framework]


def contenders(goal: Asked) -> list[str]:
    return rungs(goal.ours) if goal.ours in FRAMEWORKS else [goal.ours]


def cases() -> dict[Case, tuple[str, ...]]:
    """What must be measured: every rung at each batch, and the training loops beside the floor's."""
    loops = tuple(name for name, entry in REGISTRY.items() if entry.is_floor or entry.framework == "jax")
    asked = dict.fromkeys(case_of(goal) for goal in GOALS)
    return {case: loops if case.pass_name == LOOP else tuple(REGISTRY) for case in asked}


def case_of(goal: Asked) -> Case:
    return Case("xor", goal.pass_name, goal.batch, "float32", "cpu")


def judge(run: Run) -> list[Goal]:
    """Each goal beside what was measured: which rung was best, the ratio with its interval, and the word."""
    return [_judged(goal, run.groups[case_of(goal)].times_ns) for goal in GOALS]


def _judged(goal: Asked, times_ns: Mapping[str, Sequence[Any]]) -> Goal:
    measured = [name for name in contenders(goal) if times_ns.get(name) and name != goal.theirs]
    if not measured or not times_ns.get(goal.theirs):
        return Goal(**asdict(goal), best=None, ratio=None, low=None, high=None, word=NOT_MEASURED)
    best = min(measured, key=lambda name: min(quantiles(launch).median_ns for launch in times_ns[name]))
    slow, quick = (best, goal.theirs) if goal.at_most else (goal.theirs, best)
    interval = ratio_interval(launch_log_ratios(times_ns[slow], times_ns[quick]), comparisons=len(measured))
    return Goal(**asdict(goal), best=best, **interval._asdict(), word=_word(goal, interval))


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


def goals_table(judged: Sequence[Goal]) -> Table:
    """Measured against promised, a row per goal."""
    grid = Table(title="xor, float32, one thread: measured against promised", title_justify="left")
    for heading in ("what", "batch", "goal", "measured", ""):
        grid.add_column(heading, justify="right" if heading == "batch" else "left")
    colours = {MET: "green", MISSED: "red", NOT_RESOLVED: "yellow"}
    for goal in judged:
        measured = "–" if goal.ratio is None else f"{units.ratio(goal.ratio)}×"
        if interval := units.interval(goal.low, goal.high):
            measured += f" ({interval})"
        word = Text(goal.word, style=colours.get(goal.word, ""))
        grid.add_row(goal.said, f"{goal.batch:,}", "shown" if goal.factor is None else goal.target, measured, word)
    return grid


def call_cost_table(costs: Sequence[CallCost]) -> Table:
    """Where the microseconds of a call go at batch 4: the median over processes of each part."""
    grid = Table(title="xor value_and_grad at batch 4: the cost of a call, taken apart", title_justify="left")
    grid.add_column("implementation", no_wrap=True)
    for part in PARTS:
        grid.add_column(part, justify="right", no_wrap=True)
    for cost in costs:
        grid.add_row(cost.implementation, *(f"{cost.medians_ns[part] / 1e3:.1f} µs" for part in PARTS))
    return grid


def rungs_table(by_group: Mapping[str, Mapping[str, float]]) -> Table:
    """The time of every rung in every group, fastest at the first batch first."""
    grid = Table(title="every rung: median", title_justify="left")
    grid.add_column("implementation", no_wrap=True)
    for group in by_group:
        grid.add_column(group.removeprefix("xor ").removesuffix(" float32 cpu"), justify="right")
    first = next(iter(by_group.values()))
    for name in sorted(REGISTRY, key=lambda name: first.get(name, float("inf"))):
        times = [by_name.get(name) for by_name in by_group.values()]
        if any(times):
            grid.add_row(name, *(units.time(time) for time in times))
    return grid


def _word(goal: Asked, interval: Interval) -> str:
    low, high = interval.low, interval.high
    if goal.factor is None:
        return SHOWN
    if low is None or high is None:
        return PREVIEW
    if goal.at_most:
        return MET if high <= goal.factor else MISSED if low > goal.factor else NOT_RESOLVED
    return MET if low >= goal.factor else MISSED if high < goal.factor else NOT_RESOLVED


def measure_ladder(launches: int, budget_s: float, say: Callable[[str], None]) -> tuple[Ladder, str | None]:
    """Measure everything, and judge it; where a signal ended it, what is complete, and the signal's name."""
    request = Request(cases(), launches=launches, budget_s=budget_s)
    run = measure(request, lambda launch, _, message: say(f"launch {launch}/{launches}: {message}"))
    left_out = {f"{case.group}: {name}": str(failure) for case, name, failure in run.failures()}
    call_cost = {}
    if not run.interrupted:
        call_cost = fresh.measure(
            "samegrad.benchmarks.clock.call_cost",
            request.implementations,
            lambda number, name: say(f"cost of a call, process {number}/{fresh.PROCESSES}: {name}"),
            on_interrupt=run.interrupt,
        )
    if run.interrupted_by:
        left_out["the rest"] = f"interrupted by {run.interrupted_by}"
    found = {
        "started": run.launches[0]["started"],
        "environment": environment(),
        "goals": judge(run),
        "medians_ns": medians(run),
        "call_cost_ns": call_cost,
        "left_out": left_out,
        "noise": run.noise(),
    }
    return Ladder.of(found), run.interrupted_by


def show(ladder: Ladder) -> None:
    """Print the tables, and what was left out and why."""
    console = Console(highlight=False, markup=False)
    console.print(rungs_table(ladder.medians_ns))
    console.print(call_cost_table(ladder.costs))
    console.print(goals_table(ladder.goals))
    for what, reason in ladder.left_out.items():
        console.print(f"left out: {what}: {reason}")
    for reason in ladder.doubts:
        console.print(f"NOISY: {reason}")
