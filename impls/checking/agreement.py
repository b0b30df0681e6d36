"""Agreement: is every element of a result within the rounding bound of the reference, and if not, which is worst?

    |g − g*| ≤ B elementwise,   τ = max |g − g*| / B

g is what an implementation returned, g* the oracle's value at the very numbers that the implementation was given, and B
the bound of a right computation in that dtype. τ ≤ 1 is agreement. In float64 the oracle rounds as well, and is a right
computation itself: there B is twice the bound, once for each of the two. (It matters where the bound is a rounding or
two: a fused p − λg was seen 1.6 bounds away from one rounded twice, both of them right.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samegrad.impls.checking.bound import arithmetic, running_bound, step_bound
from samegrad.impls.checking.oracle import RESOLUTION, Evaluation, evaluate
from samegrad.impls.errors import BadInput, choose
from samegrad.impls.implementation import PASSES
from samegrad.impls.parameters import Array, Layer, Parameters, networks, rounded, tensors
from samegrad.impls.problem import DTYPES, TF32, Problem, storage
from samegrad.impls.task import Task


class Disagreement(Exception):
    """Raised for a result that is not what it should be; the message gives the place, the error and the tolerance."""

    refusal = "disagreement"


@dataclass(frozen=True)
class Agreement:
    """One tensor of a result compared with the reference; the element shown is the one of the largest τ.

    Errors are in units in the last place (ULP) of the reference in the result's dtype. Where `fault` is not empty, the
    tensor could not be compared at all (missing, of another shape or dtype): τ is infinite.
    """

    tensor: str
    """loss, predictions, W1, b1, …: gradients for the pass value_and_grad, new parameters for train_step."""
    tau: float
    index: tuple[int, ...] = ()
    found: float = math.nan
    expected: float = math.nan
    tolerance: float = math.nan
    error_ulp_median: float = math.nan
    error_ulp_worst: float = math.nan
    fault: str = ""
    network: int | None = None
    """Which of several networks that element is of."""

    @property
    def agrees(self) -> bool:
        return self.tau <= 1

    def __str__(self) -> str:
        if self.fault:
            return f"{self.tensor} {self.fault}"
        where = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        where += f" of network {self.network}" if self.network is not None else ""
        return (
            f"{self.tensor}{where} is {self.found:.9g}, but should be {self.expected:.9g} "
            f"(tolerance {self.tolerance:.2g}, derived rounding bound; τ = {self.tau:.2g})"
        )


def parties(dtype: str) -> int:
    """How many round in this dtype: the implementation, and in float64 the oracle too."""
    return 2 if dtype == "float64" else 1


def allowance(problem: Problem, parameters: Parameters, x: Array, y: Array, dtype: str) -> Evaluation:
    """How far from the oracle a right computation in `dtype` may be: the bound once for each party that rounds.

    Arguments, and BadInput, as for `running_bound`; of gradients the oracle claims no more than its resolution. Raises
    BadInput also where the bound itself overflows.
    """
    with np.errstate(all="ignore"):
        own, count = running_bound(problem, parameters, x, y, dtype), parties(dtype)
    if not all(np.isfinite(array).all() for array in (own.predictions, own.loss, *tensors(own.gradients).values())):
        raise BadInput(f"the bound on rounding overflows for these numbers in {dtype}; take smaller parameters or data")
    gradients = [Layer(*(count * bound + RESOLUTION for bound in layer)) for layer in own.gradients]
    return Evaluation(count * own.predictions, count * own.loss, gradients)


class Reference:
    """The truth for one problem, parameters and data, as an implementation of `dtype` receives them."""

    def __init__(self, problem: Problem, parameters: Parameters, x: Array, y: Array, dtype: str) -> None:
        """x: (batch, inputs), y: (batch, outputs), float64; rounded to `dtype`, then evaluated in float64.

        Raises BadInput for an unknown dtype, and where there is no gradient (on the kink of a ReLU, or where the
        numbers overflow).
        """
        choose("dtype", dtype, (*DTYPES, TF32))
        self.problem, self.dtype = problem, np.dtype(storage(dtype))
        self.parameters = rounded(rounded(parameters, storage(dtype)), "float64")
        x, y = (array.astype(self.dtype).astype(np.float64) for array in (x, y))
        self.truth = evaluate(problem, self.parameters, x, y)
        self.bounds = allowance(problem, self.parameters, x, y, dtype)
        for name, value in {"loss": self.truth.loss, **tensors(self.truth.gradients)}.items():
            if not np.isfinite(value).all():
                raise BadInput(f"the reference's {name} is not finite; take smaller parameters or data")

    @classmethod
    def of(cls, task: Task) -> Reference:
        """The truth of a task."""
        return cls(task.problem, task.parameters, *task.problem.data(task.batch, task.seed), task.dtype)

    def agree(self, pass_name: str, result: Any, learning_rate: float | None = None) -> list[Agreement]:
        """Compare `result`, as `to_numpy` returned it for that pass, with the truth: one Agreement per tensor.

        forward: predictions. value_and_grad: (loss, gradients). train_step: (loss, parameters after one step of
        `learning_rate` from the reference's parameters). Raises BadInput for an unknown pass, or a step without its
        learning rate; whatever is wrong with the result itself is a disagreement.
        """
        choose("pass", pass_name, PASSES)
        if pass_name == "forward":
            return [self._compare("predictions", result, self.truth.predictions, self.bounds.predictions)]

        expected, bounds = self.truth.gradients, self.bounds.gradients
        if pass_name == "train_step":
            if learning_rate is None:
                raise BadInput("a train_step can be checked only with the learning rate that it took")
            bounds = self._step_bound(learning_rate)
            expected = [
                Layer(W - learning_rate * dW, b - learning_rate * db)
                for (W, b), (dW, db) in zip(self.parameters, expected, strict=True)
            ]
        return self.agree_on(result, expected, bounds)

    def agree_on(self, result: Any, expected: Parameters, bounds: Parameters) -> list[Agreement]:
        """Compare a pair of loss and layers with the truth's loss, and with these layers within these bounds."""
        if not isinstance(result, Sequence) or len(result) != 2:
            return [_fault("result", f"should be a pair of loss and parameters, but is {_kind(result)}")]
        loss, layers = result
        by_name = _by_name(layers)
        checks = [self._compare("loss", loss, self.truth.loss, self.bounds.loss)]
        allowed = tensors(bounds)
        for name, value in tensors(expected).items():
            checks.append(self._compare(name, by_name.pop(name, None), value, allowed[name]))
        return checks + [_fault(name, "is one tensor too many: the network has no such layer") for name in by_name]

    def _step_bound(self, learning_rate: float) -> Parameters:
        """The bound of the parameters after a step, from the bound of one party's gradients."""
        count = parties(self.dtype.name)
        own = [Layer(dW / count, db / count) for dW, db in self.bounds.gradients]
        one = step_bound(self.parameters, self.truth.gradients, own, learning_rate, self.dtype.name)
        return [Layer(count * W, count * b) for W, b in one]

    def _compare(self, tensor: str, result: Any, expected: Array, bound: Array) -> Agreement:
        if result is None:
            return _fault(tensor, "is missing")
        result = np.asarray(result)
        if result.dtype != self.dtype:
            return _fault(tensor, f"has dtype {result.dtype}, but should have {self.dtype}")
        if result.shape != expected.shape:
            return _fault(tensor, f"has shape {result.shape}, but should have {expected.shape}")

        error = abs(result.astype(np.float64) - expected)
        error = np.where(np.isfinite(result), error, np.inf)  # a NaN must never pass for small
        exact = np.where(error > 0, np.inf, 0.0)  # where no error is allowed: a ReLU that is off
        with np.errstate(over="ignore"):
            tau = np.divide(error, bound, out=exact, where=bound > 0)
            ulp = error / self._ulp(expected)
        worst = np.unravel_index(np.argmax(tau), tau.shape)
        leading = 0 if networks(self.parameters) is None else 1
        return Agreement(
            tensor=tensor,
            tau=float(tau[worst]),
            network=int(worst[0]) if leading else None,
            index=tuple(map(int, worst[leading:])),
            found=float(result[worst]),
            expected=float(expected[worst]),
            tolerance=float(bound[worst]),
            error_ulp_median=float(np.median(ulp)),
            error_ulp_worst=float(ulp.max()),
        )

    def _ulp(self, expected: Array) -> Array:
        """The spacing of the dtype's numbers at `expected`, and not below that of its smallest normal number."""
        normal = np.maximum(abs(expected), arithmetic(self.dtype.name).eta)
        return np.spacing(normal.astype(self.dtype)).astype(np.float64)


def worst_tau(agreements: Sequence[Agreement]) -> float:
    """The largest τ: 1 or less if everything agrees, infinite where a tensor could not be compared."""
    return max(agreement.tau for agreement in agreements)


def wrong(agreements: Sequence[Agreement]) -> list[Agreement]:
    """The tensors that disagree, the worst first."""
    return sorted((a for a in agreements if not a.agrees), key=lambda a: -a.tau)


def require(agreements: Sequence[Agreement], *, implementation: str, case: str) -> None:
    """Raise Disagreement, in one message that names the worst element and whatever else disagrees, if anything does."""
    if disagreeing := wrong(agreements):
        others = ", ".join(f"{a.tensor} ({a.fault or f'τ = {a.tau:.2g}'})" for a in disagreeing[1:])
        raise Disagreement(
            f"{implementation} disagrees at {case}: {disagreeing[0]}" + (f"; so do {others}" if others else "")
        )


def _by_name(layers: Any) -> dict[str, Any]:
    """Name the tensors of whatever was returned in the place of `Parameters`; what cannot be named is missing."""
    if not isinstance(layers, Sequence):
        return {}
    return {
        f"{kind}{number}": tensor
        for number, layer in enumerate(layers, start=1)
        if isinstance(layer, Sequence)
        for kind, tensor in zip("Wb", layer, strict=False)
    }


def _fault(tensor: str, fault: str) -> Agreement:
    return Agreement(tensor, math.inf, fault=fault)


def _kind(result: Any) -> str:
    return f"a {type(result).__name__}" + (f" of {len(result)}" if isinstance(result, Sequence) else "")
