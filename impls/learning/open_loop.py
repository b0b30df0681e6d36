"""Open loop: the same gradients fed to every optimizer, so that nothing differs but the optimizer.

In closed loop a rounding changes the next gradient, and amplification hides what an optimizer does; with the gradients
given, two programs of one function stay together to the last digits, and whatever parts them has a reason. Two tables:

- *as shipped*: the same learning rate, momentum, ρ and β, and else each framework's own defaults. The learning rate is
  halved half way, as schedules do, which shows where a framework keeps it. Each known departure is then put into the
  textbook: `alone` is how far it alone moves the trajectory, and `unexplained` is how far the framework is from the
  textbook with all of them, which is rounding if the reasons are the right ones and complete.
- *aligned*: configured or subclassed to be the textbook's function, at a constant learning rate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from samegrad.impls.errors import choose
from samegrad.impls.learning import optimizers
from samegrad.impls.learning.optimizers import OPTIMIZERS, Conventions, Settings
from samegrad.impls.learning.progress_file import count_done
from samegrad.impls.learning.trainer import TRAINERS, load
from samegrad.impls.learning.training import Progress, together
from samegrad.impls.parameters import Array
from samegrad.impls.problem import DTYPES, SEED

STEPS = 100
COUNT = 17
"""The number of parameters that are followed: that of 2-4-1."""
ALIGNED = 20
"""How far an aligned optimizer may be from the textbook, in roundings of the largest parameter (of 1 at least).

After the 100 steps that are the default this is below 5e-15 in float64; both are 1.5 to 4e-15 from the exact result
(measured with 40 digits, parameters up to 10)."""


def gradients(steps: int, seed: int, dtype: str) -> tuple[Array, Array]:
    """Parameters to start from (count,) and gradients (steps, count), standard normal."""
    random = np.random.default_rng(seed)
    return random.standard_normal(COUNT).astype(dtype), random.standard_normal((steps, COUNT)).astype(dtype)


def measure(
    implementation: str,
    names: Sequence[str] = tuple(OPTIMIZERS),
    learning_rate: float = 0.01,
    steps: int = STEPS,
    seed: int = SEED,
    dtype: str = "float64",
    threads: int = 1,
    folder: str | None = None,
) -> list[dict[str, Any]]:
    """A row per optimizer: {"optimizer", "aligned", "allowed", "shipped", "unexplained", "reasons"}.

    All but the names are distances: max |Δp| over all steps and parameters; a reason is {"reason", "alone"}.
    Runs in the framework's own process, and reports to `folder` how many optimizers are done.
    """
    module = load(implementation, threads)
    start, given = gradients(steps, seed, dtype)
    constant = np.full(steps, learning_rate)
    halved = np.where(np.arange(steps) < steps // 2, learning_rate, learning_rate / 2)
    rows = []
    for number, name in enumerate(names, start=1):
        settings = Settings(name, learning_rate)

        def textbook(rates: Array, settings: Settings = settings, **conventions: Any) -> Array:
            return optimizers.follow(settings, start, given, rates, Conventions(**conventions))

        shipped = module.follow(settings, start, given, halved, shipped=True)
        known = module.departures(settings, dtype)
        together = {key: value for departure in known for key, value in departure.conventions.items()}
        plain = textbook(halved)
        rows.append(
            {
                "implementation": implementation,
                "optimizer": name,
                "aligned": apart(module.follow(settings, start, given, constant), textbook(constant)),
                "allowed": float(ALIGNED * np.finfo(dtype).eps / 2 * max(1, abs(textbook(constant)).max())),
                "shipped": apart(shipped, plain),
                "unexplained": apart(shipped, textbook(halved, **together)),
                "reasons": [
                    {"reason": departure.reason, "alone": apart(textbook(halved, **departure.conventions), plain)}
                    for departure in known
                ],
            }
        )
        if folder:
            count_done(folder, implementation, number)
    return rows


def apart(one: Array, other: Array) -> float:
    """The farthest that two trajectories are from each other, in any parameter at any step."""
    return float(abs(one.astype(np.float64) - other.astype(np.float64)).max())


def run(
    implementations: Iterable[str] = tuple(TRAINERS),
    *,
    names: Sequence[str] = tuple(OPTIMIZERS),
    learning_rate: float = 0.01,
    steps: int = STEPS,
    seed: int = SEED,
    dtype: str = "float64",
    progress: Progress = lambda states: None,
) -> dict[str, Any]:
    """Measure each framework in a process of its own; return the fields of `Optimizers`.

    `progress` gets {name: {"stage", "epoch"}} meanwhile, of which "epoch" counts optimizers. Raises BadInput for
    unknown names, Unavailable where no framework gave an answer.
    """
    for name in names:
        choose("optimizer", name, OPTIMIZERS)
    choose("dtype", dtype, DTYPES)
    how = {"names": list(names), "learning_rate": learning_rate, "steps": steps, "seed": seed, "dtype": dtype}
    target = "samegrad.impls.learning.open_loop:measure"
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        work = {name: (target, {"implementation": name, "folder": folder, **how}) for name in implementations}
        answers, left_out, failed = together(work, folder, progress)
    rows = [row for answer in answers.values() for row in answer]
    return {"settings": how, "rows": rows, "left_out": left_out, "failed": failed}
