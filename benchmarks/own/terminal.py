"""The terminal output of `samegrad time`: at most twelve lines, the times first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from samegrad.benchmarks.own import changes
from samegrad.benchmarks.own.contender import differing
from samegrad.benchmarks.own.timing import TimedCallables
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.verdict import BASELINE

MOST_LINES = 12
WIDTH = 80


def lines(timed: TimedCallables, limit: float | None = None) -> list[str]:
    """The table, what is wrong, what came back early, and how far to trust it; those that matter most first."""
    sentences = [
        line for text in _sentences(timed, limit) for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ")
    ]
    whole = [*(_table(timed) if len(timed.rows) > 1 else _alone(timed)), *sentences]
    if len(whole) <= MOST_LINES:
        return whole
    return [*whole[: MOST_LINES - 1], f"(and {len(whole) - MOST_LINES + 1} lines more: --json has everything)"]


def _alone(timed: TimedCallables) -> Iterator[str]:
    for name in timed.rows:
        interval = timed.interval_ns(name)
        ends = f" ({units.time(interval.low)} to {units.time(interval.high)})" if interval.low else ""
        yield f"{name}: {units.time(interval.ratio)} per call{ends}; first call {_first(timed, name)}"


def _table(timed: TimedCallables) -> list[str]:
    """The callables in the order in which they were given."""
    rows = [("", "per call", "first call", "ratio", "95 % interval", "")]
    for name in timed.names:
        if row := timed.rows.get(name):
            is_baseline = row["verdict"] == BASELINE
            rows.append(
                (
                    name,
                    units.time(row["median_ns"]),
                    _first(timed, name),
                    f"{units.ratio(row['ratio'])}×",
                    "" if is_baseline else units.interval(row["low"], row["high"]),
                    row["verdict"] or "preview",
                )
            )
    return units.aligned(rows)


def _first(timed: TimedCallables, name: str) -> str:
    return units.time(timed.group.prepared[name]["first_call_ns"])


def _sentences(timed: TimedCallables, limit: float | None) -> Iterator[str]:
    for failure in timed.group.failures.values():
        yield f"FAILED: {failure.reason}"
    sameness = {name: timed.sameness_of(name) for name in timed.compared}
    yield from (line for line in sameness.values() if line.startswith("WRONG"))
    for name in timed.rows:
        yield from _early(timed, name)
    if timed.file.changes:
        yield from _contenders(timed, limit)
    yield from _grouped([line for line in sameness.values() if not line.startswith("WRONG")])
    for name in timed.rows:
        yield from (f"Note: {name}: {remark}." for remark in timed.group.prepared[name]["remarks"])
    yield from _trust(timed)


def _early(timed: TimedCallables, name: str) -> Iterator[str]:
    """The words on an early return: `f returned after 0.17 of 1.52 ms`."""
    prepared = timed.group.prepared[name]
    if not prepared["late"]:
        return
    if prepared["ready_ns"] <= prepared["returned_ns"]:
        yield f"UNREADY: {name}: {prepared['late']}; its time is that of the return."
        return
    ready, unit = units.time(prepared["ready_ns"]).split(" ")
    scale = prepared["ready_ns"] / prepared["returned_ns"]
    returned = units.significant(float(ready.replace(",", "")) / scale, 2)
    how = "its time is until the result is ready" if timed.waits else "its time is until the return, as asked"
    yield f"UNREADY: {name} returned after {returned} of {ready} {unit}; {how}."


def _contenders(timed: TimedCallables, limit: float | None) -> Iterator[str]:
    for change in timed.file.changes:
        word = change.verdict or "preview"
        yield f"{change.name} over @{change.before}: {change.in_words}, {word}."
    differs = differing(timed.run.request.contenders)
    yield f"Differs: {'; '.join(changes.few(differs)) or 'nothing that is installed'}."
    for contender in timed.run.request.contenders:
        yield from contender.remarks
    if limit is not None:
        yield from changes.gate(timed.file, limit)[1]


def _grouped(sentences: Sequence[str]) -> list[str]:
    """Merge the sentences on equal results into one, where there are several."""
    same = [line for line in sentences if line.startswith("Same")]
    if len(same) <= 1:
        return list(sentences)
    return [f"Same: all {len(same) + 1} return the same.", *(line for line in sentences if line not in same)]


def _trust(timed: TimedCallables) -> Iterator[str]:
    """The lines on how the times were taken, and on whether the machine was steady."""
    run = timed.run
    launches = max((len(times) for times in timed.group.times_ns.values()), default=0)
    where = f"CPU {', '.join(map(str, run.cpus))}" if run.cpus else "no CPU in particular"
    many = f"{launches} launch{'es' if launches != 1 else ''} × {timed.group.rounds} rounds on {where}"
    noise = timed.file.noise
    if run.interrupted:
        yield "Interrupted: the times are of what was complete."
    for handicap in run.handicaps:
        yield f"HANDICAP: {handicap.sentence}"
    if not timed.rows:
        return
    if noise["noisy"]:
        more = f" (and {len(noise['reasons']) - 1} more reasons)" if len(noise["reasons"]) > 1 else ""
        yield f"{many}. NOISY: {noise['reasons'][0]}{more}."
    else:
        yield f"{many}. Not noisy."
