"""Reporting: a diagnosis as rows, a headline, findings and notes."""

from __future__ import annotations

from impls.verifying.diagnosis import (
    Activations,
    Diagnosis,
    Explanation,
    Observation,
)
from impls.verifying.evidence import describe
from impls.verifying.phrases import formula, in_layout, in_words, with_factor
from impls.verifying.report import RIGHT, WRONG, Finding, Report, Row


def to_report(target, answer, group, observations, diagnosis, precision, recovered, strict) -> Report:
    outputs = observations[0].y.shape[1]
    names = answer["names"]
    absent = set().union(*(o["absent"] for o in group["observed"]))
    rows = [
        Row(f"d{n}", names.get(n, n), _own_shape(n, observations[0], group), tau, absent=n in absent)
        for n, tau in diagnosis.taus.items()
    ]
    report = Report(
        target,
        RIGHT if diagnosis.right else WRONG,
        "",
        rows=sorted(rows, key=lambda row: (row.tensor[2:], row.tensor[1] == "b")),
        sizes=tuple(group["sizes"]),
        activations=diagnosis.activations,
        batches=tuple(len(o.x) for o in observations),
        dtype=precision,
        convention=diagnosis.convention.name,
        factor=in_words(diagnosis.convention, outputs),
        constant=diagnosis.constant,
        margin=diagnosis.margin,
        first_wrong=diagnosis.first_wrong,
        recovered=recovered,
    )
    if diagnosis.right:
        report.headline = _right_headline(diagnosis, outputs, group)
    else:
        report.findings = [_finding(e, outputs, group) for e in diagnosis.explanations]
        report.evidence = describe(diagnosis, observations, precision, absent, diagnosis.row_by_row)
        if report.findings:
            report.headline = report.findings[0].title
        else:
            report.headline = "no known mistake explains it" + (
                f"; the first wrong quantity is {diagnosis.first_wrong}" if diagnosis.first_wrong else ""
            )
        if report.findings and diagnosis.convention.name != "mse" and not strict:
            report.notes.append(
                f"Not a mistake: the constant is that of {formula(diagnosis.convention, outputs)}, {report.factor}."
            )
    _note_calls(report, diagnosis, group, answer)
    return report


def _own_shape(tensor: str, observation: Observation, group) -> tuple[int, ...]:
    """The shape of the gradient as the user has it, but for axes of length one."""
    shape = observation.gradients[tensor].shape
    return shape[::-1] if group["flipped"] and tensor[0] == "W" else shape


def _right_headline(diagnosis: Diagnosis, outputs: int, group) -> str:
    if group["observed"][0]["loss_is_given"]:
        return "it passes the ∂L/∂a that it is given back rightly"
    words = f"right for {formula(diagnosis.convention, outputs)}"
    if diagnosis.convention.name == "mse":
        return f"{words}, the mean squared error"
    return f"{words}: {in_words(diagnosis.convention, outputs)}"


def _finding(explanation: Explanation, outputs: int, group) -> Finding:
    m = explanation.mistake
    equation = m.equation if outputs > 1 else m.equation.replace("(N·k)", "N")
    equation = with_factor(equation, explanation.convention, outputs)
    return Finding(m.name, m.title, m.sentence, in_layout(equation, group["flipped"], "column" in group["layout"]))


def _note_calls(report: Report, diagnosis: Diagnosis, group, answer) -> None:
    if report.recovered:
        report.notes.append(
            "The gradients were recovered from the change of the weights"
            + (f", with the step {diagnosis.constant:.6g} that fits." if diagnosis.constant != 1 else ".")
        )
    if diagnosis.row_by_row:
        report.notes.append(
            "The weights are updated after every row (stochastic gradient descent), not once per batch."
        )
    if report.dtype == "float32":
        report.notes.append("Your numbers are float32, so they are held to float32's precision.")
    if group["refused"]:
        *first, last = [str(batch) for batch, _ in group["refused"]]
        counts = f"{', '.join(first)} or {last}" if first else last
        error = group["refused"][0][1]
        report.notes.append(f"With {counts} {'row' if counts == '1' else 'rows'} it does not run: {error}")


def note_repeat(report: Report, repeat: str) -> None:
    if repeat == "accumulates":
        finding = Finding(
            "accumulates",
            "the gradients pile up from call to call",
            "A second call on the same data gives twice the gradient: what the last call left is not set to zero.",
            "dW = 0 before each pass (or dW = aᵀ δ instead of dW += aᵀ δ)",
        )
        report.evidence = "the same call gives 1 times, then 2 times the same gradient"
        report.findings.insert(0, finding)
        report.status, report.headline = WRONG, finding.title
    else:
        report.notes.append("A second call on the same data gave another result: something is kept or drawn at random.")
        if report.status == RIGHT:
            report.status, report.headline = WRONG, "only the first call is right"
            report.evidence = "the same call gives the right gradient once, and another one the second time"


def note_own_data(report: Report, answer, group) -> None:
    """What the shapes of the file's own arrays would do."""
    x, y = answer.get("own", {}).get("x"), answer.get("own", {}).get("y")
    outputs = report.sizes[-1] if report.sizes else 0
    if x and y and len(y) == 2 and x[0] == y[0] and y[1] == 1 and outputs > 1 and answer.get("own_outputs", 0) > 1:
        report.notes.append(
            f"Your file's targets have shape ({y[0]}, 1) and its network {answer['own_outputs']} outputs: NumPy "
            "repeats the one target for every output. If that is not meant, give one target per output."
        )
    if x and y and len(y) == 1 and x[0] == y[0] > 1 and not group["layout"].endswith(("flat targets", "flat numbers")):
        report.notes.append(
            f"Your file's targets have shape ({y[0]},), with which it fails; it was given (N, 1), as y.reshape(-1, 1)."
        )
    elif "flat targets" in group["layout"] and report.status == WRONG and y:
        report.notes.append(f"It was given targets of shape (N,), like your file's own, ({y[0]},).")


def activation_words(activations: Activations) -> str:
    return " and ".join(activations)
