"""One way of using the target, judged: right, wrong, or neither, with the reasons.

RIGHT      every gradient, on every probe, is within the bound of the gradient of a loss that the program may have: the
           one that is demanded or computed, else any that goes with its output. A penalty on the weights, an update
           after every row, and a constant that the step contains do not matter, and are named.
WRONG      the network and the loss are known, and the gradient of that loss is another one (see `shown_wrong`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, tensors
from samegrad.impls.problem import CROSS_ENTROPY, PARTNERS, SQUARED
from samegrad.impls.verifying import messages
from samegrad.impls.verifying.asked import Asked, Source
from samegrad.impls.verifying.conventions import CONVENTIONS, MSE, Convention
from samegrad.impls.verifying.diagnosis import Diagnosis, Explanation, diagnose, diagnose_row_by_row
from samegrad.impls.verifying.forward import candidates, loss_families, matching, recognise, unusual
from samegrad.impls.verifying.judge import Activations, Judge, Observation, Penalty
from samegrad.impls.verifying.mistakes import PENALTY_SIGN

UNIT = np.finfo(np.float64).eps / 2
DIGITS = 1e-6
"""Relative error up to which a gradient is right but for lost digits: an ε in a denominator, differences in the place
of derivatives, results that are rounded. No wrong formula of the bank is so near to the right one."""
ROUNDINGS = 32.0
"""Times the bound: a gradient so near is right. What is planted, downcasts included, is off by a million times."""
SIGN_SPREAD = 1e-3
"""Relative spread of the sizes of all entries of a first step of Adam, RMSprop or Adagrad, whose ε disturbs small
ones."""


@dataclass
class Verdict:
    """The outcome for one way of using the target."""

    right: bool
    diagnosis: Diagnosis | None = None
    notes: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    reason: str = ""
    """Why it cannot be told, where it cannot."""


class Candidate:
    """What was observed in one way of using the target, and what follows from it."""

    def __init__(self, message: dict[str, Any], asked: Asked, source: Source) -> None:
        self.message, self.asked, self.source = message, asked, source
        self.readings = message["observed"]
        self.observations = [to_observation(o) for o in self.readings]
        self.kind = message["kind"]
        self.recovered = self.readings[0]["kind"] == "update"
        self.rate_known = all(o["rate_known"] for o in self.readings)
        self.dtype = asked.dtype or ("float32" if all(o["dtype"] == "float32" for o in self.readings) else "float64")
        self.judge = Judge(self.observations, self.dtype)
        self.layers = len(self.observations[0].parameters)
        self.outputs = self.observations[0].y.shape[1]
        self.loss_is_given = all(o["loss_is_given"] for o in self.readings)

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
        return matching(self.judge, self.every_choice, [o["outputs"] for o in self.readings])

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
        """Its activations, where there are some that can be named but no more."""
        return unusual(self.judge) if self.predicts_otherwise else ()

    @cached_property
    def families(self) -> dict[str, str]:
        """The losses that the program is seen to compute, with the name under which it has each."""
        return loss_families(self.judge, self.choices, [o["numbers"] for o in self.readings])

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
        families = set(self.families)
        if not families and "labels" in self.message["layout"] and any(f[-1] == "softmax" for f in self.known):
            families = {CROSS_ENTROPY}  # class numbers and a softmax: nobody means a squared error
        return [c for c in CONVENTIONS if not families or c.loss in families]

    @property
    def loss_known(self) -> bool:
        """Is the loss demanded, given, or seen in what the program computes?"""
        return self.asked.strict or self.loss_is_given or bool(self.returned) or bool(self.families)

    # -- right ----------------------------------------------------------------------------------------------------

    @cached_property
    def verdict(self) -> Verdict:
        """Right, with what makes it so; or not, with a reason where one is seen."""
        if self.message["repeat"] == "varies":
            return Verdict(False, reason="a second call on the same data gives another result: something is drawn at "
                                         "random, or kept from the call before")  # fmt: skip
        if self.steps:
            return Verdict(False, reason=f"one call takes {self.steps} steps, and a gradient can be recovered from one "
                                         "step only; name a method that takes one (file.py:Class.method), or let the "
                                         "number of steps be an argument, as epochs=…")  # fmt: skip
        if not self.moves:
            return Verdict(False, reason="every gradient is zero at the probes, which shows nothing")
        found = self._right()
        if found is None:
            return Verdict(False, reason=self._reason())
        if self.piles_up:
            return Verdict(False, found.diagnosis)
        for deeper in self.message.get("deeper", ()):
            other = Candidate(deeper, self.asked, self.source)
            if not other.verdict.right:
                found.untested.append(_sizes(other) + ": " + (other.verdict.reason or "it could not be judged"))
        if all(min(o["sizes"][1:-1], default=2) == 1 for o in (self.message, *self.message.get("deeper", ()))):
            found.untested.append("hidden layers of more than one unit")
        if self._degenerate:
            found.untested.append("any place but the first, where weights are zero")
        return found

    @property
    def piles_up(self) -> bool:
        """Does a second call on the same data give twice the gradient?"""
        return self.message["repeat"] == "accumulates" and self.moves

    @cached_property
    def moves(self) -> bool:
        """Is any gradient other than zero?"""
        return any(np.any(g) for o in self.observations for g in o.gradients.values())

    @cached_property
    def deeper_wrong(self) -> Candidate | None:
        """The same target at another depth, where it is shown to be wrong."""
        others = (Candidate(deeper, self.asked, self.source) for deeper in self.message.get("deeper", ()))
        return next((o for o in others if not o.verdict.right and o.known and o.shown_wrong), None)

    @cached_property
    def _degenerate(self) -> bool:
        """Were all probes at zero weights, which hide what depends on them?"""
        return not any(np.any(W) for o in self.observations for W, _ in o.parameters)

    def _right(self) -> Verdict | None:
        """The first way in which every gradient is right, the plainest first."""
        for attempt in (
            self._plainly,
            self._row_by_row,
            self._up_to_a_constant,
            self._rounded_more,
            self._penalised,
            self._uphill,
            self._to_digits,
        ):
            if (found := attempt()) is not None:
                return found
        return None

    def _plainly(self) -> Verdict | None:
        found = diagnose(self.observations, self.choices, self.allowed, dtype=self.dtype, depth="right")
        return Verdict(True, found) if found.right else None

    def _row_by_row(self) -> Verdict | None:
        if not self.recovered or all(len(o.x) == 1 for o in self.observations):
            return None
        found = self._in_turn(explain=False)
        return Verdict(True, found) if found and found.right else None

    def _in_turn(self, explain: bool) -> Diagnosis | None:
        """Updates after each row, at the learning rate found on batches of one."""
        observations = self.observations
        alone = [o for o in observations if len(o.x) == 1]
        if alone and not self.rate_known:
            single = diagnose(alone, self.choices, self.allowed, dtype=self.dtype, rate_known=False, depth="right")
            if single.right:
                observations = [_at_rate(o, single.constant) for o in observations]
        return diagnose_row_by_row(observations, self.choices, self.allowed, dtype=self.dtype, explain=explain)

    def _up_to_a_constant(self) -> Verdict | None:
        if self.asked.strict or self.returned:
            return None
        found = diagnose(
            self.observations, self.choices, self.allowed, dtype=self.dtype, rate_known=False, depth="right"
        )
        if not found.right or (abs(found.constant - self.observations[0].rate) < 1e-9 and not self.recovered):
            return None  # a returned gradient that contains the learning rate is a mistake of the bank
        found = self._with_literal(found)
        notes = []
        if self.rate_known:
            notes.append(
                f"{'The step is' if self.recovered else 'The gradient is'} {found.constant:.6g} times that of the loss "
                "(a constant of your own, as a momentum's 1 − β, does not matter)."
            )
        return Verdict(True, found, notes)

    def _with_literal(self, found: Diagnosis) -> Diagnosis:
        """Of the conventions that fit with some learning rate, the one whose rate is written in the source."""
        judge = Judge(self.observations, self.dtype, rate_known=False)
        for convention in self.allowed:
            fit = judge.right(found.activations, [convention])  # with its rate, known to some roundings: far below 1e-9
            if fit and any(abs(fit[1] - number) <= 1e-9 * abs(number) for number in self.source.literals if number > 0):
                return replace(found, convention=fit[0], constant=fit[1], taus=judge.taus(found.activations, *fit))
        return found

    def _rounded_more(self) -> Verdict | None:
        """Right but for a few roundings more than the usual formulas have."""
        look = partial(diagnose, self.observations, self.choices, self.allowed, dtype=self.dtype, depth="right")
        found = look(rate_known=self.rate_known, loose=ROUNDINGS)
        note = (
            f"The largest error is {ROUNDINGS * found.margin:.3g} times the bound, which is derived for the usual "
            "formulas: another one for the same, as exp(z)/(1 + exp(z)), rounds a little more. A wrong one would be "
            "off by millions."
        )
        return Verdict(True, found, [note]) if found.right else None

    def _penalised(self) -> Verdict | None:
        if self._degenerate:
            return None
        judge = self.judge if self.rate_known else Judge(self.observations, self.dtype, rate_known=False)
        for choice in self.choices:
            if judge.references(choice) is None:
                continue
            if fit := judge.penalised(choice, self.allowed):
                convention, penalty = fit
                right = Diagnosis(True, choice, convention, 1.0, penalty.taus, penalty=penalty)
                if penalty.descends:
                    return Verdict(True, right)
                if self.message["start"]:  # from zero weights, W is −rate times the first step's gradient
                    if self.message["start"] > 1 or not penalty.with_biases or penalty.kind != "L2":
                        return None
                    note = "The second step also contains a part of the first one, as momentum has it."
                    return Verdict(True, replace(right, penalty=None), [note])
                explanation = Explanation(PENALTY_SIGN, choice, convention, 1.0)
                taus = self.judge.taus(choice, convention)
                self.climbing = Diagnosis(False, choice, convention, 1.0, taus, (explanation,), penalty=penalty)
        return None

    climbing: Diagnosis | None = None
    """Right but for a penalty that pushes the weights away from zero."""

    def _beside_a_penalty(self) -> Diagnosis | None:
        """A mistake in a gradient that contains a penalty as well, whose λ is a number of the source (or was given).

        A λ is tried further where without it some weights' gradient is right, which it was not with it.
        """
        numbers = dict.fromkeys([0.015625, *(n for n in self.source.literals if 0 < n < 1)])
        plain = diagnose(self.observations, self.choices, self.allowed, dtype=self.dtype, depth="right")
        terms: tuple[Callable[[Array], Array], ...] = (lambda W: W, np.sign)
        for size, per_row, term in itertools.product(list(numbers)[:8], (False, True), terms):
            without = []
            for o in self.observations:
                values, scale = tensors(o.parameters), size / (len(o.x) if per_row else 1)
                if any(g.shape != values[n].shape for n, g in o.gradients.items() if n[0] == "W"):
                    return None
                gradients = {n: g - scale * term(values[n]) if n[0] == "W" else g for n, g in o.gradients.items()}
                slack: dict[str, Array] = {n: o.slack.get(n, 0.0) + 4 * UNIT * abs(o.gradients[n]) for n in o.gradients}
                without.append(replace(o, gradients=gradients, slack=slack))
            look = partial(diagnose, without, self.choices, self.allowed, dtype=self.dtype)
            found = look(depth="right")
            better = any(found.taus[n] <= 1 < plain.taus[n] for n in found.taus if n[0] == "W")
            if (better or self.layers == 1) and (named := look(depth="singles")).explanations:
                rows = tuple((len(o.x), size / (len(o.x) if per_row else 1)) for o in self.observations)
                return replace(named, penalty=Penalty("L2" if term is not np.sign else "L1", rows, False))
        return None

    def _uphill(self) -> Verdict | None:
        """The gradient of a log-likelihood, which is climbed."""
        if self.recovered or not self.source.ascends:
            return None
        turned = [replace(o, gradients={n: -g for n, g in o.gradients.items()}) for o in self.observations]
        some = [c for c in self.allowed if c.loss != SQUARED]
        if not any(c.suits(choice) for c in some for choice in self.choices):
            return None
        found = diagnose(turned, self.choices, some, dtype=self.dtype, depth="right")
        note = "It points uphill, as the gradient of a likelihood does: add it to the weights, do not subtract it."
        return Verdict(True, found, [note]) if found.right else None

    def _to_digits(self) -> Verdict | None:
        """Right to some digits, where the source does not ask for float32."""
        if self.source.float32 or self.dtype == "float32" or self.asked.strict:
            return None
        values = [g for o in self.observations for g in o.gradients.values()]
        if all(np.array_equal(g, g.astype(np.float32)) for g in values):
            return None
        decimals = next((d for d in range(1, 9) if all(np.array_equal(g, np.round(g, d)) for g in values)), None)
        loose = []
        for o in self.observations:
            rounding = 0.0 if decimals is None else 0.5 * 10.0**-decimals
            slack = {
                n: o.slack.get(n, 0.0) + rounding + DIGITS * np.max(abs(g), initial=0.0) for n, g in o.gradients.items()
            }
            loose.append(replace(o, slack={n: np.broadcast_to(s, o.gradients[n].shape) for n, s in slack.items()}))
        found = diagnose(loose, self.choices, self.allowed, dtype=self.dtype, depth="right")
        if not found.right:
            return None
        words = f"It is rounded to {decimals} decimals." if decimals is not None else (
            "It is right to about seven digits only: an ε in a denominator or a logarithm costs that, and so do "
            "differences in the place of derivatives."
        )  # fmt: skip
        return Verdict(True, found, [words])

    # -- wrong ----------------------------------------------------------------------------------------------------

    @cached_property
    def explained(self) -> Diagnosis:
        """The mistakes that fit: one, then one row by row, then two; or where the first wrong quantity is."""
        if self.verdict.diagnosis is not None:
            return self.verdict.diagnosis
        look = partial(diagnose, self.observations, self.choices, self.allowed, dtype=self.dtype)
        if self.predicts_otherwise:
            return look(depth="right")  # an unknown network: no mistake could be shown
        found = look(depth="singles")
        if not found.explanations and not self.rate_known:
            free = look(rate_known=False, depth="singles")
            found = free if free.explanations else found
        if not found.explanations and self.recovered and any(len(o.x) > 1 for o in self.observations):
            found = self._in_turn(explain=True) or found
        if not found.explanations and self.climbing:
            return self.climbing
        if not found.explanations and self.known and self.rate_known and self.message["repeat"] == "":
            found = self._beside_a_penalty() or found
        if not found.explanations and self.known and not self.optimizer and self.may_be_two:
            found = diagnose(
                self.observations, self.known[:2], self.allowed, dtype=self.dtype, rate_known=self.rate_known
            )
        return found

    may_be_two = False
    """Is it worth the time to look for two mistakes at once? Not before every way of using the target was looked at."""

    def look_for_two(self) -> None:
        """Explain again, by two mistakes where one does not explain it."""
        self.may_be_two = True
        for name in ("explained", "shown_wrong"):
            self.__dict__.pop(name, None)

    @cached_property
    def shown_wrong(self) -> bool:
        """Is it shown that the gradient is not that of the program's loss?

        With the network known: where a mistake of the bank gives what was observed on every probe, to rounding; or
        where the loss is known, or shows in the output layer's gradients, and something else is wrong. Where no mistake
        of the bank explains it, some gradient must be right: it shows that the gradients were read well.
        Without the network: only a single mistake of the bank in a network with a hidden layer, whose weights'
        gradients contain the activations themselves.
        """
        if self.piles_up and self.verdict.diagnosis:
            return bool(self.known)
        if self.optimizer or self.message["hypothesis"] or self.message["repeat"] == "varies":
            return False
        if self.predicts_otherwise:
            return False
        found = self.explained
        named = found.explanations and found.explanations[0].mistake
        if named and named.name == "sign" and self.kind != "whole" and self.source.adds:
            return False  # what points downhill is added there
        if named and not named.parts:
            linear = not self.source.activations and set(found.activations) == {"identity"}
            unseen = linear or _speaks_for_itself(named.name, self.layers)
            return bool(self.known) or unseen
        if not self.known:
            return False
        if named:
            return True
        if any(o["absent"] for o in self.readings):
            return False  # where some gradients are missing and others are wrong, they were not read well
        right = {name for name, tau in found.taus.items() if tau <= 1}
        last = {name for name in found.taus if name[1:] == str(self.layers)}
        return bool(right) and (self.loss_known or last <= right)

    @cached_property
    def optimizer(self) -> str:
        """An optimizer whose first step is no multiple of the gradient."""
        if not self.recovered:
            return ""
        for o in self.observations:
            sizes = np.concatenate([abs(g).ravel() for g in o.gradients.values()])
            moving = sizes[sizes > 0]
            if moving.size < 3 or np.quantile(moving, 0.9) > (1 + SIGN_SPREAD) * np.median(moving):
                return ""
            if np.quantile(moving, 0.25) < (1 - 10 * SIGN_SPREAD) * np.median(moving):
                return ""
        return (
            "the step is not plain gradient descent: every weight moves by the same amount, as in a first step of "
            "Adam, RMSprop or Adagrad, whatever the gradient is; name the method that returns the gradient "
            "(file.py:Class.method), or let it take a plain step"
        )

    def _reason(self) -> str:
        """Why it cannot be told, as far as that is seen."""
        if self.optimizer:
            return self.optimizer
        if self.predicts_otherwise:
            what = f"that of {' and '.join(self.unusual)}, for which no bound is derived" if self.unusual else (
                "none that is known here: an activation outside sigmoid, tanh, relu, identity and softmax, or inputs "
                "that are changed on the way"
            )  # fmt: skip
            return (
                f"its forward pass is {what}; give the loss (--loss squared-error, cross-entropy or file.py:name), and "
                "the gradient is held against differences of its own forward pass"
            )
        if not self.known:
            return (
                "its forward pass could not be seen; put a forward function beside it, or name the activations "
                "(--activations sigmoid,identity)"
            )
        if not self.loss_known:
            return "its loss is not known; give it (--loss mse, half-sse, cross-entropy, … or file.py:name)"
        if absent := sorted({n for o in self.readings for n in o["absent"]}):
            return (
                f"some gradients could not be found ({', '.join(absent)}); name the method that returns them "
                "(file.py:Class.method), or keep them in attributes called like dW1 and db1"
            )
        return (
            "the change of its weights is no multiple of the gradient: it may take more than a plain step (momentum, "
            "clipping, several steps); name the method that returns the gradient (file.py:Class.method)"
        )

    # -- several steps --------------------------------------------------------------------------------------------

    @cached_property
    def steps(self) -> int:
        """How many steps one call takes: at a tiny learning rate n steps are n times one. 0 where it is no such thing.

        There the n steps differ by n times a millionth, relatively; a gradient is recovered to some 1e-9; so agreement
        to 1 % of the largest is no accident, and allows for n up to thousands.
        """
        slow, first = self.message["slow"], self.observations[0]
        if not slow:
            return 0
        names = [n for n, g in slow.items() if g.shape == first.gradients[n].shape]
        found = np.concatenate([slow[n].ravel() for n in names])
        judge = Judge([first])
        for choice, loss in itertools.product(self.choices, (SQUARED, *PARTNERS)):
            some = [c for c in CONVENTIONS if c.loss == loss and c.suits(choice)]
            for reference in (judge.references(choice, loss) or ()) if some else ():
                expected = np.concatenate([reference.gradients[n].ravel() for n in names])
                if found.shape != expected.shape or not np.any(expected):
                    continue
                ratio = float(found @ expected) / float(expected @ expected)
                if not np.allclose(found, ratio * expected, rtol=0, atol=0.01 * float(np.max(abs(found)))):
                    continue
                steps = [ratio / convention.factor(*first.y.shape) for convention in some]
                whole = [round(n) for n in steps if n > 1.5 and abs(n - round(n)) < 0.01 * n]
                one_step = any(abs(n - 1) < 0.01 for n in steps)
                if whole and not one_step and not _same_direction(first.gradients, reference.gradients, names):
                    return whole[0]
        return 0


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


def to_observation(o: dict[str, Any]) -> Observation:
    """What the target's process answered for one probe."""
    return Observation(
        messages.to_layers(o["parameters"]),
        o["x"],
        o["y"],
        o["gradients"],
        o["slack"],
        o["rate"] if o["rate_known"] else 1.0,
        o["loss"],
        o["predictions"],
    )


def _at_rate(o: Observation, rate: float) -> Observation:
    """The same change of the parameters, read with another learning rate."""
    return replace(
        o,
        rate=rate,
        gradients={n: g / rate for n, g in o.gradients.items()},
        slack={n: s / rate for n, s in o.slack.items()},
    )


def _same_direction(found: dict, expected: dict, tensors: list[str]) -> bool:
    """Is the change at the usual learning rate a multiple of the gradient as well? Then it was one step.

    A gradient is recovered to some 1e-9; a second step from where the first has led turns it by a hundredth and more.
    """
    one, other = (np.concatenate([g[n].ravel() for n in tensors]) for g in (found, expected))
    ratio = float(one @ other) / float(other @ other)
    return bool(np.allclose(one, ratio * other, rtol=0, atol=1e-6 * float(np.max(abs(one)))))


def _sizes(candidate: Candidate) -> str:
    return "-".join(map(str, candidate.message["sizes"]))
