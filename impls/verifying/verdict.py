"""The verdict: the ways of using a target are looked at one after the other, until one of them is right.

A gradient that is right on every probe is not so by accident: then the target was used as it was meant. Where no way is
right, the one in which most is known is explained; and only if the mistake can be shown there, the verdict is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying.candidate import Asked, Candidate, Source
from samegrad.impls.verifying.child import Ended
from samegrad.impls.verifying.diagnosis import diagnose
from samegrad.impls.verifying.forward import punished
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Report
from samegrad.impls.verifying.verdict_by_derivatives import against_loss, conclude_rule
from samegrad.impls.verifying.writing import cannot_tell, write

EXPLAINED = 4
"""Ways that are explained, at most: those in which most is known."""

LAYERS_OF_TWO = 2
"""Layers up to which two mistakes at once are looked for: of more layers there are too many pairs to wait for."""

RIGHT_FOR_ONE_OUTPUT = ("scalar", "reshaped", "flat-target")
"""Mistakes that may be none in a program for one output, which a program that is given no sizes may be."""

BATCHES = {"one row": "rows", "one column": "columns", "one list": "lists"}
"""How several rows are given where one is given so."""

Again = Callable[[int, str], dict[str, Any] | None]
"""(Number of a way, which loss) → the same observations with that loss differentiated beside them."""


def conclude(asked: Asked, answers: Iterator[dict[str, Any]], again: Again) -> tuple[Report, Candidate | None]:
    """The report, and the way of using the target on which it rests."""
    source: Source | None = None
    candidates: list[Candidate] = []
    for message in _as_long_as_it_answers(answers, candidates):
        if "error" in message:
            if not candidates:
                return cannot_tell(asked.target, message), None
            break
        if "rule" in message:
            return conclude_rule(asked.target, message), None
        if source is None:
            source = Source(**message)
            continue
        candidate = Candidate(message, asked, source)
        if asked.activations and len(asked.activations) != candidate.layers:
            raise BadInput(
                f"--activations names {len(asked.activations)}, but the network has {candidate.layers} layer(s)"
            )
        if "losses" in message:
            report = against_loss(candidate, message["losses"])
            if report.verdict == RIGHT or candidate.known:
                return report, candidate
            if not candidates:
                candidates.append(candidate)
            continue
        candidates.append(candidate)
        if candidate.right:
            for larger in (candidate, *(c for c in candidates if _has_more_inputs(c, candidate))):
                if larger.returned == [] and (by_loss := _by_its_own_loss(larger, again)):
                    return by_loss, larger
            return _of_right_one(candidate, candidates)
        if candidate.known and candidate.shown_wrong and _is_one_mistake(candidate):
            return write(candidate, WRONG), candidate
    if not candidates:
        return cannot_tell(asked.target, {"error": "unreadable", "text": "it could not be called"}), None
    if asked.own_loss:
        return against_loss(candidates[0], candidates[0].message["losses"]), candidates[0]
    most_is_known = sorted(candidates, key=lambda c: (not c.known, c.predicts_otherwise, c.kind != "whole"))
    return _of_none_right(most_is_known, again)


def _as_long_as_it_answers(answers: Iterator[dict[str, Any]], candidates: list[Candidate]) -> Iterator[dict[str, Any]]:
    """The messages; where the process ends early, what it has sent is enough if there is a candidate. Raises Ended."""
    try:
        yield from answers
    except Ended:
        if not candidates:
            raise


def _of_right_one(right: Candidate, candidates: list[Candidate]) -> tuple[Report, Candidate]:
    """Right, unless the training around it, or the same program at another depth, is shown to be wrong."""
    if right.deeper_wrong is not None:
        return write(right.deeper_wrong, WRONG), right.deeper_wrong
    if right.is_degenerate:
        return write(right, UNKNOWN), right
    for other in candidates:
        if other is not right and _overrules(other, right):
            return write(other, WRONG), other
    several = next((c for c in candidates if c is not right and c.known and c.outputs > 1 == right.outputs), None)
    used_alike = several and (several.kind, several.message["layout"]) == (right.kind, right.message["layout"])
    if several and not several.shown_wrong and used_alike and several.message["takes_outputs"]:
        report = write(several, UNKNOWN)
        report.notes.append("With one output its gradient is right.")
        return report, several
    report = write(right, RIGHT)
    if any(_is_another_with_batches(c, right) for c in candidates):
        return _for_one_row_only(report), right
    if name := _punished_loss(right):
        report.verdict = UNKNOWN
        report.headline = (
            f"cannot tell: it is {report.headline}, and {name} adds a penalty on the weights to that, of which the "
            "gradient has nothing. If that is your loss, add the penalty's gradient, as 2·λ·W of λ·ΣW²"
        )
        return report, right
    wholes = [c for c in candidates if c.kind == "whole" and c is not right]
    if wholes and right.kind != "whole":
        report.untested.append(f"what {wholes[0].message['main']} does with it")
    if several is not None and several.shown_wrong:
        report.untested.append(f"several outputs, with which it is another gradient: {write(several, WRONG).headline}")
    return report, right


def _punished_loss(right: Candidate) -> str:
    """The loss function of the file that is what the gradient is right for and a penalty; "" where there is none."""
    d = right.fit
    if d is None or d.penalty or right.loss_known:
        return ""
    return punished(right.judge, d.activations, d.convention, right.numbers)


def _has_more_inputs(other: Candidate, right: Candidate) -> bool:
    """Is it the same use with more inputs, where a penalty on all but the first weight shows?"""
    same = all(other.message[key] == right.message[key] for key in ("main", "names"))
    return same and other.layers == right.layers and other.message["sizes"][0] > right.message["sizes"][0]


def _is_another_with_batches(other: Candidate, right: Candidate) -> bool:
    """Does the same function take several rows in the same way, and give no gradient there, where one is right?"""
    same = all(other.message[key] == right.message[key] for key in ("main", "flipped"))
    given = BATCHES.get(right.message["layout"]) == other.message["layout"]
    return same and given and not other.right and other.is_gradient


def _for_one_row_only(report: Report) -> Report:
    """The report on what is right for one row, and not for several, though it takes them."""
    report.verdict = UNKNOWN
    report.headline = (
        "cannot tell: it is right for one row, and takes several as well, for which its gradient is another one. If it "
        "is meant for one row at a time, let it refuse more; if not, look at how the rows are summed or averaged"
    )
    return report


def _is_one_mistake(candidate: Candidate) -> bool:
    """Does a single mistake of the bank, or a pile-up, explain what was observed? No other way can be the right one."""
    if candidate.piles_up:
        return True
    explanations = candidate.explained.explanations
    if not explanations or explanations[0].mistake.parts or candidate.absent:
        return False
    if explanations[0].mistake.name == "sign" and not candidate.recovered:
        return False  # what calls it may subtract where this adds
    if "flat-target" in explanations[0].mistake.name and "flat" not in candidate.message["layout"]:
        return False  # a program of vectors is meant for targets of shape (N,): they may be given otherwise than meant
    return not _may_be_none(candidate)


def _may_be_none(candidate: Candidate) -> bool:
    """Is its mistake none where there is one output, and may the program be meant for one?"""
    explanations = candidate.explained.explanations
    vanishes = explanations and any(word in explanations[0].mistake.name for word in RIGHT_FOR_ONE_OUTPUT)
    several = candidate.message["takes_outputs"] or candidate.explained.activations[-1] == "softmax"
    return bool(vanishes) and candidate.outputs > 1 and not several


def _overrules(other: Candidate, right: Candidate) -> bool:
    """Is a mistake that is named in this way of using the target not refuted by another way that is right?

    Not where the right way is a part of this one (its gradient is right, its training is not), is blind for the mistake
    (one row, where this one has several), or gives targets of another shape than the file's own.
    """
    own_x, own_y = (other.source.own.get(role, ()) for role in "xy")
    more = len(other.observations[0].gradients) - len(right.observations[0].gradients)
    if more > 0 and other.message["sizes"] == right.message["sizes"] and other.known and other.shown_wrong:
        return True  # a parameter was taken for something else
    if other.message["layout"] == right.message["layout"]:
        return bool(other.known) and other.kind == "whole" != right.kind and other.shown_wrong
    elif len(right.observations[0].x) == 1 < len(other.observations[0].x):
        may = bool(other.known)
    else:
        may = "flat targets" in other.message["layout"] and (len(own_x), len(own_y)) == (2, 1)
    named = other.explained.explanations if may and other.shown_wrong else ()
    return bool(named) and not named[0].mistake.parts


def _of_none_right(candidates: list[Candidate], again: Again) -> tuple[Report, Candidate]:
    by_loss = [(r, c) for c in candidates[:EXPLAINED] if (r := _by_its_own_loss(c, again))]
    if by_loss:
        report, right = next((pair for pair in by_loss if pair[0].verdict == RIGHT), by_loss[0])
        if report.verdict == RIGHT and any(_is_another_with_batches(c, right) for _, c in by_loss):
            return _for_one_row_only(report), right
        return report, right
    if candidates[0].layers <= LAYERS_OF_TWO:
        candidates[0].look_for_two()
    several_only = all(c.outputs > 1 for c in candidates)
    shown_wrong = [c for c in candidates[:EXPLAINED] if c.shown_wrong and not (several_only and _may_be_none(c))]
    shown = next((c for c in shown_wrong if c.explained.explanations), next(iter(shown_wrong), None))
    if shown is not None:
        return write(shown, WRONG), shown
    telling = next((c for c in candidates if c.optimizer or c.steps), candidates[0])
    return write(telling, UNKNOWN), telling


def _by_its_own_loss(candidate: Candidate, again: Again) -> Report | None:
    """The verdict by the derivative of a loss that the program returns or has a function for; None without one."""

    def by(which: str, family: str = "") -> Report | None:
        """None too where this loss depends on no weight."""
        message = again(candidate.message["way"], which) or {"losses": []}
        depends = any(np.any(g) for loss in message["losses"] for g in loss["gradients"].values())
        return against_loss(candidate, message["losses"], family) if depends else None

    if candidate.message["repeat"]:
        return None
    counts = candidate.returned == [] and not candidate.predicts_otherwise and not candidate.asked.strict
    if counts and (report := by("returned")):
        if report.verdict == WRONG:
            squared = diagnose(candidate.observations, candidate.choices, dtype=candidate.dtype)
            formula = squared.convention.formula
            if squared.right:
                report.headline = f"the gradient is that of {formula}, which is not the loss given with it"
        return report
    if candidate.predicts_otherwise and candidate.asked.strict:
        reports = [r for loss in dict.fromkeys(c.loss for c in candidate.asked.conventions) if (r := by(loss, loss))]
        if reports:
            return next((report for report in reports if report.verdict == RIGHT), reports[0])
    if not candidate.loss_known and not candidate.known:
        names = {n for reading in candidate.readings for n in reading["numbers"] if n.endswith("()")}
        for name in sorted(names)[:2]:
            if (report := by(name)) and report.verdict == RIGHT:
                report.notes.insert(0, f"Your loss is taken from {name} in the file.")
                return report
    return None
