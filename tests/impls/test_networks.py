"""Several networks at once: every network's results are right, in every implementation that takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Reference, worst_tau
from samegrad.impls.child import call
from samegrad.impls.parameters import network, networks, tensors
from samegrad.impls.problem import XOR, get_problem
from samegrad.impls.registry import OF_NETWORKS, REGISTRY, get_entry
from samegrad.impls.task import Task

CASES = (
    *(("xor", 4, 5, "float32"), ("xor", 4, 33, "float64"), ("line", 20, 3, "float32")),
    *(("8-20-3:relu-tanh", 37, 17, "float32"), ("3-5-4-2:tanh-sigmoid-identity", 9, 2, "float64")),
)
"""Problem, batch, networks, dtype: more and fewer units, rows and networks than a vector or a written-out sum has."""
RATE, STEPS = 0.1, 3


def observed(name):
    """τ by case and pass, what a loop does otherwise than its steps, and whether one network is computed as before."""
    subject, actual = get_entry(name).load()(), {}
    for problem, batch, count, dtype in CASES:
        net = get_problem(problem)
        task = Task(net, net.parameters(networks=count), batch, dtype)
        truth = Reference.of(task)
        subject.prepare(task)
        of = actual[f"{problem} {count} {dtype}"] = {
            "forward": worst_tau(truth.agree("forward", subject.to_numpy(subject.forward()))),
            "value_and_grad": worst_tau(truth.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))),
        }
        first = subject.to_numpy(subject.train_step(RATE))
        of["train_step"] = worst_tau(truth.agree("train_step", first, RATE))
        loss, stepped = [subject.to_numpy(subject.train_step(RATE)) for _ in range(STEPS - 1)][-1]
        subject.prepare(task)
        looped_loss, looped = subject.to_numpy(subject.train_loop(RATE, STEPS))
        pairs = zip([loss, *tensors(stepped).values()], [looped_loss, *tensors(looped).values()], strict=True)
        of["loop"] = max(float(abs(one - other).max()) for one, other in pairs)
    one = Task(XOR, XOR.parameters(), 4)
    subject.prepare(one)
    alone = Reference.of(one).agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))
    actual["one network"] = {"value_and_grad": worst_tau(alone)}
    return actual


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_NETWORKS)
def test_every_network_of_every_implementation_is_right(name):
    """Within the bound of each network's own numbers; a wrong axis, order or sum is off by far more."""
    if reason := REGISTRY[name].missing():
        pytest.skip(reason)
    for where, of in call("tests.impls.test_networks:observed", {"name": name}, timeout_s=600).items():
        assert of.pop("loop", 0) <= 1e-5, where
        assert all(tau <= 1 for tau in of.values()), (where, of)


def test_those_that_say_so_are_those_that_are_named():
    """What takes several says so, and what the default run of several names is that."""
    say = {
        name for name, entry in REGISTRY.items() if entry.framework in ("numpy", "c") and entry.load().takes_networks
    }
    assert say == {"numpy-networks", "c-floor"} <= set(OF_NETWORKS)


def test_the_first_of_several_is_the_seeds_own_and_fewer_are_the_first_of_more():
    for net in (XOR, get_problem("8-16-3")):
        one, few, many = net.parameters(7), net.parameters(7, networks=3), net.parameters(7, networks=50)
        assert (networks(one), networks(few)) == (None, 3)
        for name, tensor in tensors(one).items():
            assert np.array_equal(tensor, tensors(network(few, 0))[name])
            assert np.array_equal(tensors(few)[name], tensors(many)[name][:3])
            assert not np.array_equal(tensors(few)[name][0], tensors(few)[name][1])


def test_a_task_of_several_reaches_another_process_whole():
    task = Task(XOR, XOR.parameters(networks=3), 5)
    built = Task.from_json(task.as_json())
    assert built.networks == 3 and replace(task, parameters=XOR.parameters()).networks is None
    assert all(
        np.array_equal(one, other)
        for one, other in zip(tensors(built.parameters).values(), tensors(task.parameters).values(), strict=True)
    )
