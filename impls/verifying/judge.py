"""Judging: is what was observed, on every probe, within the bound of the right gradient, or of a mistaken one?

Beside the gradient of the loss there may be that of a penalty on the weights, in which the mean is not taken:

    λ/2·ΣW²   has the gradient λ·W          λ·Σ|W|   has λ·sign(W)          elastic: both

λ is found by least squares on every probe (it may contain 1/N), and then what is left must be within the bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from samegrad.impls.checking.agreement import allowance
from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, Parameters, tensors
from samegrad.impls.problem import LOSSES, SQUARED, Problem
from samegrad.impls.verifying import mutants
from samegrad.impls.verifying.conventions import Convention
from samegrad.impls.verifying.mutants import Mistake

Activations = tuple[str, ...]


@dataclass(frozen=True)
class Observation:
    """What the target gave for one probe, in the canonical layout."""

    parameters: Parameters
    x: Array
    y: Array
    gradients: dict[str, Array]
    """Only the tensors that the target has: {"W1": (fan_in, fan_out), "b1": (fan_out,), …}."""
    slack: dict[str, Array] = field(default_factory=dict)
    """What recovering a gradient from the change of its parameter may have added to its error."""
    rate: float = 1.0
    """The learning rate given to the target."""
    loss: float | None = None
    predictions: Array | None = None


Pair = tuple[dict[str, Array], dict[str, Array]]
"""Gradients, right or mistaken, and the bounds on them."""


class Reference:
    """The oracle for one probe and one network, and how far from it a right computation may be."""

    def __init__(self, observation: Observation, activations: Activations, dtype: str, loss: str = SQUARED) -> None:
        sizes = (observation.x.shape[1], *(len(layer.b) for layer in observation.parameters))
        problem = Problem("probe", sizes, activations, lambda batch, seed: (observation.x, observation.y), loss)
        arguments = (problem, observation.parameters, observation.x, observation.y)
        truth, bound = evaluate(*arguments), allowance(*arguments, dtype)
        self.loss, self.loss_bound = float(truth.loss), float(bound.loss)
        self.predictions, self.predictions_bound = truth.predictions, bound.predictions
        self.gradients, self.bounds = tensors(truth.gradients), tensors(bound.gradients)


class Judge:
    """Holds the observations of one target against right gradients and against mistaken ones."""

    def __init__(
        self,
        observations: Sequence[Observation],
        dtype: str = "float64",
        rate_known: bool = True,
        row_by_row: bool = False,
        backwards: bool = False,
        loose: float = 1.0,
    ) -> None:
        """`rate_known` is False where the gradients carry an unknown positive factor, the same on every probe;
        `row_by_row` is True where the parameters may have been updated after each row, `backwards` in reverse order;
        `loose` widens every bound."""
        self.observations = sorted(observations, key=lambda o: len(o.x)) if row_by_row else list(observations)
        self.row_by_row = row_by_row
        self.backwards = backwards
        self.loose = loose
        self.dtype = dtype
        self.rate_known = rate_known
        self._references: dict[tuple[Activations, str], list[Reference] | None] = {}

    def references(self, activations: Activations, loss: str = SQUARED) -> list[Reference] | None:
        """One for each observation; None where a ReLU stands too near its kink."""
        key = activations, loss
        if key not in self._references:
            try:
                found = [Reference(observation, activations, self.dtype, loss) for observation in self.observations]
            except BadInput:
                found = None
            self._references[key] = found
        return self._references[key]

    def right(self, activations: Activations, conventions: Sequence[Convention]) -> tuple[Convention, float] | None:
        """The first convention (and constant) for which every gradient is right, or None."""
        for loss, some in by_loss(activations, conventions):
            if (expected := self._expected(activations, loss)) and (fit := self._fit(expected, some)):
                return fit
        return None

    def penalised(
        self, activations: Activations, conventions: Sequence[Convention]
    ) -> tuple[Convention, Penalty] | None:
        """The first convention for which every gradient is right but for a penalty on the weights, and the penalty."""
        for loss, some in by_loss(activations, conventions):
            expected = self._expected(activations, loss)
            for convention, (kind, terms, with_biases) in itertools.product(some if expected else (), PENALTIES):
                penalty = self._penalty(expected, convention, kind, terms, with_biases)
                if penalty is not None:
                    return convention, penalty
        return None

    def _penalty(
        self,
        expected: Sequence[Pair],
        convention: Convention,
        kind: str,
        terms: tuple[Callable[[Array], Array], ...],
        with_biases: bool,
    ) -> Penalty | None:
        """The penalty of these terms that the gradients contain on every probe beside what is expected, or None."""
        coefficients: list[tuple[float, ...]] = []
        taus: dict[str, float] = {}
        unit, step = arithmetic(self.dtype).u, 1.0
        for observation, pair in zip(self.observations, expected, strict=True):
            values = tensors(observation.parameters)
            scale = convention.factor(*observation.y.shape)
            names = [n for n in observation.gradients if n[0] == "W" or with_biases]
            if any(g.shape != values[n].shape for n, g in observation.gradients.items()):
                return None
            rest = {n: observation.gradients[n] - scale * pair[0][n] for n in names}
            if sum(rest[n].size for n in names) < 3 * len(terms) + 1:
                return None  # too few numbers to tell a penalty from anything else
            columns = np.stack([np.concatenate([f(values[n]).ravel() for n in names]) for f in terms], axis=1)
            if not self.rate_known:  # the step's own factor is found on the first probe, and kept for the others
                if not coefficients:
                    free = np.column_stack([np.concatenate([pair[0][n].ravel() for n in names]), columns])
                    found = np.concatenate([observation.gradients[n].ravel() for n in names])
                    step = float(np.linalg.lstsq(free, found, rcond=None)[0][0]) / scale
                if not step > 0:
                    return None
                scale *= step
                rest = {n: observation.gradients[n] - scale * pair[0][n] for n in names}
            allowed = self._allowed(observation, pair, scale)
            noise = np.concatenate(
                [(np.broadcast_to(allowed[n], rest[n].shape) + 2 * unit * abs(rest[n])).ravel() for n in names]
            )
            inverse = np.linalg.pinv(columns)
            solved = inverse @ np.concatenate([rest[n].ravel() for n in names])
            doubt = abs(inverse) @ noise  # how far off λ may be
            for name in observation.gradients:
                values_of = [f(values[name]) for f in terms] if name in names else []
                extra = sum((c * v for c, v in zip(solved, values_of, strict=False)), np.zeros(values[name].shape))
                loose = sum((d * abs(v) for d, v in zip(doubt, values_of, strict=False)), np.zeros(values[name].shape))
                expected_here = scale * pair[0][name]
                loose = loose + (8 if self.rate_known else 512) * unit * (abs(extra) + abs(expected_here))
                tau = _tau(observation.gradients[name], expected_here + extra, allowed[name] + loose)
                if tau > 1:
                    return None
                taus[name] = max(taus.get(name, 0.0), tau)
            coefficients.append((len(observation.x), *map(float, solved)))
        return Penalty(kind, tuple(coefficients), with_biases, taus)

    def taus(self, activations: Activations, convention: Convention, constant: float = 1.0) -> dict[str, float]:
        """The worst |g − g*|/B of each tensor over all probes; infinite where the shape is not the parameter's."""
        scales = [constant * convention.factor(*observation.y.shape) for observation in self.observations]
        return self._worst(self._expected(activations, convention.loss), scales)

    def taus_under(self, mistake: Mistake, activations: Activations, convention: Convention) -> dict[str, float]:
        """As `taus`, against the bank's own pass (which also knows row-by-row updates), where it can be made."""
        return self._worst(self._mutated(mistake, activations, convention), [1.0] * len(self.observations))

    def fits(
        self, mistake: Mistake, activations: Activations, conventions: Sequence[Convention]
    ) -> tuple[Convention, float] | None:
        """The first convention (and constant) under which this mistake gives what was found on every probe, or None."""
        for loss, some in by_loss(activations, conventions):
            if mistake.loss not in ("", loss):
                continue
            if mistake.proportional and not self.row_by_row:
                if fit := self._fit(self._mutated(mistake, activations, ALL_ELEMENTS[loss]), some):
                    return fit
                continue
            for convention in _different(some, self.observations) if self.row_by_row else some:
                if self._fit(self._mutated(mistake, activations, convention), [ONCE]):
                    return convention, 1.0
        return None

    def _expected(self, activations: Activations, loss: str) -> list[Pair]:
        return [(reference.gradients, reference.bounds) for reference in self.references(activations, loss) or []]

    def _mutated(self, mistake: Mistake, activations: Activations, convention: Convention) -> Iterator[Pair | None]:
        """Gradients and bounds under the mistake, probe by probe, and lazily: most mistakes fail on the first."""
        for observation in self.observations:
            rows, outputs = observation.y.shape
            factor = convention.factor(1 if self.row_by_row else rows, outputs)
            one_pass = mutants.gradients
            if self.row_by_row:
                order = range(rows)[:: -1 if self.backwards else 1]
                one_pass = partial(mutants.row_by_row, order=order, trained=observation.gradients)
            found = one_pass(
                activations,
                observation.parameters,
                observation.x,
                observation.y,
                mistake.steps(),
                factor=factor,
                rate=observation.rate,
                dtype=self.dtype,
                loss=convention.loss,
            )
            if found is None:
                yield None
                return
            for name, g in observation.gradients.items():
                if found[name].value.size == 1:  # one number for all units, as NumPy would repeat it
                    found[name] = found[name].sum() + np.zeros(g.shape)
            yield {n: g.value for n, g in found.items()}, {n: g.error for n, g in found.items()}

    def _fit(
        self, expected: Iterable[Pair | None], conventions: Sequence[Convention]
    ) -> tuple[Convention, float] | None:
        """Match all probes against `expected` under each convention still possible."""
        alive = {convention: 1.0 for convention in conventions}
        for number, (observation, pair) in enumerate(zip(self.observations, expected, strict=False)):
            if pair is None or not alive:
                return None
            for convention in list(alive):
                factor = convention.factor(*observation.y.shape)
                if not self.rate_known and convention is not ONCE and number == 0:
                    alive[convention] = _ratio(observation.gradients, pair[0]) / factor
                scale = alive[convention] * factor
                if not scale > 0 or not all(tau <= 1 for _, tau in self._held(observation, pair, scale)):
                    del alive[convention]
        return next(iter(alive.items()), None)

    def _worst(self, expected: Iterable[Pair | None], scales: Sequence[float]) -> dict[str, float]:
        """The largest τ of each tensor over all probes that there is something to hold against."""
        worst: dict[str, float] = {}
        for observation, pair, scale in zip(self.observations, expected, scales, strict=False):
            for name, tau in self._held(observation, pair, scale) if pair else ():
                worst[name] = max(worst.get(name, 0.0), tau)
        return worst

    def _held(self, observation: Observation, expected: Pair, scale: float) -> Iterator[tuple[str, float]]:
        """Each tensor with its τ, against `scale` times what is expected.

        The scale is a convention's constant, maybe times a learning rate that was found: at most 4 roundings more.
        """
        for name, allowed in self._allowed(observation, expected, scale).items():
            found, g = observation.gradients[name], scale * expected[0][name]
            yield name, _tau(found, g, allowed) if found.shape == g.shape else np.inf

    def _allowed(self, observation: Observation, expected: Pair, scale: float) -> dict[str, Array]:
        """How far from `scale` times what is expected each tensor may be."""
        gradients, bounds = expected
        regrouped = 4 * arithmetic(self.dtype).u
        return {
            name: self.loose
            * (
                scale * bounds[name]
                + regrouped * abs(scale * gradients[name])
                + _fitting(observation.slack.get(name, np.zeros(())), bounds[name])
            )
            for name in observation.gradients
        }


