"""The cost of a call, taken apart: where the microseconds of one gradient go while its arithmetic is nearly free."""

from __future__ import annotations

from samegrad.benchmarks.documents.ladder import CallCost
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.units import minute
from samegrad.reports import cells
from samegrad.reports.figures import bars
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, Figure, ReportPart, each, note, table

ID, TITLE = "call-cost", "The cost of a call, taken apart"


def part(material: Material) -> ReportPart | None:
    """Bars with a part for each part of a call; None where no call was taken apart."""
    if material.ladder is None or not material.ladder.costs:
        return None
    ladder, looks, costs = material.ladder, material.looks, material.ladder.costs
    names = list(dict.fromkeys(name for cost in costs for name in cost.parts))
    processes = max(len(times) for cost in costs for times in cost.parts.values())
    shown = [
        bars.Bar(cost.implementation, looks[cost.implementation], shares(cost, names), units.time(cost.total_ns))
        for cost in costs[:MOST]
    ]
    figure = Figure(
        "cost-of-a-call",
        lambda: bars.draw(
            [f"samegrad ladder · xor value_and_grad, batch 4, float32, one thread · {minute(ladder.started)}"],
            TITLE,
            f"{', '.join(names)}, from dark to light, as shares: medians of {processes} processes each.",
            [("", shown)],
            x="share of the call",
            x_format=lambda percent: f"{percent:g} %",
        ),
        [
            {"implementation": cost.implementation, "part": name, "process": number, "time_ns": ns}
            for cost in costs
            for name, times in cost.parts.items()
            for number, ns in enumerate(times, start=1)
        ],
        f"{', '.join(names)}; sums of the parts' medians: "
        + ", ".join(f"{bar.name} {bar.text}" for bar in shown)
        + ".",
    )
    how = f"""From samegrad ladder, {minute(ladder.started)}: a gradient of xor at batch 4, where the arithmetic is
        nearly free. From dark to light: {", ".join(names)}. Each is the median over new processes of the paired
        difference between two callables: a function that does nothing, the pass without waiting, the pass, and the pass
        with its result in NumPy. Bars are shares; a difference below 0 (an empty call may take longer than what a pass
        uses of it) has none."""
    columns: Columns = {
        "implementation": lambda cost: cells.name(cost.implementation, looks),
        **each(names, lambda name, cost: cells.time(cost.medians_ns.get(name))),
        "sum": lambda cost: cells.time(cost.total_ns),
    }
    caption, folded = "Medians over processes; a difference may be below 0 by chance", "Numbers: the cost of a call"
    return ReportPart(ID, TITLE, [note(how), figure, table("call-cost-table", caption, costs, columns, folded)])


def shares(cost: CallCost, names: list[str]) -> list[float]:
    """How much of the call each part is, in percent; a difference of two times that is below 0 takes no part."""
    lengths = [max(0.0, cost.medians_ns.get(name, 0.0)) for name in names]
    return [100 * length / (sum(lengths) or 1.0) for length in lengths]
