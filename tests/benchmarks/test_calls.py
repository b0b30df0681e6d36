"""What is timed of each pass, and that the same callable was compared with the reference before."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest

from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest
from samegrad.benchmarks.clock.case import HOST, LEARNING_RATE, LOOP_STEPS, PIPELINED
from samegrad.impls.checking.agreement import Disagreement, Reference, worst_tau
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import LOOP, PASSES, Implementation
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.problem import LINE, XOR
from samegrad.impls.task import Task


class Recording(NumpyManual):
    """Notes which of its operations are called, and with what."""

    def __init__(self):
        self.asked = []

    def forward(self):
        self.asked.append(("forward",))
        return super().forward()

    def value_and_grad(self):
        self.asked.append(("value_and_grad",))
        return super().value_and_grad()

    def train_step(self, learning_rate):
        self.asked.append(("train_step", learning_rate))
        return super().train_step(learning_rate)


def asked(pass_name, problem=XOR, batch=4, dtype="float64", device="cpu"):
    return CallRequest("mine", pass_name, Task(problem, problem.parameters(1), batch, dtype, device, 1))


def reference(of):
    return Reference.of(of.task)


@pytest.mark.parametrize("pass_name", PASSES)
def test_a_pass_is_a_call_without_arguments(pass_name):
    call = build(Recording(), asked(pass_name))
    assert call.implementation.asked == []  # to build is not to call
    call.run()
    expected = ("train_step", LEARNING_RATE) if pass_name == "train_step" else (pass_name,)
    assert call.implementation.asked[0] == expected


@pytest.mark.parametrize("problem", [XOR, LINE])
@pytest.mark.parametrize("pass_name", [*PASSES, LOOP])
def test_the_result_of_the_timed_call_is_compared_with_the_reference(pass_name, problem):
    case = asked(pass_name, problem)
    call = build(NumpyManual(), case)
    assert worst_tau(call.agreements(call.run(), reference(case))) <= 1


@pytest.mark.parametrize("steps", [LOOP_STEPS - 1, LOOP_STEPS + 1])
def test_a_loop_of_one_step_too_many_or_too_few_is_found(steps):
    class Miscounting(NumpyManual):
        def train_loop(self, learning_rate, asked):
            return super().train_loop(learning_rate, steps if asked == LOOP_STEPS else asked)

    case = asked(LOOP)
    call = build(Miscounting(), case)
    with pytest.raises(Disagreement, match=rf"mine disagrees at xor {LOOP} .*after {LOOP_STEPS} steps"):
        call.agreements(call.run(), reference(case))


def test_a_loop_is_checked_to_the_bound_in_its_first_step():
    class Sloppy(NumpyManual):
        def train_loop(self, learning_rate, steps):
            loss, parameters = super().train_loop(learning_rate, steps)
            return loss, [(W + 1e-9, b) for W, b in parameters]

    case = asked(LOOP)
    call = build(Sloppy(), case)
    assert worst_tau(call.agreements(call.run(), reference(case))) > 1
    assert np.isfinite(call.run()[0])


class TestHost:
    """A pass with NumPy arrays handed in and fetched back in each call."""

    @pytest.mark.parametrize("problem", [XOR, LINE])
    @pytest.mark.parametrize("pass_name", PASSES)
    def test_what_is_fetched_is_compared_with_the_reference_of_what_was_fed(self, pass_name, problem):
        case = asked(f"{pass_name}:{HOST}", problem)
        call = build(NumpyManual(), case)
        assert worst_tau(call.agreements(call.run(), reference(case))) <= 1

    @pytest.mark.parametrize("pass_name", PASSES)
    def test_each_call_feeds_passes_and_fetches(self, pass_name):
        """The forward pass has no use for targets."""
        done = []

        class Noting(Recording):
            def feed(self, x, y=None):
                done.append("x" if y is None else "x, y")
                super().feed(x, y)

            def to_numpy(self, result):
                done.append("fetched")
                return super().to_numpy(result)

        call = build(Noting(), asked(f"{pass_name}:{HOST}"))
        done.clear()
        call.run()
        call.run()
        assert done == ["x" if pass_name == "forward" else "x, y", "fetched"] * 2
        assert [one[0] for one in call.implementation.asked if one[0] == pass_name] == [pass_name] * 2

    @pytest.mark.parametrize("pass_name", PASSES)
    def test_to_go_on_with_the_rows_of_prepare_is_found(self, pass_name):
        class Deaf(NumpyManual):
            def feed(self, x, y=None):
                if not hasattr(self, "x"):
                    super().feed(x, y)

        case = asked(f"{pass_name}:{HOST}")
        call = build(Deaf(), case)
        assert worst_tau(call.agreements(call.run(), reference(case))) > 1

    def test_who_takes_rows_only_when_prepared_says_so(self):
        class Settled(NumpyManual):
            def prepare(self, task):
                self.feed = super().feed
                super().prepare(task)
                del self.feed

            feed = Implementation.feed

        call = build(Settled(), asked(f"forward:{HOST}"))
        with pytest.raises(Unavailable, match="Settled takes its rows when it is prepared, not from the host"):
            call.run()


class Queued(NumpyManual):
    """NumPy in threads that start when `open` is set: calls return at once, and are done in any order."""

    def __init__(self):
        self.open, self.executor, self.waited = threading.Event(), ThreadPoolExecutor(4), []

    def forward(self):
        return self.wait(self.executor.submit(self.compute))

    def compute(self):
        self.open.wait(timeout=60)
        layer_by_layer = NumpyManual.forward(self.apart())
        return layer_by_layer.copy()

    def apart(self):
        """An instance of its own for each thread."""
        one = NumpyManual()
        one.prepare(Task(XOR, XOR.parameters(1), 4, "float64", seed=1))
        return one

    def wait(self, result):
        self.open.set()
        futures = result if isinstance(result, list) else [result]
        wait(futures)
        self.waited.append(len(futures))
        return result

    def to_numpy(self, result):
        return result.result() if isinstance(result, Future) else super().to_numpy(result)


class TestPipelined:
    """Calls that only enqueue, and one wait for all of them."""

    def test_no_call_waits_and_finish_waits_for_all(self):
        implementation = Queued()
        call = build(implementation, asked(f"forward:{PIPELINED}"))
        results = [call.run() for _ in range(10)]
        assert not any(result.done() for result in results) and implementation.waited == []
        call.finish()
        assert all(result.done() for result in results) and implementation.waited == [10]
        call.run()
        call.finish()
        assert implementation.waited == [10, 1]  # only for what came since

    def test_the_pass_itself_waits_in_each_call(self):
        implementation = Queued()
        call = build(implementation, asked("forward"))
        assert [call.run().done() for _ in range(3)] == [True] * 3
        assert call.finish is None

    @pytest.mark.parametrize("pass_name", PASSES)
    def test_what_a_pipelined_call_returns_is_compared_with_the_reference(self, pass_name):
        case = asked(f"{pass_name}:{PIPELINED}")
        call = build(NumpyManual(), case)
        result = call.run()
        call.finish()
        assert worst_tau(call.agreements(result, reference(case))) <= 1

    def test_a_wrong_one_is_found(self):
        class Twice(NumpyManual):
            def forward(self):
                return self.wait(2 * super().forward())

        case = asked(f"forward:{PIPELINED}")
        call = build(Twice(), case)
        assert worst_tau(call.agreements(call.run(), reference(case))) > 1


class TestPlace:
    """A result is where it was asked to be, read back from its arrays."""

    class Anywhere(NumpyManual):
        """Takes any device, and computes on the CPU, as TensorFlow's soft placement does."""

        place = "cpu"

        def prepare(self, task):
            super().prepare(replace(task, device="cpu"))

        def device_of(self, result):
            return self.place

    @pytest.mark.parametrize("pass_name", [*PASSES, LOOP, f"forward:{HOST}", f"train_step:{PIPELINED}"])
    def test_a_result_that_lies_elsewhere_is_refused(self, pass_name):
        case = asked(pass_name, device="gpu")
        call = build(self.Anywhere(), case)
        expected = rf"mine disagrees at xor {pass_name} .*: its result lies on cpu, but should lie on gpu"
        with pytest.raises(Disagreement, match=expected):
            call.agreements(call.run(), reference(case))

    @pytest.mark.parametrize("pass_name", [*PASSES, LOOP, f"forward:{HOST}", f"train_step:{PIPELINED}"])
    def test_one_that_lies_there_is_not(self, pass_name):
        case = asked(pass_name, device="gpu")
        implementation = self.Anywhere()
        implementation.place = "gpu:0"
        call = build(implementation, case)
        assert worst_tau(call.agreements(call.run(), reference(case))) <= 1

    @pytest.mark.parametrize(("pass_name", "steps"), [("forward", 1), (LOOP, LOOP_STEPS), (f"forward:{PIPELINED}", 1)])
    def test_what_its_device_tells_is_kept(self, pass_name, steps):
        """The median time of some calls, of a loop per step; nothing is left pending."""
        times_ns = iter([5000.0, 1000.0, 3000.0] * 5)

        class Telling(self.Anywhere):
            def device_memory_bytes(self):
                return 2**20

            def device_ns(self, run):
                run()
                return next(times_ns)

        call = build(Telling(), asked(pass_name, device="gpu"))
        assert call.on_device() == {"device_memory_bytes": 2**20, "device_ns": 3000 / steps}
        assert getattr(call, "pending", []) == []

    def test_what_it_does_not_tell_is_not_there(self):
        assert build(self.Anywhere(), asked("forward", device="gpu")).on_device() == {}
        assert build(self.Anywhere(), asked("forward")).on_device() == {}
