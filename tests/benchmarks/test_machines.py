"""What several machines say of the next: right as often as it claims, on machines whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from samegrad.benchmarks.results import machines
from samegrad.benchmarks.results.machines import across, in_words, next_error, ranks, sentence
from tests.benchmarks.simulated_machines import (
    MACHINES,
    RANKED,
    RATIOS,
    contradictions,
    hold,
    predicted,
    simulated,
)


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.05, 0.2])
@pytest.mark.parametrize("count", MACHINES)
def test_the_prediction_interval_holds_the_left_out_machine(tau, count):
    """As often as it claims: 95 %, and with 10,000 cases between 94 and 96."""
    assert 0.94 <= predicted(count, tau, np.random.default_rng(count)) <= 0.96


def test_an_interval_of_the_mean_is_no_prediction(monkeypatch):
    """Planted: without the next machine's own share, which the test above must not let pass."""
    monkeypatch.setattr(
        "tests.benchmarks.simulated_machines.next_error",
        lambda means: means.std(axis=-1, ddof=1) / np.sqrt(means.shape[-1]),
    )
    assert predicted(5, 0.05, np.random.default_rng(0)) < 0.8


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("count", [3, 5, 10])
def test_all_ranks_hold_together_in_95_of_100_simulated_studies(tau, count):
    ranges = ranks(simulated(RANKED, count, tau, np.random.default_rng(count), RATIOS))
    assert hold(ranges).mean() >= 0.95


def test_ranks_for_each_pair_by_itself_would_not_hold(monkeypatch):
    """Planted: intervals that are not simultaneous, on five equal implementations."""
    equal = (1.0,) * 5
    logs = simulated(RANKED, 10, 0.02, np.random.default_rng(0), equal)
    assert hold(ranks(logs), equal).mean() >= 0.95
    monkeypatch.setattr(machines, "pairs", lambda count: 1)
    assert hold(ranks(logs), equal).mean() < 0.9


def test_ranks_are_shown_where_they_can_be():
    """Ten machines order what differs by 30 % in nearly all cases; ranges that always hold everything would not."""
    ranges = ranks(simulated(RANKED, 10, 0.02, np.random.default_rng(0), (1.0, 1.3, 2.0)))
    assert np.all(ranges == [[1, 1], [2, 2], [3, 3]], axis=(1, 2)).mean() > 0.95


def test_two_halves_of_the_machines_hardly_ever_contradict_one_another():
    random = np.random.default_rng(0)
    halves = [ranks(simulated(RANKED, 5, 0.05, random, RATIOS)) for _ in range(2)]
    assert contradictions(*halves) <= 0.05


def test_a_contradiction_is_counted():
    """Of three pairs one is turned round; overlapping ranges contradict nothing."""
    one = np.array([[[1, 1], [2, 2], [3, 3]]])
    assert contradictions(one, np.array([[[2, 2], [1, 1], [3, 3]]])) == pytest.approx(1 / 3)
    assert contradictions(one, np.array([[[1, 3], [1, 3], [1, 3]]])) == 0
    assert contradictions(one, one[:, ::-1]) == 1


def test_equal_implementations_share_their_ranks():
    """A range that gives one of two equals the first rank alone is wrong."""
    assert hold(np.array([[[1, 2], [1, 2], [3, 3]]]), (1.0, 1.0, 2.0)).all()
    assert not hold(np.array([[[1, 1], [1, 2], [3, 3]]]), (1.0, 1.0, 2.0)).any()


def test_with_equal_standard_errors_it_is_the_meta_analysis_of_statsmodels():
    """Paule and Mandel's τ², and the interval of Hartung, Knapp, Sidik and Jonkman for the mean."""
    combine = pytest.importorskip("statsmodels.stats.meta_analysis").combine_effects
    random = np.random.default_rng(3)
    for _ in range(20):
        means = np.log(10) + random.normal(0, 0.05, 6)
        launches = means[:, None] + np.array([-0.02, 0.0, 0.02])  # so that each has the same standard error
        variance = np.full(6, launches[0].var(ddof=1) / 3)
        theirs = combine(means, variance, method_re="iterated", use_t=True)
        ours = across(launches)
        assert ours.tau**2 == pytest.approx(theirs.tau2, rel=1e-4, abs=1e-8)
        assert np.log(ours.mean.ratio) == pytest.approx(theirs.mean_effect_re)
        half = special.stdtrit(5, 0.975) * theirs.sd_eff_w_re_hksj
        assert np.log(ours.mean.high / ours.mean.ratio) == pytest.approx(half, rel=1e-4)
        assert np.log(ours.next.high / ours.next.ratio) > half


