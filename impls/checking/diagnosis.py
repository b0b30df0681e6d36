"""Diagnosis: are the gradients right, for which convention, and if not, which mistakes explain them?

A gradient is right if every element of every tensor, on every probe, is within the rounding bound of the oracle's,
times the constant of one convention. If it is not, each mistake of the bank is tried in the same way, single ones
first, then pairs; what fits on *all* probes is listed, the most usual first. If nothing fits, the first wrong quantity
on the way back through the network is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from impls.checking import mutants
from impls.checking.bound import arithmetic, running_bound
from impls.checking.conventions import CONVENTIONS, Convention
from impls.checking.mutants import Mistake
from impls.checking.oracle import evaluate
from impls.errors import BadInput
from impls.parameters import Array, Parameters, tensors
from impls.problem import Problem

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


@dataclass(frozen=True)
class Explanation:
    """A mistake under which the target's gradients are what they are."""

    mistake: Mistake
    activations: Activations
    convention: Convention
    constant: float


@dataclass(frozen=True)
class Diagnosis:
    """The outcome. `taus` is the worst |g − g*|/B of each tensor over all probes, for `convention` × `constant`."""

    right: bool
    activations: Activations
    convention: Convention
    constant: float
    """Factor beside the convention's: other than 1 only where the learning rate had to be found from the result."""
    taus: dict[str, float]
    explanations: tuple[Explanation, ...] = ()
    first_wrong: str = ""
    """Where the first wrong quantity is, if nothing explains it."""
    row_by_row: bool = False
    """Were the parameters updated after each row?"""

    @property
    def margin(self) -> float:
        return max(self.taus.values())


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
    ) -> None:
        """`rate_known` is False where the gradients carry an unknown positive factor, the same on every probe;
        `row_by_row` is True where the parameters may have been updated after each row."""
        self.observations = sorted(observations, key=lambda o: len(o.x)) if row_by_row else list(observations)
        self.row_by_row = row_by_row
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
            if self._fit(self._mutated(mistake, activations, convention), [_ONCE]):
                return convention, 1.0
        return None

    def _mutated(self, mistake: Mistake, activations: Activations, convention: Convention | None):
        """Gradients and bounds under the mistake, probe by probe, and lazily: most mistakes fail on the first."""
        for observation in self.observations:
            rows, outputs = observation.y.shape
            factor = convention.factor(1 if self.row_by_row else rows, outputs) if convention else 1.0
            found = (mutants.row_by_row if self.row_by_row else mutants.gradients)(
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
                factor = 1.0 if convention is _ONCE else convention.factor(*observation.y.shape)
                if not self.rate_known and convention is not _ONCE and number == 0:
                    alive[convention] = _ratio(observation.gradients, gradients) / factor
                scale = alive[convention] * factor
                if not scale > 0 or not near(scale) or not self._matches(observation, gradients, bounds, scale):
                    del alive[convention]
        return next(iter(alive.items()), None)

    def _matches(self, observation: Observation, gradients: dict, bounds: dict, scale: float) -> bool:
        for name, found in observation.gradients.items():
            expected, bound = gradients[name], bounds[name]
            if expected.size == 1 and found.shape != expected.shape:  # one number for all units, as NumPy would repeat it
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
        """A convention's constant, and a learning rate that was found, are multiplied in: at most four roundings more."""
        return 4 * arithmetic(self.dtype).u * abs(gradient)


_ONCE = Convention("once", "", "", False, True, True)
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


def candidates(layers: int, first: Iterable[str] = ()) -> list[Activations]:
    """The activations that a network of so many layers may have (all hidden layers alike), the likeliest first.

    `first` names activations that are known to occur, in the source for example.
    """
    preferred = [*first]
    order = sorted(("sigmoid", "tanh", "relu", "identity"), key=lambda f: f not in preferred and bool(preferred))
    output = sorted(("sigmoid", "identity", "tanh", "relu"), key=lambda f: f not in [*preferred, "identity"])
    if layers == 1:
        return [(f,) for f in output]
    return [((hidden,) * (layers - 1)) + (last,) for hidden, last in itertools.product(order, output)]


def diagnose(
    observations: Sequence[Observation],
    activations: Sequence[Activations],
    conventions: Sequence[Convention] = CONVENTIONS,
    *,
    dtype: str = "float64",
    rate_known: bool = True,
    depth: str = "pairs",
) -> Diagnosis:
    """Judge the observations of one target.

    `activations` are those that the network may have, the likeliest first; `conventions` those that are allowed; `depth`
    is how far to look for an explanation: "right" (not at all), "singles", "pairs".
    """
    judge = Judge(observations, dtype, rate_known)
    activations = [choice for choice in activations if judge.references(choice) is not None]
    if not activations:
        raise BadInput("every probe stands on the kink of a ReLU; take another seed")
    for choice in activations:
        if fit := judge.right(choice, conventions):
            return Diagnosis(True, choice, *fit, judge.taus(choice, *fit))

    explanations = _explain(judge, activations, conventions, depth == "pairs") if depth != "right" else []
    if explanations:
        best = explanations[0]
        shown = best.activations, best.convention, best.constant
        return Diagnosis(False, *shown, judge.taus(*shown), tuple(explanations))
    shown = _nearest(judge, activations, conventions)
    taus = judge.taus(*shown)
    return Diagnosis(False, *shown, taus, (), first_wrong(taus, len(observations[0].parameters)))


RIGHT = Mistake("none", "nothing", "", "", {})


def diagnose_row_by_row(
    observations: Sequence[Observation],
    activations: Sequence[Activations],
    conventions: Sequence[Convention] = CONVENTIONS,
    *,
    dtype: str = "float64",
    mistakes: bool = True,
) -> Diagnosis | None:
    """The same for a program that updates after every row, as stochastic gradient descent does; None if it does not fit."""
    judge = Judge(observations, dtype, row_by_row=True)
    for choice in activations:
        if judge.references(choice) and (fit := judge.fits(RIGHT, choice, conventions)):
            return Diagnosis(True, choice, *fit, judge.taus_under(RIGHT, choice, fit[0]), row_by_row=True)
    explanations = []
    if mistakes:
        explanations = _search(judge, [c for c in activations if judge.references(c)], conventions, mutants.bank)
    if not explanations:
        return None
    best = explanations[0]
    taus = judge.taus_under(RIGHT, best.activations, best.convention)
    return Diagnosis(False, best.activations, best.convention, 1.0, taus, tuple(explanations), row_by_row=True)


def _explain(judge, activations, conventions, with_pairs) -> list[Explanation]:
    found = _other_conventions(judge, activations, conventions)
    if found:
        return found
    if judge.dtype == "float64" and (found := _float32_inside(judge, activations, conventions)):
        return found
    every = [*conventions, *(c for c in CONVENTIONS if c not in conventions)]
    found = _search(judge, activations, every, mutants.bank)
    if found or not with_pairs:
        return found
    return _search(judge, activations, every, lambda choice: mutants.pairs(mutants.bank(choice)))


def _search(judge, activations, conventions, bank: Callable[[Activations], Iterable[Mistake]]) -> list[Explanation]:
    """What fits, for the first activations under which anything does."""
    for choice in activations:
        found: list[Explanation] = []
        for mistake in bank(choice):
            if fit := judge.fits(mistake, choice, conventions):
                if mistake.title not in (explanation.mistake.title for explanation in found):
                    found.append(Explanation(mistake, choice, *fit))
        if found:
            return found
    return []


def _other_conventions(judge: Judge, activations, conventions) -> list[Explanation]:
    """Right for a convention that is not allowed here."""
    others = [convention for convention in CONVENTIONS if convention not in conventions]
    for choice in activations if others else ():
        if fit := judge.right(choice, others):
            asked, found = conventions[0], fit[0]
            mistake = Mistake(
                "another-convention",
                f"the gradient is that of {found.formula}, but the loss is {asked.formula}",
                f"Every gradient is {found.relation} that of the mean squared error, where {asked.relation} is due.",
                f"∂L/∂a = {output_cotangent(asked)}  for  L = {asked.formula}",
                {},
            )
            return [Explanation(mistake, choice, asked, fit[1])]
    return []


def output_cotangent(convention: Convention) -> str:
    """∂L/∂a, written out."""
    below = [letter for letter, mean in (("N", convention.over_rows), ("k", convention.over_outputs)) if mean]
    top = "" if convention.half else "2"
    fraction = f"{top or '1'}/({'·'.join(below)})" if len(below) > 1 else f"{top or '1'}/{below[0]}" if below else top
    return f"{fraction}{'·' if fraction else ''}(a − y)"


def _float32_inside(judge: Judge, activations, conventions) -> list[Explanation]:
    """Right to float32's precision, though float64 is claimed."""
    coarse = Judge(judge.observations, "float32", judge.rate_known)
    for choice in activations:
        if fit := coarse.right(choice, conventions):
            exact = all(
                np.array_equal(g, g.astype(np.float32)) for o in judge.observations for g in o.gradients.values()
            )
            mistake = Mistake(
                "float32",
                "the gradient is rounded to float32" if exact else "something inside is computed in float32",
                "The numbers are right to float32's seven digits, not to the sixteen of float64 that their type "
                "promises." + (" Every value is a float32 number: the result is cast." if exact else ""),
                "float64 from the inputs to the result (look for float32, astype, or a framework's default dtype)",
                {},
            )
            return [Explanation(mistake, choice, *fit)]
    return []


def _nearest(judge: Judge, activations, conventions) -> tuple[Activations, Convention, float]:
    """The activations and convention under which most tensors are right, to show where the others go wrong."""

    def right_tensors(choice: tuple[Activations, Convention, float]) -> int:
        return sum(tau <= 1 for tau in judge.taus(*choice).values())

    constants = [1.0]
    choices = list(itertools.product(activations, conventions, constants))
    return max(choices, key=right_tensors)


def first_wrong(taus: dict[str, float], m: int) -> str:
    """The first wrong quantity on the way back, from which gradients are right (τ ≤ 1)."""
    for l in range(m, 0, -1):  # noqa: E741
        bias, weight = taus.get(f"b{l}", None), taus[f"W{l}"]
        weight_wrong, bias_wrong = weight > 1, bias is not None and bias > 1
        what = mutants.layer_name(l, m)
        if weight_wrong and (bias_wrong or bias is None):
            return f"the delta of {what}, δ{l}" + (f" (δ{l + 1} is right)" if l < m else "")
        if weight_wrong:
            return f"the weight gradient of {what}, dW{l} (db{l}, and so δ{l}, is right)"
        if bias_wrong:
            return f"the bias gradient of {what}, db{l} (dW{l}, and so δ{l}, is right)"
    return ""
