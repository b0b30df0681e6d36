"""Inside a worker: the block that is timed, and the answers that are given."""

from __future__ import annotations

import dis
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samegrad.benchmarks.clock import blocks as module
from samegrad.benchmarks.clock.blocks import PIECES, time_block
from samegrad.benchmarks.clock.worker import Worker
from samegrad.impls.child import Failed
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.problem import XOR
from samegrad.impls.task import Task


class Clock:
    """A clock that stops but for the calls, of which the nth costs `costs_ns(n)`."""

    def __init__(self, costs_ns):
        self.costs_ns, self.now_ns, self.calls = costs_ns, 0, 0

    def call(self):
        self.now_ns += self.costs_ns(self.calls)
        self.calls += 1

    def time(self, prefix, calls):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "perf_counter_ns", lambda: self.now_ns)
            patch.setattr(gc, "collect", lambda: 0)  # to search all that pytest has loaded takes long
            return time_block(self.call, prefix, calls)


class TestTimeBlock:
    @given(prefix=st.integers(0, 30), calls=st.integers(1, 300), cost_ns=st.integers(0, 10**9))
    def test_the_time_is_that_of_the_calls_and_not_of_the_prefix(self, prefix, calls, cost_ns):
        clock = Clock(lambda number: 10**12 if number < prefix else cost_ns)
        assert clock.time(prefix, calls) == pytest.approx(calls * cost_ns, rel=1e-12)

    @given(prefix=st.integers(0, 30), calls=st.integers(1, 300))
    def test_all_calls_of_the_block_are_made_but_the_rest_of_a_tenth(self, prefix, calls):
        clock = Clock(lambda number: 1)
        clock.time(prefix, calls)
        assert prefix + calls - max(1, calls // PIECES) < clock.calls <= prefix + calls

    def test_what_interrupts_fewer_than_half_of_the_pieces_does_not_count(self):
        """A time slice of 4 ms lost to another process, four times in a block of ten pieces."""
        clock = Clock(lambda number: 100 + (4_000_000 if number in (150, 250, 650, 950) else 0))
        assert clock.time(0, 1000) == 100_000

    def test_garbage_is_collected_before_the_block_and_not_in_it(self, monkeypatch):
        """Also where the call raises, the collector works again afterwards."""
        events = []
        monkeypatch.setattr(gc, "collect", lambda: events.append("collected"))

        def call():
            events.append(gc.isenabled())
            if len(events) == 4:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            time_block(call, 2, 5)
        assert events == ["collected", False, False, False]
        assert gc.isenabled()
        time_block(call, 0, 1)
        assert gc.isenabled()

    def test_the_loop_is_a_bare_local_call(self):
        """Within the loops nothing is looked up but the local `call`, and nothing else is called."""
        code = list(dis.get_instructions(time_block))
        starts = {instruction.offset: at for at, instruction in enumerate(code)}
        loops = []
        for at, instruction in enumerate(code):
            if instruction.opname == "FOR_ITER":
                body = code[at + 1 : starts[instruction.argval]]
                if not any(inner.opname == "FOR_ITER" for inner in body):
                    loops.append(body)
        assert len(loops) == 2  # the prefix and the block
        for body in loops:
            loads = [instruction.argval for instruction in body if instruction.opname.startswith("LOAD")]
            assert loads == ["call"]
            assert sum(instruction.opname.startswith("CALL") for instruction in body) == 1
            assert not any("GLOBAL" in i.opname or "ATTR" in i.opname or "DEREF" in i.opname for i in body)


def case(**changes):
    """What `prepare` is sent."""
    return {"pass_name": "value_and_grad", "task": Task(XOR, XOR.parameters()).as_json() | changes}


class TestWorker:
    @pytest.fixture
    def worker(self):
        before = gc.get_freeze_count()
        worker = Worker()
        worker.start("samegrad.impls.on_numpy.manual:NumpyManual", threads=1)
        yield worker
        if not before:
            gc.unfreeze()

    def test_what_was_prepared_is_timed_and_then_forgotten(self, worker):
        assert worker.prepare("numpy", **case())["first_call_ns"] > 0
        assert worker.time("numpy", 1, 10)["ns"] > 0
        assert worker.forget() == {}
        with pytest.raises(KeyError):
            worker.time("numpy", 1, 10)

    def test_several_calls_are_ready_at_once(self, worker):
        """Each with its own state."""
        worker.prepare("one", **case())
        worker.prepare("other", **case() | {"pass_name": "train_step"})
        assert worker.time("one", 1, 2)["ns"] > 0 and worker.time("other", 1, 2)["ns"] > 0

    def test_a_function_is_kept_when_cases_are_forgotten(self):
        worker = Worker()
        worker.start("samegrad.benchmarks.clock.noise:yardstick", threads=1, function=True)
        worker.forget()
        assert worker.time("function", 1, 2)["ns"] > 0

    def test_timing_goes_through_the_very_call_that_was_checked(self, worker, monkeypatch):
        """One callable: the checked one is the timed one."""
        ran = []
        original = NumpyManual.value_and_grad
        monkeypatch.setattr(NumpyManual, "value_and_grad", lambda self: ran.append(self) or original(self))
        worker.prepare("numpy", **case())
        checked = len(ran)
        worker.time("numpy", 1, 10)
        assert (
            checked > 1 and len(ran) == checked + 11 and set(map(id, ran)) == {id(worker.calls["numpy"].implementation)}
        )


class TestAnswers:
    """Of a real worker: what goes wrong is answered by its kind, and the worker goes on."""

    def failure(self, worker, do, **request):
        with pytest.raises(Failed) as failed:
            worker.ask(do, **request)
        assert not failed.value.is_gone
        return failed.value

    def test_each_kind_of_failure_has_its_name(self, workers):
        worker = workers("numpy").process
        worker.ask("start", target="samegrad.impls.on_numpy.manual:NumpyManual", threads=1)
        assert self.failure(worker, "prepare", key="k", **case(problem="xo")).kind == "bad input"
        assert self.failure(worker, "prepare", key="k", **case(batch=0)).kind == "bad input"
        unavailable = self.failure(worker, "prepare", key="k", **case(device="gpu"))
        assert unavailable.kind == "unavailable"
        assert unavailable.reason == "numpy computes on the CPU only; device 'gpu' needs another implementation"
        assert self.failure(worker, "start", target="samegrad.impls.nowhere:X", threads=1).kind == "exception"
        assert self.failure(worker, "no such request").kind == "exception"
        assert self.failure(worker, "time", key="never prepared", prefix=1, calls=1).kind == "exception"
        worker.ask("prepare", key="k", **case())
        assert worker.ask("time", key="k", prefix=1, calls=1)["ns"] > 0

    def test_an_exception_is_reported_with_where_it_was_raised(self, spawn):
        worker = spawn("raises")
        failed = self.failure(worker, "time", key="function", prefix=1, calls=1)
        assert failed.kind == "exception"
        assert failed.reason == "ArithmeticError: the seventh digit is wrong"
        assert failed.stderr[0] == "Traceback (most recent call last):" and "planted.py" in "".join(failed.stderr)