def _fitting(slack: Array, bound: Array) -> Array:
    """The slack where it has the tensor's shape; where it has another, so has the gradient, which is wrong anyhow."""
    return slack if slack.shape in ((), bound.shape) else np.zeros(())


@dataclass(frozen=True)
class Penalty:
    """A penalty on the weights that the gradient contains."""

    kind: str
    """L2, L1, elastic."""
    coefficients: tuple[tuple[float, ...], ...]
    """For each probe: its rows, then λ of each term as it stands in the gradient."""
    with_biases: bool
    taus: dict[str, float] = field(default_factory=dict)
    """The worst |g − g*|/B of each tensor over all probes, with the penalty in g*."""

    @property
    def descends(self) -> bool:
        """Does it pull the weights towards zero, as a penalty does?"""
        return all(value > 0 for _, *values in self.coefficients for value in values)


PENALTIES: tuple[tuple[str, tuple[Callable[[Array], Array], ...], bool], ...] = (
    ("L2", (lambda W: W,), False),
    ("L1", (np.sign,), False),
    ("L2", (lambda W: W,), True),
    ("elastic", (lambda W: W, np.sign), False),
    ("L1", (np.sign,), True),
    ("elastic", (lambda W: W, np.sign), True),
)
ONCE = Convention("once", "", "", False, True, True)
"""Factor 1: for gradients that contain their convention's factor already."""
ALL_ELEMENTS = {loss: Convention("", "", "", False, True, True, loss) for loss in LOSSES}


