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
from typing import Any

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
    references: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)
    """The references and mistaken passes computed so far; the same probe with other gradients shares them."""


Pair = tuple[dict[str, Array], dict[str, Array]]
"""Gradients, right or mistaken, and the bounds on them."""


class RightGradients:
    """The oracle for one probe and one network, and how far from it a right computation may be."""

    def __init__(self, observation: Observation, activations: Activations, dtype: str, loss: str = SQUARED) -> None:
        sizes = (observation.x.shape[1], *(len(layer.b) for layer in observation.parameters))
        problem = Problem("probe", sizes, activations, lambda batch, seed: (observation.x, observation.y), loss)
        arguments = (problem, observation.parameters, observation.x, observation.y)
        truth, bound = evaluate(*arguments), allowance(*arguments, dtype)
        self.loss, self.loss_bound = float(truth.loss), float(bound.loss)
        self.predictions, self.predictions_bound = truth.predictions, bound.predictions
        self.gradients, self.bounds = tensors(truth.gradients), tensors(bound.gradients)


@dataclass
class Judge:
    """Compares the observations of one target with right gradients and with mistaken ones."""

    observations: Sequence[Observation]
    dtype: str = "float64"
    rate_known: bool = True
    """False where the gradients carry an unknown positive factor, the same on every probe."""
    row_by_row: bool = False
    """Are the parameters updated after each row?"""
    backwards: bool = False
    """Are the rows taken in reverse order?"""
    loose: float = 1.0
    """Times every bound."""

    def references(self, activations: Activations, loss: str = SQUARED) -> list[RightGradients] | None:
        """The references of each observation; None where a ReLU is too near its kink."""
        key = activations, self.dtype, loss
        for o in self.observations:
            if key not in o.references:
                try:
                    o.references[key] = RightGradients(o, *key)
                except BadInput:
                    o.references[key] = None
        references = [o.references[key] for o in self.observations]
        return None if None in references else references

    @property
    def moves(self) -> bool:
        """Is any gradient other than zero? If not, nothing is shown."""
        return any(np.any(g) for o in self.observations for g in o.gradients.values())

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
            for convention, kind in itertools.product(some if expected else (), PENALTIES):
                if penalty := self._penalty(expected, convention, *kind):
                    return convention, penalty
        return None

    def _penalty(
        self, expected: Sequence[Pair], convention: Convention, kind: str, with_biases: bool
    ) -> Penalty | None:
        """The penalty of this kind that the gradients contain on every probe beside what is expected, or None.

        Where the rate is not known, the step's own factor is found on the first probe, and kept for the others.
        """
        coefficients: list[tuple[float, ...]] = []
        taus: dict[str, float] = {}
        unit, step, shows = arithmetic(self.dtype).u, 1.0, False
        for o, pair in zip(self.observations, expected, strict=True):
            pulls = _pulls(o, kind, with_biases)
            if pulls is None:
                return None
            terms, columns, inverse = pulls
            found, usual = (_flat(some[n] for n in terms) for some in (o.gradients, pair[0]))
            factor = convention.factor(*o.y.shape)
            if not self.rate_known and not coefficients:
                free = np.column_stack([usual, columns])
                step = float(np.linalg.lstsq(free, found)[0][0]) / factor
            if not step > 0:
                return None
            scale = step * factor
            allowed = {n: self._allowed(o, pair, scale, n) for n in o.gradients}
            rest = found - scale * usual
            sizes = inverse @ rest
            doubts = abs(inverse) @ (_flat(allowed[n] for n in terms) + 2 * unit * abs(rest))  # how far off λ may be
            for n, gradient in o.gradients.items():
                g, pull = scale * pair[0][n], terms.get(n, np.zeros((len(sizes), *gradient.shape)))
                extra, doubt = np.tensordot(sizes, pull, 1), np.tensordot(doubts, abs(pull), 1)
                doubt += (8 if self.rate_known else 512) * unit * (abs(extra) + abs(g))
                taus[n] = max(taus.get(n, 0.0), worst_tau(gradient, g + extra, allowed[n] + doubt))
                if taus[n] > 1:
                    return None
                shows |= bool(np.any(abs(g) > allowed[n]))
            coefficients.append((len(o.x), *map(float, sizes)))
        return Penalty(kind, tuple(coefficients), with_biases, taus) if shows else None

    def taus(self, activations: Activations, convention: Convention, constant: float = 1.0) -> dict[str, float]:
        """The worst |g − g*|/B of each tensor over all probes; infinite where the shape is not the parameter's."""
        return self.worst(self._expected(activations, convention.loss), convention, constant)

    def worst(self, expected: Iterable[Pair | None], convention: Convention, constant: float = 1.0) -> dict[str, float]:
        """The worst τ of each tensor against other gradients, of all probes that have something to compare with."""
        worst: dict[str, float] = {}
        for o, pair in zip(self.observations, expected, strict=False):
            scale = constant * convention.factor(*o.y.shape)
            for name, tau in self._held(o, pair, scale) if pair else ():
                worst[name] = max(worst.get(name, 0.0), tau)
        return worst

    def taus_under(self, mistake: Mistake, activations: Activations, convention: Convention) -> dict[str, float]:
        """The worst τ of each tensor against the bank's own pass, which also knows row-by-row updates."""
        return self.worst(self._mutated(mistake, activations, convention), ONCE)

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
            for convention in some:
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
            mutated = self._mutated_once(mistake, activations, convention.loss, factor, observation)
            if mutated is None:
                yield None
                return
            spread = {  # one number for all units, as NumPy would repeat it
                n: mutated[n].sum() + np.zeros(g.shape)
                for n, g in observation.gradients.items()
                if mutated[n].value.size == 1
            }
            every = {**mutated, **spread}
            yield {n: g.value for n, g in every.items()}, {n: g.error for n, g in every.items()}

    def _mutated_once(
        self, mistake: Mistake, activations: Activations, loss: str, factor: float, o: Observation
    ) -> mutants.Gradients | None:
        """The pass with the mistake at one probe; a single mistake's is kept with the probe's references."""
        in_turn = (self.backwards and len(o.x) > 1, *o.gradients) if self.row_by_row else ()
        key = (mistake, activations, loss, factor, o.rate, self.dtype, in_turn)
        if key in o.references:
            return o.references[key]  # type: ignore[no-any-return]
        one_pass = mutants.gradients
        if in_turn:
            order = range(len(o.x))[:: -1 if self.backwards else 1]
            one_pass = partial(mutants.row_by_row, order=order, trained=o.gradients)
        arguments = activations, o.parameters, o.x, o.y, mistake.steps()
        mutated = one_pass(*arguments, factor=factor, rate=o.rate, dtype=self.dtype, loss=loss)
        if not mistake.parts:
            o.references[key] = mutated
        return mutated

    def _fit(
        self, expected: Iterable[Pair | None], conventions: Sequence[Convention]
    ) -> tuple[Convention, float] | None:
        """Match all probes against `expected` under each convention still possible.

        With a constant that is not known, None too where every number that is expected is within its bound of zero, as
        of units that saturate: any would fit.
        """
        alive = {convention: 1.0 for convention in conventions}
        pairs: list[Pair] = []
        for number, (observation, pair) in enumerate(zip(self.observations, expected, strict=False)):
            if pair is None or not alive:
                return None
            pairs.append(pair)
            for convention in list(alive):
                factor = convention.factor(*observation.y.shape)
                if not self.rate_known and convention is not ONCE and number == 0:
                    alive[convention] = _ratio(observation.gradients, pair[0]) / factor
                scale = alive[convention] * factor
                if not scale > 0 or not all(tau <= 1 for _, tau in self._held(observation, pair, scale)):
                    del alive[convention]
        return next((fit for fit in alive.items() if self.rate_known or self._shows(pairs, *fit)), None)

    def _shows(self, pairs: Sequence[Pair], convention: Convention, constant: float) -> bool:
        """Is any number that is expected larger than its bound?"""
        return any(
            np.any(abs(scale * pair[0][name]) > self._allowed(o, pair, scale, name))
            for o, pair in zip(self.observations, pairs, strict=False)
            for scale in [constant * convention.factor(*o.y.shape)]
            for name in o.gradients
        )

    def _held(self, observation: Observation, expected: Pair, scale: float) -> Iterator[tuple[str, float]]:
        """The τ of each tensor, against `scale` times what is expected.

        The scale is a convention's constant, maybe times a learning rate that was found: at most 4 roundings more.
        """
        for name, gradient in observation.gradients.items():
            g = scale * expected[0][name]
            same = gradient.shape == g.shape
            yield name, worst_tau(gradient, g, self._allowed(observation, expected, scale, name)) if same else np.inf

    def _allowed(self, observation: Observation, expected: Pair, scale: float, name: str) -> Array:
        """How far from `scale` times what is expected a tensor of its shape may be."""
        g, bound = (scale * values[name] for values in expected)
        return self.loose * (bound + 4 * arithmetic(self.dtype).u * abs(g) + observation.slack.get(name, 0.0))


