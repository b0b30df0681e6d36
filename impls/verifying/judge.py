"""Judging: is what was found, on every probe, within the bound of the right gradient, or of a mistaken one?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from impls.checking.bound import arithmetic, running_bound
from impls.checking.oracle import evaluate
from impls.errors import BadInput
from impls.parameters import Array, Parameters, tensors
from impls.problem import Problem
from impls.verifying import mutants
from impls.verifying.conventions import Convention
from impls.verifying.mutants import Mistake

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


class Reference:
    """Oracle and bound for one probe and one choice of activations."""

    def __init__(self, observation: Observation, activations: Activations, dtype: str) -> None:
        sizes = (observation.x.shape[1], *(len(layer.b) for layer in observation.parameters))
        problem = Problem("probe", sizes, activations, lambda batch, seed: (observation.x, observation.y))
        arguments = (problem, observation.parameters, observation.x, observation.y)
        truth, bound = evaluate(*arguments), running_bound(*arguments, dtype)
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
    ) -> None:
        """`rate_known` is False where the gradients carry an unknown positive factor, the same on every probe;
        `row_by_row` is True where the parameters may have been updated after each row, `backwards` in reverse order."""
        self.observations = sorted(observations, key=lambda o: len(o.x)) if row_by_row else list(observations)
        self.row_by_row = row_by_row
        self.backwards = backwards
        self.dtype = dtype
        self.rate_known = rate_known
        self._references: dict[Activations, list[Reference] | None] = {}

    def references(self, activations: Activations, dtype: str | None = None) -> list[Reference] | None:
        """One for each observation; None where a ReLU stands too near its kink."""
        if dtype is None or dtype == self.dtype:
            if activations not in self._references:
                self._references[activations] = self._evaluate(activations, self.dtype)
            return self._references[activations]
        return self._evaluate(activations, dtype)

    def _evaluate(self, activations: Activations, dtype: str) -> list[Reference] | None:
        try:
            return [Reference(observation, activations, dtype) for observation in self.observations]
        except BadInput:
            return None

    def right(
        self, activations: Activations, conventions: Sequence[Convention], dtype: str | None = None
    ) -> tuple[Convention, float] | None:
        """The first convention (and constant) for which every gradient is right, or None."""
        references = self.references(activations, dtype)
        if references is None:
            return None
        expected = [(reference.gradients, reference.bounds) for reference in references]
        return self._fit(expected, conventions)

    def taus(self, activations: Activations, convention: Convention, constant: float = 1.0) -> dict[str, float]:
        """The worst |g − g*|/B of each tensor over all probes; infinite where the shape is not the parameter's."""
        worst: dict[str, float] = {}
        for observation, reference in zip(self.observations, self.references(activations) or [], strict=True):
            scale = constant * convention.factor(*observation.y.shape)
            for name, found in observation.gradients.items():
                tau = _tau(found, scale * reference.gradients[name], self._allowed(observation, reference, name, scale))
                worst[name] = max(worst.get(name, 0.0), tau)
        return worst

    def taus_under(self, mistake: Mistake, activations: Activations, convention: Convention) -> dict[str, float]:
        """As `taus`, against the bank's own pass (which also knows row-by-row updates)."""
        worst: dict[str, float] = {}
        for observation, pair in zip(self.observations, self._mutated(mistake, activations, convention), strict=False):
            if pair is not None:
                for name, found in observation.gradients.items():
                    tau = _tau(found, pair[0][name], pair[1][name] + observation.slack.get(name, 0.0))
                    worst[name] = max(worst.get(name, 0.0), tau)
        return worst

    def fits(self, mistake: Mistake, activations: Activations, conventions: Sequence[Convention]):
        """The first convention (and constant) under which this mistake gives what was found on every probe, or None."""
        if mistake.proportional and not self.row_by_row:
            return self._fit(self._mutated(mistake, activations, None), conventions)
        for convention in _different(conventions, self.observations) if self.row_by_row else conventions:
            if self._fit(self._mutated(mistake, activations, convention), [ONCE]):
                return convention, 1.0
        return None

    def _mutated(self, mistake: Mistake, activations: Activations, convention: Convention | None):
        """Gradients and bounds under the mistake, probe by probe, and lazily: most mistakes fail on the first."""
        for observation in self.observations:
            rows, outputs = observation.y.shape
            factor = convention.factor(1 if self.row_by_row else rows, outputs) if convention else 1.0
            one_pass = mutants.gradients
            if self.row_by_row:
                order = range(rows)[::-1] if self.backwards else range(rows)
                one_pass = partial(mutants.row_by_row, order=order)
            found = one_pass(
                activations,
                observation.parameters,
                observation.x,
                observation.y,
                mistake.steps(),
                factor=factor,
                rate=observation.rate,
                dtype=self.dtype,
            )
            if found is None:
                yield None
                return
            yield {n: g.value for n, g in found.items()}, {n: g.error for n, g in found.items()}

    def _fit(self, expected: Iterable, conventions: Sequence[Convention]) -> tuple[Convention, float] | None:
        """Match all probes against `expected` (gradients and bounds) under each convention still possible."""
        alive = {convention: 1.0 for convention in conventions}
        for number, (observation, pair) in enumerate(zip(self.observations, expected, strict=False)):
            if pair is None or not alive:
                return None
            gradients, bounds = pair
            near = _near_ratio(observation, gradients)
            for convention in list(alive):
                factor = 1.0 if convention is ONCE else convention.factor(*observation.y.shape)
                if not self.rate_known and convention is not ONCE and number == 0:
                    alive[convention] = _ratio(observation.gradients, gradients) / factor
                scale = alive[convention] * factor
                if not scale > 0 or not near(scale) or not self._matches(observation, gradients, bounds, scale):
                    del alive[convention]
        return next(iter(alive.items()), None)

    def _matches(self, observation: Observation, gradients: dict, bounds: dict, scale: float) -> bool:
        for name, found in observation.gradients.items():
            expected, bound = gradients[name], bounds[name]
            if (
                expected.size == 1 and found.shape != expected.shape
            ):  # one number for all units, as NumPy would repeat it
                expected, bound = np.full(found.shape, expected.item()), np.full(found.shape, bound.item())
            if found.shape != expected.shape:
                return False
            allowed = scale * (bound + self._regrouped(expected)) + observation.slack.get(name, 0.0)
            if not _tau(found, scale * expected, allowed) <= 1:
                return False
        return True

    def _allowed(self, observation: Observation, reference: Reference, name: str, scale: float) -> Array:
        g, bound = reference.gradients[name], reference.bounds[name]
        return abs(scale) * (bound + self._regrouped(g)) + observation.slack.get(name, 0.0)

    def _regrouped(self, gradient: Array) -> Array:
        """A convention's constant, and a learning rate that was found, are multiplied in: at most 4 roundings more."""
        return 4 * arithmetic(self.dtype).u * abs(gradient)


