"""One way of using the target, judged: right, wrong, or neither, with the reasons.

RIGHT      every gradient, on every probe, is within the bound of the gradient of a loss that the program may have: the
           one that is demanded or computed, else any that goes with its output. A penalty on the weights, an update
           after every row, and a constant that the step contains do not matter, and are named.
WRONG      the network and the loss are known, and the gradient of that loss is another one (see `shown_wrong`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.parameters import Array, tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying import messages, probe, stepping
from samegrad.impls.verifying.conventions import CONVENTIONS, MSE, Convention
from samegrad.impls.verifying.diagnosis import Diagnosis, diagnose
from samegrad.impls.verifying.forward import (
    candidates,
    loss_families,
    matching,
    recognise,
    shown_by_loss,
    unusual,
)
from samegrad.impls.verifying.judge import TERMS, Activations, Judge, Observation, Penalty
from samegrad.impls.verifying.rightness import first_right, in_turn


@dataclass(frozen=True)
class Asked:
    """What the user demands."""

    target: str
    conventions: Sequence[Convention] = CONVENTIONS
    strict: bool = False
    """Is the loss demanded, and not to be recognised?"""
    own_loss: bool = False
    """Has the user named a loss function of their own?"""
    activations: Sequence[str] | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Source:
    """The facts that the target's source shows."""

    activations: Sequence[str]
    """The activations that the source mentions."""
    literals: Sequence[float]
    """The numbers that are written in the source."""
    ascends: bool
    """Does it speak of a likelihood or of ascent, so that the gradient may point uphill?"""
    adds: bool
    """Does it add a step to the weights, as is right where the gradients point downhill?"""
    own: dict[str, list[int]]
    """The shapes of its own data: x, y."""
    float32: bool
    """Does it ask for float32 anywhere?"""
    speaks_of_entropy: bool = False
    """Does it speak of a likelihood, a cross-entropy or logistic regression? A squared error may be printed there."""
    lines: Sequence[int] = ()
    """The first and the last line of a script's loop, of which one round is the function that was checked."""


