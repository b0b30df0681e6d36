"""Times that show work left out, and times that only look like it, by a clock that the calls move."""

import itertools
import math

import pytest

from samegrad.impls.checking import effort
from samegrad.impls.checking.subject import Broken

SIZE_BYTES, READ_NS = 131_072, 5_000


class Clock:
    """A clock that stands still but for the calls made here."""

    def __init__(self, monkeypatch):
        self.now_ns = 0
        shortest_ns = effort.shortest_ns
        monkeypatch.setattr(effort, "shortest_read_ns", lambda _: READ_NS)
        monkeypatch.setattr(
            effort, "shortest_ns", lambda call, calls, before=lambda: None: shortest_ns(call, calls, before, self.read)
        )

    def read(self):
        return self.now_ns

    def takes(self, ns):
        def call():
            self.now_ns += ns

        return call


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def require_anew(call, feed, renew=lambda: None, repeat=lambda: None, took_ns=math.inf):
    effort.require_anew("forward", call, feed, renew, repeat, took_ns, SIZE_BYTES)


def test_a_result_that_is_computed_while_rows_are_fed_is_found(clock):
    with pytest.raises(Broken, match=r"forward takes 900\.2 µs, with the feeding, .* 0\.2 µs for the same again"):
        require_anew(clock.takes(200), clock.takes(900_000))


def test_a_result_that_is_kept_until_other_rows_come_is_found(clock):
    fed = [False]

    def feed():
        fed[0] = True

    def call():
        clock.takes(900_000 if fed[0] else 200)()
        fed[0] = False

    with pytest.raises(Broken, match="computed before the call, or kept"):
        require_anew(call, feed)


@pytest.mark.parametrize(("new_ns", "is_kept"), [(9_000, False), (11_000, True), (1_200_000, False)])
def test_a_result_that_is_kept_by_the_contents_of_its_rows_is_found(clock, new_ns, is_kept):
    """A kept one costs 3,000 ns with the feeding; of calls above a millisecond all may be disturbed."""
    rows, numbers = [0], itertools.count(1)

    def renew():
        rows[0] = next(numbers)

    def repeat():
        rows[0] = 0

    kept, cost_ns = set(), max(3_000, new_ns // 15)

    def call():
        clock.takes(cost_ns if rows[0] in kept else new_ns)()
        kept.add(rows[0])

    if is_kept:
        with pytest.raises(Broken, match=r"11\.0 µs, with the feeding, for rows that are new, 3\.0 µs for rows that"):
            require_anew(call, lambda: None, renew, repeat)
    else:
        require_anew(call, lambda: None, renew, repeat)


def test_calls_that_took_far_less_in_the_measurement_are_found(clock):
    with pytest.raises(Broken, match="computed before the call, or kept"):
        require_anew(clock.takes(900_000), lambda: None, took_ns=200)


@pytest.mark.parametrize(("call_ns", "feed_ns"), [(7_000, 154_000), (60_000, 155_000), (5_000, 4_000), (120, 2_000)])
def test_feeding_that_copies_number_by_number_is_no_finding(clock, call_ns, feed_ns):
    """The first as PyTorch transposed 16,384 rows of one input: 22 times its forward pass."""
    require_anew(clock.takes(call_ns), clock.takes(feed_ns))


@pytest.mark.parametrize(("read_ns", "took_ns", "threads"), [(5_000, 2_400, 1), (5_000, 1_200, 2), (600, 250, 1)])
def test_a_call_that_takes_less_than_reading_its_rows_is_impossible(monkeypatch, read_ns, took_ns, threads):
    monkeypatch.setattr(effort, "shortest_read_ns", lambda _: read_ns)
    with pytest.raises(Broken, match="what it returns cannot have been computed from them"):
        effort.require_possible("forward", took_ns, SIZE_BYTES, threads)


@pytest.mark.parametrize(("read_ns", "took_ns", "threads"), [(5_000, 2_600, 1), (5_000, 1_300, 2), (183, 40, 1)])
def test_a_call_that_may_have_read_its_rows_is_possible(monkeypatch, read_ns, took_ns, threads):
    """The last as a disturbed clock measured 48 bytes."""
    monkeypatch.setattr(effort, "shortest_read_ns", lambda _: read_ns)
    effort.require_possible("forward", took_ns, SIZE_BYTES, threads)
