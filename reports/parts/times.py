"""Time per call against batch: the chart with its controls, bars at one batch, crossovers, and every number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.reports import cells
from samegrad.reports.answer import headline
from samegrad.reports.figures import bars, curves
from samegrad.reports.figures.frame import drawn, panel_groups
from samegrad.reports.material import Material
from samegrad.reports.page.chart_data import chart_data, options, panels
from samegrad.reports.part import Block, Columns, Figure, Folded, Markup, ReportPart, Table, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare, crossovers, judged
from samegrad.reports.records import NOTHING, CaseTimes, GroupTimes

ID, TITLE = "times", "Time per call against batch"
TEMPLATE = """
<figure>
<div class="controls" data-for="chart">
{{ choices("chart", "problem", "Problem", problem) }}
{{ choices("chart", "pass", "Pass", pass) }}
{{ choices("chart", "setting", "Computed in", setting) }}
{{ choices("chart", "show", "Show", shows) }}
{{ choices("chart", "scale", "Axes", [("log", "logarithmic"), ("linear", "linear")]) }}
</div>
<fieldset class="series" id="series"><legend>Implementations</legend></fieldset>
<div class="plot" id="chart" role="group" tabindex="0"
aria-label="Chart of times; the arrow keys step through its points"></div>
<p class="readout" id="readout" aria-live="polite"></p>
<figcaption id="chart-caption">{{ description }}</figcaption>
{{ data_link("times-1", "times") }}
</figure>
<noscript><p class="note">The chart and its controls need JavaScript; all its numbers are in the tables below.</p>
</noscript>
<script type="application/json" id="chart-data">{{ chart | tojson }}</script>
<p class="note">Lines are medians of all rounds, bands go from the 10th to the 90th percentile; relative to an
implementation, bands are the intervals of the ratio. Rings mark crossovers that the intervals show; of more than
eight lines, those between implementations that are the fastest somewhere.{{ left_out }}</p>

<h3>At one batch</h3>
<div class="controls" data-for="bars">
{{ choices("bars", "batch", "Batch", batch) }}
</div>
<ul class="bars" id="bars" aria-describedby="bars-where"></ul>
<p class="note" id="bars-where"></p>
"""
MOST_TABLES = 8
"""Of more tables, all but the first are folded together."""
MOST_ROWS, MOST_CROSSINGS = 2400, 400
"""Tables with more rows in all are left to the CSV files, and at most this many crossovers are listed."""


def part(material: Material) -> ReportPart | None:
    """The run's times; None for a run of cold starts alone."""
    run = material.run
    if not run.groups:
        return None
    fastest, left_out = drawn(run.groups)
    shown = [name for name in material.looks if name in fastest]
    chart, tables = chart_data(run, shown, material.looks), _tables(material)
    markup = {
        "chart": chart,
        "left_out": left_out,
        "description": describe(headline(run)),
        "shows": [("time", "time per call"), *((name, f"relative to {name}") for name in shown)],
        **options(run.groups),
    }
    few = MOST_TABLES if len(tables) <= MOST_TABLES else 1
    blocks: list[Block] = [Markup(TEMPLATE, markup), *tables[:few]]
    blocks += [Folded(f"Numbers: {len(tables) - few} more tables", tables[few:])] if tables[few:] else []
    blocks += _crossings(material, shown)
    if missing := len(chart["panels"]) - len(tables):
        blocks.append(note(f"{missing} more tables are in the CSV files beside this page."))
    return ReportPart(ID, TITLE, [*blocks, *_figures(material)])


def _crossings(material: Material, shown: list[str]) -> list[Table]:
    crossing = [(of[0], one) for of in panels(material.run).values() for one in crossovers(of, shown)]
    if not crossing:
        return []
    columns: Columns = {
        "problem": lambda both: both[0].problem,
        "pass": lambda both: passes.title(both[0].pass_),
        "computed in": lambda both: both[0].setting,
        "faster when small": lambda both: both[1].first,
        "faster when large": lambda both: both[1].second,
        "between": lambda both: f"{units.count(both[1].low)} and {units.count(both[1].high)}",
        "near batch": lambda both: cells.cell(units.about(both[1].near), both[1].near),
    }
    caption = "Shown by the intervals; “near” is interpolated between the batches measured."
    caption += f" The first {MOST_CROSSINGS}." if len(crossing) > MOST_CROSSINGS else ""
    folded = f"Crossovers: where one overtakes another ({len(crossing)})"
    return [table("crossovers", caption, crossing[:MOST_CROSSINGS], columns, folded)]


def _tables(material: Material) -> list[Table]:
    """One per problem, pass, dtype and device, as long as there are not too many rows in all."""
    tables, left = list[Table](), MOST_ROWS
    for number, groups in enumerate(panels(material.run).values(), start=1):
        count = sum(len(group.cases) for group in groups)
        if count <= left:
            left -= count
            tables.append(_table(f"times-{number}", groups, material))
    return tables


def _table(name: str, groups: list[GroupTimes], material: Material) -> Table:
    """One panel's numbers; columns for the device's memory and its own time where some case has them."""
    cases = [(group, case) for group in groups for case in group.cases]
    baselines = ", ".join(dict.fromkeys(group.baseline for group in groups if group.baseline))
    columns: dict[str, Callable[[Any], cells.Cell]] = {
        "batch": lambda both: cells.count(both[0].batch),
        "implementation": lambda both: cells.name(both[1].implementation, material.looks),
        "median": lambda both: cells.time(both[1].median_ns),
        "10th percentile": lambda both: cells.time(both[1].spread_ns[0]),
        "90th percentile": lambda both: cells.time(both[1].spread_ns[1]),
        "ratio (interval)": lambda both: ratio_cell(*both),
        "verdict": lambda both: cells.verdict(judged(*both)[1], both[1].notes),
    }
    if any(_device(case, "device_memory_bytes") for _, case in cases):
        columns["device memory"] = lambda both: cells.memory(_device(both[1], "device_memory_bytes") or 0)
    if any(_device(case, "device_ns") for _, case in cases):
        columns["by the device's clock"] = lambda both: cells.time(_device(both[1], "device_ns") or NOTHING)
    title = f"{groups[0].what} · {groups[0].setting}"
    caption = f"{title}, {f'ratio to {baselines}' if baselines else 'without a baseline'}"
    return table(name, caption, cases, columns, f"Numbers: {title}")


