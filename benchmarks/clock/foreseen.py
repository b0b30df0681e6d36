"""What a run takes at least, as far as that is known before anything has started."""

from __future__ import annotations

from collections.abc import Iterable

from samegrad.benchmarks.clock import schedule
from samegrad.benchmarks.clock.contestant import Contestant
from samegrad.benchmarks.clock.record import Request
from samegrad.benchmarks.results import units

START_S = {"keras": 8.0, "tensorflow": 6.0, "torch": 3.0, "jax": 1.5, "equinox": 2.0, "numpy": 0.5, "c": 0.5}
"""Seconds until a new process has imported its framework, on a machine with two cores and nothing else to do."""
CASE_S = {"keras": 0.6, "tensorflow": 0.6, "torch": 0.15, "jax": 0.5, "equinox": 0.5, "numpy": 0.05, "c": 0.05}
"""Seconds to build, trace and compile a case, and to pass its gate."""
TORCH_COMPILES_S = 5.0
"""Seconds that `torch.compile` adds to a case."""
WITNESSES = 2
"""The number of witnesses in every group: the sentinel and the yardstick."""


def start_s(contestant: Contestant) -> float:
    """Seconds from nothing to a process that has imported its framework, roughly."""
    return START_S.get(contestant.framework, 1.0)


def starts_s(request: Request) -> float:
    """Seconds that all launches start, build and compile, roughly: everything but the rounds."""
    named: Iterable[str] = [name for names in request.cases.values() for name in names]
    cases_s = sum(map(_case_s, map(request.contestant, named)))
    started = [request.contestant(name) for name in request.implementations]
    workers_s = sum(map(start_s, started)) + (WITNESSES * START_S["numpy"] if started else 0.0)
    return request.launches * (workers_s + cases_s)


def rounds_s(request: Request) -> float:
    """Seconds that the fewest rounds take, of all implementations and of the two witnesses."""
    prefix = max(schedule.PREFIX_SHARE, schedule.PREFIX_NS / request.block_ns)
    workers = sum(len(names) + WITNESSES for names in request.cases.values())
    return request.launches * request.least_rounds * workers * request.block_ns * (1 + prefix) / 1e9


def budget_warning(request: Request) -> str:
    """A warning that the budget is too small, with the least that is needed; empty where it may do."""
    starting, rounds = starts_s(request), rounds_s(request)
    if starting + rounds <= request.budget_s:
        return ""
    all_s, starting_s, measuring_s = (units.significant(s, 2) for s in (starting + rounds, starting, rounds))
    return (
        f"A budget of {request.budget_s:g} s cannot be kept: about {all_s} s is the least, of which starting and "
        f"compiling takes {starting_s} s and the least number of rounds ({request.least_rounds}) {measuring_s} s."
        " Fewer launches, implementations or batches take less."
    )


def _case_s(contestant: Contestant) -> float:
    compiles_s = TORCH_COMPILES_S if contestant.framework == "torch" and "compiled" in contestant.execution else 0.0
    return CASE_S.get(contestant.framework, 0.5) + compiles_s