def test_weights_from_three_launches_make_the_meta_analysis_miss_the_next_machine():
    """The reason why machines count alike: five of them, launches that scatter twice as much as machines do."""
    combine = pytest.importorskip("statsmodels.stats.meta_analysis").combine_effects
    random = np.random.default_rng(0)
    cases, count, launches = 2000, 5, 3
    true = random.normal(0, 0.02, (cases, count + 1))
    logs = true[:, :-1, None] + random.normal(0, 0.04, (cases, count, launches))
    means, errors = logs.mean(axis=-1), logs.var(axis=-1, ddof=1) / launches
    theirs = [combine(*pair, method_re="iterated", use_t=True) for pair in zip(means, errors, strict=True)]
    halves = special.stdtrit(count - 2, 0.975) * np.sqrt([one.tau2 + one.sd_eff_w_re**2 for one in theirs])
    assert np.mean(np.abs(true[:, -1] - [one.mean_effect_re for one in theirs]) <= halves) < 0.93
    ours = special.stdtrit(count - 1, 0.975) * next_error(means)
    assert np.mean(np.abs(true[:, -1] - means.mean(axis=-1)) <= ours) > 0.94


def test_one_machine_has_no_interval_and_orders_nothing():
    alone = across([[0.1, 0.2, 0.3]])
    assert alone.machines == 1 and alone.next == alone.mean == (pytest.approx(np.exp(0.2)), None, None)
    assert alone.tau is None
    assert ranks(np.log([[1.0, 5.0]])).tolist() == [[1, 2], [1, 2]]


def test_two_machines_have_a_very_wide_one():
    """Twelve standard errors on either side: 2 % between two machines leave the next within 31 %, not within 2 %."""
    both = across([[0.01] * 3, [-0.01] * 3])
    assert np.log(both.next.high) == pytest.approx(12.706 * 0.02 / np.sqrt(2) * np.sqrt(1.5), rel=1e-3)


def test_machines_of_one_launch_do_not_say_how_much_of_their_spread_is_their_own():
    assert across([[0.1], [0.2], [0.3]]).tau is None


def test_machines_that_differ_less_than_their_launches_differ_by_nothing():
    assert across([[0.3, -0.3], [0.31, -0.29], [0.29, -0.31]]).tau == 0


def test_the_error_of_the_next_is_that_of_two_independent_parts():
    assert next_error(np.array([[1.0, 3.0]])) == pytest.approx(np.sqrt(2) * np.sqrt(1.5))


def test_ranks_in_words():
    assert [in_words(1, 1), in_words(1, 2), in_words(3, 11)] == ["1st", "1st to 2nd", "3rd to 11th"]
    assert in_words(12, 23) == "12th to 23rd"


def test_a_sentence_says_what_holds_and_what_is_not_known():
    close = across([[2.3, 2.31, 2.32], [2.31, 2.33, 2.32], [2.33, 2.34, 2.36]])
    whole = sentence("torch", "numpy", [10.1, 10.3], "all 3 machines", close, "machine of this kind")
    assert whole == (
        "torch takes 10.1 to 10.3 times as long as numpy on all 3 machines; on the next machine of this kind, "
        "9.39 to 11.1 times (95 %). They differ by 1.6% (τ)."
    )
    alone = sentence("torch", "numpy", [10.1], "1 machine", across([[2.3, 2.4]]), "one")
    assert alone == "torch takes 10.1 times as long as numpy on 1 machine."
    unknown = sentence("torch", "numpy", [10.1, 11], "2 settings of 1 machine", None, "one")
    assert unknown.endswith("on 2 settings of 1 machine, which says nothing of the next one.")
    apart = across([[0.0, 0.1], [1.0, 1.1]])
    assert sentence("a", "b", [1, 3], "2 machines", apart, "one").endswith("too few to say anything of the next one.")
