"""Labels beside the ends of lines, moved apart as little as needed so that none covers another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spread(wanted: ArrayLike, gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Positions as near to `wanted` as possible (least squares), at least `gap` apart, within [low, high] if they fit.

    With the labels in order, yᵢ ≥ yᵢ₋₁ + gap says that zᵢ = yᵢ − i·gap may not fall: isotonic regression of
    wantedᵢ − i·gap. Clipping z to [low, high − (n−1)·gap] keeps it monotone.
    """
    from scipy.optimize import isotonic_regression

    wanted = np.asarray(wanted, dtype=np.float64)
    if not wanted.size:
        return wanted
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(wanted.size)
    z = isotonic_regression(wanted[order] - steps).x
    placed = np.empty_like(wanted)
    placed[order] = np.clip(z, low, max(low, high - steps[-1])) + steps
    return placed
