"""Several machines: what holds for every ratio on all of them, what to expect of the next, and ranks as ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from samegrad.benchmarks.documents.merging import foreign_cpus
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.machines import Across, in_words
from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.units import minute
from samegrad.reports import cells
from samegrad.reports.figures import points
from samegrad.reports.machines import MachineRun, MergedGroup, MergedRatio, headline, merge
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, Heading, Items, ReportPart, Table, Text, note, table
from samegrad.reports.records import NOTHING

ID, TITLE = "machines", "On several machines"
MOST_FIGURES = 6
HOW = """Only ratios cross machines; times are never pooled. Each machine's interval is over its launches. The interval
    on the next is for the ratio that one more machine would show, measured as these were: 95 %, each by itself. τ is
    how much machines differ: the standard deviation of log ratios between them. Ranks are ranges that hold together at
    95 %: what is 1st to 2nd is shown to be behind no other, and to be ahead of all but one."""


def part(material: Material) -> ReportPart | None:
    """What several machines show; None for runs of one, but for files of the gallery."""
    machines = material.machines
    if len({machine.host for machine in machines}) < 2 and all(machine.file.has_rounds for machine in machines):
        return None
    groups = merge(machines)
    first = headline(groups)
    blocks: list[Block] = [Text(_counted(machines)), _machines(machines)]
    if first:
        blocks += [Heading("What holds"), _sentences(first), note(HOW)]
        blocks += [_figure(group, number, material) for number, group in enumerate(first[:MOST_FIGURES], start=1)]
    blocks += [_table(group, number, material) for number, group in enumerate(groups, start=1)]
    return ReportPart(ID, TITLE, blocks)


def _counted(machines: Sequence[MachineRun]) -> str:
    """The runs, counted: `5 runs of 4 machines; 3 are merged, and 2 are left out, for the reasons in the table.`"""
    used = [machine for machine in machines if not machine.left_out]
    hosts, kinds = len({machine.host for machine in used}), len({machine.kind for machine in used})
    merged = f"{len(used)} of {len(machines)} runs are merged, of {hosts} machine{'' if hosts == 1 else 's'}"
    merged += f" of {kinds} kind{'' if kinds == 1 else 's'}" if used else ""
    left = len(machines) - len(used)
    out = f"; {left} {'is' if left == 1 else 'are'} left out, for the reason in the table" if left else ""
    return f"{merged}{out}.{' One machine says nothing of the next.' if hosts == 1 else ''}"


def _machines(machines: Sequence[MachineRun]) -> Table:
    columns: Columns = {
        "number": lambda machine: cells.count(machine.number),
        "kind": lambda machine: machine.kind,
        "host": lambda machine: machine.host,
        "date": lambda machine: minute(machine.file.datetime),
        "commit": lambda machine: (machine.file.commit_info.id or "–")[:10],
        "CPUs that others kept busy": lambda machine: cells.number(foreign_cpus(machine.file)),
        "file": lambda machine: machine.path.name,
        "merged": lambda machine: cells.judged(f"no: {machine.left_out}", False) if machine.left_out else "yes",
    }
    return table("machines", "The machines; a host is known by the hash of its name", machines, columns)


def _sentences(groups: Iterable[MergedGroup]) -> Items:
    """A sentence for every ratio of each group but the reference's own."""
    return Items([(group.title, [f": {' '.join(group.sentences)}"], "") for group in groups])