@dataclass(frozen=True)
class Penalty:
    """A penalty on the weights that the gradient contains."""

    kind: str
    """The kind of penalty: L2, L1, elastic."""
    coefficients: tuple[tuple[float, ...], ...]
    """The number of rows of each probe, and then λ of each term as it is in the gradient."""
    with_biases: bool
    taus: dict[str, float] = field(default_factory=dict)
    """The worst |g − g*|/B of each tensor over all probes, with the penalty in g*."""

    @property
    def descends(self) -> bool:
        """Does it pull the weights towards zero, as a penalty does?"""
        return all(value > 0 for _, *values in self.coefficients for value in values)


TERMS: dict[str, tuple[Callable[[Array], Array], ...]] = {
    "L2": (lambda W: W,),
    "L1": (np.sign,),
    "elastic": (lambda W: W, np.sign),
}
"""The gradients of each penalty's terms, each to be multiplied by its λ."""
PENALTIES = (("L2", False), ("L1", False), ("L2", True), ("elastic", False), ("L1", True), ("elastic", True))
"""Each kind, and whether biases are punished as well, the most usual first."""
ONCE = Convention("once", "", "", False, True, True)
"""Factor 1: for gradients that contain their convention's factor already."""
ALL_ELEMENTS = {loss: Convention("", "", "", False, True, True, loss) for loss in LOSSES}