def by_loss(activations: Activations, conventions: Sequence[Convention]) -> Iterator[tuple[str, list[Convention]]]:
    """The conventions that go with these activations, by their loss, in the order in which the losses first occur."""
    suiting = [convention for convention in conventions if convention.suits(activations)]
    for loss in dict.fromkeys(convention.loss for convention in suiting):
        yield loss, [convention for convention in suiting if convention.loss == loss]


def _different(conventions: Sequence[Convention], observations: Sequence[Observation]) -> list[Convention]:
    """Of the conventions that are the same on one row, the first."""
    by_factor: dict[float, Convention] = {}
    for convention in conventions:
        by_factor.setdefault(convention.factor(1, observations[0].y.shape[1]), convention)
    return list(by_factor.values())


def _tau(found: Array, expected: Array, allowed: Array) -> float:
    """max |found − expected|/allowed, of one shape; infinite where a number is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = abs(found - expected)
        tau = np.max(error / allowed)  # every bound allows for underflow, and so is above 0
    return float(tau) if np.isfinite(error).all() else np.inf


def _ratio(found: dict[str, Array], expected: dict[str, Array]) -> float:
    """Least squares factor between two sets of gradients; 0 where there is none."""
    same = [name for name, g in found.items() if g.shape == expected[name].shape and np.isfinite(g).all()]
    power = sum(np.vdot(expected[name], expected[name]) for name in same)
    return float(sum(np.vdot(found[name], expected[name]) for name in same) / power) if power > 0 else 0.0
