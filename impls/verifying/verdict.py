"""The verdict: from what was observed to what is said of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from impls.checking.bound import arithmetic
from impls.errors import BadInput
from impls.verifying.conventions import CONVENTIONS, MSE, Convention
from impls.verifying.diagnosis import (
    Activations,
    Diagnosis,
    Judge,
    Observation,
    candidates,
    diagnose,
    diagnose_row_by_row,
)
from impls.verifying.evidence import phrase, relation
from impls.verifying.observations import to_observation
from impls.verifying.phrases import formula
from impls.verifying.report import ERROR, RIGHT, WRONG, Report, Row
from impls.verifying.reporting import activation_words, note_own_data, note_repeat, to_report
from impls.verifying.second_opinion import ask_frameworks
from impls.verifying.verdict_of_rule import conclude_rule


def returns_unknown_loss(answer: dict[str, Any], conventions, strict: bool) -> bool:
    """Does it return a loss beside its gradients that no squared error of this network has?"""
    if "groups" not in answer or "losses" in answer or strict:
        return False
    observations = [to_observation(o) for o in answer["groups"][0]["observed"]]
    losses = [o.loss for o in observations]
    if any(loss is None for loss in losses):
        return False
    return _recognise(Judge(observations), candidates(answer["layers"]), losses) is None


def conclude(target, answer, conventions, strict, activations, dtype, opinions, time_limit_s) -> Report:
    if "error" in answer:
        text = answer["text"]
        if answer["error"] == "traceback":
            return Report(target, ERROR, f"could not run: {text.splitlines()[-1]}", traceback=text)
        return Report(target, ERROR, f"could not run: {text}")
    if "rule" in answer:
        return conclude_rule(target, answer)

    layers = answer["layers"]
    if activations and len(activations) != layers:
        raise BadInput(f"--activations names {len(activations)}, but the network has {layers} layer(s)")
    choices = [tuple(activations)] if activations else candidates(layers, answer["activations"])
    if steps := _steps_in_one_call(answer["groups"][0], choices):
        return Report(
            target,
            ERROR,
            f"could not run: one call takes {steps} steps, and a gradient can be recovered from one step only; name a "
            "method that takes one (file.py:Class.method), or let the number of steps be an argument, as epochs=…",
        )
    groups = answer["groups"]
    judged = (target, answer), (choices, conventions, strict, dtype)
    report, diagnosis = _judge_group(*judged[0], groups[0], *judged[1], depth="singles")
    for group in answer.get("alternatives", ()):
        other, other_diagnosis = _judge_group(*judged[0], group, *judged[1], depth="singles")
        if _explains_more(other, report):
            report, diagnosis, groups = other, other_diagnosis, [group]
    if report.status == WRONG and len(groups) > 1:
        other, other_diagnosis = _judge_group(*judged[0], groups[1], *judged[1], depth="singles")
        if other.status == RIGHT:
            what = report.findings[0].title if report.findings else report.evidence
            other.notes.append(f"Right for one output, but not for several: {what}.")
        if _explains_more(other, report):
            report, diagnosis, groups = other, other_diagnosis, groups[1:]
    if report.status == WRONG and not report.findings and diagnosis is not None:
        report, diagnosis = _judge_group(*judged[0], groups[0], *judged[1], depth="pairs")
    if diagnosis is not None:
        ask_frameworks(report, diagnosis, groups[0], opinions, time_limit_s)
    note_own_data(report, answer, groups[0])
    return report


def _steps_in_one_call(group, choices) -> int:
    """How many steps one call takes: at a tiny learning rate n steps are n times one. 0 where it is no such thing.

    There the n steps differ by n times a millionth, relatively; a gradient is recovered to some 1e-9; so agreement
    to 1 % of the largest is no accident, and allows for n up to thousands.
    """
    if not group["slow"]:
        return 0
    first = to_observation(group["observed"][0])
    names = [n for n, g in group["slow"].items() if g.shape == first.gradients[n].shape]
    found = np.concatenate([group["slow"][n].ravel() for n in names])
    judge = Judge([first])
    for choice in choices:
        for reference in judge.references(choice) or ():
            expected = np.concatenate([reference.gradients[n].ravel() for n in names])
            if found.shape != expected.shape or not np.any(expected):
                continue
            ratio = float(found @ expected) / float(expected @ expected)
            if not np.allclose(found, ratio * expected, rtol=0, atol=0.01 * float(np.max(abs(found)))):
                continue
            steps = [ratio / convention.factor(*first.y.shape) for convention in CONVENTIONS]
            whole = [round(n) for n in steps if n > 1.5 and abs(n - round(n)) < 0.01 * n]
            one_step = any(abs(n - 1) < 0.01 for n in steps)
            moved_like_one = _same_direction(first.gradients, reference.gradients, names)
            if whole and not one_step and not moved_like_one:
                return whole[0]
    return 0


def _same_direction(found: dict, expected: dict, names: list[str]) -> bool:
    """Is the change at the usual learning rate a multiple of the gradient as well? Then it was one step.

    A gradient is recovered to some 1e-9; a second step from where the first has led turns it by a hundredth and more.
    """
    one, other = (np.concatenate([g[n].ravel() for n in names]) for g in (found, expected))
    ratio = float(one @ other) / float(other @ other)
    return bool(np.allclose(one, ratio * other, rtol=0, atol=1e-6 * float(np.max(abs(one)))))


def _explains_more(one: Report, other: Report) -> bool:
    """Is this reading of the weights' layout the better one?"""

    def rank(report: Report) -> tuple[bool, bool, bool]:
        return report.status == RIGHT, report.forward_known, bool(report.findings)

    return rank(one) > rank(other)


