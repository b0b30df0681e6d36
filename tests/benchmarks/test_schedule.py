"""The schedule on a scripted machine: blocks of the right length, fair orders, and a failure that stays its own."""

from __future__ import annotations

import math
import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samegrad.benchmarks.clock import suspension
from samegrad.benchmarks.clock.schedule import (
    BLOCK_NS,
    MOST_ROUNDS,
    READINGS,
    READINGS_WITHIN,
    Pace,
    affordable_rounds,
    calibrate,
    orders,
    prefix,
    run_rounds,
)

MILLISECOND_NS = 1_000_000


class Failed(Exception):
    pass


class Scripted:
    """A worker whose calls take what the script says: `cost_ns(now_ns)` each, on a clock that all workers share."""

    def __init__(self, cost_ns, clock=None, log=None, name=""):
        self.cost_ns = cost_ns if callable(cost_ns) else lambda now_ns: cost_ns
        self.clock = clock if clock is not None else [0.0]
        self.log, self.name = log if log is not None else [], name
        self.asked: list[tuple[int, int]] = []

    def time(self, prefix, calls):
        assert isinstance(prefix, int) and isinstance(calls, int)
        self.asked.append((prefix, calls))
        self.log.append(self.name)
        cost_ns = self.cost_ns(self.clock[0])
        self.clock[0] += (prefix + calls) * cost_ns
        return round(calls * cost_ns)


class Answers:
    """A worker that gives these ns per call in turn, and the last of them for ever."""

    def __init__(self, *per_call_ns):
        self.per_call_ns = list(per_call_ns)
        self.asked = 0

    def time(self, prefix, calls):
        self.asked += 1
        return round(calls * (self.per_call_ns.pop(0) if len(self.per_call_ns) > 1 else self.per_call_ns[0]))


class TestCalibrate:
    @settings(deadline=None)
    @given(exponent=st.floats(math.log10(50), 9))
    def test_a_block_is_about_3_ms_for_calls_of_50_ns_to_1_s(self, exponent):
        """Within half a call, and never less than one call."""
        assert BLOCK_NS == 3 * MILLISECOND_NS
        cost_ns = 10**exponent
        pace = calibrate(Scripted(cost_ns))
        assert pace.calls >= 1
        assert abs(pace.calls * cost_ns - BLOCK_NS) <= max(0.51 * cost_ns, 0.001 * BLOCK_NS) or pace.calls == 1
        assert (pace.calls == 1) == (cost_ns > BLOCK_NS / 1.5) or cost_ns == pytest.approx(BLOCK_NS / 1.5, rel=0.01)
        assert pace.per_call_ns == pytest.approx(cost_ns, rel=0.001)
        assert pace.block_ns == pytest.approx(pace.calls * pace.per_call_ns)

    @pytest.mark.parametrize("block_ns", [100_000, 10_000_000])
    def test_blocks_of_another_length_can_be_asked_for(self, block_ns):
        assert calibrate(Scripted(1000), block_ns).calls == block_ns // 1000

    @pytest.mark.parametrize("cost_ns", [50, 4_000, 900_000, 2e6, 1e9])
    def test_few_readings_and_little_time_are_enough(self, cost_ns):
        """Growing towards the block costs less than the readings themselves: not one reading per doubling."""
        worker = Scripted(cost_ns)
        calibrate(worker)
        assert len(worker.asked) <= READINGS
        assert worker.clock[0] <= 12 * max(BLOCK_NS, cost_ns)

    @pytest.mark.parametrize("factor", [5, 1e5])
    def test_one_slow_first_reading_does_not_count(self, factor):
        """A first call that still compiles or faults its pages in, however long it takes."""
        pace = calibrate(Answers(4000 * factor, 4000))
        assert pace.calls == BLOCK_NS // 4000

    @pytest.mark.parametrize("at", range(8))
    def test_one_slow_reading_anywhere_does_not_count(self, at):
        readings = [4000.0] * 10
        readings[at] = 12_000
        assert calibrate(Answers(*readings)).calls == pytest.approx(BLOCK_NS / 4000, rel=READINGS_WITHIN)

    def test_two_calls_stretched_to_the_same_time_slice_do_not_pass_for_agreement(self):
        """Beside a busy process, two single calls of 1 µs in a row can both take 4 ms."""
        assert calibrate(Answers(4e6, 4e6, 1000)).calls == 3000

    def test_readings_that_never_agree_end_and_the_fastest_decides(self):
        worker = Answers(*(4000 * 1.3**k for k in range(50)))
        pace = calibrate(worker)
        assert worker.asked == READINGS
        assert pace.per_call_ns == pytest.approx(min(4000 * 1.3**k for k in range(1, 50)), rel=0.35)

    def test_readings_too_short_for_the_clock_are_not_trusted(self):
        """On a clock that ticks every 0.25 ms, 100 calls of 4 µs seem to take 2.5 µs each."""

        class Coarse:
            def time(self, prefix, calls):
                return calls * 4000 // 250_000 * 250_000

        assert calibrate(Coarse()).calls == pytest.approx(BLOCK_NS / 4000, rel=0.1)

    def test_a_stopped_clock_is_survived(self):
        """Readings of 0 ns: no division by zero, and the calls stay finite."""
        pace = calibrate(Answers(0.0))
        assert 1 <= pace.calls <= BLOCK_NS * 100**READINGS

    def test_a_failure_is_the_caller_s(self):
        class Dying:
            def time(self, prefix, calls):
                raise Failed

        with pytest.raises(Failed):
            calibrate(Dying())


