"""Hints: a report that says where to look and not what is wrong there, for those who are to find it themselves."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from samegrad.impls.verifying.wording import RIGHT, WRONG, layer_name, listed

if TYPE_CHECKING:
    from samegrad.impls.verifying.report import Named, Report, Row

PLACES = 3
"""Explanations that fit just as well, whose places are named: one who is sent to the first only may look in vain."""
WITHOUT_EQUATION = {
    "averaged-twice": "your equations for the deltas, dW and db",
    "float32": "everything between the inputs and the gradients, as no single equation is wrong",
}
"""Mistakes whose remedy is no equation, with where they may be."""


def hinted(report: Report) -> Report:
    """The report without what gives the mistake away: which gradients are wrong stays, and the place to look.

    Gone are the mistake, its equation, how a wrong gradient is wrong (its τ and shape, and whether it is missing), the
    batches, with which some mistakes only run, and the notes.
    """
    if report.verdict != WRONG:
        untested = [re.sub(r"(is another gradient):.*", r"\1", what, flags=re.DOTALL) for what in report.untested]
        return replace(report, untested=untested if report.verdict == RIGHT else [])
    rows = [
        replace(row, shape=(), tau=0.0 if row.right else math.inf, frameworks={}, absent=False) for row in report.rows
    ]
    rows = [] if all(row.right for row in rows) else rows
    return type(report)(
        report.target, WRONG, where_to_look(report), evidence=_which(rows), rows=rows, sizes=report.sizes,
        activations=report.activations, dtype=report.dtype, loss=report.loss, hint=True,
    )  # fmt: skip


def _which(rows: list[Row]) -> str:
    """ "dW1 and db1 are wrong, and every other gradient is right"."""
    wrong, right = [r.tensor for r in rows if not r.right], [r.tensor for r in rows if r.right]
    if not wrong:
        return ""
    if not right:
        return "every gradient is wrong"
    rest = "every other gradient is" if len(right) > 1 else f"{right[0]} is"
    return f"{listed(wrong)} {'are' if len(wrong) > 1 else 'is'} wrong, and {rest} right"


def where_to_look(report: Report) -> str:
    """The equations in which the mistake is, by the names that the user has for things, and not the mistake."""
    if not report.mistakes:
        return f"look at {report.first_wrong}" if report.first_wrong else "look at the whole backward pass"
    named = dict.fromkeys(_place(mistake, report) for mistake in report.mistakes[:PLACES])
    return f"look at {', or else at '.join(named)}"


def _place(mistake: Named, report: Report) -> str:
    """Where one mistake is, or the two that make a pair."""
    equations: dict[str, None] = {}
    others: dict[str, None] = {}
    for name, text in zip(mistake.name.split("+"), mistake.equation.split("\n"), strict=False):
        if name in WITHOUT_EQUATION:
            others[WITHOUT_EQUATION[name]] = None
            continue
        if "←" in text:
            others["the update of the parameters"] = None
        for equation in text.split(",  "):
            left, sign = re.match(r"(.*?) ([=≔←]|$)", f"{equation} ").groups()  # type: ignore[union-attr]
            if sign and sign != "←":
                equations[_called(left, report)] = None
    yours = f"your equation{'s' * (len(equations) > 1)} for {listed(equations)}" if equations else ""
    return listed([*filter(None, [yours]), *others] or ["the whole backward pass"])


def _called(left: str, report: Report) -> str:
    """The left side of an equation, with the name of what it is."""
    m = len(report.sizes) - 1
    kind, number = left.rstrip("0123456789"), left[len(left.rstrip("0123456789")) :]
    if kind == "δ" and number:
        return f"δ{number} (the delta of {layer_name(int(number), m)})"
    if kind in ("dW", "db") and number:
        own = next((row.name for row in report.rows if row.tensor == left), "")
        return f"{left} (the gradient of {own})" if own and own != left[1:] else left
    if kind in ("dWℓ", "dbℓ"):
        return f"{left[:2]} of every layer"
    if kind == "z":
        return f"{left}, in the forward pass"
    if left == "grad_input":
        return f"{left}, which backward returns"
    return "the error e" if left == "e" else left
