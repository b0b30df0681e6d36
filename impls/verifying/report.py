"""The report of `verify` on a target, and what is left of it as a hint, for those who are to find the mistake."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from samegrad.impls.verifying.mutants import Mistake
from samegrad.impls.verifying.wording import RIGHT, UNKNOWN, WRONG, layer_name, listed, the_rest_is_right


@dataclass
class Row:
    """One tensor in the table."""

    tensor: str
    """The gradient's name: dW1, db1, …"""
    name: str
    """What the user calls the parameter."""
    shape: tuple[int, ...]
    tau: float
    """max |g − g*|/B against the oracle, over all probes."""
    frameworks: dict[str, float] = field(default_factory=dict)
    """The τ against each framework's autodiff, with twice the bound, as both sides round."""
    absent: bool = False

    @property
    def right(self) -> bool:
        """Is the gradient within the bound?"""
        return self.tau <= 1


@dataclass
class Named:
    """A mistake that explains what was observed."""

    name: str
    title: str
    sentence: str
    equation: str

    @classmethod
    def of(cls, mistake: Mistake) -> Named:
        """The `Named` of a mistake in the bank."""
        return cls(mistake.name, mistake.title, mistake.sentence, mistake.equation)


@dataclass
class Report:
    """The verdict on a target, and what it rests on."""

    target: str
    verdict: str
    """The verdict: right, wrong, or cannot tell."""
    headline: str
    evidence: str = ""
    mistakes: list[Named] = field(default_factory=list)
    """Every mistake that fits, the most usual first; they are alternatives."""
    rows: list[Row] = field(default_factory=list)
    sizes: tuple[int, ...] = ()
    activations: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    dtype: str = "float64"
    convention: str = ""
    """The name of the loss's convention; own, rule."""
    loss: str = ""
    """The loss in words and as a formula."""
    factor: str = ""
    constant: float = 1.0
    margin: float = float("nan")
    first_wrong: str = ""
    forward_known: bool = False
    """Did the target's own predictions show its activations?"""
    recovered: bool = False
    """Were the gradients recovered from the change of the weights?"""
    notes: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    """What a verdict of right does not cover."""
    advice: str = ""
    """What to do next where the verdict is cannot tell, maybe as lines of code."""
    traceback: str = ""
    unavailable: list[str] = field(default_factory=list)
    hint: bool = False
    """Does the report show only the place to look, and not the mistake? What is stored here stays whole."""

    def as_shown(self) -> Report:
        """The report as it is; or as a hint, without what gives the mistake away.

        A hint keeps which gradients are wrong, and the place to look. Gone are the mistake, its equation, how a wrong
        gradient is wrong (its τ and shape, and whether it is missing), the batches, with which some mistakes only run,
        and the notes.
        """
        if not self.hint:
            return self
        if self.verdict != WRONG:  # only a sentence about another mistake would give it away
            untested = [re.sub(r"(is another gradient):.*", r"\1", what, flags=re.DOTALL) for what in self.untested]
            return replace(self, untested=untested if self.verdict == RIGHT else [])
        rows = [
            replace(row, shape=(), tau=0.0 if row.right else math.inf, frameworks={}, absent=False) for row in self.rows
        ]
        rows = [] if all(row.right for row in rows) else rows
        return Report(
            self.target, WRONG, where_to_look(self), evidence=_which(rows), rows=rows, sizes=self.sizes,
            activations=self.activations, dtype=self.dtype, loss=self.loss, hint=True,
        )  # fmt: skip

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 2 cannot tell."""
        return {RIGHT: 0, WRONG: 1, UNKNOWN: 2}[self.verdict]

    def __repr__(self) -> str:
        """The verdict first, then why, in about twelve lines."""
        from samegrad.impls.verifying import render

        return render.brief(self)

    def __str__(self) -> str:
        """The whole report, as `samegrad verify` prints it."""
        from samegrad.impls.verifying import render

        return render.plain(render.render(self))

    def _repr_html_(self) -> str:
        from samegrad.impls.verifying import render

        return render.html(self)


# -- hints ------------------------------------------------------------------------------------------------------------

PLACES = 3
"""Explanations that fit just as well, whose places are named: one who is sent to the first only may look in vain."""
WITHOUT_EQUATION = {
    "averaged-twice": "your equations for the deltas, dW and db",
    "float32": "everything between the inputs and the gradients, as no single equation is wrong",
}
"""Mistakes whose remedy is no equation, with where they may be."""


def _which(rows: list[Row]) -> str:
    """ "dW1 and db1 are wrong, and every other gradient is right"."""
    wrong, right = [r.tensor for r in rows if not r.right], [r.tensor for r in rows if r.right]
    if not wrong:
        return ""
    if not right:
        return "every gradient is wrong"
    return f"{listed(wrong)} {'are' if len(wrong) > 1 else 'is'} wrong, and {the_rest_is_right(right)}"


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
