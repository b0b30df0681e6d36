"""The options of the page's controls, each with the value that the script knows it by, and its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from samegrad.benchmarks.results import passes, units
from samegrad.reports.records import GroupTimes

Options = list[tuple[str, str]]


def options(groups: Sequence[GroupTimes]) -> dict[str, Options]:
    """Every problem; every pass, the plain ones first; every dtype and device; and every batch, ascending."""
    return {
        "problem": _each((group.problem, group.problem) for group in groups),
        "pass": [(label, passes.title(label)) for label in passes.plain_first(group.pass_ for group in groups)],
        "setting": _each((f"{group.dtype}|{group.device}", group.setting) for group in groups),
        "batch": [(str(batch), units.count(batch)) for batch in sorted({group.batch for group in groups})],
    }


def _each(offered: Iterable[tuple[str, str]]) -> Options:
    return list(dict.fromkeys(offered))
