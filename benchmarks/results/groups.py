"""One group of a run: its baseline, a row for each implementation, and the one sentence that they support."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import Interval, paired_log_ratio, pairs, pooled, quantiles, ratio_interval
from samegrad.benchmarks.results.verdict import BASELINE, EQUIVALENT, FASTER, MARGIN, NOT_RESOLVED, verdict

if TYPE_CHECKING:
    from samegrad.benchmarks.clock.case import Case

Times = Mapping[str, Sequence[NDArray[Any]]]
"""{implementation: [(rounds of launch 1,), (rounds of launch 2,), …]} in ns per call, aligned by round in a launch.

An implementation that died in launch n has its n − 1 complete launches."""


def choose_baseline(times: Times, fixed: str | None = None, floors: Collection[str] = ()) -> str:
    """The implementation all others are compared with.

    The one fixed beforehand, if it lasted as long as any; otherwise the fastest by median of those that did and are no
    floor. (A floor is a lower bound such as an empty call; it is shown, but nobody chooses between it and others.)
    """
    lasted = max(len(launches) for launches in times.values())
    candidates = [name for name in times if len(times[name]) == lasted]
    if fixed in candidates:
        return str(fixed)
    return min([name for name in candidates if name not in floors] or candidates, key=lambda name: _median(times[name]))


def launch_log_ratios(launches: Sequence[NDArray[Any]], baseline: Sequence[NDArray[Any]]) -> list[float]:
    """The paired log ratio of every launch that both completed."""
    return [paired_log_ratio(times, base) for times, base in zip(launches, baseline, strict=False)]


def launches_ratio(launches: Sequence[NDArray[Any]], others: Sequence[NDArray[Any]], comparisons: int = 1) -> Interval:
    """The time in one group over that in another, whose rounds are not paired: of the medians of the launches.

    The interval is one of `comparisons` that hold together.
    """
    medians_ns = [[quantiles(times).median_ns for times in of] for of in (launches, others)]
    return ratio_interval([float(np.log(a / b)) for a, b in zip(*medians_ns, strict=False)], comparisons)


def launch_figures(launches: Sequence[NDArray[Any]], baseline: Sequence[NDArray[Any]]) -> list[dict[str, Any]]:
    """The `launches` of a benchmark's extra_info: quantiles in ns, rounds, and the log ratio to the baseline."""
    ratios: list[float | None] = [*launch_log_ratios(launches, baseline)]
    ratios += [None] * (len(launches) - len(ratios))
    return [
        {"launch": number, **quantiles(times)._asdict(), "rounds": len(times), "log_ratio": ratio}
        for number, (times, ratio) in enumerate(zip(launches, ratios, strict=True), start=1)
    ]


UNDER_THE_FLOOR = "under the floor?"


def rows(times: Times, baseline: str, margin: float = MARGIN, floors: Collection[str] = ()) -> list[dict[str, Any]]:
    """One row per implementation, sorted by median; the intervals of all pairs of a group hold simultaneously."""
    count = pairs(len(times))

    def notes(name: str) -> list[str]:
        below = (
            ratio_interval(launch_log_ratios(times[name], times[floor]), count) for floor in floors if floor in times
        )
        return [UNDER_THE_FLOOR for interval in below if verdict(interval, margin) == FASTER]

    def row(name: str) -> dict[str, Any]:
        interval = Interval(1.0)
        word: str | None = BASELINE
        if name != baseline:
            interval = ratio_interval(launch_log_ratios(times[name], times[baseline]), count)
            word = verdict(interval, margin)
        figures = {"median_ns": _median(times[name]), **interval._asdict()}
        return {"implementation": name, **figures, "verdict": word, "notes": notes(name)}

    return sorted((row(name) for name in times if times[name]), key=lambda row: row["median_ns"])


def group_entry(
    case: Case,
    times: Times,
    calls: Mapping[str, int],
    baseline: str | None = None,
    floors: Collection[str] = (),
    margin: float = MARGIN,
) -> dict[str, Any]:
    """One entry of the run file's `groups`.

    times: ns per call, at least one launch of at least one implementation. calls: calls per block. baseline: the one
    fixed before these times were measured; without it, or where it did not last, the fastest is picked from them.
    """
    times = {name: launches for name, launches in times.items() if len(launches)}
    chosen = choose_baseline(times, baseline, floors)
    table = rows(times, chosen, margin, floors)
    where = f"At batch {case.batch}, {case.problem} {case.pass_name} ({case.dtype}, {case.device}{_with(case)})"
    return {
        "group": case.group,
        **case.as_json(),
        "threads": case.threads,
        "baseline": chosen,
        "rounds": [len(launch) for launch in times[chosen]],
        "calls": dict(calls),
        "rows": table,
        "sentence": sentence(where, chosen, table, margin),
    }


def _with(case: Case) -> str:
    threads = f", {case.threads} threads" if case.threads != 1 else ""
    return threads + (f", {units.count(case.networks)} networks" if case.networks != 1 else "")


def sentence(where: str, baseline: str, table: Sequence[Mapping[str, Any]], margin: float = MARGIN) -> str:
    """One sentence on what the table resolves, and nothing else."""
    others = [row for row in table if row["implementation"] != baseline]
    if not others:
        return f"{where}: {baseline} was measured alone."
    if all(row["verdict"] is None for row in others):
        return f"{where}: a preview; one launch carries no verdict."
    resolved = [_in_words(row, margin) for row in others if row["verdict"] not in (NOT_RESOLVED, None)]
    text = f"{where}, against {baseline}: {'; '.join(resolved) or 'nothing is resolved'}."
    if under := [row["implementation"] for row in table if UNDER_THE_FLOOR in row.get("notes", ())]:
        text += (
            f" Faster than the floor, the least that compiled C takes: look at what it leaves out: {', '.join(under)}."
        )
    return text


def _in_words(row: Mapping[str, Any], margin: float) -> str:
    if row["verdict"] == EQUIVALENT:
        return f"{row['implementation']} takes the same time within {100 * margin:g} %"
    interval = units.interval(row["low"], row["high"])
    return f"{row['implementation']} takes {units.ratio(row['ratio'])}× the time ({interval})"


def _median(launches: Sequence[NDArray[Any]]) -> float:
    return quantiles(pooled(launches)).median_ns if len(launches) else float("inf")


def launches_ns(data_s: Sequence[float], rounds: Sequence[int]) -> list[NDArray[np.float64]]:
    """pytest-benchmark's samples in s, launch after launch, as one array in ns for each launch."""
    return np.split(1e9 * np.asarray(data_s, dtype=np.float64), np.cumsum(rounds)[:-1])
