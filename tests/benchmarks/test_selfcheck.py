"""The self-check's own parts: its known work, its load, its fence and its judgement, on scripted times."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from msgspec import structs
from rich.console import Console

from samegrad.benchmarks.clock.selfcheck import command, fence, judging, measuring, subjects, tables
from samegrad.benchmarks.clock.selfcheck.findings import Line, Promise
from samegrad.benchmarks.clock.selfcheck.load import OTHER_CPU, QUIET, SAME_CPU, busy, conditions
from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Selfcheck
from samegrad.command_line import main
from samegrad.impls.on_numpy.manual import NumpyManual

LINE = Line("check", "quiet", "ours")


def by_what(findings, arm=None):
    return {finding.what: finding for finding in findings if arm in (None, finding.arm)}


# What is promised, and what a count can say of it


@pytest.mark.parametrize(
    ("hits", "of", "result"),
    [(0, 40, MET), (1, 40, WITHIN_CHANCE), (10, 40, MISSED)],
)
def test_a_share_is_judged_within_the_limits_of_its_count(hits, of, result):
    """At most 2 % promised: 1 of 40 is more, but happens by chance; 10 of 40 does not."""
    finding = LINE.share("what", [True] * hits + [False] * (of - hits), Promise(at_most=0.02))
    assert (finding.result, finding.count, finding.of) == (result, hits, of)


def test_binomial_limits_are_exact():
    """None of n: the upper limit solves (1 − p)ⁿ = 0.025; all of n is its mirror image."""
    none, every = LINE.share("what", [False] * 30), LINE.share("what", [True] * 30)
    limit = 1 - 0.025 ** (1 / 30)
    ulps = 1e-9  # the limit is found by a root search, to some 1e-12
    assert (none.low, none.high) == (0.0, pytest.approx(limit, abs=ulps))
    assert (every.low, every.high) == (pytest.approx(1 - limit, abs=ulps), 1.0)


def test_a_mean_is_judged_on_both_sides():
    promise = Promise(at_most=1, at_least=-1)
    assert LINE.mean("what", "percent", [0.5, 0.7, 0.6], promise).result == MET
    assert LINE.mean("what", "percent", [-1.0, -1.2, -1.1], promise).result == WITHIN_CHANCE
    assert LINE.mean("what", "percent", [-3.0, -3.2, -3.1], promise).result == MISSED
    alone = LINE.mean("what", "percent", [3.0], promise)
    assert (alone.low, alone.high, alone.result) == (None, None, MISSED)


# The work whose ratio is known


def test_slowed_work_does_exactly_so_many_more_steps(monkeypatch):
    """Counted, not timed: 105 and 103 products for every 100."""
    done = []
    monkeypatch.setattr(subjects.np, "multiply", lambda *arguments: done.append(1))
    counts = {}
    for name in ("plain", *subjects.TRUE_RATIOS):
        done.clear()
        getattr(subjects, name)()()
        counts[name] = len(done)
    assert {name: counts[name] / counts["plain"] for name in subjects.TRUE_RATIOS} == subjects.TRUE_RATIOS


def test_slow_first_sleeps_once_and_its_twin_never(monkeypatch):
    slept = []
    monkeypatch.setattr(subjects.time, "sleep", slept.append)
    slow, twin = subjects.slow_first(), subjects.quick()
    for _ in range(3):
        slow(), twin()
    assert [seconds for seconds in slept if seconds] == [subjects.FIRST_CALL_S]


# The load


def test_a_busy_process_is_busy_pinned_and_gone_afterwards():
    cpus = conditions()[SAME_CPU]
    if not cpus:
        pytest.skip("this platform cannot pin a process")
    with pytest.raises(KeyboardInterrupt), busy(cpus) as process:
        load = psutil.Process(process.pid)
        assert load.cpu_affinity() == cpus
        until = time.monotonic() + 60  # no measure of speed: only so long is waited for the first 0.05 s of CPU time
        while load.cpu_times().user < 0.05 and time.monotonic() < until:
            time.sleep(0.01)
        assert load.cpu_times().user >= 0.05
        raise KeyboardInterrupt
    assert not psutil.pid_exists(process.pid)


def test_no_cpus_no_load():
    with busy([]) as process:
        assert process is None


def test_the_conditions_of_one_cpu_leave_out_the_other(monkeypatch):
    monkeypatch.setattr("samegrad.benchmarks.clock.selfcheck.load.pinnable", lambda: [3])
    assert conditions() == {QUIET: [], OTHER_CPU: None, SAME_CPU: [3]}
    monkeypatch.setattr("samegrad.benchmarks.clock.selfcheck.load.pinnable", lambda: [])
    assert conditions() == {QUIET: [], OTHER_CPU: None, SAME_CPU: None}


# The fence


@pytest.mark.slow
def test_an_implementation_left_unfenced_on_purpose_is_caught_and_numpy_is_not():
    """A real thread, with work of many ms to do after the call has returned."""
    assert fence.check(fence.DEFERRED, batch=1 << 17) == {"fenced": False, "unfenced": False}
    assert fence.check("numpy", batch=1 << 17) == {"fenced": True, "unfenced": True}


def test_waiting_is_taken_away_for_a_while_only():
    class Waiting(NumpyManual):
        def wait(self, result):
            raise InterruptedError

    subject = Waiting()
    with fence.unfenced(subject):
        assert subject.wait(3) == 3
    with pytest.raises(InterruptedError):
        subject.wait(3)


def test_the_judgement_demands_that_the_unfenced_is_caught():
    """If the check let a deliberately unfenced implementation pass, the finding would say missed."""

    def result(waits, is_deferred):
        findings = judging.fences("name", {"fenced": waits, "unfenced": False}, is_deferred)
        return by_what(findings)["waits for its result"].result

    assert result(True, False) == MET and result(False, True) == MET
    assert result(False, False) != MET and result(True, True) != MET


# From times to findings


def rounds(rng, ratio=1.0, count=100):
    """Paired times with a common drift and 2 % scatter."""
    drift = 25_000 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    return drift, drift * ratio * np.exp(rng.normal(0, 0.02, count))


def one_process(rng, **ratios):
    plain, _ = rounds(rng)
    scatter = {name: np.exp(rng.normal(0, 0.02, plain.size)) for name in subjects.TRUE_RATIOS}
    return {"plain": plain} | {
        name: plain * ratios.get(name, true) * scatter[name] for name, true in subjects.TRUE_RATIOS.items()
    }


def test_true_ratios_keep_every_promise_in_one_process():
    rng = np.random.default_rng(0)
    findings = by_what(judging.pairs_in_one_process([one_process(rng) for _ in range(40)], QUIET))
    assert {finding.result for finding in findings.values()} <= {MET, None}
    assert findings["5 % slower: detected"].count == 40
    assert abs(findings["A/A: worst ratio"].measured - 1) < 0.01


def test_a_clock_that_sees_equals_as_unequal_misses_its_promises():
    """The fault that the A/A check is for, planted: the second of two equals comes out 4 % slower."""
    rng = np.random.default_rng(0)
    findings = by_what(judging.pairs_in_one_process([one_process(rng, again=1.04) for _ in range(40)], QUIET))
    assert findings["A/A: false verdict, no margin"].result == MISSED
    assert findings["A/A: false verdict beyond 1 %"].result == MISSED
    assert findings["A/A: off by more than 1 %"].count == 40


def test_a_clock_that_is_blind_to_a_slowdown_misses_its_promises():
    """The fault that the power check is for, planted: 5 % slower comes out equal."""
    rng = np.random.default_rng(0)
    findings = by_what(judging.pairs_in_one_process([one_process(rng, slower_by_5=1.0) for _ in range(40)], QUIET))
    assert findings["5 % slower: detected"].result == MISSED
    assert findings["5 % slower: within 1 point"].result == MISSED


def worker_launches(rng, count, shift=0.0, sd=0.005):
    return [
        {name: float(np.log(true) + shift + rng.normal(0, sd)) for name, true in subjects.TRUE_RATIOS.items()}
        for _ in range(count)
    ]


def test_workers_are_judged_by_fives_that_share_no_launch():
    """23 launches are four fives; the random fives are shown with the launches that they rest on, and not judged."""
    findings = judging.launches_of_workers(worker_launches(np.random.default_rng(0), 23), QUIET)
    ours, random = by_what(findings, "ours"), by_what(findings, "ours, random fives")
    assert ours["5 % slower: detected"].of == 4 and ours["5 % slower: detected"].result == MET
    assert random["5 % slower: detected"].of == 23
    assert all(finding.result is None and finding.low is None for finding in random.values())


def test_workers_whose_processes_differ_for_no_reason_miss_the_promise():
    findings = judging.launches_of_workers(worker_launches(np.random.default_rng(0), 50, shift=0.05), QUIET)
    assert by_what(findings, "ours")["A/A: false verdict beyond 1 %"].result == MISSED


def test_five_launches_have_no_others_to_draw_from():
    findings = judging.launches_of_workers(worker_launches(np.random.default_rng(0), 5), QUIET)
    assert {finding.arm for finding in findings} == {"ours"}


def test_the_shift_under_load_is_that_of_the_ratio():
    quiet, loaded = ([{"slower_by_5": value}] for value in (np.log(1.05), np.log(1.05 * 1.04)))
    (finding,) = judging.shift_under_load(quiet, loaded, OTHER_CPU)
    assert finding.measured == pytest.approx(4.0, abs=1e-9)  # some ulps of a logarithm, in per cent
    assert finding.result == MISSED


def test_bias_is_ours_over_timeits_in_each_process():
    trial = {
        "empty": {"ours": [30.0, 32.0], "timeit": [20.0, 20.0]},
        "4 µs": {"ours": [4040.0, 8080.0], "timeit": [4000.0, 8000.0], "pyperf": [4000.0, 8000.0]},
    }
    actual = {(finding.what, finding.arm): finding for finding in judging.bias([trial, trial])}
    assert actual["an empty call, over timeit's", "ours"].measured == 11.0
    assert actual["4 µs a call, against timeit", "ours"].measured == pytest.approx(1.0, abs=1e-9)
    assert actual["4 µs a call, against timeit", "pyperf's loop"].measured == 0.0


def test_stock_ratios_are_those_of_its_own_statistics():
    trial = {name: {"median": ratio, "mean": 2 * ratio} for name, ratio in subjects.TRUE_RATIOS.items()}
    trial["plain"] = {"median": 1.0, "mean": 1.0}
    findings = judging.stock_pairs([trial], QUIET)
    assert by_what(findings, "stock median")["A/A: off by more than 1 %"].count == 0
    assert by_what(findings, "stock mean")["A/A: worst ratio"].measured == 2.0
    assert all(finding.result is None for finding in findings)


def test_a_slow_first_call_that_shows_in_the_median_is_missed():
    moved = [{"slow_first": [103.0, 103.1], "quick": [100.0, 100.0]}] * 3
    assert judging.first_call(moved)[0].result == MISSED
    assert judging.first_call([{"slow_first": [100.5], "quick": [100.0]}] * 3)[0].result == MET


def test_the_noise_rule_keeps_its_promises_on_scripted_times():
    findings = by_what(judging.noise_rule(runs=100))
    assert findings["30 % of rounds +50 %: flagged"].count == 100
    assert findings["a calm run: flagged"].result == MET


# Gathering and showing


def test_a_part_without_time_is_left_out_and_one_with_any_is_done_at_least_once():
    assert list(measuring.until(0.0)) == []
    assert list(measuring.until(1e-9)) == [0]
    assert list(measuring.until(1e-9, least=3)) == [0, 1, 2]


def test_a_child_that_fails_says_so_in_one_line():
    with pytest.raises(measuring.NotMeasured, match=r"trials:trial of nonsense: KeyError: 'nonsense'"):
        measuring.trial("nonsense")


def test_the_tables_show_counts_limits_promises_and_results():
    findings = [
        LINE.share("hits", [True, False, False, False], Promise(at_most=0.02)),
        LINE.mean("bias", "percent", [0.5, 0.7], Promise(at_most=1, at_least=-1)),
        LINE.value("cost", "ns", 2500.0, 3),
    ]
    fields = {
        "started": "2026-11-22T12:00:00+00:00",
        "quick": True,
        "environment": {},
        "findings": [structs.replace(finding, check="bias") for finding in findings],
        "skipped": [{"check": "fence", "condition": "quiet", "reason": "no jax"}],
        "seconds": 12.0,
        "busy_before": 0.4,
    }
    report = Selfcheck.of(fields)
    console = Console(width=80, file=open(os.devnull, "w", encoding="utf-8"), record=True)  # noqa: SIM115  closed with the console
    tables.show(report, console)
    text = console.export_text()
    for part in (
        "1 of 4  0.631 to 80.6 % ≤ 2 %: within chance",
        "+0.60 % -0.67 to +1.87 % ±1 %: met",
        "2.50 µs",
        "no jax",
        "Of 2 promises 1 were kept",
        "others used 40 % of its CPUs",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.fixture
def scripted(monkeypatch):
    """A machine on which everything measured is true, and on which one can say what a slowdown of 5 % comes out as."""
    rng = np.random.default_rng(0)
    truth = {"slower_by_5": 1.05}
    true_bias = {"empty": {"ours": [20.0], "timeit": [20.0]}, "4 µs": {"ours": [4000.0], "timeit": [4000.0]}}
    sessions = {name: {"median": 1.0, "mean": 1.0} for name in ("plain", *subjects.TRUE_RATIOS, "slow_first", "quick")}

    def trial(name):
        return {"pairs": one_process(rng, **truth), "bias": true_bias, "first": {"slow_first": [1.0], "quick": [1.0]}}[
            name
        ]

    def observe(name):
        return {"fenced": name != fence.DEFERRED, "unfenced": True}

    monkeypatch.setattr(measuring, "trial", trial)
    monkeypatch.setattr(measuring, "fence", observe)
    monkeypatch.setattr(measuring, "launches", lambda seconds, tick, least: worker_launches(rng, 10))
    monkeypatch.setattr(measuring, "stock", lambda tests: sessions | {"test_bias": {"median": 1.0, "timeit_s": 1.0}})
    monkeypatch.setattr(command, "busy", lambda cpus: busy([]))
    monkeypatch.setattr(command, "conditions", lambda: {QUIET: [], OTHER_CPU: None, SAME_CPU: [0]})
    monkeypatch.setattr(command.psutil, "cpu_percent", lambda interval: 3.0)
    monkeypatch.setattr(measuring, "until", lambda seconds: range(12))
    return truth


def test_the_document_has_every_part_and_what_was_left_out(scripted):
    report = command.selfcheck()
    assert {finding.check for finding in report.findings} == set(tables.CAPTIONS)
    assert (report.skipped[0].check, report.skipped[0].condition) == ("under load", OTHER_CPU)
    assert (report.quick, report.busy_before, report.format) == (False, 0.03, "samegrad-selfcheck")
    assert MISSED not in {finding.result for finding in report.findings}
    assert json.loads(report.encoded())["findings"][0]["check"] == report.findings[0].check


def test_selfcheck_fails_where_a_promise_is_missed(scripted, monkeypatch, tmp_path):
    """A clock that sees a slowdown of 5 % as none at all: reported, saved by default, and the exit status is 1."""
    monkeypatch.chdir(tmp_path)
    scripted["slower_by_5"] = 1.0
    done = CliRunner().invoke(main, ["selfcheck"])
    assert done.exit_code == 1 and MISSED in done.output
    (path,) = (tmp_path / "reports/selfchecks").glob("*.json")
    assert f"Saved in reports/selfchecks/{path.name}" in done.output


def test_a_part_that_cannot_be_measured_is_left_out_with_its_reason(scripted, monkeypatch):
    def broken(tests):
        raise measuring.NotMeasured("pytest failed: no such thing")

    monkeypatch.setattr(measuring, "stock", broken)
    report = command.selfcheck()
    assert "pytest failed: no such thing" in {skipped.reason for skipped in report.skipped}
    assert "stock" not in {finding.check for finding in report.findings}
