"""How often the statistics over machines are right, on machines whose spread is known.

python -m tests.benchmarks.simulated_machines
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.machines import next_error, ranks
from samegrad.benchmarks.results.statistics import half_width

LAUNCHES = 3
BETWEEN_LAUNCHES = 0.02
"""The standard deviation of log ratios between the launches of one machine."""
RATIOS = (1.0, 1.0, 1.03, 1.3, 2.0)
"""The true ratios of five implementations: the first two are equal, and the third nearly so."""
PREDICTED, RANKED = 10_000, 1_000
TAUS, MACHINES = (0.0, 0.02, 0.05), (2, 3, 5, 10)


def simulated(
    cases: int, machines: int, tau: float, random: np.random.Generator, ratios: Sequence[float] = (1.0,)
) -> NDArray[np.float64]:
    """Log times as measured, the mean over launches: (cases, machines, implementations)."""
    shape = (cases, machines, len(ratios))
    noise = random.normal(0, BETWEEN_LAUNCHES, (*shape, LAUNCHES)).mean(axis=-1)
    return np.log(ratios) + random.normal(0, tau, shape) + noise


def predicted(machines: int, tau: float, random: np.random.Generator) -> float:
    """The share of cases in which the prediction interval of all machines but one contains the ratio on that one."""
    logs = simulated(PREDICTED, machines + 1, tau, random)[..., 0]
    seen, left_out = logs[:, :-1], logs[:, -1]
    half = half_width(next_error(seen), machines - 1)
    return float(np.mean(np.abs(left_out - seen.mean(axis=-1)) <= half))


def hold(ranges: NDArray[np.int_], ratios: Sequence[float] = RATIOS) -> NDArray[np.bool_]:
    """Whether, in each case, all ranges contain the true ranks: (cases, implementations, 2) → (cases,).

    Equal implementations share their ranks, and the range of each must contain all of them.
    """
    times = np.asarray(ratios)
    first = 1 + (times[None, :] < times[:, None]).sum(axis=-1)
    last = times.size - (times[None, :] > times[:, None]).sum(axis=-1)
    return np.all((ranges[..., 0] <= first) & (ranges[..., 1] >= last), axis=-1)


def contradictions(one: NDArray[np.int_], other: NDArray[np.int_]) -> float:
    """The share of pairs that two sets of ranges put in opposite orders."""
    orders = [np.sign((r[:, None, :, 0] > r[:, :, None, 1]) * 1 - (r[:, :, None, 0] > r[:, None, :, 1])) for r in
              (one, other)]  # fmt: skip
    above = np.triu_indices(one.shape[1], k=1)
    return float(np.mean((orders[0] * orders[1])[:, above[0], above[1]] < 0))


def table() -> Iterator[str]:
    """The figures, a line each."""
    random = np.random.default_rng(1)
    rows = [("machines", *(f"τ = {tau:.0%}" for tau in TAUS))]
    rows += [(str(count), *(f"{predicted(count, tau, random):.1%}" for tau in TAUS)) for count in MACHINES]
    yield f"The 95 % prediction interval holds the left-out machine's ratio, of {PREDICTED:,} cases:"
    yield from units.aligned(rows)
    for tau in TAUS:
        halves = [ranks(simulated(RANKED, 5, tau, random, RATIOS)) for _ in range(2)]
        right = np.mean([hold(half).mean() for half in halves])
        width = np.mean([(half[..., 1] - half[..., 0]).mean() for half in halves])
        yield (
            f"τ = {tau:.0%}, 5 machines: all ranks hold in {right:.1%} of {2 * RANKED:,}; ranges are {1 + width:.1f} "
            f"ranks wide; two halves contradict in {contradictions(*halves):.2%} of pairs"
        )


if __name__ == "__main__":
    print("\n".join(table()))
