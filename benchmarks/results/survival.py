"""Time to success, where some never succeed: the share that has succeeded by each time (Kaplan and Meier 1958)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats


class Success(NamedTuple):
    """The share that has succeeded by a time, and its 95 % interval (Greenwood, of the logarithm of the hazard)."""

    time: float
    share: float
    low: float
    high: float


def by_time(times: Sequence[float], counts: Sequence[int], subjects: int) -> list[Success]:
    """The share at each time, of so many subjects. counts: how many succeed at each time, up to the last that do.

    Those that never do are censored at the last time.
    """
    succeeded = np.repeat(np.asarray(times[: len(counts)], float), counts)
    never = np.full(subjects - len(succeeded), float(times[-1]))
    survival = stats.ecdf(stats.CensoredData(uncensored=succeeded, right=never)).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The confidence interval is undefined")  # there it is the share
        ends = survival.confidence_interval(method="log-log")
    shares = 1 - survival.evaluate(times)
    bounds = [1 - end.evaluate(times) for end in (ends.high, ends.low)]
    low, high = (np.where(np.isfinite(bound), bound, shares) for bound in bounds)
    return [Success(*map(float, point)) for point in zip(times, shares, low, high, strict=True)]
