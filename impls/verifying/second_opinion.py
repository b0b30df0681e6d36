"""A second opinion: the same gradients held against the autodiff of every framework."""

from __future__ import annotations

import numpy as np

from impls.errors import Unavailable
from impls.verifying import autodiff
from impls.verifying.diagnosis import (
    Diagnosis,
    Judge,
)
from impls.verifying.observations import to_observation
from impls.verifying.report import Report


def ask_frameworks(report: Report, diagnosis: Diagnosis, group, opinions, time_limit_s) -> None:
    """Hold the same gradients against every framework's autodiff."""
    if diagnosis.row_by_row:
        return
    observations = [to_observation(o) for o in group["observed"]]
    references = Judge(observations, report.dtype).references(diagnosis.activations) or []
    request = {
        "sizes": list(report.sizes),
        "activations": list(diagnosis.activations),
        "dtype": report.dtype,
        "probes": [{"parameters": [[W, b] for W, b in o.parameters], "x": o.x, "y": o.y} for o in observations],
    }
    for running in opinions:
        try:
            answers = autodiff.ask(running, request, time_limit_s)
        except Unavailable as reason:
            report.unavailable.append(str(reason))
            continue
        framework = running.entry.framework
        for row in report.rows:
            worst = 0.0
            for o, reference, theirs in zip(observations, references, answers, strict=True):
                name = row.tensor[1:]
                scale = diagnosis.constant * diagnosis.convention.factor(*o.y.shape)
                found, expected = o.gradients[name], scale * theirs[name]
                if found.shape != expected.shape:
                    worst = float("inf")
                    continue
                # Either is within the bound of the oracle's, so the two are within twice that of each other.
                allowed = 2 * scale * reference.bounds[name] + o.slack.get(name, 0.0)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = np.where(found == expected, 0.0, abs(found - expected) / allowed)
                worst = max(worst, float(np.max(ratio)))
            row.frameworks[framework] = worst