class Candidate:
    """What was observed in one way of using the target, and what follows from it."""

    def __init__(self, message: dict[str, Any], asked: Asked, source: Source) -> None:
        self.message, self.asked, self.source = message, asked, source
        self.readings = message["observed"]
        self.numbers = [o["numbers"] for o in self.readings]
        self.observations = [to_observation(o) for o in self.readings]
        self.kind = message["kind"]
        self.recovered = self.readings[0]["kind"] == "update"
        self.rate_known = all(o["rate_known"] for o in self.readings)
        self.dtype = asked.dtype or ("float32" if all(o["dtype"] == "float32" for o in self.readings) else "float64")
        self.layers = len(self.observations[0].parameters)
        self.outputs = self.observations[0].y.shape[1]
        self.loss_is_given = all(o["loss_is_given"] for o in self.readings)
        self.absent = set().union(*(o["absent"] for o in self.readings))

    # -- the network and the loss ---------------------------------------------------------------------------------

    @cached_property
    def every_choice(self) -> list[Activations]:
        """The activations that the network may have, before its predictions are looked at."""
        if self.asked.activations or self.message["hypothesis"]:
            return [tuple(self.asked.activations or self.message["hypothesis"])]
        return candidates(self.layers, self.source.activations, self.outputs)

    @cached_property
    def known(self) -> list[Activations]:
        """The activations that the program's predictions show; none where they are those of no known network."""
        judge = self.judge
        predicting = matching(judge, self.every_choice, [o["outputs"] for o in self.readings])
        if not predicting and all(o.predictions is None for o in self.observations):
            return shown_by_loss(judge, self.every_choice, self.numbers)
        last = [f for f in self.source.activations if f == "sigmoid" or (f == "softmax" and self.outputs > 1)]
        of_logits = [(*choice[:-1], f) for choice in predicting if choice[-1] == "identity" for f in last]
        if any(o.predictions is None for o in self.observations):  # any sum is such: only where a loss shows it
            of_logits = shown_by_loss(judge, of_logits, self.numbers)
        return [*dict.fromkeys(predicting + of_logits)]

    @cached_property
    def judge(self) -> Judge:
        """The judge that compares the observations with right and mistaken gradients."""
        return Judge(self.observations, self.dtype)

    def diagnose(self, observations: list[Observation] | None = None, **options: Any) -> Diagnosis:
        """The diagnosis of these observations, or of all, for the network and the losses that it may have."""
        return diagnose(observations or self.observations, self.choices, self.allowed, dtype=self.dtype, **options)

    @property
    def choices(self) -> list[Activations]:
        """The activations that its predictions show; all that it may have where they show none."""
        return self.known or self.every_choice

    @cached_property
    def predicts_otherwise(self) -> bool:
        """Does its own forward function predict what no known network predicts?"""
        return not self.known and any(o.predictions is not None for o in self.observations)

    @cached_property
    def unusual(self) -> tuple[str, ...]:
        """The activations of a network for which there is no oracle, where they can at least be named."""
        return unusual(self.judge) if self.predicts_otherwise else ()

    @cached_property
    def families(self) -> dict[str, str]:
        """The losses that the program is seen to compute, with the name under which it has each."""
        return loss_families(self.judge, self.choices, self.numbers)

    @cached_property
    def returned(self) -> list[Convention] | None:
        """The conventions of the loss that is returned beside the gradient; [] for one that is none of them.

        What a training returns beside its step may be anything.
        """
        losses = [o.loss for o in self.observations]
        if self.asked.strict or self.asked.own_loss or self.recovered or any(loss is None for loss in losses):
            return None
        recognised = recognise(self.judge, self.choices, losses)  # type: ignore[arg-type]
        return recognised[1] if recognised else []

    @cached_property
    def allowed(self) -> list[Convention]:
        """The conventions that the gradient may have."""
        if self.asked.strict:
            return list(self.asked.conventions)
        if self.loss_is_given:
            return [MSE]
        if self.returned:
            return self.returned
        families = set(self.families) or ({CROSS_ENTROPY} if self._classifies else set())
        if families == {SQUARED} and self.source.speaks_of_entropy:
            families |= {BINARY_CROSS_ENTROPY, CROSS_ENTROPY}
        return [c for c in CONVENTIONS if not families or c.loss in families]

    @property
    def _classifies(self) -> bool:
        """Has it class numbers and a softmax? Then nobody means a squared error."""
        return "labels" in self.message["layout"] and any(f[-1] == "softmax" for f in self.known)

    @property
    def loss_known(self) -> bool:
        """Is the loss demanded, given, or seen in what the program computes?"""
        return self.asked.strict or self.loss_is_given or bool(self.returned) or bool(self.families) or self._classifies

    # -- right ----------------------------------------------------------------------------------------------------

    @cached_property
    def fit(self) -> Diagnosis | None:
        """The diagnosis in which every gradient of the first call is right; None where none is."""
        return first_right(self) if self.is_gradient else None

    @property
    def right(self) -> bool:
        """Is every gradient right, of each call?"""
        return self.fit is not None and not self.piles_up

    @property
    def piles_up(self) -> bool:
        """Does a second call on the same data give twice the gradient, which is right in the first?"""
        return self.message["repeat"] == "accumulates" and self.fit is not None

    @cached_property
    def deeper(self) -> list[Candidate]:
        """This target at other depths."""
        return [Candidate(message, self.asked, self.source) for message in self.message.get("deeper", ())]

    @property
    def deeper_wrong(self) -> Candidate | None:
        """This target at another depth, where it is shown to be wrong."""
        return next((o for o in self.deeper if not o.right and o.known and o.shown_wrong), None)

    @cached_property
    def is_degenerate(self) -> bool:
        """Were all probes at zero weights, which hide what depends on them?"""
        return not any(np.any(W) for o in self.observations for W, _ in o.parameters)

    climbing: Diagnosis | None = None
    """Whether it is right but for a penalty that pushes the weights away from zero."""

    def _beside_a_penalty(self) -> Diagnosis | None:
        """A mistake in a gradient that contains a penalty as well, whose λ is a number of the source (or was given).

        A λ is tried further where without it some weights' gradient is right, which it was not with it; in a single
        layer each is, as the mistake may be in all of it.
        """
        numbers = dict.fromkeys([probe.PENALTY, *(n for n in self.source.literals if 0 < n < 1)])
        plain = self.diagnose(depth="nearest")
        for size, per_row, kind in itertools.product(list(numbers)[:8], (False, True), ("L2", "L1")):
            without, unit, (term,) = [], arithmetic(self.dtype).u, TERMS[kind]
            for o in self.observations:
                values, scale = tensors(o.parameters), size / (len(o.x) if per_row else 1)
                if any(g.shape != values[n].shape for n, g in o.gradients.items() if n[0] == "W"):
                    return None
                gradients = {n: g - scale * term(values[n]) if n[0] == "W" else g for n, g in o.gradients.items()}
                slack: dict[str, Array] = {n: o.slack.get(n, 0.0) + 4 * unit * abs(o.gradients[n]) for n in o.gradients}
                without.append(replace(o, gradients=gradients, slack=slack))
            look = partial(self.diagnose, without)
            diagnosis = look(depth="nearest")
            better = any(diagnosis.taus[n] <= 1 < plain.taus[n] for n in diagnosis.taus if n[0] == "W")
            if (better or self.layers == 1) and (named := look(depth="singles")).explanations:
                rows = tuple((len(o.x), size / (len(o.x) if per_row else 1)) for o in self.observations)
                return replace(named, penalty=Penalty(kind, rows, False))
        return None

    # -- wrong ----------------------------------------------------------------------------------------------------

    @cached_property
    def explained(self) -> Diagnosis:
        """The mistakes that fit: one, then one row by row; or where the first wrong quantity is."""
        if self.fit is not None:
            return self.fit
        look = self.diagnose
        if self.predicts_otherwise or not self.is_gradient:
            return look(depth="nearest")  # no mistake could be shown
        diagnosis = look(depth="singles")
        if not diagnosis.explanations and (not self.rate_known or (self.known and not self.asked.strict)):
            free = look(rate_known=False, depth="singles")
            diagnosis = free if free.explanations else diagnosis
        if not diagnosis.explanations and self.recovered and any(len(o.x) > 1 for o in self.observations):
            diagnosis = in_turn(self, explain=True) or diagnosis
        if not diagnosis.explanations and self.climbing:
            return self.climbing
        if not diagnosis.explanations and self.known and self.rate_known and self.message["repeat"] == "":
            diagnosis = self._beside_a_penalty() or diagnosis
        return diagnosis

    def look_for_two(self) -> None:
        """Explain it by two mistakes where one does not: dear, and not before every way of using it was looked at."""
        if self.known and self.is_gradient and not (self.explained.right or self.explained.explanations):
            self.explained = self.diagnose(rate_known=self.rate_known, depth="pairs")
            self.__dict__.pop("shown_wrong", None)

    @cached_property
    def shown_wrong(self) -> bool:
        """Is it shown that the gradient is not that of the program's loss?

        With the network known: where a mistake of the bank gives what was observed on every probe, to rounding; or
        where the loss is known, or shows in the output layer's gradients, and something else is wrong. Where no mistake
        of the bank explains it, some gradient must be right: it shows that the gradients were read well.
        Without the network: only a single mistake of the bank in a network with a hidden layer, whose weights'
        gradients contain the activations themselves.
        """
        if self.piles_up:
            return bool(self.known)
        if not self.is_gradient or self.message["hypothesis"] or self.predicts_otherwise:
            return False
        diagnosis = self.explained
        named = diagnosis.explanations and diagnosis.explanations[0].mistake
        if named and named.name == "sign" and not self.recovered and self.source.adds:
            return False  # what points downhill is added there
        if named and not named.parts:
            linear = not self.source.activations and set(diagnosis.activations) == {"identity"}
            unseen = linear or _speaks_for_itself(named.name, self.layers)
            return bool(self.known) or unseen
        if not self.known:
            return False
        if named:
            return True
        if self.absent:
            return False  # where some gradients are missing and others are wrong, they were not read well
        right = {name for name, tau in diagnosis.taus.items() if tau <= 1}
        last = {name for name in diagnosis.taus if name[1:] == str(self.layers)}
        return bool(right) and (self.loss_known or last <= right)

    @property
    def is_gradient(self) -> bool:
        """Is what was read one step along something, the same in each call? Then it may be a gradient."""
        return not (self.message["repeat"] == "varies" or self.steps or self.optimizer) and self.judge.moves

    @cached_property
    def optimizer(self) -> bool:
        """Is a step of its weights no multiple of a gradient, as with Adam?"""
        return self.recovered and stepping.is_alike_everywhere(self.observations)

    @cached_property
    def steps(self) -> int:
        """How many steps one call takes, where that is seen; else 0."""
        slow = self.message["slow"]
        losses = dict.fromkeys(c.loss for c in self.allowed)
        return stepping.count(self.observations[0], slow, self.choices, losses) if slow else 0


