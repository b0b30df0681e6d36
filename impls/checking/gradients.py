"""`samegrad.compare_gradients`: each implementation's gradients beside the oracle's, from identical weights.

What the gate asks before anything is timed, for those who are in Python already: a notebook, a lesson, a grader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.child import Failed, call
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.problem import SEED, get_problem
from samegrad.impls.registry import default, get_entry
from samegrad.impls.task import Task

TIMEOUT_S = 300


@dataclass(frozen=True)
class Comparison:
    """The result of `compare_gradients`."""

    task: Task
    tensors: Mapping[str, Sequence[Agreement]]
    """Each implementation's loss and the gradient of every parameter, compared with the oracle."""
    not_compared: Mapping[str, str]
    """The reason why an implementation did not run, by its name."""

    @property
    def agrees(self) -> bool:
        """Is every tensor that was compared within its rounding bound? False where none was."""
        return bool(self.tensors) and all(each.agrees for of_one in self.tensors.values() for each in of_one)

    def tau(self, implementation: str) -> float:
        """The largest τ = |g − g*| / B of an implementation; at most 1 is agreement."""
        return max(each.tau for each in self.tensors[implementation])

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join((self._title(), *lines, *self._remarks()))

    def _repr_html_(self) -> str:
        head, *rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._rows())
        table = "".join(f"<tr>{row}</tr>" for row in rows)
        remarks = "".join(f"<p>{escape(line)}</p>" for line in self._remarks())
        return f"<p>{escape(self._title())}</p><table><thead><tr>{head}</tr></thead>{table}</table>{remarks}"

    def _title(self) -> str:
        task = self.task
        return f"{task.problem.name}, batch {task.batch}, {task.dtype}, {task.device}: τ = |g − g*| / B, ≤ 1 agrees"

    def _rows(self) -> list[tuple[str, ...]]:
        names = list(dict.fromkeys(each.tensor for of_one in self.tensors.values() for each in of_one))
        rows = [("", *names, "")]
        for name, of_one in self.tensors.items():
            tau = {each.tensor: f"{each.tau:.2g}" for each in of_one}
            word = "agrees" if all(each.agrees for each in of_one) else "DISAGREES"
            rows.append((name, *(tau.get(tensor, "–") for tensor in names), word))
        return rows

    def _remarks(self) -> list[str]:
        wrong = [f"{name}: {each}" for name, of_one in self.tensors.items() for each in of_one if not each.agrees]
        return wrong + [f"{name} was not compared: {reason}" for name, reason in self.not_compared.items()]


def compare_gradients(
    *implementations: str | Implementation | type[Implementation],
    problem: str = "xor",
    batch: int = 4,
    dtype: str = "float32",
    device: str = "cpu",
    scale: float = 1.0,
    seed: int = SEED,
) -> Comparison:
    """Each implementation's loss and gradients beside the oracle's, all from the same weights and the same rows.

    implementations: names, as `samegrad list` has them, each run in a process of its own; or your own Implementation,
    class or object, run in this process. By default those that are measured by default.
    scale: the standard deviation of the weights, which `seed` draws, as it does the rows.

    Raises BadInput for unknown names, and where no gradient can be computed. An implementation that is not installed,
    or that crashes in its process, is in `not_compared`; what your own object raises reaches you.
    """
    net = get_problem(problem)
    task = Task(net, net.parameters(seed, scale), batch, dtype, device, seed)
    reference = Reference.of(task)
    tensors: dict[str, list[Agreement]] = {}
    not_compared: dict[str, str] = {}
    for asked in implementations or default():
        name = asked if isinstance(asked, str) else getattr(asked, "__name__", type(asked).__name__)
        try:
            tensors[name] = _by_name(asked, task) if isinstance(asked, str) else _by_object(asked, task, reference)
        except (Unavailable, Failed) as reason:
            not_compared[name] = str(reason)
    return Comparison(task, tensors, not_compared)


def measure(implementation: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of each tensor's Agreement; runs in the process that owns the framework."""
    kind, whole = get_entry(implementation).load(), Task.from_json(task)
    kind.set_threads(1)
    return [vars(each) for each in _by_object(kind, whole, Reference.of(whole))]


def _by_name(name: str, task: Task) -> list[Agreement]:
    if reason := get_entry(name).missing():
        raise Unavailable(reason)
    request = {"implementation": name, "task": task.as_json()}
    entries = call("samegrad.impls.checking.gradients:measure", request, timeout_s=TIMEOUT_S)
    return [Agreement(**{**fields, "index": tuple(fields["index"])}) for fields in entries]


def _by_object(subject: Implementation | type[Implementation], task: Task, reference: Reference) -> list[Agreement]:
    subject = subject() if isinstance(subject, type) else subject
    subject.prepare(task)
    return reference.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))
