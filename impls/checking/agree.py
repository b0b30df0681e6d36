"""Do all implementations compute the same gradients? Every one, over problems, dtypes, parameter scales and seeds.

Large weights are where implementations part: at scale 1 units work in their middle, at 10 many are saturated, at 100
nearly all. Each implementation is measured in a process of its own, and its results are compared with the reference
pass by pass. A row keeps the worst τ over the seeds; and beside it the error in units in the last place (ULP), which is
what a float-by-float comparison would see: it may be millions where τ is small, since digits can be lost without a
mistake.

    result = run(["numpy", "torch-eager"])      measure
    print(render(result))                       tables for the terminal (rich)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.child import Failed, call
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.implementation import PASSES, Implementation
from samegrad.impls.problem import DTYPES, PROBLEMS, get_problem
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

SCALES = (1.0, 10.0, 100.0)
SEEDS = tuple(range(5))
BATCH = 4
LEARNING_RATE = 0.1
TIMEOUT_S = 900

Row = dict[str, Any]


def measure(
    implementation: str,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    scales: Sequence[float] = SCALES,
    seeds: Sequence[int] = SEEDS,
    device: str = "cpu",
    batch: int = BATCH,
    threads: int = 1,
) -> list[Row]:
    """One row per problem, dtype, scale, pass and tensor; runs in the process that owns the framework. JSON-able.

    A case that the implementation refuses is one row with the reason under `left_out`.
    """
    make = get_entry(implementation).load()
    make.set_threads(threads)
    rows = []
    for problem in problems:
        for dtype in dtypes:
            for scale in scales:
                case = {"implementation": implementation, "problem": problem, "dtype": dtype, "scale": scale}
                try:
                    by_seed = [_agreements(make(), problem, dtype, scale, seed, device, batch) for seed in seeds]
                except (Unavailable, BadInput) as reason:
                    rows.append({**case, "left_out": str(reason)})
                    continue
                for of_tensor in zip(*by_seed, strict=True):
                    rows.append({**case, **_worst(of_tensor, seeds)})
    return rows


def _agreements(
    subject: Implementation, problem: str, dtype: str, scale: float, seed: int, device: str, batch: int
) -> list[tuple[str, Agreement]]:
    """(pass, Agreement) of every tensor of every pass at one seed."""
    net = get_problem(problem)
    task = Task(net, net.parameters(seed, scale), batch, dtype, device, seed)
    reference = Reference.of(task)
    subject.prepare(task)
    calls: dict[str, Callable[[], Any]] = {
        "forward": subject.forward,
        "value_and_grad": subject.value_and_grad,
        "train_step": lambda: subject.train_step(LEARNING_RATE),
    }
    return [
        (pass_name, agreement)
        for pass_name in PASSES
        for agreement in reference.agree(pass_name, subject.to_numpy(calls[pass_name]()), LEARNING_RATE)
    ]


def _worst(of_tensor: Sequence[tuple[str, Agreement]], seeds: Sequence[int]) -> Row:
    """One row for one tensor over all seeds. τ is None where it is infinite, as JSON has no infinity."""
    worst = max(range(len(seeds)), key=lambda i: of_tensor[i][1].tau)
    pass_name, agreement = of_tensor[worst]
    return {
        "pass": pass_name,
        "tensor": agreement.tensor,
        "tau": agreement.tau if math.isfinite(agreement.tau) else None,
        "seed": seeds[worst],
        "error_ulp_median": _finite(np.median([a.error_ulp_median for _, a in of_tensor])),
        "error_ulp_worst": _finite(max(a.error_ulp_worst for _, a in of_tensor)),
        "disagreement": None if agreement.agrees else str(agreement),
    }


def _finite(number: Any) -> float | None:
    return float(number) if np.isfinite(number) else None


def run(
    implementations: Iterable[str] = tuple(REGISTRY),
    *,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    scales: Sequence[float] = SCALES,
    seeds: Sequence[int] = SEEDS,
    device: str = "cpu",
    batch: int = BATCH,
    threads: int = 1,
    timeout_s: float = TIMEOUT_S,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measure each implementation in a fresh process: {"settings", "versions", "rows", "left_out", "failed"}.

    All JSON-able. `progress` gets a line before each implementation. The reason of one that cannot run here is kept
    under its name in `left_out`, of one that crashed or exceeded `timeout_s` in `failed`.
    """
    settings = {
        "problems": list(problems),
        "dtypes": list(dtypes),
        "scales": list(scales),
        "seeds": list(seeds),
        "device": device,
        "batch": batch,
        "threads": threads,
    }
    result: dict[str, Any] = {"settings": settings, "versions": {}, "rows": [], "left_out": {}, "failed": {}}
    target = "samegrad.impls.checking.agree:measure"
    for name in implementations:
        progress(f"{name}: {len(problems)} problems, {len(dtypes)} dtypes, {len(scales)} scales, {len(seeds)} seeds")
        if rows := in_process(result, target, name, settings, timeout_s):
            result["rows"] += rows
            result["versions"][name] = get_entry(name).versions()
    return result


def in_process(
    result: dict[str, Any], target: str, implementation: str, settings: dict[str, Any], timeout_s: float
) -> list[Row]:
    """The rows that `target` measures of an implementation in a fresh process; where none, `result` has the reason."""
    try:
        if reason := get_entry(implementation).missing():
            raise Unavailable(reason)
        request = {"implementation": implementation, **settings}
        return call(target, request, timeout_s=timeout_s, threads=settings["threads"])
    except (Unavailable, Failed) as reason:
        result["failed" if isinstance(reason, Failed) else "left_out"][implementation] = str(reason)
        return []


def disagreements(result: dict[str, Any]) -> list[str]:
    """A line for each row that disagrees; none if all implementations agree wherever they ran."""
    return [
        "{implementation} at {problem} {pass} {dtype} scale {scale:g} seed {seed}: {disagreement}".format(**row)
        for row in result["rows"]
        if row.get("disagreement")
    ]