def _table(group: MergedGroup, number: int, material: Material) -> Table:
    """The group's numbers, a row for each implementation and kind of machine."""
    several = len(group.kinds) > 1
    rows = [
        (ratio, kind, over, [one.ratio for machine, one in ratio.by_machine.items() if kind in (None, machine.kind)])
        for ratio in group.ratios
        for kind, over in [*ratio.by_kind.items(), *([(None, ratio.over_kinds)] if several else [])]
        if kind or ratio in group.compared
    ]
    columns: Columns = {
        "implementation": lambda row: cells.name(row[0].implementation, material.looks),
        "rank": lambda row: in_words(*row[0].rank) if row[0].rank else "–",
        **({"machines": lambda row: row[1] or "all kinds"} if several else {}),
        "number": lambda row: cells.count(len(row[3])),
        f"times {group.reference}": lambda row: cells.ratio(_typical(row[0], row[2])),
        "on each": lambda row: cells.cell(f"{units.ratio(min(row[3]))} to {units.ratio(max(row[3]))}", css="number"),
        "mean (95 %)": lambda row: _ends(row[2] and row[2].mean),
        "on the next (95 %)": lambda row: _ends(row[2] and row[2].next),
        "τ": lambda row: cells.cell("–" if not row[2] or row[2].tau is None else f"{row[2].tau:.1%}", css="number"),
    }
    name = group.title
    return table(f"machines-{number}", f"{name}, times {group.reference}", rows, columns, f"Numbers: {name}")


def _typical(ratio: MergedRatio, over: Across | None) -> float:
    return over.mean.ratio if over else next(iter(ratio.by_machine.values())).ratio


def _ends(interval: Interval | None) -> cells.Cell:
    """The interval, or a note where it is too wide to show."""
    if interval is None or interval.low is None:
        return "–"
    ends = units.known(interval.low, interval.high)
    return cells.interval(*ends) if ends else cells.cell("too few machines", css="number")


def _figure(group: MergedGroup, number: int, material: Material) -> Figure:
    """A panel for every ratio: machines as rows, and below them the mean and the next machine."""
    drawn = group.compared
    panels = [
        points.PointPanel(_heading(ratio), _marks(ratio, material), f"times {group.reference}") for ratio in drawn
    ]
    counts = f"{len(group.machines)} machine{'' if len(group.machines) == 1 else 's'}"
    return Figure(
        f"machines-{number}",
        partial(
            points.draw,
            [f"{counts}: {'; '.join(group.kinds)}"],
            f"Ratios to {group.reference} on several machines: {group.title}",
            "Each machine with the interval of its launches; a ring for what the next machine would show (95 %).",
            panels,
            lambda value: units.ratio(value),
            columns=2,
        ),
        [_row(group, ratio, machine, interval) for ratio in drawn for machine, interval in ratio.by_machine.items()],
        " ".join(group.sentences),
    )


def _heading(ratio: MergedRatio) -> str:
    return f"{ratio.implementation}, {in_words(*ratio.rank)}" if ratio.rank else ratio.implementation


def _marks(ratio: MergedRatio, material: Material) -> list[points.Mark]:
    """A mark for every machine, and where there are two or more one for the mean and one for the next."""
    look = material.looks[ratio.implementation]

    def mark(name: str, one: Interval, **how: Any) -> points.Mark:
        low, high = units.known(one.low, one.high) or (NOTHING, NOTHING)
        ends = f" ({units.interval(low, high)})" if low == low else ""
        return points.Mark(name, look, one.ratio, low, high, f"{units.ratio(one.ratio)}{ends}", **how)

    marks = [mark(machine.label, interval) for machine, interval in ratio.by_machine.items()]
    if (over := ratio.over) and over.machines > 1:
        kinds = len(ratio.by_kind) > 1
        marks.append(mark("mean of kinds" if kinds else "mean", over.mean, gap=0.5))
        marks.append(mark("next, of another kind" if kinds else "next of this kind", over.next, is_ring=True))
    return marks


def _row(group: MergedGroup, ratio: MergedRatio, machine: MachineRun, interval: Interval) -> dict[str, Any]:
    over = ratio.over
    return {
        **{"group": group.name, "implementation": ratio.implementation, "reference": group.reference},
        **{"machine": machine.number, "host": machine.host, "kind": machine.kind},
        **interval._asdict(),
        **{"next_low": over and over.next.low, "next_high": over and over.next.high, "tau": over and over.tau},
        **dict(zip(("first_rank", "last_rank"), ratio.rank or (None, None), strict=True)),
    }
