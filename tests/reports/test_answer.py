"""The answer claims what the intervals support, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.documents.run import ImplementationEntry
from samegrad.benchmarks.results.verdict import MARGIN
from samegrad.reports.answer import answer
from samegrad.reports.records import CaseTimes, GroupTimes, LaunchTimes, StoredRun

LAUNCHES = np.array([0.99, 1.0, 1.01])


def case(name, ns, launches=LAUNCHES, is_floor=False):
    """A case whose launches took `launches` times `ns`, three equal rounds each."""
    parts = tuple(LaunchTimes(np.full(3, ns * factor), ns * factor) for factor in launches)
    return CaseTimes(name, ns, np.concatenate([part.samples_ns for part in parts]), parts, is_floor=is_floor)


def run(*groups, margin=MARGIN, **options):
    """A run of xor's gradient, one group of cases per (batch, cases)."""
    made = tuple(
        GroupTimes(f"g{batch}", "xor", "value_and_grad", batch, "float32", "cpu", "", tuple(cases), margin)
        for batch, cases in groups
    )
    entry = ImplementationEntry(framework="f", execution="e")
    names = {case.implementation: entry for _, cases in groups for case in cases}
    return StoredRun(path=None, groups=made, implementations=names, **options)


def test_a_leader_beyond_doubt_is_named_with_ratio_and_interval():
    """Exactly twice in every launch: the interval has no width."""
    assert answer(run((4, [case("a", 1000), case("b", 2000)]))) == [
        "At batch 4, a needs 1.00 µs per gradient of xor, 2.00 times (2.00 to 2.00) less than b."
    ]


def test_without_an_order_none_is_claimed():
    """A difference of 1 % is inside the margin of 5 %, and launches that scatter by half resolve nothing."""
    for close in (case("b", 1010), case("b", 1300, np.array([0.6, 1.0, 1.6]))):
        (sentence,) = answer(run((4, [case("a", 1000), close])))
        assert sentence.startswith(
            "At batch 4, a has the lowest median, 1.00 µs per gradient of xor, but 3 launches show no difference to b ("
        )
        assert "less than" not in sentence and "faster" not in sentence


def test_the_margin_is_the_run_s_own():
    """10 % is a difference at a margin of 5 % and none at 20 %."""
    cases = [case("a", 1000), case("b", 1100)]
    assert "1.10 times (1.10 to 1.10) less than b" in answer(run((4, cases), margin=0.05))[0]
    assert "3 launches show no difference to b (1.10 µs, 1.10 to 1.10 times)." in answer(run((4, cases), margin=0.2))[0]


def test_a_crossing_is_reported_between_the_batches_that_show_it():
    """a leads at 4, b at 64; with opposite ratios of 2 the lines cross half way in the logarithm, at 16."""
    actual = answer(run((4, [case("a", 1000), case("b", 2000)]), (64, [case("b", 4000), case("a", 8000)])))
    assert actual[1] == (
        "At batch 64, b needs 4.00 µs per gradient, 2.00 times (2.00 to 2.00) less than a; "
        "it overtakes a between batch 4 and 64, near 16."
    )


def test_a_preview_shows_no_order():
    """One launch has no interval."""
    (sentence,) = answer(run((4, [case("a", 1000, [1.0]), case("b", 9000, [1.0])])))
    assert sentence == (
        "At batch 4, a has the lowest median, 1.00 µs per gradient of xor; "
        "without several launches there is no interval, and no order is shown."
    )


def test_a_floor_is_no_contestant():
    """It is below everything by definition."""
    (sentence,) = answer(run((4, [case("floor", 100, is_floor=True), case("a", 1000), case("b", 2000)])))
    assert "floor" not in sentence and sentence.startswith("At batch 4, a needs")


def test_of_many_without_a_difference_three_are_named():
    """A sentence is not a table."""
    (sentence,) = answer(run((4, [case(f"i{number}", 1000) for number in range(10)])))
    assert sentence.endswith(
        "but 3 launches show no difference to i1 (1.00 µs, 1.00 to 1.00 times), i2 (1.00 µs, 1.00 to 1.00 times), "
        "i3 (1.00 µs, 1.00 to 1.00 times) and 6 more."
    )


def test_one_alone_is_not_compared():
    """With nothing beside it, only its time is given."""
    assert answer(run((4, [case("a", 1000)]))) == [
        "At batch 4, a needs 1.00 µs per gradient of xor; nothing else was measured with it."
    ]


@pytest.mark.parametrize("seed", range(20))
def test_equal_implementations_are_rarely_ordered(seed):
    """Five implementations with the same true time, launches scattering by 3 %: with intervals that hold together in
    95 % of tables and a margin beside, an order in two of these twenty seeds would be suspicious; there is none."""
    random = np.random.default_rng(seed)
    cases = [case(f"i{n}", 1000, 1 + 0.03 * random.standard_normal(3)) for n in range(5)]
    (sentence,) = answer(run((4, sorted(cases, key=lambda case: case.median_ns))))
    assert "less than" not in sentence
