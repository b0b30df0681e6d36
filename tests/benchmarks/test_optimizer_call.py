"""A step of each optimizer as a timed call: what is timed, and that a wrong optimizer is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest
from samegrad.benchmarks.clock.case import LEARNING_RATE, OPTIMIZERS, TIMED
from samegrad.benchmarks.clock.worker import Worker
from samegrad.impls.checking.agreement import Disagreement, Reference, worst_tau
from samegrad.impls.errors import Unavailable
from samegrad.impls.learning import numpy_trainer, optimizers
from samegrad.impls.learning.numpy_trainer import NumpyTrainer
from samegrad.impls.learning.optimizers import Conventions
from samegrad.impls.learning.trainer import TRAINERS
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.tutorial import NumpyTutorial
from samegrad.impls.problem import LINE, XOR
from samegrad.impls.task import Task
from tests.benchmarks.planted import TARGET


def asked(optimizer, problem=XOR, batch=4, dtype="float64", device="cpu"):
    return CallRequest("mine", f"train_step:{optimizer}", Task(problem, problem.parameters(1), batch, dtype, device, 1))


def check(case):
    """Build the call, make it once and hold it against the reference, as a worker does."""
    call = build(NumpyManual(), case)
    return call.agreements(call.run(), Reference.of(case.task))


def test_every_optimizer_beside_plain_descent_is_a_variant_of_the_training_step():
    assert {f"train_step:{name}" for name in optimizers.OPTIMIZERS} - set(TIMED) == {"train_step:sgd"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("problem", [XOR, LINE])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_steps_are_compared_with_the_textbook(optimizer, problem, dtype):
    """The loss and each tensor once, within the bound at a small and at a large batch."""
    for batch in (4, 3000):
        agreements = check(asked(optimizer, problem, batch, dtype))
        assert worst_tau(agreements) <= 1
        assert [one.tensor for one in agreements] == ["loss", "W1", "b1", "W2", "b2"][
            : 1 + 2 * len(problem.activations)
        ]


def differing(conventions=optimizers.TEXTBOOK, **settings):
    """A trainer with other settings, or a textbook bent to other conventions."""

    class Differing(NumpyTrainer):
        def restart(self):
            super().restart()
            self.optimizer = optimizers.make(replace(self.setup.settings, **settings), conventions)

    return Differing


class Forgetful(NumpyTrainer):
    """Its optimizer has seen nothing at each step."""

    def step(self, x, y):
        self.optimizer = optimizers.make(self.setup.settings)
        return super().step(x, y)


class Uncorrected(NumpyTrainer):
    """Adam without bias correction."""

    def restart(self):
        super().restart()
        self.optimizer.power = lambda beta, p: 0.0


class Doubling(NumpyTrainer):
    """Descends on half the mean squared error's double: every gradient is twice what it should be."""

    def restart(self):
        super().restart()
        step = self.optimizer.step
        self.optimizer.step = lambda p, g: step(p, 2 * g)


class Twice(NumpyTrainer):
    """Two steps in one."""

    def step(self, x, y):
        super().step(x, y)
        return super().step(x, y)


class Idle(NumpyTrainer):
    """No step at all."""

    def step(self, x, y):
        before = self.theta.copy()
        loss = super().step(x, y)
        self.theta[:] = before
        return loss


class Untold(NumpyTrainer):
    """A right step, and another loss."""

    def step(self, x, y):
        return super().step(x, y) * y.dtype.type(1.001)


