"""The report of `verify` on a target."""

from __future__ import annotations

from dataclasses import dataclass, field

from samegrad.impls.verifying.mutants import Mistake
from samegrad.impls.verifying.wording import RIGHT, UNKNOWN, WRONG


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
