"""A task: which network, from which parameters, on which rows, in which dtype and where. All that `prepare` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import Array, Parameters, as_lists, from_lists, rounded
from samegrad.impls.problem import PROBLEMS, SEED, Problem, get_problem, storage


@dataclass(frozen=True, eq=False)
class Task:
    """What an implementation computes, and where. The same in every process: `as_json` and `from_json` carry it."""

    problem: Problem
    parameters: Parameters
    """Initial, in float64: each implementation rounds them to its dtype."""
    batch: int = 4
    dtype: str = "float32"
    device: str = "cpu"
    seed: int = SEED
    """Of the rows."""

    def data(self) -> tuple[Array, Array]:
        """Inputs x: (batch, inputs) and targets y: (batch, outputs), in the task's dtype."""
        return self.problem.data(self.batch, self.seed, storage(self.dtype))

    def layers(self) -> Parameters:
        """A copy of the parameters in the task's dtype."""
        return rounded(self.parameters, storage(self.dtype))

    def require_cpu(self, framework: str) -> None:
        """Raise Unavailable on another device than the CPU."""
        if self.device != "cpu":
            raise Unavailable(
                f"{framework} computes on the CPU only; device {self.device!r} needs another implementation"
            )

    def as_json(self) -> dict[str, Any]:
        """The task in JSON's types. Raises ValueError for a problem that has no name in another process."""
        if PROBLEMS.get(self.problem.name) is not self.problem:
            raise ValueError(f"problem {self.problem.name!r} is not one of PROBLEMS; no other process would know it")
        return {**vars(self), "problem": self.problem.name, "parameters": as_lists(self.parameters)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Task:
        """The task that `as_json` described. Raises BadInput for an unknown problem."""
        return cls(
            **{
                **fields,
                "problem": get_problem(fields["problem"]),
                "parameters": from_lists(fields["parameters"]),
            }
        )
