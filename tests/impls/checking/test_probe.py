"""A probe's bound lets every right sum pass, in any order, and sees a row that is not counted, at any batch."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.checking.agreement import worst_tau
from samegrad.impls.checking.probe import EQUAL, LARGE, MARKED, NEGATIVE, PROBES, Probe, marked_rows, smallest_dropped
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.networks import NumpyNetworks
from samegrad.impls.parameters import Layer
from samegrad.impls.problem import LINE, XOR
from samegrad.impls.task import Task

BATCHES = (1, 2, 7, 512, 513, 4096, 100_003)


def probed(problem, batch, dtype, seed=1, parameters=None):
    """A probe, and the manual pass prepared for its rows."""
    task = Task(problem, problem.parameters(seed), batch, dtype)
    x, y = task.data()
    probe = Probe(task, task.parameters, x, y, np.random.default_rng(seed))
    manual = NumpyManual()
    manual.prepare(task)
    manual.feed(x, y)
    return probe, manual


@pytest.mark.parametrize("problem", [XOR, LINE], ids=lambda problem: problem.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", BATCHES)
def test_a_right_result_passes_in_every_pass(problem, dtype, batch):
    for seed in range(3):
        probe, manual = probed(problem, batch, dtype, seed)
        assert worst_tau(probe.agree("forward", manual.to_numpy(manual.forward()))) <= 1
        assert worst_tau(probe.agree("value_and_grad", manual.to_numpy(manual.value_and_grad()))) <= 1
        assert worst_tau(probe.agree("train_step", manual.to_numpy(manual.train_step(0.5)), 0.5)) <= 1


@pytest.mark.parametrize("problem", [XOR, LINE], ids=lambda problem: problem.name)
@pytest.mark.parametrize("batch", [7, 4096])
def test_what_may_be_left_out_is_in_some_probe(problem, batch):
    """Inputs below 0 and above 1, equal rows, errors of both signs and small ones, and digits that float16 cuts."""
    task = Task(problem, problem.parameters(1), batch, "float64")
    x, y = (np.array(rows) for rows in task.data())
    random, inputs, errors = np.random.default_rng(1), [], []
    for number in range(PROBES):
        before = x[[0, -1]]
        probe = Probe(task, task.parameters, x, y, random, number)
        inputs.append(probe.x)
        errors.append(probe.truth.predictions[probe.marked] - probe.y)
        assert (x[[0, -1]] == before).all() == (number == NEGATIVE)
    inner = slice(1, -1)
    assert (inputs[NEGATIVE][inner] < 0).all() and (errors[NEGATIVE][inner] < 0).all()
    assert (inputs[0] > 0).all() and (inputs[0] < 1).all() and (errors[0] > 0).all()
    assert (abs(inputs[EQUAL]) >= 1).all() and (inputs[EQUAL][len(inputs[EQUAL]) // 2 :] == inputs[EQUAL][-1]).all()
    assert abs(errors[LARGE]).max() < 0.1 < abs(errors[0]).min()
    assert (abs(inputs[0].astype(np.float16)) < abs(inputs[0])).all()


@pytest.mark.parametrize("batch", [8, 4096, 100_003])
def test_rows_that_are_added_one_after_the_other_pass_too(batch):
    """The worst order that there is, in float32."""
    probe, manual = probed(XOR, batch, "float32")
    manual.value_and_grad()
    layer = manual.layers[-1]
    b = np.float32(0)
    for delta in layer.delta.ravel():
        b += delta
    loss, [first, (W, _)] = manual.to_numpy(manual.value_and_grad())
    actual = [first, Layer(W, np.array([b], np.float32))]
    assert worst_tau(probe.agree("value_and_grad", (loss, actual))) <= 1


@pytest.mark.parametrize("batch", [513, 4096, 100_003])
def test_one_marked_row_that_is_not_counted_is_seen(batch):
    probe, manual = probed(XOR, batch, "float32")
    for row in (0, batch - 1, probe.marked[len(probe.marked) // 2]):
        x, y = manual.x, manual.y.copy()
        y[row] = manual.forward()[row]  # so that its residual is 0
        manual.feed(x, y)
        assert worst_tau(probe.agree("value_and_grad", manual.to_numpy(manual.value_and_grad()))) > 1


@pytest.mark.parametrize("batch", BATCHES)
def test_the_marked_rows_are_where_they_are_promised(batch):
    marked = marked_rows(batch, np.random.default_rng(0))
    edges = {0, batch - 1, *(2**k - d for k in range(1, 40) for d in (0, 1) if 2**k < batch)}
    assert edges <= set(marked.tolist()) and len(marked) <= MARKED and np.all(np.diff(marked) > 0)


def test_the_share_that_is_stated_is_found_as_often_as_is_stated():
    """At twice the allowed misses of one probe alone: 466 drawn rows, of which none is among those left out."""
    batch, random = 100_003, np.random.default_rng(5)
    left_out = np.zeros(batch, bool)
    left_out[random.choice(batch, round(0.01 * batch), replace=False)] = True
    misses = sum(not left_out[marked_rows(batch, random)].any() for _ in range(500))
    assert misses / 500 <= 2 * (1 - 0.01) ** 440
    assert smallest_dropped(512) == 0 and 0.004 < smallest_dropped(4_194_304) < 0.005


def of_networks(batch, count=20, seed=1):
    """A probe of several networks, and the pass by hand prepared for its rows."""
    task = Task(XOR, XOR.parameters(seed, networks=count), batch)
    x, y = task.data()
    probe = Probe(task, task.parameters, x, y, np.random.default_rng(seed))
    by_hand = NumpyNetworks()
    by_hand.prepare(task)
    by_hand.feed(x, y)
    return probe, by_hand


@pytest.mark.parametrize("batch", [4, 600, 4096])
def test_several_networks_are_right_together(batch):
    for seed in range(3):
        probe, by_hand = of_networks(batch, seed=seed)
        assert worst_tau(probe.agree("forward", by_hand.to_numpy(by_hand.forward()))) <= 1
        assert worst_tau(probe.agree("value_and_grad", by_hand.to_numpy(by_hand.value_and_grad()))) <= 1
        assert worst_tau(probe.agree("train_step", by_hand.to_numpy(by_hand.train_step(0.5)), 0.5)) <= 1


@pytest.mark.parametrize("batch", [4, 4096])
def test_a_row_that_none_of_several_networks_counts_is_seen(batch):
    """At a large batch by the one that the rows are near."""
    probe, by_hand = of_networks(batch)
    x, y = by_hand.x, by_hand.y.copy()
    y[-1] = by_hand.to_numpy(by_hand.forward())[:, -1].mean(axis=0)
    by_hand.feed(x, y)
    actual = probe.agree("value_and_grad", by_hand.to_numpy(by_hand.value_and_grad()))
    assert worst_tau(actual) > 1


@pytest.mark.parametrize("number", [0, 11, 19])
def test_one_wrong_network_of_several_is_named(number):
    probe, by_hand = of_networks(4)
    loss, gradients = by_hand.to_numpy(by_hand.value_and_grad())
    gradients[1].W[number, 2, 0] *= 1.0001
    [worst] = [one for one in probe.agree("value_and_grad", (loss, gradients)) if not one.agrees]
    assert (worst.tensor, worst.network, worst.index) == ("W2", number, (2, 0))
    assert str(worst).startswith(f"W2[2, 0] of network {number} is ")
