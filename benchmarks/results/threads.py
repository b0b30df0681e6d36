"""Do more threads help? The time with several over the time with one, by implementation and batch.

Numbers of threads are groups of their own, so their rounds are not paired; within one launch they are measured one
after the other. Each launch gives one log ratio of medians, over the launches there is a t-interval, and those of all
implementations and batches of one sentence hold together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import Times, launches_ratio
from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.verdict import FASTER, MARGIN, SLOWER, verdict


@dataclass(frozen=True)
class Effect:
    """The effect of a number of threads on one implementation's time at one batch; `word` is None with one launch."""

    threads: int
    batch: int
    implementation: str
    ratio: Interval
    word: str | None


def effects(times: Mapping[tuple[int, int], Times], margin: float = MARGIN) -> list[Effect]:
    """The effect on each implementation's time of every number of threads above one, at each batch.

    times: of one problem, pass, dtype and device, by (threads, batch) {implementation: [(rounds of launch 1,), …]}.
    """
    pairs = list(_pairs(times))
    shown = []
    for threads, batch, name, several, one in pairs:
        ratio = launches_ratio(several, one, len(pairs))
        shown.append(Effect(threads, batch, name, ratio, verdict(ratio, margin)))
    return shown


def _pairs(times: Mapping[tuple[int, int], Times]) -> Iterator[tuple[int, int, str, Sequence, Sequence]]:
    for (threads, batch), with_them in sorted(times.items()):
        with_one = times.get((1, batch), {}) if threads > 1 else {}
        for name, launches in with_them.items():
            if launches and with_one.get(name):
                yield threads, batch, name, launches, with_one[name]


def sentence(where: str, shown: Sequence[Effect]) -> str:
    """Whom more threads help and whom they slow down, at which batches; what is neither was not shown."""
    clauses = []
    for threads in dict.fromkeys(effect.threads for effect in shown):
        here = [effect for effect in shown if effect.threads == threads]
        helped, slowed = (_named(here, word) for word in (FASTER, SLOWER))
        parts = [f"help {helped}" if helped else "", f"slow down {slowed}" if slowed else ""]
        clauses.append(
            f"{threads} threads " + (" and ".join(filter(None, parts)) or "make no difference that is shown")
        )
    return f"{where}: {'; '.join(clauses)}."


def _named(shown: Sequence[Effect], word: str) -> str:
    """One part of the sentence: `torch-eager at batch 256 and 16,384 (0.62×, …)`, with the largest batch's figures."""
    by_name: dict[str, list[Effect]] = {}
    for effect in shown:
        if effect.word == word:
            by_name.setdefault(effect.implementation, []).append(effect)
    return ", ".join(
        f"{name} at batch {' and '.join(units.count(effect.batch) for effect in of)} "
        f"({units.ratio(of[-1].ratio.ratio)}×, {units.interval(of[-1].ratio.low, of[-1].ratio.high)})"
        for name, of in by_name.items()
    )