class TestPrefix:
    @given(st.floats(50, 1e9), st.sampled_from([300_000, BLOCK_NS, 30_000_000]))
    def test_it_is_at_least_1_ms_a_quarter_of_the_block_and_one_call(self, cost_ns, block_ns):
        pace = Pace(max(1, round(block_ns / cost_ns)), cost_ns)
        calls = prefix(pace.calls, pace.block_ns)
        assert isinstance(calls, int) and calls >= 1
        assert calls >= 0.25 * pace.calls
        assert calls * cost_ns >= MILLISECOND_NS * (1 - 1e-9)
        # and no more than that: one call fewer would break one of the three
        assert calls == 1 or (calls - 1) < 0.25 * pace.calls or (calls - 1) * cost_ns < MILLISECOND_NS

    @pytest.mark.parametrize("block_ns", [300_000, BLOCK_NS, 30_000_000])
    def test_every_block_of_a_run_has_it(self, block_ns):
        """Whatever the length of the blocks that was asked for."""
        worker = Scripted(1000)
        pace = calibrate(worker, block_ns)
        worker.asked.clear()
        run_rounds({"a": worker}, {"a": pace}, 5, np.random.default_rng(0), print, Failed)
        assert {calls for _, calls in worker.asked} == {block_ns // 1000}
        assert {before for before, _ in worker.asked} == {max(MILLISECOND_NS // 1000, block_ns // 4000)}


class TestOrders:
    @pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
    def test_every_round_visits_everyone_once(self, count):
        for order in orders(count, 3 * count + 1, np.random.default_rng(count)):
            assert sorted(order) == list(range(count))

    @pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
    def test_over_k_rounds_each_of_k_takes_each_place_once(self, count):
        table = np.array(list(orders(count, 4 * count, np.random.default_rng(count))))
        for square in table.reshape(4, count, count):
            for place in square.T:
                assert sorted(place) == list(range(count))

    def test_a_part_of_a_square_is_as_long_as_asked(self):
        assert [len(list(orders(4, rounds, np.random.default_rng(0)))) for rounds in (0, 1, 4, 7)] == [0, 1, 4, 7]

    def test_squares_differ_and_no_neighbour_is_preferred(self):
        """Over many squares, the two of each ordered pair are neighbours about equally often.

        The count of a pair in n squares is a sum of n independent draws in [0, 3], with mean n · 3 · 4/(4 · 3) = n;
        its standard deviation is below 1.5·√n, and five of them are allowed.
        """
        squares = 2000
        table = list(orders(4, 4 * squares, np.random.default_rng(1)))
        pairs = Counter((int(a), int(b)) for order in table for a, b in pairwise(order))
        assert len(pairs) == 12
        assert all(abs(count - squares) < 5 * 1.5 * squares**0.5 for count in pairs.values()), pairs
        assert len({tuple(map(int, order)) for order in table}) == 24

    def test_nobody_follows_the_same_one_in_every_round(self):
        """In the cyclic square each has one successor; the shuffled ones have about nine pairs of twelve."""
        table = np.array(list(orders(4, 400, np.random.default_rng(2)))).reshape(100, 4, 4)
        pairs = [len({pair for row in square.tolist() for pair in pairwise(row)}) for square in table]
        assert np.mean(pairs) > 6

    def test_a_seed_repeats_its_orders(self):
        once, again = (np.array(list(orders(5, 20, np.random.default_rng(seed)))).tolist() for seed in (3, 3))
        assert once == again


class TestAffordableRounds:
    PACES = (Pace(300, 10_000.0), Pace(3, 1_000_000.0))
    """Blocks of 3 ms with prefixes of 1 ms: a round of 8 ms."""

    @pytest.mark.parametrize(("seconds", "rounds"), [(0.4, 50), (0.16, 20), (0.001, 10), (60.0, MOST_ROUNDS)])
    def test_as_many_as_fit_but_not_fewer_than_the_least_nor_more_than_the_most(self, seconds, rounds):
        assert affordable_rounds(seconds, self.PACES, least=10) == rounds

    def test_the_least_wins_over_the_most(self):
        assert affordable_rounds(60.0, self.PACES, least=500) == 500

    def test_slow_calls_count_with_their_prefix(self):
        """A block of one call of 1 s has a prefix of one call."""
        assert affordable_rounds(40.0, [Pace(1, 1e9)], least=1) == 20

    def test_what_was_afforded_is_what_is_spent(self):
        """On the scripted clock, to a round."""
        clock = [0.0]
        workers = {name: Scripted(cost, clock) for name, cost in (("a", 800.0), ("b", 17_000.0), ("c", 5e6))}
        paces = {name: calibrate(worker) for name, worker in workers.items()}
        rounds = affordable_rounds(1.0, paces.values(), least=1)
        clock[0] = 0.0
        run_rounds(workers, paces, rounds, np.random.default_rng(0), print, Failed)
        assert 1e9 * (1 - 1 / rounds) - 1e6 < clock[0] <= 1.01e9


class TestRunRounds:
    @staticmethod
    def crew(**costs_ns):
        clock, log = [0.0], []
        return {name: Scripted(cost, clock, log, name) for name, cost in costs_ns.items()}, log

    def test_times_are_ns_per_call_one_for_each_round(self):
        workers, log = self.crew(a=1000, b=2500)
        paces = {"a": Pace(3000, 1000.0), "b": Pace(1200, 2500.0)}
        times = run_rounds(workers, paces, 7, np.random.default_rng(0), print, Failed)
        assert {name: values.tolist() for name, values in times.items()} == {"a": [1000.0] * 7, "b": [2500.0] * 7}
        assert all(set(log[start : start + 2]) == {"a", "b"} for start in range(0, len(log), 2))

    def test_calls_are_equal_in_every_round(self):
        workers, _ = self.crew(a=1000, b=lambda now_ns: 2500 * (1 + now_ns / 1e9))
        paces = {"a": Pace(3000, 1000.0), "b": Pace(1200, 2500.0)}
        run_rounds(workers, paces, 20, np.random.default_rng(0), print, Failed)
        assert {calls for _, calls in workers["a"].asked} == {3000}
        assert {calls for _, calls in workers["b"].asked} == {1200}

    def test_a_drift_hits_all_alike(self):
        """A machine that slows down by half over the run: paired by round, the ratio is the true one to 1 %."""
        slowing = {
            name: (lambda now_ns, base=base: base * (1 + now_ns / 1.2e9)) for name, base in (("a", 1e3), ("b", 2e3))
        }
        workers, _ = self.crew(**slowing)
        paces = {"a": Pace(3000, 1e3), "b": Pace(1500, 2e3)}
        times = run_rounds(workers, paces, 60, np.random.default_rng(0), print, Failed)
        assert times["a"][-1] / times["a"][0] > 1.4
        assert np.median(np.log(times["b"] / times["a"])) == pytest.approx(np.log(2), abs=0.01)

    def test_one_that_fails_is_reported_once_and_left_out_and_the_others_keep_their_rounds(self):
        workers, log = self.crew(a=1000, b=1000, c=1000)

        def fail_in_the_fourth(now_ns):
            if len(workers["b"].asked) == 4:
                raise Failed("gone")
            return 1000.0

        workers["b"].cost_ns = fail_in_the_fourth
        failures = []
        paces = dict.fromkeys(workers, Pace(3000, 1000.0))
        times = run_rounds(
            workers,
            paces,
            10,
            np.random.default_rng(0),
            lambda name, failure: failures.append((name, str(failure))),
            Failed,
        )
        assert failures == [("b", "gone")]
        assert set(times) == {"a", "c"}
        assert all(len(values) == 10 and not np.isnan(values).any() for values in times.values())
        assert Counter(log) == {"a": 10, "b": 4, "c": 10}

    def test_other_errors_are_not_swallowed(self):
        """Ctrl-C among them."""
        for error in (KeyboardInterrupt, ZeroDivisionError):

            def raising(now_ns, error=error):
                raise error

            workers, _ = self.crew(a=raising)
            with pytest.raises(error):
                run_rounds(workers, {"a": Pace(1, 1.0)}, 3, np.random.default_rng(0), print, Failed)

    def test_all_may_fail(self):
        workers, _ = self.crew(a=1000)

        def fail(now_ns):
            raise Failed

        workers["a"].cost_ns = fail
        assert run_rounds(workers, {"a": Pace(1, 1.0)}, 3, np.random.default_rng(0), lambda *_: None, Failed) == {}

    @pytest.mark.parametrize(
        ("slept_s", "cost_ns", "message"),
        [
            (3600.0, 1000.0, "it or the machine was suspended for 3600.0 s"),
            (1.1, 1000.0, "it or the machine was suspended for 1.1 s"),
            (0.9, 1000.0, None),  # a machine that is busy
            (0.0, -1000.0, "its clock measured -3000000 ns for a block"),
            (0.0, 0.0, "its clock measured 0 ns for a block"),
        ],
    )
    def test_a_round_in_which_the_machine_was_suspended_is_dropped_for_all_and_reported(
        self, monkeypatch, slept_s, cost_ns, message
    ):
        """In the fourth block of b the clock that counts sleep goes on, or the worker's own goes wrong."""
        workers, _ = self.crew(a=1000, b=1000)
        now_s = [0.0]
        monkeypatch.setattr(suspension, "now_s", lambda: now_s[0])

        def fourth(now_ns):
            is_it = len(workers["b"].asked) == 4
            now_s[0] += slept_s * is_it
            return cost_ns if is_it else 1000.0

        workers["b"].cost_ns = fourth
        drops = []
        paces = dict.fromkeys(workers, Pace(3000, 1000.0))
        times = run_rounds(
            workers, paces, 10, np.random.default_rng(0), print, Failed, lambda *what: drops.append(what)
        )
        assert drops == ([("b", 3, message)] if message else [])
        assert {name: len(values) for name, values in times.items()} == dict.fromkeys("ab", 9 if message else 10)
        assert all((values > 0).all() for values in times.values())


@pytest.mark.parametrize(
    ("took_s", "expected_s", "stood_s"), [(1.0, 0.004, 0), (2.004, 0.004, 2), (9.0, 1.0, 0), (15.0, 1.0, 14)]
)
def test_what_is_merely_slow_has_not_been_suspended(took_s, expected_s, stood_s):
    assert suspension.suspended_s(took_s, expected_s) == pytest.approx(stood_s)


def test_the_clock_that_counts_sleep_goes_on():
    before_s = suspension.now_s()
    time.sleep(0.01)
    assert suspension.now_s() - before_s >= 0.01
