"""`samegrad selfcheck`: known work under known loads, by our clock and by stock pytest-benchmark beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import psutil

from samegrad.benchmarks.clock.environment import environment
from samegrad.benchmarks.clock.selfcheck import judging, measuring
from samegrad.benchmarks.clock.selfcheck.fence import DEFERRED
from samegrad.benchmarks.clock.selfcheck.load import OTHER_CPU, QUIET, SAME_CPU, busy, conditions, why_not
from samegrad.benchmarks.documents.selfcheck import Finding, Selfcheck
from samegrad.impls.console.steps import Steps
from samegrad.impls.documents.base import made
from samegrad.impls.registry import DEFAULT, get_entry


@dataclass(frozen=True)
class Seconds:
    """Seconds of each part under one condition; a part with any time is done at least once."""

    workers: float
    pairs: float
    stock: float


@dataclass(frozen=True)
class SelfcheckPlan:
    """Seconds of every part of the self-check: more time gives more trials, and so narrower limits."""

    under: dict[str, Seconds]
    bias: float
    first: float
    fence: float = 20
    """An estimate and not a limit: each implementation is observed once."""

    @property
    def seconds(self) -> float:
        return sum(sum(astuple(part)) for part in self.under.values()) + self.bias + self.first + self.fence


FULL = SelfcheckPlan(
    {QUIET: Seconds(70, 25, 40), OTHER_CPU: Seconds(35, 15, 20), SAME_CPU: Seconds(45, 20, 20)}, 12, 12
)
QUICK = SelfcheckPlan({QUIET: Seconds(7, 4, 1), OTHER_CPU: Seconds(0, 4, 0), SAME_CPU: Seconds(0, 4, 0)}, 2, 2)


def selfcheck(quick: bool = False) -> Selfcheck:
    """Run the self-tests, with their progress on standard error."""
    plan = QUICK if quick else FULL
    busy_before = psutil.cpu_percent(interval=1.0) / 100
    started, began_s = made(), time.monotonic()
    with Steps(about_s=plan.seconds) as steps:
        findings, skipped = run(plan, steps)
    return Selfcheck.of(
        {
            "started": started,
            "seconds": round(time.monotonic() - began_s, 1),
            "quick": quick,
            "busy_before": busy_before,
            "environment": environment(),
            "findings": findings,
            "skipped": skipped,
        }
    )


def run(plan: SelfcheckPlan, tick: Callable[[str], None]) -> tuple[list[Finding], list[dict[str, str]]]:
    """Measure and judge every part. Returns the findings, and what could not be measured with its reason."""
    findings: list[Finding] = []
    skipped: list[dict[str, str]] = []

    def attempt(check: str, condition: str, measure: Callable[[], list[Finding]]) -> None:
        tick(f"{check}, {condition}")
        try:
            findings.extend(measure())
        except measuring.NotMeasured as reason:
            skipped.append({"check": check, "condition": condition, "reason": str(reason)})

    quiet_launches: list[dict[str, float]] = []
    for condition, cpus in conditions().items():
        if cpus is None:
            skipped.append({"check": "under load", "condition": condition, "reason": why_not(condition)})
            continue
        with busy(cpus):
            _under(condition, plan.under[condition], attempt, tick, quiet_launches)

    attempt("bias", QUIET, lambda: judging.bias(_trials("bias", plan.bias, tick)))
    attempt("first call", QUIET, lambda: judging.first_call(_trials("first", plan.first, tick)))
    for name in (*DEFAULT, DEFERRED):
        if name != DEFERRED and (reason := get_entry(name).missing()):
            skipped.append({"check": "fence", "condition": QUIET, "reason": reason})
        else:
            attempt("fence", QUIET, partial(_fence, name))
    attempt("noise rule", "scripted", judging.noise_rule)
    return findings, skipped


def _under(
    condition: str,
    seconds: Seconds,
    attempt: Callable[[str, str, Callable[[], list[Finding]]], None],
    tick: Callable[[str], None],
    quiet_launches: list[dict[str, float]],
) -> None:
    """The parts that are measured under every condition; the quiet launches are kept to compare the others with."""

    def workers() -> list[Finding]:
        launches = measuring.launches(seconds.workers, lambda: tick(f"between workers, {condition}"), judging.FIVE)
        findings = judging.launches_of_workers(launches, condition)
        if condition == QUIET:
            quiet_launches.extend(launches)
        elif quiet_launches:
            findings += judging.shift_under_load(quiet_launches, launches, condition)
        return findings

    def stock() -> list[Finding]:
        tests = "test" if condition == QUIET else "test_pairs"
        sessions = measuring.gather(lambda: measuring.stock(tests), seconds.stock, lambda: tick(f"stock, {condition}"))
        findings = judging.stock_pairs(sessions, condition)
        if condition == QUIET:
            findings += judging.stock_bias(
                [one["test_bias"]["median"] / one["test_bias"]["timeit_s"] for one in sessions]
            )
            findings += judging.stock_first_call(sessions)
        return findings

    if seconds.pairs:
        attempt(
            "in one process",
            condition,
            lambda: judging.pairs_in_one_process(_trials("pairs", seconds.pairs, tick), condition),
        )
    if seconds.workers:
        attempt("between workers", condition, workers)
    if seconds.stock:
        attempt("stock", condition, stock)


def _fence(name: str) -> list[Finding]:
    return judging.fences(name, measuring.fence(name), is_deferred=name == DEFERRED)


def _trials(name: str, seconds: float, tick: Callable[[str], None]) -> list[Any]:
    return measuring.gather(lambda: measuring.trial(name), seconds, lambda: tick(name))
