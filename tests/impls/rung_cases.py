"""What implementations give in every case, for test_rungs.py: `answers`, in a process of its own.

Keras takes one back end per process, and a framework's global switches must not reach the other tests.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Reference
from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import PROBLEMS, Problem
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

LEARNING_RATE = 0.5


def worst(agreements) -> float:
    return max(float(agreement.tau) for agreement in agreements)


def run_case(cls, problem: Problem, dtype: str, batch: int, scale: float, steps: bool) -> dict[str, float]:
    """τ of each pass; with `steps`, of training as well, and how far a loop ends from the steps that it stands for."""
    parameters = problem.parameters(scale=scale)
    reference = Reference(problem, parameters, *problem.data(batch), dtype)
    implementation = cls()
    implementation.prepare(Task(problem, parameters, batch, dtype))

    def read(result):
        return implementation.to_numpy(result)

    actual = {"forward": worst(reference.agree("forward", read(implementation.forward())))}
    try:
        first = read(implementation.value_and_grad())
        second = read(implementation.value_and_grad())
        actual["value_and_grad"] = worst(reference.agree("value_and_grad", first))
        actual["repeated value_and_grad"] = worst(reference.agree("value_and_grad", second))
    except Unavailable:
        actual["refused value_and_grad"] = 0.0
    if not steps:
        return actual

    with suppress(Unavailable):  # test_rungs.py knows who is to take rows from the host
        actual |= run_fed(implementation, problem, parameters, dtype, batch)

    once = read(implementation.train_step(LEARNING_RATE))
    actual["train_step"] = worst(reference.agree("train_step", once, LEARNING_RATE))
    after_one = Reference(problem, once[1], *problem.data(batch), dtype)
    twice = read(implementation.train_step(LEARNING_RATE))
    actual["second train_step"] = worst(after_one.agree("train_step", twice, LEARNING_RATE))
    thrice = read(implementation.train_step(LEARNING_RATE))

    implementation.prepare(Task(problem, parameters, batch, dtype))
    actual["train_loop of 1"] = worst(
        reference.agree("train_step", read(implementation.train_loop(LEARNING_RATE, 1)), LEARNING_RATE)
    )
    actual["train_loop apart"] = apart(read(implementation.train_loop(LEARNING_RATE, 2)), thrice)
    return actual


def run_fed(implementation, problem: Problem, parameters, dtype: str, batch: int) -> dict[str, float]:
    """τ of what comes of other rows than those of `prepare`, and of the same arrays with others in them again.

    How often an earlier result has changed with its arrays is given as well: it may be the arrays that are used, but
    not after their result was fetched.
    """
    rows = [(array + 0.25).astype(dtype) for array in problem.data(batch, seed=7)]
    own = [array.astype(dtype) for array in problem.data(batch)]

    def reference() -> Reference:
        return Reference(problem, parameters, *rows, dtype)

    implementation.feed(rows[0])
    predictions = implementation.to_numpy(implementation.forward())
    actual = {"fed forward": worst(reference().agree("forward", predictions))}
    kept = predictions.copy()
    for array in rows:
        array *= -0.5
    actual["fed: predictions changed"] = float(np.count_nonzero(predictions != kept))
    with suppress(Unavailable):
        implementation.feed(*rows)
        before = implementation.compilations()
        fed = implementation.to_numpy(implementation.value_and_grad())
        actual["compiled for fed rows"] = implementation.compilations() - before
        actual["fed value_and_grad"] = worst(reference().agree("value_and_grad", fed))
    implementation.feed(*own)
    return actual


def apart(a, b) -> float:
    """The largest difference of two results (loss, parameters), relative to the largest parameter."""
    pairs = [(a[0], b[0]), *zip(tensors(a[1]).values(), tensors(b[1]).values(), strict=True)]
    largest = max(float(np.abs(y).max()) for _, y in pairs)
    return max(float(np.abs(np.asarray(x, float) - np.asarray(y, float)).max()) for x, y in pairs) / largest


WITHOUT_TENSORFLOW = {"keras-jax", "keras-torch"}
"""Tried as if it were not installed; Keras imports it where it is."""


def answers(cases: list[tuple[str, str, str, int, float, bool]]) -> list[dict[str, Any]]:
    """For each case what was found, why it is unavailable, or how it failed."""
    os.environ.pop("KERAS_BACKEND", None)  # the user's; each implementation says which it wants
    if {name for name, *_ in cases} <= WITHOUT_TENSORFLOW:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # an overflow, or an invalid value
        return [answer(*case) for case in cases]


def answer(name: str, problem: str, *arguments: Any) -> dict[str, Any]:
    try:
        return {"found": run_case(get_entry(name).load(), PROBLEMS[problem], *arguments)}
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    except Exception as error:  # the other cases of this process still count
        return {"failed": f"{type(error).__name__}: {error}"}
