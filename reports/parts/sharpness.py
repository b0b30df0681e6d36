"""How sharp gradient checkers are: of many planted mistakes, how many each lets pass."""

from __future__ import annotations

from samegrad.benchmarks.results.units import count
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Text, each, note, table

ID, TITLE = "sharpness", "How sharp the check is"


def part(material: Material) -> ReportPart | None:
    """A row for each checker; None where it was not measured."""
    sharp = material.sharpness
    if sharp is None or not sharp.checkers:
        return None
    planted = count(sharp.planted_per_scale * len(sharp.missed))
    missed = [f"{name} {count(sum(of[name] for of in sharp.missed.values()))}" for name in sharp.checkers]
    columns: Columns = {
        "checker": str,
        **each({f"missed, scale {at}": of for at, of in sharp.missed.items()}, lambda of, name: cells.count(of[name])),
        "downcasts missed": lambda name: cells.count(sharp.downcasts_missed[name]),
        "false alarms": lambda name: cells.count(sharp.alarms(name)[0]),
        "of right code": lambda name: cells.count(sharp.alarms(name)[1]),
    }
    caption = "Planted mistakes that are missed, and right code that is called wrong"
    how = f"""{count(sharp.planted_per_scale)} mistakes planted at each scale and {count(sharp.downcasts_planted)}
        downcasts to a lower precision, {sharp.date[:10]}, by checker; every mistake is one that people make in a
        hand-written backward pass. At scale 10 most units are saturated, so that gradients are small. False alarms are
        over right code, ours in both dtypes and at scale 100 too."""
    verdict = f"Of {planted} planted mistakes are missed: by {', by '.join(missed)}."
    return ReportPart(ID, TITLE, [Text(verdict), note(how), table("sharpness-table", caption, sharp.checkers, columns)])
