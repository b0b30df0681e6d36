"""Before the steady state: import, preparation and first calls, which are never mixed with the times of later calls.

Where the run measured cold starts, each phase is the median over new processes; otherwise it is the one reading that
every worker takes on its way.
"""

from __future__ import annotations

from samegrad.benchmarks.results import units
from samegrad.reports import cells
from samegrad.reports.answer import headline
from samegrad.reports.figures import bars
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, Figure, ReportPart, each, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.records import NOTHING, CaseTimes, ColdStart, StoredRun

ID, TITLE = "cold-start", "Before the first result"


def part(material: Material) -> ReportPart | None:
    """A bar for each implementation, its phases from dark to light; None where nothing was recorded."""
    run, looks = material.run, material.looks
    starts = [start for start in run.cold or readings(run) if start.phases]
    if not starts:
        return None
    phases = list(max(starts, key=lambda start: len(start.phases)).phases)
    texts = {start.implementation: _text(start) for start in starts}
    shown = [
        bars.Bar(start.implementation, looks[start.implementation], _lengths(start, phases), _text(start))
        for start in starts[:MOST]
    ]
    how = _how(run, starts)
    figure = Figure(
        "cold-start",
        lambda: bars.draw(
            footer(run),
            "Cold start: from a new process to the second gradient" if run.cold else TITLE,
            f"{how}, from dark to light: {', '.join(phases)}{'; and peak memory' if run.cold else ''}.",
            [("", shown)],
            x="time",
            x_format=lambda ns: units.time(ns, 2),
        ),
        [
            {"implementation": start.implementation, "phase": phase, "process": number, "time_ns": ns}
            for start in starts
            for phase, times in start.phases.items()
            for number, ns in enumerate(times, start=1)
        ],
        f"Sums of the phases' medians: {', '.join(f'{name} {text}' for name, text in texts.items())}.",
    )
    columns: Columns = {
        "implementation": lambda start: cells.name(start.implementation, looks),
        **each(phases, lambda phase, start: cells.time(start.medians_ns.get(phase))),
        "sum": lambda start: cells.time(start.total_ns),
        "peak memory": lambda start: cells.memory(start.peak_bytes),
    }
    absent = [note(f"{start.implementation}: {start.reason}") for start in run.cold if start.reason]
    if not run.cold:
        absent.append(
            note("The worker imports NumPy itself; pytest --benchmark-only -k cold_start times that import too.")
        )
    numbers = table("cold-start-table", how, starts, columns, "Numbers: before the first result")
    from_dark = f"{how}, from dark to light: {', '.join(phases)}. None of it is in the times of later calls."
    return ReportPart(ID, TITLE, [note(from_dark), figure, numbers, *absent])


def readings(run: StoredRun) -> list[ColdStart]:
    """Import, preparation and first call at the headline's smallest batch, one reading each, the quickest first."""
    cases = headline(run)[0].cases if run.groups else ()
    return sorted((_reading(run, case) for case in cases), key=lambda start: start.total_ns)


def _reading(run: StoredRun, case: CaseTimes) -> ColdStart:
    import_s, extra = run.implementations[case.implementation].import_s, case.extra
    read = {
        "import": import_s and 1e9 * import_s,
        "prepare": extra and extra.prepare_ns,
        "first call": extra and extra.first_call_ns,
    }
    return ColdStart(case.implementation, {phase: (float(ns),) for phase, ns in read.items() if ns}, NOTHING, "")


def _how(run: StoredRun, starts: list[ColdStart]) -> str:
    processes = max(len(times) for start in starts for times in start.phases.values())
    return (
        f"Medians of {processes} new processes each" if run.cold else f"One reading each, at {headline(run)[0].where}"
    )


def _lengths(start: ColdStart, phases: list[str]) -> list[float]:
    return [max(0.0, start.medians_ns.get(phase, 0.0)) for phase in phases]


def _text(start: ColdStart) -> str:
    """The text beside a bar: `0.93 s · 90 MiB`."""
    return units.time(start.total_ns, 2) + (f" · {units.memory(start.peak_bytes)}" if start.peak_bytes > 0 else "")
