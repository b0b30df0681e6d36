"""A task: which network, from which parameters, on which rows, in which dtype and where. All that `prepare` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samegrad.impls.errors import Unavailable
from samegrad.impls.layered import is_layered
from samegrad.impls.parameters import Array, Parameters, as_lists, as_text, from_lists, from_text, networks, rounded
from samegrad.impls.problem import PROBLEMS, SEED, Problem, get_problem, storage


@dataclass(frozen=True, eq=False)
class Task:
    """What an implementation computes, and where. The same in every process: `as_json` and `from_json` carry it."""

    problem: Problem
    parameters: Parameters
    """Initial, in float64: each implementation rounds them to its dtype. With a leading axis for several networks."""
    batch: int = 4
    dtype: str = "float32"
    device: str = "cpu"
    seed: int = SEED
    """The seed of the rows."""

    @property
    def networks(self) -> int | None:
        """K where the parameters are those of K networks, which all work on the same rows; else None."""
        return networks(self.parameters)

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
        name = self.problem.name
        if not (name in PROBLEMS or is_layered(name)) or get_problem(name) is not self.problem:
            raise ValueError(f"problem {name!r} is not one that its name gives; no other process would know it")
        parameters = as_lists(self.parameters) if self.networks is None else as_text(self.parameters)
        return {**vars(self), "problem": name, "parameters": parameters}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Task:
        """The task that `as_json` described. Raises BadInput for an unknown problem."""
        problem, stored = get_problem(fields["problem"]), fields["parameters"]
        parameters = from_text(stored, problem.sizes) if isinstance(stored, str) else from_lists(stored)
        return cls(**{**fields, "problem": problem, "parameters": parameters})
