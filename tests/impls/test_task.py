"""A task is the same in every process, to the bit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import LINE, TF32, XOR, Problem
from samegrad.impls.task import Task


@pytest.mark.parametrize("problem", [XOR, LINE])
def test_json_carries_a_task_to_the_bit(problem):
    sent = Task(problem, problem.parameters(3, scale=1e-7), 9, "float64", "gpu:1", 5)
    came = Task.from_json(json.loads(json.dumps(sent.as_json())))
    assert (came.problem, came.batch, came.dtype, came.device, came.seed) == (problem, 9, "float64", "gpu:1", 5)
    for name, tensor in tensors(sent.parameters).items():
        assert tensors(came.parameters)[name].tobytes() == tensor.tobytes()
        assert tensors(came.parameters)[name].dtype == np.float64


def test_only_what_another_process_knows_by_name_is_sent():
    own = Problem("own", (1, 1), ("identity",), LINE.rows)
    for problem in (own, Problem("line", (1, 1), ("identity",), LINE.rows)):
        with pytest.raises(ValueError, match="no other process would know it"):
            Task(problem, LINE.parameters()).as_json()
    with pytest.raises(BadInput, match="unknown problem 'own'"):
        Task.from_json({**Task(LINE, LINE.parameters()).as_json(), "problem": "own"})


@pytest.mark.parametrize(("dtype", "stored"), [("float32", "float32"), ("float64", "float64"), (TF32, "float32")])
def test_rows_and_layers_are_in_the_dtype_that_is_stored(dtype, stored):
    task = Task(XOR, XOR.parameters(), 6, dtype, seed=2)
    x, y = task.data()
    assert np.array_equal(x, XOR.data(6, 2)[0].astype(stored)) and y.shape == (6, 1)
    assert {array.dtype.name for array in (x, y, *tensors(task.layers()).values())} == {stored}


def test_layers_are_a_copy():
    task = Task(XOR, XOR.parameters(), dtype="float64")
    task.layers()[0].W[:] = 0
    assert np.array_equal(task.parameters[0].W, XOR.parameters()[0].W)


def test_what_computes_on_the_cpu_only_says_so():
    Task(XOR, XOR.parameters()).require_cpu("mine")
    with pytest.raises(Unavailable, match="mine computes on the CPU only; device 'gpu' needs another implementation"):
        Task(XOR, XOR.parameters(), device="gpu").require_cpu("mine")
