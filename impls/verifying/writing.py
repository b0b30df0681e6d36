"""Writing: a judged candidate as a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from samegrad.impls.parameters import Array
from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying.candidate import Candidate
from samegrad.impls.verifying.conventions import Convention
from samegrad.impls.verifying.diagnosis import Diagnosis, Explanation
from samegrad.impls.verifying.judge import Judge, Observation, Penalty
from samegrad.impls.verifying.mistakes import PILED_UP
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Named, Report, Row
from samegrad.impls.verifying.wording import (
    Beside,
    family_words,
    formula,
    in_layout,
    in_words,
    listed,
    loss_words,
    phrase,
    with_factor,
)


def cannot_tell(target: str, message: dict[str, Any]) -> Report:
    """The report on a target that could not be used, from the message that says why."""
    text = message["text"]
    advice = message.get("adapter", "")
    if message["error"] == "traceback":
        return Report(target, UNKNOWN, f"could not run: {text.splitlines()[-1]}", traceback=text, advice=advice)
    first, _, rest = text.partition("\n\n")
    return Report(target, UNKNOWN, f"could not run: {first}", advice=rest or advice)


def write(candidate: Candidate, verdict: str) -> Report:
    """The report with this verdict."""
    diagnosis = candidate.explained
    report = write_on(candidate, verdict, "", diagnosis.taus, diagnosis.convention.name)
    report.activations = diagnosis.activations if verdict != UNKNOWN or candidate.known else ()
    report.loss = loss_words(diagnosis.convention, candidate.outputs)
    report.factor = in_words(diagnosis.convention, candidate.outputs)
    report.constant = diagnosis.constant
    report.first_wrong = diagnosis.first_wrong
    report.untested = untested(candidate) if candidate.right else []
    if verdict == RIGHT:
        _write_right(report, candidate, diagnosis)
    elif verdict == WRONG:
        _write_wrong(report, candidate, diagnosis)
    else:
        _write_unknown(report, candidate)
    _note_calls(report, candidate, diagnosis)
    return report


def write_on(candidate: Candidate, verdict: str, headline: str, taus: dict[str, float], convention: str) -> Report:
    """A report with what was observed of the candidate, and its gradients beside these τ."""
    rows = []
    for n, tau in taus.items():
        shape = candidate.observations[0].gradients[n].shape  # as the user has it, but for axes of length one
        shape = shape[::-1] if candidate.message["flipped"] and n[0] == "W" else shape
        rows.append(Row(f"d{n}", candidate.message["names"].get(n, n), shape, tau, absent=n in candidate.absent))
    return Report(
        candidate.asked.target,
        verdict,
        headline,
        rows=sorted(rows, key=lambda row: (row.tensor[2:], row.tensor[1] == "b")),
        sizes=tuple(candidate.message["sizes"]),
        batches=tuple(len(o.x) for o in candidate.observations),
        dtype=candidate.dtype,
        convention=convention,
        margin=max(taus.values()),
        recovered=candidate.recovered,
        forward_known=bool(candidate.known),
    )


def _penalty(penalty: Penalty) -> str:
    """ "an L2 penalty on the weights (weight decay), 0.01·W in the gradient"."""
    others = penalty.coefficients[1:]
    shown = []
    for term, values in enumerate(zip(*(c[1:] for c in penalty.coefficients), strict=True)):
        by_rows = [value * rows for value, (rows, *_) in zip(values, penalty.coefficients, strict=True)]
        symbol = "sign(W)" if penalty.kind == "L1" or term else "W"
        if others and not _alike(values) and _alike(by_rows):
            shown.append(f"{by_rows[0]:.6g}/N·{symbol}")
        else:
            shown.append(f"{values[0]:.6g}·{symbol}")
    where = "weights and biases" if penalty.with_biases else "weights"
    decay = " (weight decay)" if penalty.kind == "L2" else ""
    kind = {"L2": "an L2 penalty", "L1": "an L1 penalty", "elastic": "an elastic penalty"}[penalty.kind]
    return f"{kind} on the {where}{decay}, {' + '.join(shown)} in the gradient"


def _alike(values: Any) -> bool:
    """Are the λs of all probes the same in the six digits that are shown?"""
    return max(values) - min(values) <= 1e-6 * abs(max(values))


def _write_right(report: Report, candidate: Candidate, diagnosis: Diagnosis) -> None:
    report.headline = f"right for {report.loss}"
    if diagnosis.penalty:
        report.headline += f", with {_penalty(diagnosis.penalty)}"
    if candidate.loss_is_given:
        report.headline = "it passes the ∂L/∂a that it is given back rightly"
    report.notes += diagnosis.notes
    if diagnosis.convention.loss != SQUARED and not candidate.loss_known:
        numbers = [_where(name) for name in candidate.readings[0]["numbers"]]
        seen = (
            f"The file's loss ({numbers[0]}) is none that is known here"
            if numbers
            else "No loss is computed in the file"
        )
        report.notes.append(
            f"{seen}; this is the one whose gradient it is. If you mean the squared error, the slope of the output's "
            "activation is missing."
        )
    if candidate.families and diagnosis.convention.loss not in candidate.families:
        report.notes.append(
            f"{_seen_loss(candidate)} If that is meant, the slope of the output's activation is missing; the file "
            "speaks of the other one."
        )
    if hypothesis := candidate.message["hypothesis"]:
        report.untested.append(
            f"whether the intermediates that it is given are those of {listed(hypothesis)}, as was supposed"
        )
    elif not candidate.known and not candidate.loss_is_given:
        report.untested.append("the forward pass, which was not seen")


def untested(candidate: Candidate) -> list[str]:
    """What a verdict of right does not cover, as far as the probes go."""
    gaps = [
        f"{'-'.join(map(str, other.message['sizes']))}: {why_not(other)}"
        for other in candidate.deeper
        if not other.right
    ]
    if all(min(o["sizes"][1:-1], default=2) == 1 for o in (candidate.message, *candidate.message.get("deeper", ()))):
        gaps.append("hidden layers of more than one unit")
    if candidate.message["born_late"] and not candidate.message["start"]:
        gaps.append("later steps, which are no multiple of the gradient alone (as with momentum)")
    if candidate.is_degenerate:
        gaps.append("any place but the first, where weights are zero")
    return gaps


def _write_wrong(report: Report, candidate: Candidate, diagnosis: Diagnosis) -> None:
    report.evidence = describe(diagnosis, candidate.observations, candidate.dtype, candidate.absent)
    report.mistakes = [_named(e, candidate) for e in diagnosis.explanations]
    if candidate.piles_up:
        report.mistakes.insert(0, Named.of(PILED_UP))
        report.evidence = "the same call gives 1 times, then 2 times the same gradient"
    if report.mistakes:
        report.headline = report.mistakes[0].title
        if diagnosis.penalty and diagnosis.penalty.descends:
            report.notes.append(f"Not a mistake: {_penalty(diagnosis.penalty)}.")
        if diagnosis.convention.name != "mse" and not candidate.asked.strict:
            report.notes.append(
                f"Not a mistake: the constant is that of {formula(diagnosis.convention, candidate.outputs)}, "
                f"{report.factor}."
            )
    else:
        loss = f"the {family_words(diagnosis.convention.loss)}"
        if candidate.asked.strict or candidate.returned:
            loss = formula(diagnosis.convention, candidate.outputs)
        report.headline = f"the gradient is not that of {loss}" + (
            f"; the first wrong quantity is {diagnosis.first_wrong}" if diagnosis.first_wrong else ""
        )
        report.notes.append("No known mistake explains it.")
        if candidate.known:
            report.notes.append(f"The forward pass is right for {listed(candidate.known[0])}.")
    if candidate.families and not candidate.returned:
        report.notes.append(_seen_loss(candidate))


def _seen_loss(candidate: Candidate) -> str:
    """What the program is seen to compute as a loss, and where."""
    loss, name = next(iter(candidate.families.items()))
    return f"The loss is the {family_words(loss)}, as {_where(name)}."


def describe(
    diagnosis: Diagnosis, observations: Sequence[Observation], dtype: str, absent: Collection[str] = ()
) -> str:
    """One sentence on a wrong gradient: what is seen in which tensor, and what is right beside it.

    Of updates row by row only batches of one are looked at.
    """
    if diagnosis.row_by_row:
        observations = [o for o in observations if len(o.x) == 1] or observations
    references = Judge(observations, dtype).references(diagnosis.activations, diagnosis.convention.loss) or []
    expected = [reference.gradients for reference in references]
    return phrase(
        diagnosis.taus, beside(observations, expected, diagnosis.convention, diagnosis.constant), dtype, absent
    )


def beside(
    observations: Iterable[Observation],
    expected: Iterable[Mapping[str, Array]],
    convention: Convention,
    constant: float = 1.0,
) -> list[Beside]:
    """What was found at each probe, and what was expected under this convention."""
    pairs = [(o, constant * convention.factor(*o.y.shape), g) for o, g in zip(observations, expected, strict=False)]
    return [(o.gradients, {n: scale * value for n, value in g.items()}, len(o.x)) for o, scale, g in pairs]


def _where(name: str) -> str:
    if name == "returned":
        return "returned with the gradient"
    if name.startswith("print"):
        return "printed"
    return f"{name.split()[0]} computes it" if "()" in name else f"kept in {name}"


def _write_unknown(report: Report, candidate: Candidate) -> None:
    if candidate.right:
        report.headline = (
            "cannot tell: it is right at its first step, where all weights are zero; that hides a forgotten slope, a "
            "penalty and a bias that is left out. Let the number of epochs be an argument, so that later steps are seen"
        )
        report.untested = []
        return
    report.headline = f"cannot tell: {why_not(candidate)}"
    report.rows = []


def why_not(candidate: Candidate) -> str:
    """Why the candidate is not right and may not be wrong, as far as that is seen."""
    if candidate.message["repeat"] == "varies":
        return (
            "a second call on the same data gives another result: something is drawn at random, or kept from the call "
            "before"
        )
    if candidate.steps:
        return (
            f"one call takes {candidate.steps} steps, and a gradient can be recovered from one step only; name a "
            "method that takes one (file.py:Class.method), or let the number of steps be an argument, as epochs=…"
        )
    if not candidate.judge.moves:
        return "every gradient is zero at the probes, which shows nothing"
    if candidate.optimizer:
        return (
            "the step is not plain gradient descent: every weight moves by the same amount, as in a first step of "
            "Adam, RMSprop or Adagrad, whatever the gradient is; name the method that returns the gradient "
            "(file.py:Class.method), or let it take a plain step"
        )
    if candidate.predicts_otherwise:
        what = (
            "none that is known here: an activation outside sigmoid, tanh, relu, identity and softmax, or inputs that "
            "are changed on the way"
        )
        if candidate.unusual:
            what = f"that of {listed(candidate.unusual)}, for which no bound is derived"
        return (
            f"its forward pass is {what}; give the loss (--loss squared-error, cross-entropy or file.py:name), and "
            "the gradient is compared with differences of its own forward pass"
        )
    if not candidate.known:
        return (
            "its forward pass could not be seen; put a forward function beside it, or name the activations "
            "(--activations sigmoid,identity)"
        )
    if not candidate.loss_known:
        return "its loss is not known; give it (--loss mse, half-sse, cross-entropy, … or file.py:name)"
    if candidate.absent:
        return (
            f"some gradients could not be found ({', '.join(sorted(candidate.absent))}); name the method that returns "
            "them (file.py:Class.method), or keep them in attributes called like dW1 and db1"
        )
    if not candidate.recovered:
        return (
            "the gradients that it returns are not those of the loss, and no known mistake explains them; they may "
            "have been read in another order than they are meant (--parameters, --arguments)"
        )
    return (
        "the change of its weights is no multiple of the gradient: it may take more than a plain step (momentum, "
        "clipping, several steps); name the method that returns the gradient (file.py:Class.method)"
    )


def _named(explanation: Explanation, candidate: Candidate) -> Named:
    m = explanation.mistake
    equation = with_factor(m.equation, explanation.convention, candidate.outputs)
    columns = "column" in candidate.message["layout"]
    return Named(m.name, m.title, m.sentence, in_layout(equation, candidate.message["flipped"], columns))


def _note_calls(report: Report, candidate: Candidate, diagnosis: Diagnosis) -> None:
    message = candidate.message
    if candidate.source.lines:
        first, last = candidate.source.lines
        report.notes.append(f"It is one step of lines {first} to {last}, as the function that was printed.")
    if report.recovered and report.verdict != UNKNOWN:
        known = candidate.rate_known or diagnosis.constant == 1
        where = f" after {message['start']} epochs" if message["start"] else ""
        report.notes.append(
            f"The gradients were recovered from the change of the weights{where}"
            + ("." if known else f", with the step {diagnosis.constant:.6g} that fits.")
        )
    if diagnosis.row_by_row:
        report.notes.append(
            "The weights are updated after every row (stochastic gradient descent), not once per batch."
        )
    if report.dtype == "float32":
        report.notes.append("Your numbers are float32, so they are judged by float32's precision.")
    if message["refused"]:
        counts = listed((batch for batch, _ in message["refused"]), "or")
        error = message["refused"][0][1]
        report.notes.append(f"With {counts} {'row' if counts == '1' else 'rows'} it does not run: {error}")
    _note_own_data(report, candidate)


def _note_own_data(report: Report, candidate: Candidate) -> None:
    """What the shapes of the file's own arrays would do."""
    x, y = candidate.source.own.get("x"), candidate.source.own.get("y")
    layout = candidate.message["layout"]
    if not (x and y and len(x) and x[0] == y[0]):
        return
    if len(y) == 1 and x[0] > 1 and not layout.endswith(("flat targets", "flat numbers", "labels")):
        report.notes.append(
            f"Your file's targets have shape ({y[0]},), with which it fails; it was given (N, 1), as y.reshape(-1, 1)."
        )
    elif "flat targets" in layout and report.verdict == WRONG:
        report.notes.append(f"It was given targets of shape (N,), like your file's own, ({y[0]},).")
