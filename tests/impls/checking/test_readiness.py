"""Work that a call leaves undone, and conversions that only look like it, by a clock that they move."""

import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from samegrad.impls.checking import readiness

CALL_NS, MEMORY_NS, LATE_NS = 500_000, 1_000_000, 5_000_000


class Numbers(np.ndarray):
    """An array whose end can be watched."""


class Machine:
    """A clock that stands still but for what is done here, and memory that takes time where none is at hand."""

    def __init__(self, monkeypatch):
        self.now_ns, self.at_hand = 0, 0
        clock = SimpleNamespace(process_time_ns=lambda: self.now_ns, perf_counter_ns=lambda: self.now_ns)
        monkeypatch.setattr(readiness, "time", clock)

    def call(self):
        """Take all of the time that it needs; meanwhile the system has taken back what was at hand."""
        self.now_ns += CALL_NS
        self.at_hand = 0

    def to_numpy(self, result):
        if self.at_hand:
            self.at_hand -= 1
        else:
            self.now_ns += MEMORY_NS
        numbers = np.zeros(1).view(Numbers)
        weakref.finalize(numbers, self.take_back)
        return numbers

    def take_back(self):
        self.at_hand += 1


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_memory_that_a_conversion_must_be_given_is_no_work_left_undone(machine):
    assert not readiness.not_ready(machine.call, machine.to_numpy, least_ns=readiness.LONG_NS)


def test_what_the_first_conversion_computes_is(machine):
    computed = [True]

    def call():
        computed[0] = False

    def to_numpy(result):
        machine.now_ns += 0 if computed[0] else LATE_NS
        computed[0] = True
        return machine.to_numpy(result)

    assert "100% of the work" in readiness.not_ready(call, to_numpy, least_ns=readiness.LONG_NS)
