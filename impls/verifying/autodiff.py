"""A second opinion: the gradients that an installed framework's automatic differentiation gives at the same probes.

It is there for the networks that the suite's implementations have: a squared error and no softmax.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from samegrad.impls.child import Failed, call
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import ACTIVATIONS, SQUARED, Problem
from samegrad.impls.registry import DEFAULT, REGISTRY, get_entry
from samegrad.impls.task import Task
from samegrad.impls.verifying import messages
from samegrad.impls.verifying.candidate import Candidate
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
    probes = [{"parameters": o.parameters, "x": o.x, "y": o.y} for o in candidate.observations]
    network = {"sizes": report.sizes, "activations": diagnosis.activations, "dtype": report.dtype}
    request = {**network, "probes": messages.dumps(probes)}

    def ask(name: str) -> Any:
        try:
            return messages.loads(call(f"{__name__}:evaluate", {"name": name, **request}, timeout_s=time_limit_s))
        except (BadInput, Failed, Unavailable) as reason:
            return f"{name}: {reason}"

    entries = installed()
    with ThreadPoolExecutor() as pool:
        for entry, answer in zip(entries, pool.map(ask, [entry.name for entry in entries]), strict=True):
            if isinstance(answer, str):
                report.unavailable.append(answer)
            else:
                _add(report, candidate, entry.framework, answer)


def _add(report: Report, candidate: Candidate, framework: str, answers: list[dict[str, Any]]) -> None:
    """The worst τ of each row against a framework's gradients.

    Either is within the bound of the oracle's, so the two are within twice that of each other.
    """
    diagnosis = candidate.explained
    references = candidate.judge.references(diagnosis.activations) or []
    twice = [{n: 2 * bound for n, bound in reference.bounds.items()} for reference in references]
    pairs = zip(answers, twice, strict=True)
    taus = candidate.judge.worst(pairs, diagnosis.convention, diagnosis.constant)
    for row in report.rows:
        row.frameworks[framework] = taus[row.tensor[1:]]


def evaluate(name: str, sizes: list[int], activations: list[str], dtype: str, probes: str) -> str:
    """The gradients of an implementation at every probe, by tensor; runs in the process that owns the framework."""
    implementation = get_entry(name).load()()
    answers = []
    for probe in messages.loads(probes):
        rows = partial(lambda data, batch, seed: data, (probe["x"], probe["y"]))
        problem = Problem("probe", tuple(sizes), tuple(activations), rows)
        task = Task(problem, messages.to_layers(probe["parameters"]), len(probe["x"]), dtype)
        implementation.prepare(task)
        _, gradients = implementation.to_numpy(implementation.value_and_grad())
        answers.append(tensors(gradients))
    return messages.dumps(answers)
