"""Explain a wrong result by comparing it with what known mistakes would have given.

Only words depend on the tolerances here. What they are asked about has been found wrong by the bound; they are far
above its rounding and far below a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samegrad.impls.checking.agreement import Agreement, Reference, wrong
from samegrad.impls.checking.probe import LARGE, SMALL, Probe
from samegrad.impls.checking.subject import Subject
from samegrad.impls.parameters import Array, Layer, Parameters, networks, rounded, tensors, vector

DIGITS = {"float32": 24, "float64": 53}
LACKING = 16
"""The binary digits that must be missing, in all numbers together: by chance that is so once in 65,536."""


SAME = 1e-4
"""The largest relative error of a gradient that is called the same. Rounding costs a third of that at most
(`probe.py`), and one row of 512 that is left out makes 20 times as much."""


def explain(subject: Subject, numbers: object, probe: Probe, agreements: Sequence[Agreement]) -> tuple[str, str]:
    """A clause and a sentence for a result of a probe that is finite, new and wrong."""
    name, worst = subject.pass_name, wrong(agreements)[0]
    if name == "forward":
        return "arguments", f"for other rows forward's {worst}"
    if not subject.is_descent:
        return "training", f"for other rows {name}'s {worst}"
    if {agreement.tensor for agreement in wrong(agreements)} == {"loss"}:
        others = "new parameters" if subject.trains else "gradients"
        return "gradients", f"{name}'s {others} are right for other rows, but its loss is not: {worst}"
    gradients: Parameters = numbers[1]  # type: ignore[index]
    if networks(probe.parameters) is not None:
        return "gradients", f"for other rows {name}'s {worst}"
    if words := few_digits(gradients, probe, subject.rate if subject.trains else None):
        return "dtype", f"{name}'s {words}: {worst}"
    if subject.trains:
        gradients = gradients_of(probe.parameters, gradients, subject.rate)
    if probe.number == LARGE and not vector(gradients).any():
        return "rows", f"{name} leaves out rows whose error is below {1.5 * SMALL:.2g}, as if they were right: {worst}"
    if subject.trains and (mistake := _of_step(subject, probe, gradients)):
        return mistake
    if (counted := _counted(gradients, probe)) is not None:
        last = int(probe.marked[counted - 1]) if counted else -1
        return "rows", f"{name} does not count the rows after row {last:,} of {len(probe.truth.predictions):,}: {worst}"
    if factors := _factors(gradients, probe.truth.gradients):
        return "rows", f"{name} is off by a factor at this batch ({factors}): {worst}"
    if subject.trains and (right := [agreement.tensor for agreement in agreements[1:] if agreement.agrees]):
        return "training", f"{name} is right in {', '.join(right)}, and in no other tensor: {worst}"
    what = "does not count every row rightly" + (", or adds something to their gradient," if subject.trains else "")
    return "rows", f"{name} {what} at this batch: {worst}"


def gradients_of(before: Parameters, after: Parameters, rate: float) -> Parameters:
    """The gradients that a step must have used."""
    return [
        Layer(*((p.astype(np.float64) - q) / rate for p, q in zip(*layers, strict=True)))
        for layers in zip(before, after, strict=True)
    ]


def few_digits(layers: Parameters, right: Reference, rate: float | None = None) -> str:
    """ "gradients have 11 binary digits, …", where all have fewer than the dtype has; "" otherwise.

    layers: the gradients, or with `rate` the parameters after a step from those of `right`. A step's gradients are
    known up to the roundings of its subtraction.
    """
    has = DIGITS[right.dtype.name]
    gradients = vector(layers)
    unknown = np.zeros_like(gradients)
    if rate is not None:
        gradients = vector(gradients_of(right.parameters, layers, rate))
        unknown = 2.0**-has * ((abs(vector(right.parameters)) + abs(vector(layers))) / rate + abs(gradients))
    if not np.isfinite(gradients).all():
        return ""
    gradients, unknown = gradients[gradients != 0], unknown[gradients != 0]
    fractions, exponents = np.frexp(gradients)
    unknown = np.ldexp(unknown, -exponents)
    seen = np.minimum(has, -np.log2(unknown + 2.0**-has))
    for digits in range(1, has):
        short = abs(np.round(fractions * 2.0**digits) / 2.0**digits - fractions) <= unknown
        if short.all() and np.maximum(0, seen - digits).sum() >= LACKING:
            return f"gradients have {digits} binary digits, {right.dtype} has {has}"
    return ""


def _of_step(subject: Subject, probe: Probe, taken: Parameters) -> tuple[str, str] | None:
    """Explain a step that used these gradients instead of the probe's, where it is one of the known mistakes."""
    name, task, rate = subject.pass_name, subject.task, subject.rate
    gradients, expected, moved = map(
        vector,
        (
            taken,
            probe.truth.gradients,
            gradients_of(probe.parameters, rounded(task.parameters, "float64"), 1),
        ),
    )
    if not gradients.any():
        return "training", f"{name} leaves the parameters where they were"
    if np.linalg.norm(rate * (gradients - expected) - moved) < 0.2 * np.linalg.norm(moved):
        return "training", f"{name} does not keep its update: each step starts where the first one did"
    first = vector(Reference.of(task).truth.gradients)
    if np.linalg.norm(gradients - first) < 0.02 * np.linalg.norm(first):
        return "arguments", f"{name} takes the gradient at the rows and parameters of prepare, for ever"
    return None


def _counted(gradients: Parameters, probe: Probe) -> int | None:
    """How many of the marked rows, from the first on, give these gradients; None where none do, or all.

    Another single row that is left out looks different, as `SAME` is far below its share.
    """
    total = float(np.sum(gradients[-1].b))
    low, high = 0, len(probe.marked)
    for _ in range(high.bit_length()):
        middle = (low + high + 1) // 2
        _, partial = probe.of_first_marked(middle) if middle else (0, probe.truth.gradients)
        within = abs(float(np.sum(partial[-1].b))) <= abs(total) * (1 + 1e-5)
        low, high = (middle, high) if within else (low, middle - 1)
    if low in (0, len(probe.marked)):
        return None
    _, partial = probe.of_first_marked(low)
    pairs = zip(tensors(gradients).values(), tensors(partial).values(), strict=True)
    return low if all(np.allclose(one, other, rtol=SAME, atol=0) for one, other in pairs) else None


def _factors(gradients: Parameters, expected: Parameters) -> str:
    """The factor that each tensor is off by as a whole; "" where a tensor is neither right nor off as a whole.

    Rows that are left out give some tensor a factor by chance, but not every tensor that is wrong.
    """
    factors = []
    for (name, tensor), right in zip(tensors(gradients).items(), tensors(expected).values(), strict=True):
        ratios: Array = tensor[right != 0] / right[right != 0]
        if ratios.size <= 1:
            continue
        if np.ptp(ratios) < 1e-2 * abs(ratios.mean() - 1):
            factors.append(f"{name}: {ratios.mean():.6g}")
        elif not np.allclose(ratios, 1, rtol=0, atol=SAME):
            return ""
    return ", ".join(factors)