DEPENDS_ON_THE_FORWARD_PASS = (
    "sign",
    "slope",
    "swapped",
    "squared",
    "absolute",
    "rate",
    "averaged-twice",
    "rows-twice",
)


def _speaks_for_itself(name: str, layers: int) -> bool:
    """Is the mistake one even where the forward pass is not seen?

    In a network with a hidden layer the weights' gradients contain the activations. In one layer, an unknown activation
    and an unknown loss may give what looks like another slope or error.
    """
    return layers > 1 or not name.startswith(DEPENDS_ON_THE_FORWARD_PASS)


@lru_cache(maxsize=256)
def _references_of(probe: bytes) -> dict[tuple[Any, ...], Any]:
    """The references of a probe, which every way of using the target shares."""
    return {}


def to_observation(o: dict[str, Any]) -> Observation:
    """The observation in the target process's answer for one probe."""
    parameters = messages.to_layers(o["parameters"])
    values = [o["x"], o["y"], *tensors(parameters).values()]
    probe = b"".join(f"{a.shape}".encode() + a.tobytes() for a in map(np.asarray, values))
    return Observation(
        parameters,
        o["x"],
        o["y"],
        o["gradients"],
        o["slack"],
        o["rate"] if o["rate_known"] else 1.0,
        o["loss"],
        o["predictions"],
        _references_of(probe),
    )