def ratio_cell(group: GroupTimes, case: CaseTimes) -> cells.Cell:
    """The ratio to the group's baseline and its interval: `5.10 (4.90 to 5.30)`; `1` for the baseline itself."""
    ratio, _ = judged(group, case)
    if ratio is None or case.implementation == group.baseline:
        return "–" if ratio is None else cells.cell("1", 1.0)
    ends = units.interval(ratio.low, ratio.high)
    return cells.cell(units.ratio(ratio.ratio) + (f" ({ends})" if ends else ""), ratio.ratio)


def _device(case: CaseTimes, what: str) -> float | None:
    """A figure by the device's own clock or counter; None where there is none."""
    return getattr(case.extra, what, None)


def _figures(material: Material) -> list[Figure]:
    """Files beside the page: for every dtype and device the plain passes, and a sheet for each family of variants."""
    figures = []
    for dtype, device in material.run.settings:
        suffix, groups = material.suffix(dtype, device), material.run.select(dtype, device)
        families = passes.families(group.pass_ for group in groups)
        for family in families:
            of = [group for group in groups if passes.family(group.pass_) == family]
            name = "time-per-call" if family == families[0] else f"time-per-call-{material.safe(family)}"
            draw = partial(times_figure, material, of)
            figures.append(Figure(f"{name}-{suffix}", draw, times_rows(of), describe(of), on_page=False))
            if family == families[0]:
                few = smallest(of)
                draw, rows = partial(smallest_figure, material, few), times_rows(few)
                figures.append(Figure(f"smallest-batch-{suffix}", draw, rows, describe(few), on_page=False))
    return figures


def times_figure(material: Material, groups: list[GroupTimes]) -> curves.Figure:
    """Lines of the medians in bands from the 10th to the 90th percentile, a panel per problem and pass."""
    shown, left_out = drawn(groups)
    made = []
    for members in panel_groups(groups).values():
        lines: dict[str, list[curves.Point]] = {}
        for group in members:
            for case in (case for case in group.cases if case.implementation in shown):
                lines.setdefault(case.implementation, []).append((group.batch, case.median_ns, *case.spread_ns))
        made.append(curves.CurvePanel(members[0].what, "time per call", lines))
    return curves.draw(
        footer(material.run),
        f"{TITLE}: {groups[0].dtype}, {groups[0].device}",
        "Median of all rounds, with the 10th to the 90th percentile as a band. Lower is faster." + left_out,
        made,
        material.looks,
        x="batch (rows per call)",
        y_format=lambda ns: units.time(ns, 1),
        is_shared=True,
    )


def times_rows(groups: Iterable[GroupTimes]) -> list[dict[str, Any]]:
    """One row per point or bar."""
    return [
        {
            **group.facts,
            **{"implementation": case.implementation, "median_ns": case.median_ns},
            **{"p10_ns": case.spread_ns[0], "p90_ns": case.spread_ns[1]},
            "fastest": group.fastest.implementation,
            "ratio_to_fastest": compare(group, case, group.fastest).ratio,
            **{what: case.extra and getattr(case.extra, what) for what in ("device_memory_bytes", "device_ns")},
        }
        for group in groups
        for case in group.cases
    ]


def describe(groups: list[GroupTimes]) -> str:
    """The figure in words: the times at each panel's smallest and largest batch, or of many the ends."""
    each = []
    for members in panel_groups(groups).values():
        for group in dict.fromkeys((members[0], members[-1])):
            few = group.cases if len(group.cases) <= 8 else (group.cases[0], group.cases[-1])
            times = ", ".join(f"{case.implementation} {units.time(case.median_ns)}" for case in few)
            each.append(f"{group.what} at batch {units.count(group.batch)}: {times}")
    return f"Time per call, medians. {'; '.join(each)}."


def smallest(groups: list[GroupTimes]) -> list[GroupTimes]:
    """The group of the smallest batch for each problem and pass."""
    return [members[0] for members in panel_groups(groups).values()]


def smallest_figure(material: Material, groups: list[GroupTimes]) -> bars.Figure:
    """Bars of the times at the smallest batch, where the framework itself is the bill, the fastest on top."""
    shown, left_out = drawn(groups)

    def bar(group: GroupTimes, case: CaseTimes) -> bars.Bar:
        ratio = units.ratio(compare(group, case, group.fastest).ratio)
        bold = "" if case is group.fastest else f"{ratio}×{' floor' if case.is_floor else ''}"
        look, time = material.looks[case.implementation], units.time(case.median_ns)
        return bars.Bar(case.implementation, look, [case.median_ns], time, bold)

    return bars.draw(
        footer(material.run),
        f"Time per call at the smallest batch: {groups[0].dtype}, {groups[0].device}",
        "Median, and the ratio to the fastest of its panel, paired round by round (a floor is no contestant)."
        + left_out,
        [
            (
                f"{group.what} · batch {units.count(group.batch)}",
                [bar(group, case) for case in group.cases if case.implementation in shown],
            )
            for group in groups
        ],
        x="time per call",
        x_format=lambda ns: units.time(ns, 2),
        columns=min(2, len(groups)),
    )