def _judge_group(
    target, answer, group, choices, conventions, strict, dtype, depth: str
) -> tuple[Report, Diagnosis | None]:
    """Judge the probes of one network size; `depth` is how far to look for an explanation, as in `diagnose`."""
    readings = group["observed"]
    observations = [to_observation(o) for o in readings]
    recovered = readings[0]["kind"] == "update"
    rate_known = all(o["rate_known"] for o in readings)
    precision = dtype or ("float32" if all(o["dtype"] == "float32" for o in readings) else "float64")
    judge = Judge(observations, precision)
    matching = [choice for choice in choices if _predicts(judge, choice)]
    choices = matching or choices
    if all(o["loss_is_given"] for o in readings):
        conventions, strict = [MSE], True

    held, held_loss = conventions, strict
    losses = answer.get("losses")
    returned = [loss["loss"] for loss in losses] if losses else [o.loss for o in observations]
    if all(loss is not None for loss in returned) and not strict:
        recognised = _recognise(judge, choices, returned)
        if recognised:
            choices, held = recognised
            held_loss = True
        elif losses or answer.get("own_loss"):
            losses = losses or [answer["own_loss"]]
            report, none = _against_loss(target, answer, group, observations, losses, precision, recovered)
            squared = diagnose(observations, choices, dtype=precision, rate_known=rate_known, depth="right")
            if report.status == WRONG and squared.right:
                what = formula(squared.convention, observations[0].y.shape[1])
                report.headline = f"the gradient is that of {what}, which is not the loss given with it"
            return report, none

    diagnosis = _diagnose(observations, choices, held, precision, rate_known, recovered, answer, depth)
    report = to_report(target, answer, group, observations, diagnosis, precision, recovered, held_loss)
    report.forward_known = bool(matching)
    if group["repeat"]:
        note_repeat(report, group["repeat"])
    if matching and not diagnosis.right and not diagnosis.explanations:
        report.notes.append(f"The forward pass is right for {activation_words(matching[0])}.")
    if losses:
        report.notes.append(f"Your loss is {held[0].formula}, recognised by its values.")
    return report, diagnosis


def _predicts(judge: Judge, choice: Activations) -> bool:
    """Are all predictions that the target gave those of a network with these activations?"""
    references = judge.references(choice)
    pairs = list(zip(judge.observations, references or [], strict=False))
    return bool(pairs) and all(
        o.predictions is not None
        and o.predictions.shape == r.predictions.shape
        and bool(np.all(abs(o.predictions - r.predictions) <= r.predictions_bound))
        for o, r in pairs
    )


def _recognise(judge: Judge, choices, losses) -> tuple[list[Activations], list[Convention]] | None:
    """The activations and conventions under which the network has these losses on all probes."""
    constant = 4 * arithmetic(judge.dtype).u  # the convention's, multiplied in: a few roundings more, as in the Judge
    for choice in choices:
        references = judge.references(choice)
        if references is None:
            continue
        found = []
        for convention in CONVENTIONS:
            pairs = zip(judge.observations, references, losses, strict=True)
            if all(
                abs(loss - convention.factor(*o.y.shape) * r.loss)
                <= convention.factor(*o.y.shape) * (r.loss_bound + constant * r.loss)
                for o, r, loss in pairs
            ):
                found.append(convention)
        if found:
            return [choice], found
    return None


