"""Networks named by their layers: what a name gives, that it gives the same anywhere, and what is no name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.impls.child import call
from samegrad.impls.errors import BadInput
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.problem import get_problem
from samegrad.impls.task import Task


@pytest.mark.parametrize(
    ("name", "sizes", "activations"),
    [
        ("8-64-64-2", (8, 64, 64, 2), ("sigmoid",) * 3),
        ("784-128-10:relu", (784, 128, 10), ("relu", "sigmoid")),
        ("4-32-16-1:tanh-identity", (4, 32, 16, 1), ("tanh", "tanh", "identity")),
        ("4-32-16-1:relu-tanh-identity", (4, 32, 16, 1), ("relu", "tanh", "identity")),
        ("3-1:identity", (3, 1), ("identity",)),
    ],
)
def test_a_name_gives_layers_and_activations(name, sizes, activations):
    net = get_problem(name)
    assert (net.name, net.sizes, net.activations) == (name, sizes, activations)


@pytest.mark.parametrize(
    ("name", "shortest"),
    [
        ("08-4-1", "8-4-1"),
        ("8-4-1:sigmoid", "8-4-1"),
        ("8-4-1:relu-sigmoid", "8-4-1:relu"),
        ("8-4-1:sigmoid-identity", "8-4-1:sigmoid-identity"),
        ("8-4-4-1:relu-relu-identity", "8-4-4-1:relu-identity"),
        ("3-1:sigmoid", "3-1"),
    ],
)
def test_one_network_has_one_name(name, shortest):
    assert get_problem(name).name == shortest and get_problem(name) is get_problem(shortest)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("8", "problem '8': it has 0 layers of weights; a network is named by its units from inputs to outputs"),
        ("8-0-1", "problem '8-0-1': '0' is not a number of units"),
        ("8-10^9-1", "problem '8-10^9-1': '10^9' is not a number of units"),
        ("8-1000000000-1", "1 to 4096 each"),
        ("8-" + "9" * 5000, "is not a number of units"),
        ("8--1", "problem '8--1': '' is not a number of units"),
        ("8-4096-4096-1", "it has 16,822,273 parameters; … 2,097,152 parameters at most"),
        ("-".join("4" * 12), "it has 11 layers of weights; … 10 layers"),
        ("8-64:foo", "unknown activation in the problem '8-64:foo': 'foo'; allowed: sigmoid, tanh, relu, identity"),
        ("8-64:softmax", "allowed: sigmoid, tanh, relu, identity"),
        ("8-4-1:", "unknown activation in the problem '8-4-1:': ''"),
        ("3-1:relu-identity", "2 activations for 1 layers"),
        ("8-4-4-4-1:relu-tanh-relu", "3 activations for 4 layers; name one for the hidden layers, two"),
        ("seven-4-1", "unknown problem 'seven-4-1'; allowed: xor, line. A network is named by its layers"),
    ],
)
def test_what_is_no_name_is_reported_in_one_line_with_what_is_allowed(name, message):
    with pytest.raises(BadInput) as refusal:
        get_problem(name)
    assert all(part in str(refusal.value) for part in message.split(" … ")) and "\n" not in str(refusal.value)


def test_a_batch_is_a_prefix_of_a_larger_one_and_depends_on_the_seed():
    net = get_problem("3-4-2")
    (x, y), (more_x, more_y), (other_x, _) = net.data(5), net.data(9), net.data(5, seed=1)
    assert x.shape == (5, 3) and y.shape == (5, 2)
    assert np.array_equal(x, more_x[:5]) and np.array_equal(y, more_y[:5]) and not np.array_equal(x, other_x)
    assert x.min() < 0 < x.max() and y.min() >= 0 and y.max() < 1


def test_wide_layers_start_no_more_saturated_than_narrow_ones():
    """z is of the size of its bias, about 1, whatever the width; standard normal weights would make it 16 at 256."""
    for width in (4, 1024):
        net = get_problem(f"{width}-64-1:identity")
        x, _ = net.data(512)
        W, b = net.parameters()[0]
        assert 0.3 < np.std(x @ W) < 0.9 and b.all()
        assert np.array_equal(net.parameters(scale=10)[0].W, 10 * W)


def data_of(task):
    """What another process makes of a task, in numbers that JSON keeps exactly."""
    built = Task.from_json(task)
    return [array.tolist() for array in built.data()] + [built.problem.name]


def test_another_process_builds_the_same_network_from_its_name():
    net = get_problem("3-4-2:relu")
    task = Task(net, net.parameters(), 6, "float64")
    response = call("tests.impls.test_layered:data_of", {"task": json.loads(json.dumps(task.as_json()))}, timeout_s=60)
    assert response == [*(array.tolist() for array in task.data()), "3-4-2:relu"]


def test_they_are_trained_as_the_others_are():
    net = get_problem("3-4-2")
    subject = NumpyManual()
    subject.prepare(Task(net, net.parameters(), 8, "float64"))
    first, _ = subject.train_step(0.1)
    assert subject.train_step(0.1)[0] < first
