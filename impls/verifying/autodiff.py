"""A second opinion: the gradients that an installed framework's automatic differentiation gives at the same probes.

    python -m samegrad.impls.verifying.autodiff READ WRITE      probes come in, gradients go out (see child.py)

It is there for the networks that the suite's implementations have: a squared error and no softmax.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from samegrad.impls.parameters import tensors
from samegrad.impls.problem import ACTIVATIONS, SQUARED, Problem
from samegrad.impls.registry import DEFAULT, REGISTRY, get_entry
from samegrad.impls.task import Task
from samegrad.impls.verifying import child, messages
from samegrad.impls.verifying.candidate import Candidate
from samegrad.impls.verifying.judge import worst_tau
from samegrad.impls.verifying.report import Report


def installed() -> list[Any]:
    """One implementation for everything installed that derives gradients itself, preferably one that runs by default.

    Keras on TensorFlow is the one for TensorFlow; what differentiates by JAX, like equinox, would only repeat JAX.
    """
    by_library: dict[str, Any] = {}
    for entry in (*(REGISTRY[name] for name in DEFAULT), *REGISTRY.values()):
        if not entry.is_by_hand and entry.missing() is None:
            by_library.setdefault(entry.computes_with, entry)
    return list(by_library.values())


def compare(report: Report, candidate: Candidate, time_limit_s: float) -> None:
    """Compare the candidate's gradients with every framework's, and add the outcome to the report's rows."""
    diagnosis = candidate.explained
    if diagnosis.convention.loss != SQUARED or not set(diagnosis.activations) <= set(ACTIVATIONS):
        report.unavailable.append("the frameworks' implementations have a squared error and no softmax")
        return
    if diagnosis.row_by_row or diagnosis.penalty or not report.rows or not candidate.known:
        report.unavailable.append("the frameworks differentiate the loss of one whole batch and nothing else")
        return
    request = {
        "sizes": list(report.sizes),
        "activations": list(diagnosis.activations),
        "dtype": report.dtype,
        "probes": [
            {"parameters": [[W, b] for W, b in o.parameters], "x": o.x, "y": o.y} for o in candidate.observations
        ],
    }
    with ExitStack() as stack:
        asked = [
            (entry, stack.enter_context(child.TargetProcess(__name__, {**request, "name": entry.name}, time_limit_s)))
            for entry in installed()
        ]
        for entry, process in asked:
            try:
                answers = next(process.messages())
            except (child.Ended, StopIteration) as end:
                report.unavailable.append(f"{entry.name}: {end}")
                continue
            if "error" in answers:
                report.unavailable.append(answers["error"])
                continue
            _add(report, candidate, entry.framework, answers["gradients"])


def _add(report: Report, candidate: Candidate, framework: str, answers: list[dict[str, Any]]) -> None:
    """The worst τ of each row against a framework's gradients.

    Either is within the bound of the oracle's, so the two are within twice that of each other.
    """
    diagnosis = candidate.explained
    references = candidate.judge.references(diagnosis.activations) or []
    for row in report.rows:
        name, taus = row.tensor[1:], []
        for o, reference, theirs in zip(candidate.observations, references, answers, strict=True):
            scale = diagnosis.constant * diagnosis.convention.factor(*o.y.shape)
            allowed = 2 * scale * reference.bounds[name] + o.slack.get(name, 0.0)
            taus.append(worst_tau(o.gradients[name], scale * theirs[name], allowed))
        row.frameworks[framework] = max(taus)


# -- in the framework's process ---------------------------------------------------------------------------------------


def answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The gradients of one implementation at every probe of the request, or why there are none."""
    name = request["name"]
    try:
        yield {"gradients": evaluate(name, request)}
    except Exception as error:  # reported as the reason why this opinion is missing
        first = str(error).splitlines()[0] if str(error) else ""
        yield {"error": f"{name}: {type(error).__name__}: {first}"}


def evaluate(name: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The gradients at every probe, by tensor."""
    implementation = get_entry(name).load()()
    answers = []
    for probe in request["probes"]:
        data = probe["x"], probe["y"]
        rows = partial(_first, data)
        problem = Problem("probe", tuple(request["sizes"]), tuple(request["activations"]), rows)
        implementation.prepare(Task(problem, messages.to_layers(probe["parameters"]), len(data[0]), request["dtype"]))
        _, gradients = implementation.to_numpy(implementation.value_and_grad())
        answers.append(tensors(gradients))
    return answers


def _first(data: Any, batch: int, seed: int) -> Any:
    """The probe's rows, in the place of a problem's own."""
    return data


if __name__ == "__main__":
    child.serve(answer, int(sys.argv[1]), int(sys.argv[2]))
