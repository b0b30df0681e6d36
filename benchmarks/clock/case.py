"""A case: what is timed. Everything that must be equal for two times to be comparable."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from samegrad.impls.implementation import LOOP, PASSES
from samegrad.impls.learning import optimizers
from samegrad.impls.parameters import Parameters
from samegrad.impls.problem import Problem, get_problem
from samegrad.impls.task import Task


@dataclass(frozen=True)
class Case:
    """One pass of one problem at one batch, dtype and device, for all implementations of a group.

    By a number of threads, and for a number of networks at once.
    """

    problem: str
    pass_name: str
    """A pass, or a pass in one of its variants: `value_and_grad`, `value_and_grad:host`."""
    batch: int
    dtype: str
    device: str
    threads: int = 1
    """The number of threads in every framework's pools."""
    networks: int = 1
    """How many networks a call computes: each has parameters of its own, and all have the same rows."""

    @property
    def group(self) -> str:
        threads = f" threads={self.threads}" if self.threads != 1 else ""
        networks = f" networks={self.networks}" if self.networks != 1 else ""
        return f"{self.problem} {self.pass_name} batch={self.batch} {self.dtype} {self.device}{threads}{networks}"

    @property
    def label(self) -> str:
        """The case in a test's id; one thread and one network go without saying."""
        threads = f"-{self.threads}" if self.threads != 1 else ""
        networks = f"-{self.networks}networks" if self.networks != 1 else ""
        return f"{self.problem}-{self.pass_name}-{self.batch}-{self.dtype}-{self.device}{threads}{networks}"

    @property
    def steps_per_call(self) -> int:
        """Training steps in one timed call: times of a loop are given per step."""
        return LOOP_STEPS if self.pass_name == LOOP else 1

    def task(self, seed: int, parameters: Parameters | None = None) -> Task:
        """What an implementation prepares for this case, from these parameters or those of the seed."""
        problem = get_problem(self.problem)
        networks = self.networks if self.networks != 1 else None
        drawn = parameters or problem.parameters(seed, networks=networks)
        return Task(problem, drawn, self.batch, self.dtype, self.device, seed)

    def as_json(self) -> dict[str, str | int]:
        """The case as run files spell it: the threads have a key of their own, and one network goes without saying."""
        left_out = {"threads"} | ({"networks"} if self.networks == 1 else set())
        fields = {name: value for name, value in asdict(self).items() if name not in left_out}
        return {"pass" if name == "pass_name" else name: value for name, value in fields.items()}


LEARNING_RATE = 0.1
"""The learning rate of the timed step of a narrow network. Its value does not change the work."""
NARROW = 4
"""The most units in a layer of a narrow network: `xor` and `line` have no wider one."""


def learning_rate(problem: Problem) -> float:
    """The learning rate of the timed step, smaller for wider layers, so that millions of steps do not diverge.

    The largest eigenvalue of the loss's second derivative, which times the rate must stay below 2, grows with the
    number of units that a layer receives (LeCun, Kanter and Solla, Phys. Rev. Lett. 66, 2396, 1991).
    """
    return LEARNING_RATE * min(1.0, NARROW / max(problem.sizes))


LOOP_STEPS = 100
"""The number of steps in one call of `train_loop`."""

OPTIMIZERS = tuple(name for name in optimizers.OPTIMIZERS if name != "sgd")
"""The optimizers whose step is a variant of `train_step`, which is itself the step of plain gradient descent."""

HOST, PIPELINED, SHAPES = "host", "pipelined", "shapes"

VARIANTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((HOST, PIPELINED), PASSES),
    SHAPES: ("value_and_grad",),
    **dict.fromkeys(OPTIMIZERS, ("train_step",)),
}
"""The passes that have each variant, by the variant's name: the word after the colon."""

TIMED = (*PASSES, LOOP, *(f"{name}:{variant}" for variant, of in VARIANTS.items() for name in of))
"""Everything that can be timed."""
