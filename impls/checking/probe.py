"""A probe: a batch in which a few marked rows alone decide the result, so that leaving out any of them shows.

For n terms t, in any order of summation, rounding alone may cost n·u·Σ|t| (`bound.py`): at 262,144 rows in float32 as
much as 1 % of the rows. A probe needs no more than a few u. All targets are the network's own predictions, but in m
*marked* rows S; there the residual is about n/m, so that loss and gradient are of the usual size.

**The bound.** Write T for the other rows. Their residuals are 0 but for the rounding of forward pass and target, of
which `bound.py` says how large it may be: Σ_T|t̂| ≤ R. Take any tree of additions over all n terms, and a node a + b:

    marked rows below both a and b    at most m − 1 such nodes; as in any sum over m terms they cost m·u·Σ_S|t̂|
    below a alone                     |fl(a + b) − (a + b)| ≤ |b|, as a itself is a number of the dtype that could be s;
                                      a term of T is below one such b only: together they cost (1 + n·u)·R
    below neither                     within T's own sums: n·u·R, contained in the factor above

To compare the result with Σ_S t alone leaves out Σ_T t̂, another R. Together, with the errors of the terms themselves,

    |ĝ − Σ_S t| ≤ Σ_S e_t + m·u·Σ_S|t̂| + (2 + n·u)·R + n·η

where a fused product adds nothing, and R is some u beside the Σ_S|t| of order 1. So of a gradient of 4 million rows in
float32 an error of about m·u = 0.003 % is seen, and in float64 one of 10⁻¹³; a marked row that is not counted makes
one of 1/m.

**The marked rows** are the first and the last, both sides of every power of two, and one drawn from each of equally
long stretches of the batch. Let a fraction f of the rows not be counted, whichever. One of K drawn rows is among them
with the probability 1 − Π(1 − fᵢ) ≥ 1 − (1 − f)^K, where fᵢ is the fraction within a stretch. `LARGE` probes of 466
drawn rows, as up to 8 million rows have at least, find f = 0.5 % with 99.9 % (`smallest_dropped`); whatever leaves out
a whole end or block that long is found for certain. Each input has one sign, and so have the marked residuals, so that
what is left out is not cancelled. Rounding the rows to the 11 digits of float16 or TF32 makes all of them smaller, so
that this does not average out either.

**The probes differ.** They are numbered, and what a probe has besides depends on its number: negative inputs and
residuals, the ends of an earlier probe, inputs above 1, many equal rows, or residuals near 0, whose rows seem to need
no work.

The oracle evaluates the marked rows alone: a probe costs two passes over the rows in NumPy.

**Several networks** work on the same rows, which can be near the predictions of one only. Each probe draws which; it is
judged by the bound above, and all others by that of any rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.checking.agreement import Reference, parties
from samegrad.impls.checking.bound import sparse_bound
from samegrad.impls.checking.oracle import RESOLUTION, Evaluation, evaluate, predict
from samegrad.impls.parameters import Array, Layer, Parameters, network, networks, rounded
from samegrad.impls.problem import storage
from samegrad.impls.task import Task

NEGATIVE, EQUAL = 1, 2
"""The numbers of the probe of negative inputs and residuals, which keeps two rows, and of that of equal rows."""
LARGE = 3
"""The probes whose residuals are large, so that each marked row shows."""
PROBES = LARGE + 1
"""And one whose residuals are small."""
SMALL = 2.0**-5
"""The mean of small residuals, in units of the output."""
MARKED = 512
"""The most marked rows; in a smaller batch every row is marked."""


def marked_rows(batch: int, random: np.random.Generator) -> NDArray[np.int_]:
    """The numbers of the rows to mark, in order."""
    if batch <= MARKED:
        return np.arange(batch)
    powers = 2 ** np.arange(1, (batch - 1).bit_length())
    edges = np.concatenate([[0, batch - 1], powers - 1, powers])
    ends = np.linspace(0, batch, MARKED - len(edges) + 1).astype(int)
    return np.unique(np.concatenate([edges, random.integers(ends[:-1], ends[1:])]))


def smallest_dropped(batch: int, miss: float = 0.001) -> float:
    """The fraction of rows which, left out, is found but for a probability of `miss`: 0 where every row is marked."""
    if batch <= MARKED:
        return 0.0
    drawn = MARKED - 2 * (batch - 1).bit_length()
    return float(1 - miss ** (1 / (LARGE * drawn)))


class Probe(Reference):
    """Makes rows and the truth for them: all predictions, and loss and gradients from the marked rows alone.

    Of several networks this holds for one, drawn at random; for the others, sums over every row are bounded.
    """

    def __init__(
        self, task: Task, parameters: Parameters, x: Array, y: Array, random: np.random.Generator, number: int = 0
    ) -> None:
        """Fill x: (batch, inputs) and y: (batch, outputs), which are of the task's dtype. Probe 1 keeps both ends."""
        several = networks(parameters)
        drawn = None if several is None else int(random.integers(several))
        self._make(task, parameters if drawn is None else network(parameters, drawn), x, y, random, number)
        if drawn is not None:
            truth, bounds = self.truth, self.bounds
            super().__init__(task.problem, parameters, x, y, task.dtype)
            write_network(truth, self.truth, drawn)
            write_network(bounds, self.bounds, drawn)

    def _make(
        self, task: Task, parameters: Parameters, x: Array, y: Array, random: np.random.Generator, number: int
    ) -> None:
        """The rows, and the truth of one network."""
        dtype = storage(task.dtype)
        self.problem, self.dtype, self.number = task.problem, np.dtype(dtype), number
        self.parameters = rounded(rounded(parameters, dtype), "float64")
        self.marked = marked_rows(len(x), random)
        share = len(self.marked) / len(x)
        ends = x[[0, -1]], y[[0, -1]]
        _draw(x, self.marked, random, number)
        residuals = random.uniform(0.5, 1.5, (len(self.marked), y.shape[1])) / share
        if number == EQUAL:
            residuals[len(residuals) // 2 :] = residuals[-1]
        if number == NEGATIVE:
            residuals *= -1
        if number == LARGE:
            residuals *= share * SMALL
        if is_kept := number == NEGATIVE and len(x) > 2:
            x[[0, -1]] = ends[0]
        rows = x.astype(np.float64)
        predictions = predict(self.problem, self.parameters, rows)
        y[:] = predictions
        near = y.astype(np.float64)
        y[self.marked] -= residuals.astype(dtype)
        if is_kept:
            y[[0, -1]] = ends[1]

        self.x, self.y = rows[self.marked], y[self.marked].astype(np.float64)
        self.share = share
        loss, gradients = self.of_first_marked(len(self.marked))
        self.truth = Evaluation(predictions, loss, gradients)
        bound = sparse_bound(self.problem, self.parameters, rows, near, self.marked, self.y, task.dtype)
        count = parties(task.dtype)
        allowed = [Layer(*(count * tensor + RESOLUTION for tensor in layer)) for layer in bound.gradients]
        self.bounds = Evaluation(count * bound.predictions, count * bound.loss, allowed)

    def of_first_marked(self, count: int) -> tuple[Array, Parameters]:
        """Loss and gradients as if only the first `count` marked rows were counted."""
        _, loss, gradients = evaluate(self.problem, self.parameters, self.x[:count], self.y[:count])
        share = self.share * count / len(self.marked)
        return loss * share, [Layer(W * share, b * share) for W, b in gradients]


def _draw(x: Array, marked: NDArray[np.int_], random: np.random.Generator, number: int) -> None:
    """Fill x with the inputs of the probe of this number."""
    digits = random.integers(1024, 2048, x.shape) + random.uniform(0.2, 0.48, x.shape)
    x[:] = digits / (2048 if number == EQUAL else random.choice([2048, 4096], x.shape))
    if number == NEGATIVE:
        x *= -1
    if number == EQUAL:
        x[:, ::2] *= 2
        x[:, 1::2] *= -2
        x[marked[len(marked) // 2 :]] = x[marked[-1]]


def write_network(one: Evaluation, several: Evaluation, number: int) -> None:
    """Write the values of one network into the place `number` of several."""
    several.predictions[number], several.loss[number] = one.predictions, one.loss
    for tensors, theirs in zip(one.gradients, several.gradients, strict=True):
        for tensor, their in zip(tensors, theirs, strict=True):
            their[number] = tensor
