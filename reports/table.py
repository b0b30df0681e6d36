"""The numbers as Markdown: each group's medians, ratios, intervals and verdicts, and the run's remarks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samegrad.benchmarks.documents.run import Failure, SkippedEntry
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.verdict import FASTER, SLOWER
from samegrad.reports import compare
from samegrad.reports.answer import answer, headline
from samegrad.reports.provenance import date, footer
from samegrad.reports.ratios import judged, sentence
from samegrad.reports.records import CaseTimes, GroupTimes, StoredRun


def markdown(run: StoredRun, earlier: Sequence[StoredRun] = ()) -> str:
    """The whole run as one Markdown page: what changed since the earlier ones, the headline's table, and all others."""
    parts = ["# Time per call", escaped(" ".join(answer(run))), *(escaped(line) for line in footer(run))]
    if run.ours.command:
        parts.append(f"Made by {code(run.ours.command)}.")
    for before in earlier:
        parts += _changed(before, run)
    first = set(headline(run)) if run.groups else set()
    for title, groups in sorted(_sections(run).items(), key=lambda item: not first & set(item[1])):
        parts += _section(title, groups, folded=not first & set(groups))
    parts += _absent("Failed", run.ours.failures) + _absent("Skipped", run.ours.skipped)
    if run.remarks:
        parts += ["## Remarks", "\n".join(f"- {escaped(remark)}" for remark in run.remarks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, groups: list[GroupTimes], folded: bool) -> list[str]:
    """A heading, or a line to unfold, with its table and the groups' own sentences."""
    sentences = "\n".join(f"- {escaped(sentence(group))}" for group in groups)
    if not folded:
        return [f"## {escaped(title)}", _table(groups), sentences]
    return [f"<details><summary>{escaped(title)}</summary>", _table(groups), sentences, "</details>"]


def _changed(before: StoredRun, after: StoredRun) -> list[str]:
    """The cases that became faster or slower since another run, the largest slowdown first."""
    changed = compare.changes(before, after)
    parts = [f"## Since {code(before.path.name)}, {escaped(date(before))}"]
    parts += [f"**Not like with like: {escaped(line)}**" for line in compare.unlike(before, after)]
    parts.append(escaped(compare.summary(changed)) if changed else "These two runs have no case in common.")
    resolved = [change for change in changed if change.word in (FASTER, SLOWER)]
    lines = ["| case | before | after | after / before (interval) | became |", "|---|---:|---:|---|---|"]
    for change in compare.slowest_first(resolved):
        ratio = change.comparison
        cells = [
            f"{code(change.implementation)}, {escaped(change.group.where)}",
            units.time(change.before_ns),
            units.time(change.after_ns),
            f"{units.ratio(ratio.ratio)} ({units.interval(ratio.low, ratio.high)})",
            change.word,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*parts, "\n".join(lines)] if resolved else parts


def _sections(run: StoredRun) -> dict[str, list[GroupTimes]]:
    """Groups by all but their batch, in the order of the file; within one, by batch."""
    sections: dict[str, list[GroupTimes]] = {}
    for group in sorted(run.groups, key=lambda group: group.batch):
        sections.setdefault(f"{group.what} · {group.setting}", []).append(group)
    order = [f"{group.what} · {group.setting}" for group in run.groups]
    return {title: sections[title] for title in dict.fromkeys(order)}


def _table(groups: list[GroupTimes]) -> str:
    lines = ["| batch | implementation | median | 10th to 90th percentile | ratio (interval) | verdict |"]
    lines += ["|---:|---|---:|---|---|---|"]
    lines += [_row(group, case) for group in groups for case in group.cases]
    return "\n".join(lines)


def _row(group: GroupTimes, case: CaseTimes) -> str:
    low, high = case.spread_ns
    ratio, word = judged(group, case)
    cells = [
        units.count(group.batch),
        code(case.implementation),
        units.time(case.median_ns),
        f"{units.time(low)} to {units.time(high)}",
        against(ratio),
        ", ".join(filter(None, (word, *case.notes))),
    ]
    return f"| {' | '.join(cells)} |"


def against(ratio: Interval | None) -> str:
    """The ratio to the group's baseline and its interval: `5.10 (4.90 to 5.30)`; `1` for the baseline itself."""
    if ratio is None or ratio == Interval(1.0):
        return "–" if ratio is None else "1"
    interval = units.interval(ratio.low, ratio.high)
    return f"{units.ratio(ratio.ratio)} ({interval})" if interval else units.ratio(ratio.ratio)


def _absent(title: str, entries: Sequence[Failure | SkippedEntry]) -> list[str]:
    lines = []
    for entry in entries:
        where = f" in {escaped(entry.group)}" if isinstance(entry, Failure) else ""
        lines.append(f"- {code(entry.implementation)}{where}: {escaped(entry.reason)}")
    return [f"## {title}", "\n".join(lines)] if entries else []


def code(name: str) -> str:
    """The text as Markdown code that nothing in it can end, safe within a table."""
    fence = "`" * (1 + max((len(run) for run in _backticks(name)), default=0))
    pad = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{pad}{name.replace('|', chr(92) + '|')}{pad}{fence}"


def _backticks(name: str) -> list[str]:
    return re.findall(r"`+", name)


def escaped(line: str) -> str:
    """The text with Markdown's and HTML's own characters made plain."""
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_[]|#" else character for character in line)
