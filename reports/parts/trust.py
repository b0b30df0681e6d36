"""How far to trust this run: its noise, its failures, where and how it was made."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from samegrad.benchmarks.documents.groups import IntervalEntry
from samegrad.benchmarks.documents.selfcheck import Selfcheck
from samegrad.benchmarks.results import units
from samegrad.reports import cells, style
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Code, Columns, Heading, Items, ReportPart, Text, note, table
from samegrad.reports.provenance import noise_reasons
from samegrad.reports.records import StoredRun

ID, TITLE = "trust", "How far to trust this run"


def part(material: Material) -> ReportPart | None:
    """The run's own assessment; None where there is no run."""
    if not material.runs:
        return None
    run = material.run
    blocks: list[Block] = [Text(_verdict(run)), Items([(reason, (), "") for reason in noise_reasons(run)])]
    blocks += [note(f"{remark}.") for remark in run.remarks]
    if equals := _selfcheck(material.selfcheck):
        blocks.append(Text(equals))
    return ReportPart(
        ID, TITLE, [*blocks, *_sentinel(run), *_yardstick(run), *_dropped(run), *_absent(run), *_made(run)]
    )


def _verdict(run: StoredRun) -> str:
    if noise_reasons(run):
        return "The run found itself NOISY; repeat it on a quieter machine before relying on it. Its reasons:"
    spread = run.ours.noise.yardstick_spread
    steady = f" The yardstick's 90th percentile was at most {units.ratio(spread)} times its 10th." if spread else ""
    return f"The run found itself quiet.{steady}"


def _selfcheck(check: Selfcheck | None) -> str:
    """A sentence on the clock's own A/A test on a quiet machine."""
    same = [one for one in check.same_against_itself if one.condition == "quiet"] if check else []
    each = "; ".join(f"{one.check} {one.in_words} (limits {one.limits})" for one in same)
    return f"Equals in which the clock itself saw a difference, on a quiet machine: {each}." if same else ""


def _contains(interval: IntervalEntry) -> bool | None:
    """Whether the interval contains 1; None without an interval."""
    return None if interval.low is None or interval.high is None else interval.low <= 1 <= interval.high


def _sentinel(run: StoredRun) -> list[Block]:
    entries = list(run.ours.noise.sentinel.items())
    if not entries:
        return []
    columns: Columns = {
        "group": lambda entry: entry[0],
        "ratio": lambda entry: cells.number(entry[1].ratio, 4),
        "interval": lambda entry: cells.cell(
            f"{units.significant(entry[1].low, 4)} to {units.significant(entry[1].high, 4)}", css="number"
        ),
        "contains 1": lambda entry: {True: "yes", None: "–", False: cells.judged("no", False)}[_contains(entry[1])],
    }
    how = f"""A duplicate of each group's baseline, in a process of its own, measured with the rest: an interval that
        does not contain 1 shows a difference where there is none.
        {sum(bool(_contains(interval)) for _, interval in entries)} of {len(entries)} contain it."""
    numbers = "Numbers: the same against itself"
    return [
        Heading("The same against itself"),
        note(how),
        table("sentinel", "Duplicate over original", entries, columns, numbers),
    ]


def _yardstick(run: StoredRun) -> list[Block]:
    launches = [launch for launch in run.ours.launches if launch.yardstick]
    if not launches:
        return []
    columns: Columns = {
        "launch": lambda launch: str(launch.launch),
        "started": lambda launch: launch.started[:19].replace("T", " "),
        "median": lambda launch: cells.time(launch.yardstick.median_ns),
        "10th percentile": lambda launch: cells.time(launch.yardstick.p10_ns),
        "90th percentile": lambda launch: cells.time(launch.yardstick.p90_ns),
        "90th / 10th": lambda launch: cells.ratio(launch.yardstick.p90_ns / launch.yardstick.p10_ns),
    }
    how = "A fixed piece of NumPy work, timed in every round: what the machine did meanwhile."
    return [Heading("The yardstick"), note(how), table("yardstick", "One line per launch", launches, columns)]


def _dropped(run: StoredRun) -> list[Block]:
    rounds = [(group.group, drop) for group in run.ours.groups for drop in group.dropped]
    if not rounds:
        return []
    columns: Columns = {
        "group": lambda both: both[0],
        "launch": lambda both: str(both[1].launch),
        "round": lambda both: str(both[1].round),
        "in": lambda both: both[1].in_,
        "because": lambda both: both[1].reason,
    }
    how = """In these the machine or a worker was suspended: they are left out for every implementation of the group, so
        that rounds stay paired."""
    numbers = f"Numbers: rounds dropped ({len(rounds)})"
    return [Heading("Rounds dropped"), note(how), table("dropped", "One line per round", rounds, columns, numbers)]


def _absent(run: StoredRun) -> list[Block]:
    """The failures, with the last lines of their output, and what was skipped."""
    blocks: list[Block] = [Heading("Failures")] if run.ours.failures else []
    for failure in run.ours.failures:
        where = f" in {failure.group}" if failure.group else ""
        blocks.append(Items([(failure.implementation, [f"{where}: {failure.reason}"], "")]))
        blocks += [Code("\n".join(failure.stderr))] if failure.stderr else []
    skipped = [(entry.implementation, [f": {entry.reason}"], "") for entry in run.ours.skipped]
    return blocks + ([Heading("Skipped"), Items(skipped)] if skipped else [])


def _made(run: StoredRun) -> list[Block]:
    """The command, and everything recorded, one line per value, nested names joined by dots."""
    looks = style.looks(run.implementations)
    parts = {"environment": to_builtins(run.ours.environment), "options": to_builtins(run.ours.options)}
    rows: list[tuple[cells.Cell, str, str]] = [
        (part, name, value) for part, values in parts.items() for name, value in _flat(values)
    ]
    for implementation, entry in run.implementations.items():
        rows += [(cells.name(implementation, looks), name, value) for name, value in _flat(to_builtins(entry))]
    if run.file and run.file.commit_info.id:
        rows.append(("commit", "id", run.file.commit_info.id))
    rows += [("run file", "name", run.path.name), ("run file", "date", run.date)]
    columns = {"part": lambda row: row[0], "what": lambda row: row[1], "value": lambda row: row[2]}
    folded = "Environment, options and implementations in full"
    command = [Code(run.ours.command)] if run.ours.command else []
    return [Heading("How it was made"), *command, table("environment", "As the run file has it", rows, columns, folded)]


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [item for key, inner in value.items() for item in _flat(inner, f"{name}.{key}".lstrip("."))]
    if isinstance(value, (list, tuple)):
        return [(name, ", ".join(map(str, value)))]
    return [(name, "–" if value is None else str(value))]