def _diagnose(observations, choices, conventions, precision, rate_known, recovered, answer, depth) -> Diagnosis:
    """Right in any way is looked for first; then one mistake, then a mistake row by row, then two."""
    look = partial(diagnose, observations, choices, conventions, dtype=precision)
    rows = recovered and any(len(o.x) > 1 for o in observations)
    found = look(depth="right")
    if found.right:
        return found
    if not rate_known and (free := look(rate_known=False, depth="right")).right:
        return _with_literal(free, observations, conventions, precision, answer["literals"])
    if rows and (turn := _row_by_row(observations, choices, conventions, precision, explain=False)):
        return turn
    found = look(depth="singles")
    if not found.explanations and not rate_known:
        free = look(rate_known=False, depth="singles")
        found = free if free.explanations else found
    if not found.explanations and rows:
        found = _row_by_row(observations, choices, conventions, precision, explain=True) or found
    if found.explanations or depth == "singles":
        return found
    return diagnose(observations, choices[:2], conventions, dtype=precision, rate_known=rate_known, depth="pairs")


def _row_by_row(observations, choices, conventions, precision, explain) -> Diagnosis | None:
    """Try updates after each row, in the order of the rows, at the learning rate found on batches of one."""
    alone = [o for o in observations if len(o.x) == 1]
    if alone:
        single = diagnose(alone, choices, conventions, dtype=precision, rate_known=False, depth="right")
        if single.right and not any(o.rate != 1.0 for o in observations):
            observations = [_at_rate(o, single.constant) for o in observations]
    return diagnose_row_by_row(observations, choices, conventions, dtype=precision, explain=explain)


def _at_rate(o: Observation, rate: float) -> Observation:
    """The same change of the parameters, read with another learning rate."""
    return replace(
        o,
        rate=rate,
        gradients={n: g / rate for n, g in o.gradients.items()},
        slack={n: s / rate for n, s in o.slack.items()},
    )


def _with_literal(diagnosis: Diagnosis, observations, conventions, precision, literals) -> Diagnosis:
    """Of the conventions that fit with some learning rate, the one whose rate is written in the source."""
    judge = Judge(observations, precision, rate_known=False)
    for convention in conventions:
        fit = judge.right(diagnosis.activations, [convention])  # with its rate, known to some roundings: far below 1e-9
        if fit and any(abs(fit[1] - literal) <= 1e-9 * abs(literal) for literal in literals if literal > 0):
            return replace(diagnosis, convention=fit[0], constant=fit[1], taus=judge.taus(diagnosis.activations, *fit))
    return diagnosis


def _against_loss(target, answer, group, observations, losses, precision, recovered) -> tuple[Report, None]:
    """Held against the derivative of a loss that is no squared error of this network."""
    taus: dict[str, float] = {}
    cases: dict[str, list] = {}
    for observation, loss in zip(observations, losses, strict=False):
        for name, found in observation.gradients.items():
            expected, bound = loss["gradients"][name], loss["bounds"][name]
            bound = bound + observation.slack.get(name, 0.0)
            if precision == "float32":  # no bound is derived for a loss that is not known: 128 roundings of the largest
                bound = bound + 64 * np.finfo(np.float32).eps * np.max(abs(expected))
            tau = float(np.max(abs(found - expected) / bound)) if found.shape == expected.shape else np.inf
            taus[name] = max(taus.get(name, 0.0), tau)
            cases.setdefault(name, []).append((found, expected, len(observation.x)))
    right = all(tau <= 1 for tau in taus.values())
    method = losses[0]["method"]
    report = Report(
        target,
        RIGHT if right else WRONG,
        "right for your own loss" if right else "the gradient is not that of your loss",
        rows=[Row(f"d{n}", answer["names"].get(n, n), observations[0].gradients[n].shape, t) for n, t in taus.items()],
        sizes=tuple(group["sizes"]),
        batches=tuple(len(o.x) for o, _ in zip(observations, losses, strict=False)),
        dtype=precision,
        convention="own",
        margin=max(taus.values()),
        recovered=recovered,
    )
    report.notes.append(
        f"Your loss is no squared error that is known here; it was differentiated by {_method(method)}."
    )
    if not right:
        report.evidence = phrase({n: relation(c, precision) for n, c in cases.items() if taus[n] > 1}, list(taus))
        from impls.verifying.diagnosis import first_wrong

        report.first_wrong = first_wrong(taus, answer["layers"])
        report.headline += f"; the first wrong quantity is {report.first_wrong}" if report.first_wrong else ""
    return report, None


def _method(method: str) -> str:
    return (
        "the complex step" if method == "complex step" else "extrapolated differences, as it takes no complex numbers"
    )
