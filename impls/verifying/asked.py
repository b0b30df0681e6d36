"""What is asked of a verification, and what the target's process says of the target as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samegrad.impls.verifying.conventions import CONVENTIONS, Convention


@dataclass(frozen=True)
class Asked:
    """What the user demands."""

    target: str
    conventions: Sequence[Convention] = CONVENTIONS
    strict: bool = False
    """Is the loss demanded, and not to be recognised?"""
    own_loss: bool = False
    """Has the user named a loss function of their own?"""
    activations: Sequence[str] | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Source:
    """The facts that the target's source shows."""

    activations: Sequence[str]
    """The activations that the source mentions."""
    literals: Sequence[float]
    """The numbers that are written in the source."""
    ascends: bool
    """Does it speak of a likelihood or of ascent, so that the gradient may point uphill?"""
    adds: bool
    """Does it add a step to the weights, as is right where the gradients point downhill?"""
    own: dict[str, list[int]]
    """The shapes of its own data: x, y."""
    float32: bool
    """Does it ask for float32 anywhere?"""
    lines: Sequence[int] = ()
    """The first and the last line of a script's loop, of which one round is the function that was checked."""
