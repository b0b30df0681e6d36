"""What `verify` found out about a target."""

from __future__ import annotations

from dataclasses import dataclass, field

RIGHT, WRONG, ERROR = "right", "wrong", "error"


@dataclass
class Row:
    """One tensor in the table."""

    tensor: str
    """dW1, db1, …"""
    name: str
    """What the user calls the parameter."""
    shape: tuple[int, ...]
    tau: float
    """max |g − g*|/B against the oracle, over all probes."""
    frameworks: dict[str, float] = field(default_factory=dict)
    """The same against each framework's autodiff, with twice the bound, as both sides round."""
    absent: bool = False

    @property
    def right(self) -> bool:
        return self.tau <= 1


@dataclass
class Finding:
    """A mistake that explains what was found."""

    name: str
    title: str
    sentence: str
    equation: str


@dataclass
class Report:
    """What `verify` found out."""

    target: str
    status: str
    """right, wrong, error."""
    headline: str
    evidence: str = ""
    findings: list[Finding] = field(default_factory=list)
    """Every mistake that fits, the most usual first; they are alternatives."""
    rows: list[Row] = field(default_factory=list)
    sizes: tuple[int, ...] = ()
    activations: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    dtype: str = "float64"
    convention: str = ""
    factor: str = ""
    constant: float = 1.0
    margin: float = float("nan")
    first_wrong: str = ""
    forward_known: bool = False
    """Did the target's own predictions show its activations?"""
    recovered: bool = False
    """Were the gradients recovered from the change of the weights?"""
    notes: list[str] = field(default_factory=list)
    traceback: str = ""
    unavailable: list[str] = field(default_factory=list)


def exit_code(report: Report) -> int:
    """0 right, 1 wrong, 2 could not run."""
    return {RIGHT: 0, WRONG: 1, ERROR: 2}[report.status]