ONCE = Convention("once", "", "", False, True, True)
"""Factor 1: for gradients that contain their convention's factor already."""


def _different(conventions: Sequence[Convention], observations: Sequence[Observation]) -> list[Convention]:
    """Of the conventions that are the same on one row, the first."""
    by_factor: dict[float, Convention] = {}
    for convention in conventions:
        by_factor.setdefault(convention.factor(1, observations[0].y.shape[1]), convention)
    return list(by_factor.values())


def _tau(found: Array, expected: Array, allowed: Array) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return np.inf
    error = abs(found - expected)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(np.max(np.where(error == 0, 0.0, error / allowed)))


def _near_ratio(observation: Observation, gradients: dict[str, Array]) -> Callable[[float], bool]:
    """A cheap necessary condition on the scale, that the norms of one tensor agree roughly; most mistakes fail here."""
    for name, found in observation.gradients.items():
        expected = gradients[name]
        size = float(np.abs(expected).max(initial=0.0))
        if found.shape == expected.shape and size > 1e-3:
            ratio = float(np.abs(found).max(initial=0.0)) / size
            return lambda scale: abs(ratio - scale) <= 1e-3 * scale
    return lambda scale: True


def _ratio(found: dict[str, Array], expected: dict[str, Array]) -> float:
    """Least squares factor between two sets of gradients; 0 where there is none."""
    pairs = [(g.ravel(), expected[n].ravel()) for n, g in found.items() if g.shape == expected[n].shape]
    if not pairs:
        return 0.0
    ours, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
    power = float(theirs @ theirs)
    return float(ours @ theirs) / power if power > 0 and np.isfinite(ours).all() else 0.0