def by_loss(activations: Activations, conventions: Sequence[Convention]) -> Iterator[tuple[str, list[Convention]]]:
    """The conventions that go with these activations, by their loss, in the order in which the losses first occur."""
    suiting = [convention for convention in conventions if convention.suits(activations)]
    for loss in dict.fromkeys(convention.loss for convention in suiting):
        yield loss, [convention for convention in suiting if convention.loss == loss]


def _pulls(o: Observation, kind: str, with_biases: bool) -> tuple[dict[str, Array], Array, Array] | None:
    """The gradients of a penalty's terms for λ = 1, one behind the other, of each tensor that is punished; the same as
    columns; and the matrix that finds the λs from these.

    None where there are too few numbers to tell a penalty from anything else, or a gradient has not the shape of its
    parameter.
    """
    key = ("penalty", kind, with_biases, *((n, g.shape) for n, g in o.gradients.items()))
    if key not in o.references:
        values, o.references[key] = tensors(o.parameters), None
        punished = [n for n in o.gradients if with_biases or n[0] == "W"]
        enough = sum(values[n].size for n in punished) > 3 * len(TERMS[kind])
        if enough and all(g.shape == values[n].shape for n, g in o.gradients.items()):
            terms = {n: np.stack([f(values[n]) for f in TERMS[kind]]) for n in punished}
            columns = np.hstack([term.reshape(len(term), -1) for term in terms.values()]).T
            o.references[key] = terms, columns, np.linalg.pinv(columns)
    return o.references[key]  # type: ignore[no-any-return]


def _flat(some: Iterable[Array]) -> Array:
    """All numbers of these arrays in one vector."""
    return np.concatenate([array.ravel() for array in some])


def worst_tau(actual: Array, expected: Array, allowed: Array) -> float:
    """max |actual − expected|/allowed; infinite where the shapes differ, or a number is none."""
    if actual.shape != expected.shape:
        return np.inf
    with np.errstate(all="ignore"):
        # every bound allows for underflow, so is > 0
        tau = float(np.max(abs(actual - expected) / allowed, initial=0.0))
    return tau if np.isfinite(tau) else np.inf


def _ratio(gradients: dict[str, Array], expected: dict[str, Array]) -> float:
    """Least squares factor between two sets of gradients; 0 where there is none."""
    same = [name for name, g in gradients.items() if g.shape == expected[name].shape and np.isfinite(g).all()]
    power = sum(np.vdot(expected[name], expected[name]) for name in same)
    return float(sum(np.vdot(gradients[name], expected[name]) for name in same) / power) if power > 0 else 0.0
