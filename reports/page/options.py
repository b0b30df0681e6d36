"""What the page's controls offer: each with the value that the script knows it by, and its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from samegrad.benchmarks.results import passes, units
from samegrad.reports.records import Group

Options = list[tuple[str, str]]


def problem_options(groups: Sequence[Group]) -> Options:
    """Every problem."""
    return _each((group.problem, group.problem) for group in groups)


def pass_options(groups: Sequence[Group]) -> Options:
    """Every pass, the plain ones first."""
    return [(label, passes.title(label)) for label in passes.plain_first(group.pass_ for group in groups)]


def setting_options(groups: Sequence[Group]) -> Options:
    """Every dtype and device."""
    return _each((f"{group.dtype}|{group.device}", group.setting) for group in groups)


def batch_options(groups: Sequence[Group]) -> Options:
    """Every batch, ascending."""
    return [(str(batch), units.count(batch)) for batch in sorted({group.batch for group in groups})]


def _each(found: Iterable[tuple[str, str]]) -> Options:
    return list(dict.fromkeys(found))
