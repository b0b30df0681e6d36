"""How often a comparison of contenders is right: counted over many short runs, of which the truth is known.

    pytest --benchmark-only --contender old=… --contender same=… --contender planted=… --launches 25 --benchmark-json=R
    python -m samegrad.benchmarks.own.trials R …

`same` is the environment of `old` once more: any verdict of faster or slower is false. `planted` has a known slowdown:
slower is right. Each run is cut into runs of five launches, which are fresh processes in both cases.

For comparison, the same data are also judged as one run after the other (`samegrad compare`): `old` of five launches
against the other of the next five, each launch on the scale of its yardstick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.documents.run import Benchmark, RunDocument
from samegrad.benchmarks.results.groups import launch_log_ratios, launches_ns
from samegrad.benchmarks.results.statistics import Interval, change_interval, ratio_interval
from samegrad.benchmarks.results.verdict import REGRESSION_MARGIN, SLOWER, verdict
from samegrad.impls.console.options import GivenPath
from samegrad.impls.documents.base import read

LAUNCHES = 5
INTERLEAVED, ONE_AFTER_THE_OTHER = "in the same rounds", "one run after the other"


class Trial(NamedTuple):
    """One comparison of an environment with the first."""

    way: str
    contender: str
    interval: Interval


def trials(file: RunDocument, launches: int = LAUNCHES) -> Iterator[Trial]:
    """Every comparison that the run can be cut into, both ways."""
    first, *others = (contender.name for contender in file.samegrad.contenders)
    scale = np.log([launch.yardstick.median_ns for launch in file.samegrad.launches if launch.yardstick])
    known = {(benchmark.group, benchmark.extra_info.implementation): benchmark for benchmark in file.benchmarks}
    for (group, name), before in known.items():
        base, _, where = name.rpartition("@")
        for other in others if where == first else ():
            if (after := known.get((group, f"{base}@{other}"))) is None:
                continue
            ratios = cut(_ratios(after, before), launches)
            yield from (Trial(INTERLEAVED, other, ratio_interval(part)) for part in ratios)
            old, new = (cut(_logs(one) - scale[: len(_logs(one))], launches) for one in (before, after))
            for (then, _), (_, now) in zip(pairwise(old), pairwise(new), strict=True):
                yield Trial(ONE_AFTER_THE_OTHER, other, change_interval(then, now))


def cut(values: NDArray[np.float64], launches: int) -> list[NDArray[np.float64]]:
    """Cut into consecutive parts of this many launches; an incomplete last one is left out."""
    return [values[start : start + launches] for start in range(0, len(values) - launches + 1, launches)]


def _logs(benchmark: Benchmark) -> NDArray[np.float64]:
    return np.log([launch.median_ns for launch in benchmark.extra_info.launches])


def _ratios(after: Benchmark, before: Benchmark) -> NDArray[np.float64]:
    """The log ratio of each launch, of rounds that are paired."""
    both = ((one.stats.data, [launch.rounds for launch in one.extra_info.launches]) for one in (after, before))
    return np.array(launch_log_ratios(*(launches_ns(*one) for one in both)))


def table(every: Sequence[Trial]) -> list[str]:
    """A line for each way and environment: how many comparisons came out how, and how far their ratios scatter."""
    lines = [
        "| how | environment | comparisons | slower | faster | ratio: median, and 90 % of them |",
        "|" + "---|" * 6,
    ]
    for way, contender in dict.fromkeys((trial.way, trial.contender) for trial in every):
        intervals = [trial.interval for trial in every if (trial.way, trial.contender) == (way, contender)]
        words = Counter(verdict(interval, REGRESSION_MARGIN) for interval in intervals)
        low, middle, high = np.quantile([interval.ratio for interval in intervals], [0.05, 0.5, 0.95])
        slower, faster = words[SLOWER], words["faster"]
        scatter = f"{middle:.3f}, {low:.3f} to {high:.3f}"
        lines.append(f"| {way} | {contender} | {len(intervals)} | {slower} | {faster} | {scatter} |")
    return lines


@click.command()
@click.argument("files", nargs=-1, required=True, type=GivenPath())
@click.option("--launches", default=LAUNCHES, show_default=True, type=click.IntRange(min=2), help="Of one comparison.")
def main(files: tuple[Path, ...], launches: int) -> None:
    """Count the verdicts of comparisons of contenders, as a table in Markdown."""
    all_trials = [trial for path in files for trial in trials(read(path, [RunDocument]), launches)]
    click.echo("\n".join(table(all_trials)))


if __name__ == "__main__":
    main()
