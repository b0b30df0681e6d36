"""Labels keep apart, in order, and as near to their lines as they can."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samegrad.reports.labels import spread


def test_labels_that_do_not_touch_stay():
    """Nothing moves without need."""
    assert np.allclose(spread([0.1, 0.9, 0.5], 0.1, 0, 1), [0.1, 0.9, 0.5])


def test_labels_at_one_height_part_evenly():
    """The smallest total move leaves their middle where it was."""
    assert np.allclose(spread([0.5, 0.5, 0.5], 0.1, 0, 1), [0.4, 0.5, 0.6])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_labels_never_overlap_nor_leave_the_panel(wanted):
    """Whatever the heights: at least the gap apart, in the lines' order, within the limits that hold them all."""
    gap = 1 / 30
    placed = spread(wanted, gap, 0, 1)
    ordered = placed[np.argsort(wanted, kind="stable")]
    slack = 1e-12  # a few roundings of numbers near 1, each at most 2⁻⁵³ ≈ 1.1e-16, times at most 30 steps
    assert (np.diff(ordered) >= gap - slack).all()
    assert placed.min() >= -slack and placed.max() <= 1 + slack
