"""`samegrad verify`: is a hand-written gradient right? If not, which mistake is it?

    run(target) → Report, and exit_code(report): 0 right, 1 wrong, 2 could not run

The target is observed in a process of its own; everything that is concluded is concluded here, from its answer.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from impls.checking import autodiff, messages
from impls.checking.conventions import CONVENTIONS, MSE, STRICT, Convention, get_convention
from impls.checking.diagnosis import (
    Activations,
    Diagnosis,
    Explanation,
    Judge,
    Observation,
    candidates,
    diagnose,
    diagnose_row_by_row,
)
from impls.checking.evidence import describe, phrase, relation
from impls.checking.mutants import SLOPE_FORMULAS, WRONG_SLOPES, Mistake, Place
from impls.checking.running import Running
from impls.errors import BadInput, Unavailable
from impls.problem import ACTIVATIONS

TIME_LIMIT_S = 60.0
RIGHT, WRONG, ERROR = "right", "wrong", "error"


@dataclass
class Row:
    """One tensor in the table."""

    tensor: str
    """dW1, db1, …"""
    name: str
    """What the user calls the parameter."""
    shape: tuple[int, ...]
    tau: float
    """max |g − g*|/B against the oracle, over all probes."""
    frameworks: dict[str, float] = field(default_factory=dict)
    """The same against each framework's autodiff, with twice the bound, as both sides round."""
    absent: bool = False

    @property
    def right(self) -> bool:
        return self.tau <= 1


@dataclass
class Finding:
    """A mistake that explains what was found."""

    name: str
    title: str
    sentence: str
    equation: str


@dataclass
class Report:
    """What `verify` found out."""

    target: str
    status: str
    """right, wrong, error."""
    headline: str
    evidence: str = ""
    findings: list[Finding] = field(default_factory=list)
    """Every mistake that fits, the most usual first; they are alternatives."""
    rows: list[Row] = field(default_factory=list)
    sizes: tuple[int, ...] = ()
    activations: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    dtype: str = "float64"
    convention: str = ""
    factor: str = ""
    constant: float = 1.0
    margin: float = float("nan")
    first_wrong: str = ""
    forward_known: bool = False
    """Did the target's own predictions show its activations?"""
    recovered: bool = False
    """Were the gradients recovered from the change of the weights?"""
    notes: list[str] = field(default_factory=list)
    traceback: str = ""
    unavailable: list[str] = field(default_factory=list)


def exit_code(report: Report) -> int:
    """0 right, 1 wrong, 2 could not run."""
    return {RIGHT: 0, WRONG: 1, ERROR: 2}[report.status]


def run(
    target: str,
    *,
    loss: str | None = None,
    activations: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    init: dict[str, Any] | None = None,
    parameters: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
    dtype: str | None = None,
    frameworks: bool = True,
    time_limit_s: float = TIME_LIMIT_S,
) -> Report:
    """Check `path/to/file.py:name`.

    loss: one of STRICT, which must then be met, or file.py:loss. activations, sizes: of the network, where they are known.
    init: arguments for a class's constructor. parameters: tensor → attribute. arguments: the roles of a function's
    arguments, x, y, W1, b1, …. Raises BadInput for a request that makes no sense; whatever the target does is a Report.
    """
    path, name = split_target(target)
    request: dict[str, Any] = {"path": str(path), "name": name, "init": init, "parameters": parameters}
    request["arguments"] = list(arguments) if arguments else None
    request["sizes"] = list(sizes) if sizes else None
    conventions: Sequence[Convention] = CONVENTIONS
    strict = False
    if loss and ".py" in loss:
        loss_path, loss_name = split_target(loss)
        if not loss_name:
            raise BadInput(f"--loss {loss}: say which function of the file, as file.py:loss")
        request.update(loss_file=str(loss_path), loss_name=loss_name)
    elif loss:
        conventions, strict = [get_convention(loss)], True
    for activation in activations or ():
        if activation not in ACTIVATIONS:
            raise BadInput(f"unknown activation {activation!r}; allowed: {', '.join(ACTIVATIONS)}")

    opinions = [autodiff.start(entry) for entry in autodiff.installed()] if frameworks else []
    try:
        answer = observe_in_process(request, time_limit_s)
        if _returns_unknown_loss(answer, conventions, strict):
            again = observe_in_process({**request, "differentiate_loss": True}, time_limit_s)
            answer = again if "error" not in again else answer
        return _conclude(target, answer, conventions, strict, activations, dtype, opinions, time_limit_s)
    finally:
        for running in opinions:
            if running.process.poll() is None:
                running.process.kill()
            autodiff.stop(running)