FIRST, SECOND = "first step", "second step"
ALL = tuple(OPTIMIZERS)
AVERAGING = ("rmsprop", "rmsprop-centered")
FAULTS = {
    "twice the learning rate": (differing(learning_rate=2 * LEARNING_RATE), ALL, FIRST),
    "no ε": (differing(epsilon=1e-300), (*AVERAGING, "adam"), FIRST),
    "ε inside the root": (differing(Conventions(epsilon_inside=True)), AVERAGING, FIRST),
    "ε beside √v": (differing(Conventions(epsilon_hat=True)), ("adam",), FIRST),
    "another μ": (differing(momentum=0.91), ("momentum",), SECOND),
    "another ρ": (differing(rho=0.91), AVERAGING, FIRST),
    "another β₁": (differing(beta_1=0.91), ("adam",), SECOND),
    "another β₂": (differing(beta_2=0.99), ("adam",), SECOND),
    "no state": (Forgetful, ALL, SECOND),
    "no bias correction": (Uncorrected, ("adam",), FIRST),
    "not centered": (differing(name="rmsprop"), ("rmsprop-centered",), FIRST),
    "no Nesterov": (differing(name="momentum"), ("nesterov",), FIRST),
    "twice the gradient": (Doubling, ALL, FIRST),
    "two steps in one": (Twice, ALL, FIRST),
    "no step": (Idle, ALL, FIRST),
    "another loss": (Untold, ALL, FIRST),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("fault", "optimizer"), [(fault, optimizer) for fault, (_, of, _) in FAULTS.items() for optimizer in of]
)
def test_a_wrong_optimizer_is_found_in_the_step_that_shows_it(fault, optimizer, dtype, monkeypatch):
    planted, _, step = FAULTS[fault]
    monkeypatch.setattr(numpy_trainer, "TRAINER", planted)
    with pytest.raises(
        Disagreement, match=rf"mine disagrees at xor train_step:{optimizer} batch=4 {dtype} cpu, {step}"
    ):
        check(asked(optimizer, dtype=dtype))


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "nesterov"])
def test_constants_that_passed_through_float32_are_found_in_float64(optimizer, monkeypatch):
    """As a framework's may that casts them on the way: another function by 10⁻⁸."""
    conventions = Conventions(float32_powers=True, float32_momentum=True)
    monkeypatch.setattr(numpy_trainer, "TRAINER", differing(conventions))
    with pytest.raises(Disagreement, match=r"float64 cpu, (first|second) step"):
        check(asked(optimizer))


def test_what_is_timed_gets_data_that_are_the_frameworks_own(monkeypatch):
    """What `place` returned, at every call, in the case's dtype; NumPy's own are in its dtype before."""
    seen = []

    class Recording(NumpyTrainer):
        def place(self, x, y):
            assert x.dtype == y.dtype == np.float32 and len(x) == len(y) == 4
            return "x", "y"

        def step(self, x, y):
            seen.append((x, y))

    monkeypatch.setattr(numpy_trainer, "TRAINER", Recording)
    call = build(NumpyManual(), asked("adam", dtype="float32"))
    call.run(), call.run()
    assert seen == [("x", "y")] * 2


def test_every_block_begins_with_the_first_step():
    """The worker asks for it, before the steps that are not timed; parameters and state are those of the start."""
    call = build(NumpyManual(), asked("adam"))
    first = [call.run() for _ in range(5)]
    worker = Worker()
    worker.prepared["mine"] = call
    for _ in range(2):
        worker.time("mine", prefix=2, calls=1)
        assert call.run() == first[3] != first[2]


@pytest.mark.filterwarnings("error")
def test_a_block_stays_finite_where_centered_rmsprop_would_not_for_ever():
    """In float32 on xor it rounds v − m² below 0 after some thousand steps; a block of 3 ms is far shorter."""
    call = build(NumpyManual(), asked("rmsprop-centered", dtype="float32"))
    assert np.isfinite([call.run() for _ in range(1000)]).all()


def test_an_implementation_without_an_optimizer_of_its_own_says_which_have_one():
    with pytest.raises(Unavailable, match=f"numpy-tutorial has no optimizer .*{', '.join(TRAINERS)}"):
        build(NumpyTutorial(), asked("adam"))
    with pytest.raises(Unavailable, match="train_step:adam runs on the CPU only; device 'gpu'"):
        build(NumpyManual(), asked("adam", device="gpu"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_each_frameworks_own_optimizers_pass_the_gate_and_are_timed(workers, name):
    """In its own process, with τ of every tensor reported."""
    worker = workers(name).process
    worker.ask("start", target=f"{TARGET}:{name} right", threads=1)
    for optimizer, dtype in [*((optimizer, "float32") for optimizer in OPTIMIZERS), ("adam", "float64")]:
        task = Task(XOR, XOR.parameters(), dtype=dtype).as_json()
        prepared = worker.ask("prepare", key=name, pass_name=f"train_step:{optimizer}", task=task)
        assert set(prepared["agreement"]) == {"loss", "W1", "b1", "W2", "b2"}
        assert all(0 <= tau <= 1 for tau in prepared["agreement"].values())
        assert worker.ask("time", key=name, prefix=1, calls=3)["ns"] > 0
