"""Observations, as the target's process sends them."""

from __future__ import annotations

from typing import Any

from impls.verifying import messages
from impls.verifying.diagnosis import (
    Observation,
)


def to_observation(o: dict[str, Any]) -> Observation:
    """What the target's process answered for one probe."""
    from impls.verifying.probe import RATE

    return Observation(
        messages.to_layers(o["parameters"]),
        o["x"],
        o["y"],
        o["gradients"],
        o["slack"],
        RATE if o["rate_known"] else 1.0,
        o["loss"],
        o["predictions"],
    )
