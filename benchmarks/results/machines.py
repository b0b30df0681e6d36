"""From ratios on several machines to what holds on all of them, and on the next.

On machine h, launch l gives the log ratio

    yₕₗ = μ + uₕ + eₕₗ            u ~ N(0, τ²) between machines, e between the launches of one

With ȳₕ the mean over a machine's launches and S² the variance of ȳ₁ … ȳ_H, all machines with as many launches,

    μ        ȳ ± t(1 − α/2, H − 1) · S/√H                   the mean over machines of this kind
    ȳ_H₊₁    ȳ ± t(1 − α/2, H − 1) · S·√(1 + 1/H)           the ratio on the next one, measured as these were
    τ²       max(0, S² − mean of the ȳₕ's squared standard errors)

The first two are exact for normal u and e, since ȳ_H₊₁ − ȳ has the variance (1 + 1/H)(τ² + σ²/L), and S² is an
estimate of its second factor that is independent of both, with H − 1 degrees of freedom. (Random effects by analysis of
variance: Cochran, Biometrics 10, 1954; the interval for one more observation: Hahn, JASA 64, 1969.)

A meta-analysis (Paule and Mandel's, for one) would weight each machine by its own standard error. That is
estimated from so few launches that the weights are mostly noise: its 95 % prediction interval (Higgins, Thompson and
Spiegelhalter, J. R. Stat. Soc. A 172, 2009) then misses the next machine too often, as a test shows. With equal
standard errors the two agree; a test compares them.

The same arithmetic, one level up, takes kinds of machines for machines, and machines for launches.

*Ranks* are ranges that hold together (Mogstad, Romano, Shaikh and Wilhelm, Rev. Econ. Stud. 91, 2024): an
implementation comes after as many others as are shown to be faster, by the intervals of all pairs together, and before
as many as are shown to be slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import MOST_LOG, Interval, half_width, pairs, t_interval


class Across(NamedTuple):
    """A ratio over several machines: its mean, the ratio on the next machine, and how much machines differ.

    Both intervals are without ends for one machine. `tau` is the standard deviation of log ratios between machines,
    None where launches do not bound their own share.
    """

    machines: int
    mean: Interval
    next: Interval
    tau: float | None


def across(log_ratios: Sequence[ArrayLike]) -> Across:
    """What the log ratios of several machines, (launches,) each, say of all machines of their kind."""
    launches = [np.asarray(logs, dtype=float) for logs in log_ratios]
    means = np.array([logs.mean() for logs in launches])
    mean, low, high = t_interval(means)
    if low is None or high is None:
        return Across(1, _interval(mean), _interval(mean), None)
    half = float(half_width(next_error(means), means.size - 1))
    tau = None
    if all(logs.size > 1 for logs in launches):
        errors = np.mean([logs.var(ddof=1) / logs.size for logs in launches])
        tau = float(np.sqrt(max(0.0, means.var(ddof=1) - errors)))
    return Across(means.size, _interval(mean, low, high), _interval(mean, mean - half, mean + half), tau)


def next_error(means: NDArray[np.float64]) -> Any:
    """The standard error of one more machine's log ratio about the mean of these: (…, machines) → (…,)."""
    machines = means.shape[-1]
    return means.std(axis=-1, ddof=1) * np.sqrt(1 + 1 / machines)


def ranks(logs: ArrayLike) -> NDArray[np.int_]:
    """Every implementation's first and last possible rank: (…, implementations, 2), all of them together at 95 %.

    logs: (…, machines, implementations), log times on any scale that is the machine's own. One machine shows no order.
    """
    x = np.asarray(logs, dtype=float)
    machines, count = x.shape[-2:]
    if machines < 2:
        return np.broadcast_to(np.array([1, count]), (*x.shape[:-2], count, 2)).copy()
    difference = x[..., :, None] - x[..., None, :]  # (…, machines, i, j): positive where i takes longer than j
    error = difference.std(axis=-3, ddof=1) / np.sqrt(machines)
    half = half_width(error, machines - 1, pairs(count))
    mean = difference.mean(axis=-3)
    slower, faster = (mean > half).sum(axis=-1), (mean < -half).sum(axis=-1)
    return np.stack([1 + slower, count - faster], axis=-1)


def in_words(first: int, last: int) -> str:
    """A range of ranks in words: `1st`, or `1st to 2nd`."""
    return ordinal(first) if first == last else f"{ordinal(first)} to {ordinal(last)}"


def ordinal(number: int) -> str:
    """The rank as an ordinal: `1st`, `2nd`, `3rd`, `4th`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def sentence(name: str, reference: str, ratios: Sequence[float], where: str, over: Across | None, of: str) -> str:
    """What holds for one ratio: on all machines that were measured (`where`), and on the next `of` their kind."""
    least, most = units.ratio(min(ratios)), units.ratio(max(ratios))
    span = least if least == most else f"{least} to {most}"
    measured = f"{name} takes {span} times as long as {reference} on {where}"
    if over and over.machines == 1:
        return f"{measured}."
    if over is None:
        return f"{measured}, which says nothing of the next {of}."
    if not units.known(over.next.low, over.next.high):
        return f"{measured}, too few to say anything of the next {of}."
    differ = "" if over.tau is None else f" They differ by {over.tau:.1%} (τ)."
    return f"{measured}; on the next {of}, {units.interval(over.next.low, over.next.high)} times (95 %).{differ}"


def _interval(*ends: float) -> Interval:
    return Interval(*(float(np.exp(np.clip(end, -MOST_LOG, MOST_LOG))) for end in ends))
