"""The floor at networks of any layers: right in both of its layouts, at the edges of vectors, slices and tiles."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Reference, worst_tau
from samegrad.impls.errors import Unavailable
from samegrad.impls.machine import compiler
from samegrad.impls.problem import get_problem
from samegrad.impls.task import Task

try:
    compiler.require()
except Unavailable as reason:
    pytest.skip(str(reason), allow_module_level=True)
c_floor = pytest.importorskip("samegrad.impls.others.c_floor", exc_type=ImportError)

NETWORKS = (
    "1-1",
    "2-16-1",
    "3-33-2:tanh",
    "17-15-16:relu-identity",
    "8-64-64-2",
    "70-9-24-1-5:tanh-relu-identity-sigmoid",
)
BATCHES = (1, 4, 15, 16, 17, 63, 64, 65, 240, 256, 257, 700)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_pass_is_within_the_bound_at_every_batch(name, dtype):
    net = get_problem(name)
    for batch in BATCHES:
        task = Task(net, net.parameters(1), batch, dtype)
        subject, reference = c_floor.CFloor(), Reference.of(task)
        subject.prepare(task)
        assert worst_tau(reference.agree("forward", subject.to_numpy(subject.forward()))) <= 1
        assert worst_tau(reference.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))) <= 1
        assert worst_tau(reference.agree("train_step", subject.to_numpy(subject.train_step(0.1)), 0.1)) <= 1


@pytest.mark.parametrize("batch", [7, 100])
def test_other_rows_are_computed_anew_and_a_loop_is_its_steps(batch):
    net = get_problem("3-33-2:tanh")
    task = Task(net, net.parameters(1), batch, "float64")
    looped, stepped = c_floor.CFloor(), c_floor.CFloor()
    for subject in (looped, stepped):
        subject.prepare(task)
        subject.value_and_grad()
        subject.feed(*net.data(batch, seed=5))
    reference = Reference(net, task.parameters, *net.data(batch, seed=5), "float64")
    assert worst_tau(reference.agree("value_and_grad", looped.to_numpy(looped.value_and_grad()))) <= 1
    for _ in range(3):
        once = stepped.to_numpy(stepped.train_step(0.1))
    thrice = looped.to_numpy(looped.train_loop(0.1, 3))
    assert thrice[0] == once[0] and all(np.array_equal(a.W, b.W) for a, b in zip(thrice[1], once[1], strict=True))


@pytest.mark.parametrize(("dtype", "ulp"), [("float32", 5.4), ("float64", 7.58)])
def test_its_tanh_is_as_good_as_the_frameworks(dtype, ulp):
    """Over 20,000 numbers from 10⁻⁶ to 30: no worse than the worst that `constants.json` has of a framework's."""
    net = get_problem("1-1:tanh")
    x = np.geomspace(1e-6, 30, 20_000).astype(dtype)[:, None] * np.where(np.arange(20_000) % 2, 1, -1)[:, None]
    x = x.astype(dtype)
    subject = c_floor.CFloor()
    task = Task(net, [type(net.parameters()[0])(np.ones((1, 1)), np.zeros(1))], len(x), dtype)
    subject.prepare(task)
    subject.feed(x)
    actual, expected = subject.to_numpy(subject.forward()), np.tanh(x.astype(np.longdouble))
    assert (abs(actual - expected) / np.spacing(abs(expected).astype(dtype))).max() <= ulp
