"""Do implementations stay together as they train? And if they part, is it error, or rounding that training amplifies?

All train on the same data from the same weights by plain gradient descent; at steps 1, 10, 100 and 1000 their
parameters are compared with a trajectory of the oracle's gradients in float64. Two right trainings do part: a rounding
moves the weights, the next gradient is taken elsewhere, and where the loss surface is steep the distance grows. So
beside each implementation there are ten *shadows*: trainings of the oracle whose parameters are kept in the dtype and
whose every gradient is perturbed by one rounding, at random. They have no errors at all, and their distance from the
trajectory is what rounding alone becomes. An implementation that is about as far away is right and was amplified; one
that is much farther has an error of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from samegrad.impls.checking.agree import BATCH, LEARNING_RATE, TIMEOUT_S, in_process
from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import Array, Layer, Parameters, rounded, tensors
from samegrad.impls.problem import DTYPES, PROBLEMS, SEED, Problem, get_problem
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

STEPS = (1, 10, 100, 1000)
SHADOWS = 10
ALLOWED = 10.0
"""Times the farthest shadow. A shadow makes one rounding per gradient and step, an implementation one per operation:
right ones were seen at up to 3.2 (six implementations, both problems and dtypes)."""


def measure(
    implementation: str,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    steps: Sequence[int] = STEPS,
    learning_rate: float = LEARNING_RATE,
    seed: int = SEED,
    device: str = "cpu",
    threads: int = 1,
) -> list[dict[str, Any]]:
    """How far an implementation is from the float64 trajectory: a row per problem, dtype and step.

    Runs in the process that owns the framework. A case that it refuses is one row with the reason under `left_out`.
    """
    make = get_entry(implementation).load()
    make.set_threads(threads)
    rows: list[dict[str, Any]] = []
    for problem, dtype in product(problems, dtypes):
        case = {"implementation": implementation, "problem": problem, "dtype": dtype}
        net, subject = get_problem(problem), make()
        try:
            subject.prepare(Task(net, net.parameters(seed), BATCH, dtype, device, seed))
        except Unavailable as reason:
            rows.append({**case, "left_out": str(reason)})
            continue
        truth = trajectory(net, dtype, steps, learning_rate, seed)
        for step in range(1, max(steps) + 1):
            result = subject.train_step(learning_rate)
            if step in truth:
                _, parameters = subject.to_numpy(result)
                rows.append({**case, "step": step, **farthest(parameters, truth[step])})
    return rows


def trajectory(
    net: Problem,
    dtype: str,
    steps: Sequence[int],
    learning_rate: float,
    seed: int,
    shadow: np.random.Generator | None = None,
) -> dict[int, Parameters]:
    """Parameters after the given steps of gradient descent by the oracle, from weights and data rounded to `dtype`.

    Without a shadow it is float64 throughout. With one, gradients are perturbed by one rounding of `dtype`, drawn from
    it, and parameters are rounded to `dtype` after every step.
    """
    x, y = (rows.astype(dtype).astype(np.float64) for rows in net.data(BATCH, seed))
    parameters = rounded(rounded(net.parameters(seed), dtype), "float64")
    u, kept = arithmetic(dtype).u, {}

    def moved(p: Array, g: Array) -> Array:
        if shadow is None:
            return p - learning_rate * g
        return (p - learning_rate * g * (1 + u * shadow.uniform(-1, 1, g.shape))).astype(dtype).astype(np.float64)

    for step in range(1, max(steps) + 1):
        gradients = evaluate(net, parameters, x, y).gradients
        parameters = [Layer(*map(moved, *layers)) for layers in zip(parameters, gradients, strict=True)]
        if step in steps:
            kept[step] = parameters
    return kept


def farthest(parameters: Parameters, truth: Parameters) -> dict[str, Any]:
    """The largest distance of any parameter from the truth, and which one it is."""
    distances = {
        name: abs(np.asarray(tensor, np.float64) - exact)
        for (name, tensor), exact in zip(tensors(parameters).items(), tensors(truth).values(), strict=True)
    }
    name = max(distances, key=lambda name: distances[name].max())
    return {"distance": float(distances[name].max()), "tensor": name, "index": _index(distances[name])}


def _index(distance: Array) -> list[int]:
    return [int(i) for i in np.unravel_index(np.argmax(distance), distance.shape)]


def shadows(problem: str, dtype: str, steps: Sequence[int], learning_rate: float, seed: int) -> list[dict[str, Any]]:
    """Median and largest distance of the shadows from the trajectory: a row per step.

    The largest is at least one rounding of the largest parameter: no computation can be closer than that.
    """
    net = get_problem(problem)
    truth = trajectory(net, dtype, steps, learning_rate, seed)
    runs = [
        trajectory(net, dtype, steps, learning_rate, seed, np.random.default_rng([seed, number]))
        for number in range(SHADOWS)
    ]
    rows = []
    for step in sorted(truth):
        distances = [farthest(run[step], truth[step])["distance"] for run in runs]
        rows.append({"problem": problem, "dtype": dtype, "step": step})
        rounding = arithmetic(dtype).u * max(abs(tensor).max() for layer in truth[step] for tensor in layer)
        rows[-1] |= {"median": float(np.median(distances)), "largest": float(max(*distances, rounding))}
    return rows


def run(
    implementations: Iterable[str] = tuple(REGISTRY),
    *,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    steps: Sequence[int] = STEPS,
    learning_rate: float = LEARNING_RATE,
    seed: int = SEED,
    device: str = "cpu",
    threads: int = 1,
    timeout_s: float = TIMEOUT_S,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Train all: {"settings", "shadows", "rows", "left_out", "failed"}, JSON-able; each in a fresh process.

    A row's `times_shadow` is its distance over that of the farthest shadow; `explained` is true if that is at most
    ALLOWED, so that rounding and its amplification explain it.
    """
    how: dict[str, Any] = {"steps": list(steps), "learning_rate": learning_rate, "seed": seed}
    progress(f"what rounding does to {SHADOWS} trainings")
    spread = [row for case in product(problems, dtypes) for row in shadows(*case, **how)]
    largest = {(row["problem"], row["dtype"], row["step"]): row["largest"] for row in spread}

    result: dict[str, Any] = {"settings": {**how, "batch": BATCH, "shadows": SHADOWS, "device": device}}
    result |= {"shadows": spread, "rows": [], "left_out": {}, "failed": {}}
    request = {"problems": list(problems), "dtypes": list(dtypes), "device": device, "threads": threads, **how}
    for name in implementations:
        progress(f"{name}: {max(steps)} steps on {' and '.join(problems)}")
        rows = in_process(result, "samegrad.impls.checking.drift:measure", name, request, timeout_s)
        for row in rows:
            if "step" in row:
                row["times_shadow"] = row["distance"] / largest[row["problem"], row["dtype"], row["step"]]
                row["explained"] = row["times_shadow"] <= ALLOWED
        result["rows"] += rows
    return result


def unexplained(result: dict[str, Any]) -> list[str]:
    """A line for each row that rounding does not explain."""
    return [
        "{implementation} on {problem} {dtype} is {distance:.1e} off after {step} steps ({tensor}), {times_shadow:.0f} "
        "times as far as rounding alone leads: an error of its own".format(**row)
        for row in result["rows"]
        if not row.get("explained", True)
    ]