def _returns_unknown_loss(answer: dict[str, Any], conventions, strict: bool) -> bool:
    """Does it return a loss beside its gradients that no squared error of this network has?"""
    if "groups" not in answer or "losses" in answer or strict:
        return False
    observations = [to_observation(o) for o in answer["groups"][0]["observed"]]
    losses = [o.loss for o in observations]
    if any(loss is None for loss in losses):
        return False
    return _recognise(Judge(observations), candidates(answer["layers"]), losses) is None


def split_target(target: str) -> tuple[Path, str]:
    """path/to/file.py:name → (path, name); the name may be empty. Raises BadInput."""
    path, colon, name = target.rpartition(":")
    if not colon or not name.replace(".", "").isidentifier() or name == "py":
        path, name = target.rstrip(":"), ""
    if not path.endswith(".py"):
        raise BadInput(f"{target!r} is no target; give a Python file and a name in it, as path/to/file.py:backward")
    if not Path(path).is_file():
        raise BadInput(f"{path}: no such file (found from {Path.cwd()})")
    return Path(path), name


def observe_in_process(request: dict[str, Any], time_limit_s: float) -> dict[str, Any]:
    """Run the target in a process of its own: its answer, or {"error": …, "text": …}."""
    read, write = os.pipe()
    environment = {**os.environ, "MPLBACKEND": "Agg", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    process = subprocess.Popen(
        [sys.executable, "-m", "impls.checking.target_process", str(write)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[write],
        env=environment,
    )
    os.close(write)
    try:
        assert process.stdin is not None
        process.stdin.write(messages.dumps(request).encode())
        process.stdin.close()
        text = autodiff.read_all(read, time_limit_s)
        if text:
            return messages.loads(text)
        try:
            code = process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return {
                "error": "unreadable",
                "text": f"it did not finish within {time_limit_s:g} s (--time-limit); does the file train when it is "
                'imported? Put that under `if __name__ == "__main__":`',
            }
        return {"error": "unreadable", "text": f"the target ended its process (exit code {code}) before it gave an answer"}
    finally:
        process.kill()
        process.wait()
        os.close(read)


def _conclude(target, answer, conventions, strict, activations, dtype, opinions, time_limit_s) -> Report:
    if "error" in answer:
        text = answer["text"]
        if answer["error"] == "traceback":
            return Report(target, ERROR, f"could not run: {text.splitlines()[-1]}", traceback=text)
        return Report(target, ERROR, f"could not run: {text}")
    if "rule" in answer:
        return _rule_report(target, answer)

    layers = answer["layers"]
    if activations and len(activations) != layers:
        raise BadInput(f"--activations names {len(activations)}, but the network has {layers} layer(s)")
    choices = [tuple(activations)] if activations else candidates(layers, answer["activations"])
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
        _second_opinions(report, diagnosis, groups[0], opinions, time_limit_s)
    _note_own_data(report, answer, groups[0])
    return report


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
    report = _report(target, answer, group, observations, diagnosis, precision, recovered, held_loss)
    report.forward_known = bool(matching)
    if group["repeat"]:
        _note_repeat(report, group["repeat"])
    if matching and not diagnosis.right and not diagnosis.explanations:
        report.notes.append(f"The forward pass is right for {_activation_words(matching[0])}.")
    if losses:
        report.notes.append(f"Your loss is {held[0].formula}, recognised by its values.")
    return report, diagnosis


def to_observation(o: dict[str, Any]) -> Observation:
    """What the target's process answered for one probe."""
    from impls.checking.probe import RATE

    return Observation(
        messages.to_layers(o["parameters"]),
        o["x"],
        o["y"],
        o["gradients"],
        o["slack"],
        RATE if o["rate_known"] else 1.0,
        o["loss"],
        o["predictions"],
    )


def _predicts(judge: Judge, choice: Activations) -> bool:
    """Are all predictions that the target gave those of a network with these activations?"""
    references = judge.references(choice)
    pairs = list(zip(judge.observations, references or [], strict=False))
    return bool(pairs) and all(
        o.predictions is not None
        and o.predictions.shape == r.predictions.shape
        and bool(np.all(abs(o.predictions - r.predictions) <= 2 * r.predictions_bound))
        for o, r in pairs
    )


def _recognise(judge: Judge, choices, losses) -> tuple[list[Activations], list[Convention]] | None:
    """The activations and conventions under which the network has these losses on all probes."""
    for choice in choices:
        references = judge.references(choice)
        if references is None:
            continue
        found = []
        for convention in CONVENTIONS:
            pairs = zip(judge.observations, references, losses, strict=True)
            if all(
                abs(loss - convention.factor(*o.y.shape) * r.loss)
                <= 2 * convention.factor(*o.y.shape) * (r.loss_bound + 1e-15 * r.loss)
                for o, r, loss in pairs
            ):
                found.append(convention)
        if found:
            return [choice], found
    return None


def _diagnose(observations, choices, conventions, precision, rate_known, recovered, answer, depth) -> Diagnosis:
    quick = diagnose(observations, choices, conventions, dtype=precision, rate_known=True, depth="singles")
    if quick.right or not recovered and quick.explanations:
        return quick
    if not rate_known:
        free = diagnose(observations, choices, conventions, dtype=precision, rate_known=False, depth="singles")
        if free.right:
            return _with_literal(free, observations, conventions, precision, answer["literals"])
        if quick.explanations:
            return quick
        if free.explanations:
            return free
    if recovered and any(len(o.x) > 1 for o in observations):
        rows = _row_by_row(observations, choices, conventions, precision, not quick.explanations)
        if rows is not None:
            return rows
    if quick.explanations or depth == "singles":
        return quick
    return diagnose(observations, choices[:2], conventions, dtype=precision, rate_known=rate_known, depth="pairs")


def _row_by_row(observations, choices, conventions, precision, mistakes) -> Diagnosis | None:
    """Try updates after each row, in the order of the rows, at the learning rate found on batches of one."""
    alone = [o for o in observations if len(o.x) == 1]
    if alone:
        single = diagnose(alone, choices, conventions, dtype=precision, rate_known=False, depth="right")
        if single.right and not any(o.rate != 1.0 for o in observations):
            observations = [_at_rate(o, single.constant) for o in observations]
    return diagnose_row_by_row(observations, choices, conventions, dtype=precision, mistakes=mistakes)


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
        fit = judge.right(diagnosis.activations, [convention])
        if fit and any(abs(fit[1] - literal) <= 1e-9 * abs(literal) for literal in literals if literal > 0):
            return replace(diagnosis, convention=fit[0], constant=fit[1], taus=judge.taus(diagnosis.activations, *fit))
    return diagnosis


def _report(target, answer, group, observations, diagnosis, precision, recovered, strict) -> Report:
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


def formula(convention: Convention, outputs: int) -> str:
    """The loss, with k left out where there is one output."""
    return convention.formula if outputs > 1 else convention.formula.replace("(N·k)", "N")


def in_words(convention: Convention, outputs: int) -> str:
    """The factor to the mean squared error's gradient, as a phrase."""
    if convention.name == "mse":
        return "the gradient of the mean squared error"
    relation_words = convention.relation if outputs > 1 else convention.relation.replace("N·k", "N")
    return f"{relation_words} the gradient of the mean"


def _finding(explanation: Explanation, outputs: int, group) -> Finding:
    m = explanation.mistake
    equation = m.equation if outputs > 1 else m.equation.replace("(N·k)", "N")
    equation = _with_factor(equation, explanation.convention, outputs)
    return Finding(m.name, m.title, m.sentence, in_layout(equation, group["flipped"], "column" in group["layout"]))


def in_layout(equation: str, flipped: bool, columns: bool) -> str:
    """An equation for x: (N, inputs) and W: (fan_in, fan_out) in the user's own layout."""
    if columns:  # features × examples: everything is transposed
        equation = equation.replace("over rows", "over columns")
        equation = re.sub(r"(\(?)(\w+)ᵀ (δ\S)", r"\1\3 \2ᵀ" if flipped else r"\1\2 \3ᵀ", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\2ᵀ \1" if flipped else r"\2 \1", equation)
    if flipped:
        equation = re.sub(r"(\w+)ᵀ (δ\w)", r"\2ᵀ \1", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\1 \2", equation)
    return equation


def _with_factor(equation: str, convention: Convention, outputs: int) -> str:
    """The output delta's constant in the user's own convention."""
    from impls.checking.diagnosis import output_cotangent

    mean = "2/N·(a" if outputs == 1 else "2/(N·k)·(a"
    own = output_cotangent(convention)
    own = own if outputs > 1 else own.replace("(N·k)", "N")
    return equation.replace(mean, own.split("(a −")[0] + "(a")


def _note_calls(report: Report, diagnosis: Diagnosis, group, answer) -> None:
    if report.recovered:
        report.notes.append(
            "The gradients were recovered from the change of the weights"
            + (f", with the step {diagnosis.constant:.6g} that fits." if diagnosis.constant != 1 else ".")
        )
    if diagnosis.row_by_row:
        report.notes.append("The weights are updated after every row (stochastic gradient descent), not once per batch.")
    if report.dtype == "float32":
        report.notes.append("Your numbers are float32, so they are held to float32's precision.")
    if group["refused"]:
        *first, last = [str(batch) for batch, _ in group["refused"]]
        counts = f"{', '.join(first)} or {last}" if first else last
        error = group["refused"][0][1]
        report.notes.append(f"With {counts} {'row' if counts == '1' else 'rows'} it does not run: {error}")


def _note_repeat(report: Report, repeat: str) -> None:
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


def _note_own_data(report: Report, answer, group) -> None:
    """What the shapes of the file's own arrays would do."""
    x, y = answer.get("own", {}).get("x"), answer.get("own", {}).get("y")
    outputs = report.sizes[-1] if report.sizes else 0
    if x and y and len(y) == 2 and x[0] == y[0] and y[1] == 1 and outputs > 1 and answer.get("own_outputs", 0) > 1:
        report.notes.append(
            f"Your file's targets have shape ({y[0]}, 1) and its network {answer['own_outputs']} outputs: NumPy repeats the "
            "one target for every output. If that is not meant, give one target per output."
        )
    if x and y and len(y) == 1 and x[0] == y[0] > 1 and not group["layout"].endswith(("flat targets", "flat numbers")):
        report.notes.append(
            f"Your file's targets have shape ({y[0]},), with which it fails; it was given shape (N, 1): y.reshape(-1, 1)."
        )
    elif "flat targets" in group["layout"] and report.status == WRONG and y:
        report.notes.append(f"It was given targets of shape (N,), like your file's own, ({y[0]},).")


def _against_loss(target, answer, group, observations, losses, precision, recovered) -> tuple[Report, None]:
    """Held against the derivative of a loss that is no squared error of this network."""
    taus: dict[str, float] = {}
    cases: dict[str, list] = {}
    for observation, loss in zip(observations, losses, strict=False):
        for name, found in observation.gradients.items():
            expected, bound = loss["gradients"][name], loss["bounds"][name]
            bound = bound + observation.slack.get(name, 0.0)
            if precision == "float32":
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
    report.notes.append(f"Your loss is no squared error that is known here; it was differentiated by {_method(method)}.")
    if not right:
        report.evidence = phrase({n: relation(c, precision) for n, c in cases.items() if taus[n] > 1}, list(taus))
        from impls.checking.diagnosis import first_wrong

        report.first_wrong = first_wrong(taus, answer["layers"])
        report.headline += f"; the first wrong quantity is {report.first_wrong}" if report.first_wrong else ""
    return report, None


def _method(method: str) -> str:
    return "the complex step" if method == "complex step" else "extrapolated differences, as it takes no complex numbers"


def _rule_report(target: str, answer) -> Report:
    """A torch.autograd.Function or jax.custom_vjp for a part of a network."""
    rows, words = [], []
    for tensor in answer["tensors"]:
        found, expected = tensor["found"], tensor["expected"]
        same = found.shape == expected.shape
        tau = float(np.max(abs(found - expected) / tensor["bound"])) if same else float("inf")
        rows.append(Row(f"∂{tensor['name']}", tensor["name"], tuple(found.shape), tau))
        if tau > 1:
            words.append(f"the gradient of {tensor['name']} {relation([(found, expected, 2)], 'float64')}")
    right = all(row.right for row in rows)
    report = Report(
        target,
        RIGHT if right else WRONG,
        "the rule is right for its forward pass" if right else "the rule does not fit its forward pass",
        evidence="; ".join(words),
        rows=rows,
        convention="rule",
        margin=max((row.tau for row in rows), default=0.0),
    )
    report.notes.append(f"A {answer['rule']}, held against extrapolated differences of its own forward pass.")
    if not right and "z" in answer:
        report.findings = _slope_findings(answer)
        if report.findings:
            report.headline = report.findings[0].title
    return report


def _slope_findings(answer) -> list[Finding]:
    """Which wrong slope an element-by-element rule has."""
    z, a, v, found = (answer[k] for k in ("z", "a", "cotangent")) if False else (
        answer["z"],
        answer["a"],
        answer["cotangent"],
        answer["tensors"][0]["found"],
    )
    forms = {"sigmoid": 1 / (1 + np.exp(-z)), "tanh": np.tanh(z), "relu": np.maximum(z, 0)}
    activation = next((f for f, value in forms.items() if np.allclose(value, a, rtol=1e-12, atol=1e-12)), None)
    findings = []
    for name, title, sentence, slopes in WRONG_SLOPES if activation else ():
        if activation not in slopes:
            continue
        one = Running(z), Running(a)
        place = Place(1, 1, activation, one[0], one[0], one[1], one[0], one[0], one[0], 1.0)
        expected = slopes[activation](place).value * v
        if np.allclose(found, expected, rtol=1e-9, atol=1e-12):
            slope = SLOPE_FORMULAS[activation].format("")
            words = {"f": {"sigmoid": "σ"}.get(activation, activation), "where": "the rule", "more": "", "slope": slope}
            equation = f"grad_input = grad_output ∘ {slope}"
            findings.append(Finding(f"slope-{name}", title.format(**words), sentence.format(**words), equation))
    return findings


def _second_opinions(report: Report, diagnosis: Diagnosis, group, opinions, time_limit_s) -> None:
    """Hold the same gradients against every framework's autodiff."""
    if diagnosis.row_by_row:
        return
    observations = [to_observation(o) for o in group["observed"]]
    references = Judge(observations, report.dtype).references(diagnosis.activations) or []
    request = {
        "sizes": list(report.sizes),
        "activations": list(diagnosis.activations),
        "dtype": report.dtype,
        "probes": [{"parameters": [[W, b] for W, b in o.parameters], "x": o.x, "y": o.y} for o in observations],
    }
    for running in opinions:
        try:
            answers = autodiff.ask(running, request, time_limit_s)
        except Unavailable as reason:
            report.unavailable.append(str(reason))
            continue
        framework = running.entry.framework
        for row in report.rows:
            worst = 0.0
            for o, reference, theirs in zip(observations, references, answers, strict=True):
                name = row.tensor[1:]
                scale = diagnosis.constant * diagnosis.convention.factor(*o.y.shape)
                found, expected = o.gradients[name], scale * theirs[name]
                if found.shape != expected.shape:
                    worst = float("inf")
                    continue
                allowed = 2 * scale * reference.bounds[name] + o.slack.get(name, 0.0)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = np.where(found == expected, 0.0, abs(found - expected) / allowed)
                worst = max(worst, float(np.max(ratio)))
            row.frameworks[framework] = worst


def _activation_words(activations: Activations) -> str:
    return " and ".join(activations)


__all__ = ["ERROR", "RIGHT", "STRICT", "WRONG", "Finding", "Mistake", "Report", "Row", "exit_code", "run"]
