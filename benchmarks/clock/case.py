"""A case: what is timed. Everything that must be equal for two times to be comparable."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from samegrad.impls.implementation import LOOP, PASSES
from samegrad.impls.learning import optimizers
from samegrad.impls.parameters import Parameters
from samegrad.impls.problem import get_problem
from samegrad.impls.task import Task


@dataclass(frozen=True)
class Case:
    """One pass of one problem at one batch, dtype and device; all implementations of a case form one group."""

    problem: str
    pass_name: str
    """A pass, or a pass in one of its variants: `value_and_grad`, `value_and_grad:host`."""
    batch: int
    dtype: str
    device: str

    @property
    def group(self) -> str:
        return f"{self.problem} {self.pass_name} batch={self.batch} {self.dtype} {self.device}"

    @property
    def steps_per_call(self) -> int:
        """Training steps in one timed call: times of a loop are told per step."""
        return LOOP_STEPS if self.pass_name == LOOP else 1

    @property
    def input_bytes(self) -> int:
        """What one call has to read of its rows."""
        inputs, *_, outputs = get_problem(self.problem).sizes
        numbers = inputs if self.pass_name.startswith("forward") else inputs + outputs
        return self.batch * numbers * (8 if self.dtype == "float64" else 4)

    def task(self, seed: int, parameters: Parameters | None = None) -> Task:
        """What an implementation prepares for this case, from these parameters or those of the seed."""
        problem = get_problem(self.problem)
        return Task(problem, parameters or problem.parameters(seed), self.batch, self.dtype, self.device, seed)

    def as_json(self) -> dict[str, str | int]:
        """The case as run files spell it."""
        fields = asdict(self)
        return {"pass" if name == "pass_name" else name: value for name, value in fields.items()}


LEARNING_RATE = 0.1
"""Of the timed training step. Its value does not change the work, and both problems converge under it."""

LOOP_STEPS = 100
"""In one call of `train_loop`."""

OPTIMIZERS = tuple(name for name in optimizers.OPTIMIZERS if name != "sgd")
"""Those whose step is a variant of `train_step`, which is itself the step of plain gradient descent."""

HOST, PIPELINED = "host", "pipelined"

VARIANTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((HOST, PIPELINED), PASSES),
    **dict.fromkeys(OPTIMIZERS, ("train_step",)),
}
"""By what stands after the colon, the passes that it is a variant of."""

TIMED = (*PASSES, LOOP, *(f"{name}:{variant}" for variant, of in VARIANTS.items() for name in of))
"""Everything that can be timed."""
