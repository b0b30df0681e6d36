"""Run implementations through every case and print what came back as JSON lines: a helper process of test_rungs.py.

A process of its own, since Keras takes one back end per process, and a framework's global switches must not reach the
other tests.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np

from impls.checking.agreement import Reference
from impls.errors import Unavailable
from impls.parameters import tensors
from impls.problem import PROBLEMS, Problem
from impls.registry import get_entry

LEARNING_RATE = 0.5


def worst(agreements) -> float:
    return max(float(agreement.tau) for agreement in agreements)


def run_case(cls, problem: Problem, dtype: str, batch: int, scale: float) -> dict[str, float]:
    """τ of each pass, and how far the results that should be equal are from each other."""
    parameters = problem.parameters(scale=scale)
    reference = Reference(problem, parameters, *problem.data(batch), dtype)
    implementation = cls()
    implementation.prepare(problem, parameters, batch, dtype)

    def read(result):
        return implementation.to_numpy(result)

    found = {"forward": worst(reference.agree("forward", read(implementation.forward())))}
    first = read(implementation.value_and_grad())
    second = read(implementation.value_and_grad())
    found["value_and_grad"] = worst(reference.agree("value_and_grad", first))
    found["repeated value_and_grad"] = worst(reference.agree("value_and_grad", second))
    stepped = read(implementation.train_step(LEARNING_RATE))
    found["train_step"] = worst(reference.agree("train_step", stepped, LEARNING_RATE))

    after_one = Reference(problem, stepped[1], *problem.data(batch), dtype)
    again = read(implementation.train_step(LEARNING_RATE))
    found["second train_step"] = worst(after_one.agree("train_step", again, LEARNING_RATE))

    implementation.prepare(problem, parameters, batch, dtype)
    looped = read(implementation.train_loop(LEARNING_RATE, 1))
    found["train_loop of 1"] = worst(reference.agree("train_step", looped, LEARNING_RATE))
    looped = read(implementation.train_loop(LEARNING_RATE, 3))
    expected = again
    implementation.prepare(problem, parameters, batch, dtype)
    for _ in range(4):
        expected = read(implementation.train_step(LEARNING_RATE))
    found["train_loop apart"] = apart(looped, expected)
    return found


def apart(a, b) -> float:
    """The largest difference of two results (loss, parameters), relative to the largest parameter."""
    pairs = [(a[0], b[0]), *zip(tensors(a[1]).values(), tensors(b[1]).values(), strict=True)]
    largest = max(float(np.abs(y).max()) for _, y in pairs)
    return max(float(np.abs(np.asarray(x, float) - np.asarray(y, float)).max()) for x, y in pairs) / largest


def main(cases: list[tuple[str, str, str, int, float]]) -> None:
    for name, problem, dtype, batch, scale in cases:
        answer: dict[str, object] = {"case": [name, problem, dtype, batch, scale]}
        try:
            answer["found"] = run_case(get_entry(name).load(), PROBLEMS[problem], dtype, batch, scale)
        except Unavailable as reason:
            answer["unavailable"] = str(reason)
        except Exception as error:  # the other cases of this process still count
            answer["failed"] = f"{type(error).__name__}: {error}"
        print("ANSWER", json.dumps(answer), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)  # an overflow, or an invalid value
    main(json.load(sys.stdin))
