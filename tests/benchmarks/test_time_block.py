"""The timed loop, on a scripted clock: a call advances it, and so does whatever disturbs."""

from __future__ import annotations

import gc

import pytest

from samegrad.benchmarks.clock import blocks


class Script:
    """A clock that every call moves on by 8000 ns, and by more at the calls that are disturbed."""

    def __init__(self, disturbed=None):
        self.now_ns, self.done, self.disturbed = 0, 0, disturbed or {}

    def call(self):
        assert not gc.isenabled(), "garbage must not be collected inside a block"
        self.now_ns += 8000 + self.disturbed.get(self.done, 0)
        self.done += 1


@pytest.fixture
def time_block(monkeypatch):
    """Times a block of a script's calls on the script's own clock."""

    def timed(script, prefix, calls):
        monkeypatch.setattr(blocks, "perf_counter_ns", lambda: script.now_ns)
        return blocks.time_block(script.call, prefix, calls)

    return timed


@pytest.mark.parametrize("calls", [1, 2, 9, 10, 15, 19, 375])
def test_an_undisturbed_block_takes_exactly_its_calls(time_block, calls):
    assert time_block(Script(), 5, calls) == 8000 * calls


def test_the_prefix_is_called_and_not_timed(time_block):
    """The first five calls take 0.3 s each."""
    script = Script(dict.fromkeys(range(5), 300_000_000))
    assert time_block(script, 5, 100) == 800_000
    assert script.done == 105


def test_time_slices_that_other_processes_take_from_a_block_do_not_count(time_block):
    """Four slices of 3 ms, each as long as the whole block, fall into four of its ten pieces."""
    script = Script({40: 3_000_000, 130: 3_000_000, 230: 3_000_000, 330: 3_000_000})
    assert time_block(script, 0, 375) == 8000 * 375


def test_a_small_disturbance_counts_as_it_would_in_any_loop(time_block):
    """One of ten pieces of ten calls takes a fifth longer: 2 % of the block."""
    assert time_block(Script({42: 16_000}), 0, 100) == 816_000


def test_a_block_that_is_slow_throughout_is_slow(time_block):
    """A shift of the machine's speed is not hidden: it is left to the pairing of the rounds."""
    assert time_block(Script(dict.fromkeys(range(375), 4000)), 0, 375) == 12000 * 375


def test_garbage_collection_is_on_again_even_after_a_failure(time_block):
    class Failing(Script):
        def call(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        time_block(Failing(), 1, 10)
    assert gc.isenabled()
