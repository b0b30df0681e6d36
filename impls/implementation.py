"""The contract: five operations, some optional ones, and the clauses that a type cannot say.

    prepare(task)                                        untimed   host to device, layout, build
    forward()                                            timed     → predictions
    value_and_grad()                                     timed     → (loss, gradients)
    train_step(learning_rate)                            timed     → (loss before the step, parameters after it)
    to_numpy(result)                                     untimed   any of these results, in NumPy's canonical layout

    train_loop(learning_rate, steps)                     optional  several steps in one call; the last one's result
    feed(x, y)                                           optional  other rows for the calls that follow
    wait(result)                                         optional  what a pass does last, where calls only enqueue work
    device_of(result)                                    optional  where it lies, for those that know an accelerator
    compilations()                                       optional  how often its calls were traced or compiled so far

- A timed call returns only when its result is ready: where calls enqueue, each ends with `return self.wait(result)`.
- A result lies on the device that was asked for; `device_of` reads it back.
- The first call may trace and compile; later ones must not.
- Each call computes its result itself, from every row: nothing is computed in advance, and no result is kept.
- Data and parameters enter compiled code as arguments, never as captured constants, which a compiler may fold away.
- The dtype asked for is the dtype computed in, on the whole path.
- `value_and_grad` is repeatable: nothing accumulates and nothing is updated. `train_step` updates the state once.
- Parameters with a leading axis are those of K networks, which all work on the same rows: each result is then that of
  every network, predictions (K, batch, outputs), losses (K,), gradients and parameters with that axis.
- Results are in the framework's own arrays and layout. Nothing is converted in a timed call; `to_numpy` does that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from samegrad.impls.devices import without_tf32
from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import Array, Parameters
from samegrad.impls.task import Task

Evaluation = tuple[NDArray[Any], Parameters]
"""A loss (a NumPy scalar array) and one array per parameter: the gradients, or the parameters after a step."""

PASSES = ("forward", "value_and_grad", "train_step")
LOOP = "train_loop"
"""The name of the optional pass, which is timed per step."""


class Implementation(ABC):
    """One framework in one execution. An instance is prepared for one task at a time."""

    @abstractmethod
    def prepare(self, task: Task) -> None:
        """Bring `task.data()` and `task.layers()` to the device and build what the passes need.

        Raises Unavailable, with what to install or change, where the device or dtype is not available.
        """

    @abstractmethod
    def forward(self) -> Any:
        """The predictions (batch, outputs), in the framework's own array."""

    @abstractmethod
    def value_and_grad(self) -> Any:
        """(loss, gradients), the gradients with respect to every parameter, at the current parameters."""

    @abstractmethod
    def train_step(self, learning_rate: float) -> Any:
        """One step of plain gradient descent, p ← p − learning_rate · ∂L/∂p: (loss before it, parameters after it)."""

    def train_loop(self, learning_rate: float, steps: int) -> Any:
        """`steps` training steps, at least one, in one call: (loss before the last step, parameters after it).

        A loop in Python, unless the framework offers one that stays on its own side.
        """
        for _ in range(steps - 1):
            self.train_step(learning_rate)
        return self.train_step(learning_rate)

    takes_networks = False
    """Whether `prepare` takes parameters of several networks, with a leading axis, and all results have it then too."""

    takes_any_batch = False
    """Whether `feed` may bring another number of rows at each call, since nothing was made for one batch alone."""

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Have the calls that follow work on these rows, x: (batch, inputs), y: (batch, outputs), batch as prepared.

        They are NumPy arrays of the dtype that was prepared for; without y only `forward` may follow. The arrays may be
        used where they are: they stay unchanged until the results of the calls that follow have been fetched.
        """
        raise Unavailable(f"{type(self).__name__} takes its rows when it is prepared, not from the host at each call")

    def compilations(self) -> int:
        """How often its calls have been traced or compiled in this process so far: 0 where nothing ever is."""
        return 0

    def wait(self, result: Any) -> Any:
        """Return `result`, of one call or a list of several, once it is ready: at once, where calls compute and return.

        Where they only enqueue, every pass ends in it and waits nowhere else, so that many can be timed with one wait.
        """
        return result

    def device_of(self, result: Any) -> str:
        """Where a result lies, read back from its arrays: "cpu", or an accelerator's kind and number, "gpu:0"."""
        return "cpu"

    def device_memory_bytes(self) -> int | None:
        """The most memory in use on the accelerator since `prepare`; None where that is unknown."""
        return None

    def device_ns(self, run: Callable[[], Any]) -> float | None:
        """What a call takes by the accelerator's own clock, from its first work to its last; None where it has none."""
        return None

    @abstractmethod
    def to_numpy(self, result: Any) -> Any:
        """What a timed call returned, in NumPy, the dtype preserved.

        Predictions become an array (batch, outputs). A pair of a loss and parameter-shaped tensors becomes a pair of a
        scalar array and `Parameters`: a list of (W: (fan_in, fan_out), b: (fan_out,)) from input to output.
        """

    @classmethod
    def allow_tf32(cls, allowed: bool, device: str) -> None:
        """Let float32 products run in TF32 on that device from now on if `allowed`, else in float32, the default.

        Raises Unavailable where the device cannot.
        """
        if allowed:
            raise Unavailable(without_tf32(device))

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit the framework's own pools, where the environment variables set before its import do not reach them."""

    @classmethod
    def threads(cls) -> dict[str, int]:
        """The sizes of the framework's own pools, read back."""
        return {}
