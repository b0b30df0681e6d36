"""A run on a scripted machine: what stays equal, what is kept when something fails, and that no worker is left."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from samegrad.benchmarks.clock.case import LEARNING_RATE
from samegrad.benchmarks.clock.record import BLOCK_SHARE, SENTINEL, YARDSTICK, Request, Run
from samegrad.benchmarks.clock.run import Launch
from samegrad.impls.child import Failed
from tests.benchmarks.machine import CASES, FORWARD, STEP, VAG, FakeWorker, Machine, gone

COSTS_NS = {"slow": 12_000.0, "fast": 4_000.0, "middle": 9_000.0, "floor": 500.0, YARDSTICK: 5_000.0}


def machine(**options):
    return Machine(COSTS_NS, **options)


def is_whole(run, group, name, launches):
    """Whether a worker has all its rounds in so many launches of the group, each of them a number."""
    times = run.groups[group].times_ns[name]
    return len(times) == launches and all(
        len(rounds) == run.groups[group].rounds and np.isfinite(rounds).all() for rounds in times
    )


@pytest.fixture(scope="module")
def calm():
    """A machine, and a run of three launches on it."""
    here = machine()
    return here, here.measure(launches=3)


class TestACalmRun:
    def test_every_worker_has_every_round_of_every_launch(self, calm):
        """The implementations, the sentinel and the yardstick, in ns per call."""
        _, run = calm
        for case in CASES:
            assert set(run.groups[case].times_ns) == {*COSTS_NS, SENTINEL}
            for name, cost_ns in COSTS_NS.items() | {(SENTINEL, COSTS_NS["fast"])}:
                assert is_whole(run, case, name, launches=3)
                assert np.concatenate(run.groups[case].times_ns[name]) == pytest.approx(cost_ns, rel=1e-3)
        assert not list(run.failures()) and not run.interrupted

    def test_a_launch_is_a_fresh_set_of_workers_and_all_are_ended(self, calm):
        here, run = calm
        assert sorted({worker.launch for worker in here.workers}) == [1, 2, 3]
        assert len(here.workers) == 3 * (len(COSTS_NS) + 1)  # and one sentinel, as one is the baseline of all groups
        assert all(worker.is_closed for worker in here.workers)
        assert [launch["launch"] for launch in run.launches] == [1, 2, 3]

    def test_calls_per_block_are_the_same_in_all_launches(self, calm):
        """Set in the first launch by calibration; the later ones only measure."""
        here, run = calm
        for launch in (2, 3):
            asked = here.requests("time", "slow", launch)
            assert {request["calls"] for request in asked} == {run.groups[VAG].paces["slow"].calls} == {250}
            assert len(asked) == sum(group.rounds for group in run.groups.values())

    def test_the_baseline_is_the_fastest_that_is_no_floor_and_its_duplicate_makes_the_same_calls(self, calm):
        here, run = calm
        for case in CASES:
            group = run.groups[case]
            assert group.baseline == "fast"
            assert group.paces[SENTINEL].calls == group.paces["fast"].calls
        name = f"fast{SENTINEL}"
        assert {request["target"] for request in here.requests("start", name)} == {"fake:fast"}
        assert {request["calls"] for request in here.requests("time", name)} == {750}

    def test_no_framework_is_imported_while_another_is_measured(self, calm):
        """All but the sentinel, of which the first group decides, are started before the first block."""
        here, _ = calm
        asked = [(asked.launch, asked.do, asked.name) for asked in here.asked]
        for launch in (1, 2, 3):
            own = [(do, name) for number, do, name in asked if number == launch]
            first_block = next(at for at, (do, _) in enumerate(own) if do == "time")
            later = {name for do, name in own[first_block:] if do == "start"}
            assert later <= {f"fast{SENTINEL}"}

    def test_every_group_is_forgotten_before_the_next_is_prepared(self, calm):
        here, _ = calm
        for name in ("slow", f"fast{SENTINEL}"):
            wanted = [a.do for a in here.asked if a.name == name and a.launch == 2 and a.do in ("prepare", "forget")]
            assert wanted == ["prepare", "forget"] * len(CASES)

    def test_the_gate_is_asked_for_the_case_itself(self, calm):
        """Problem, pass, batch, dtype, device and seed; in every launch again."""
        here, _ = calm
        for launch in (1, 2, 3):
            asked = here.requests("prepare", "middle", launch)
            assert [(r["pass_name"], r["task"]) for r in asked] == [
                (case.pass_name, case.task(seed=42).as_json()) for case in CASES
            ]

    def test_the_answers_of_the_first_launch_are_kept(self, calm):
        _, run = calm
        assert run.groups[VAG].prepared["slow"]["first_call_ns"] == 2000
        assert run.workers["slow"]["import_ns"] == 10**8

    def test_progress_tells_each_launch_and_group(self, calm):
        here, _ = calm
        assert here.progress == [
            (launch, place, message)
            for launch in (1, 2, 3)
            for place, message in enumerate(["starting the workers", *(case.group for case in CASES)])
        ]


class TestTheBaseline:
    def test_the_one_asked_for_is_taken(self):
        run = machine().measure(launches=2, baseline="slow")
        assert {group.baseline for group in run.groups.values()} == {"slow"}
        assert run.groups[VAG].paces[SENTINEL].calls == run.groups[VAG].paces["slow"].calls

    def test_where_it_fails_the_fastest_takes_its_place(self):
        here = machine(fault=lambda a: gone(a) if a.name == "slow" and a.do == "start" else None)
        assert here.measure(baseline="slow").groups[VAG].baseline == "fast"

    def test_a_floor_alone_is_its_own_baseline(self):
        assert machine().measure(cases={VAG: ("floor",)}).groups[VAG].baseline == "floor"

    def test_each_group_has_its_own(self):
        """And each baseline a sentinel of its own."""
        here = machine(cost=lambda name, cost_ns, m: cost_ns * (5 if name == "fast" and at(m, STEP) else 1))
        run = here.measure(launches=1)
        assert [run.groups[case].baseline for case in (VAG, STEP)] == ["fast", "middle"]
        assert here.requests("start", f"fast{SENTINEL}") and here.requests("start", f"middle{SENTINEL}")


def at(machine, case):
    """Whether the machine is measuring that group now."""
    return machine.progress[-1][2] == case.group


class TestFailures:
    @pytest.mark.parametrize("in_round", [1, 4])
    def test_one_that_dies_in_the_second_launch_keeps_its_first(self, in_round):
        """The others keep every round; it is not tried again in that group, but with a new worker in the others."""
        seen = []

        def fault(asked):
            if asked.name == "slow" and asked.launch == 2 and asked.do == "time":
                seen.append(asked)
                return gone(asked) if len(seen) == in_round else None
            return None

        here = machine(fault=fault)
        run = here.measure(launches=3, budget_s=30.0)
        assert run.groups[VAG].rounds > 40  # set by the budget in the first launch, and kept with one worker less
        assert is_whole(run, VAG, "slow", launches=1)
        for name in (*COSTS_NS, SENTINEL):
            for case in CASES:
                if name != "slow":
                    assert is_whole(run, case, name, launches=3)
        failures = {case: failure for case, name, failure in run.failures()}
        assert set(failures) == {VAG}
        assert (failures[VAG].reason, failures[VAG].stderr) == ("slow: the first reason", ["its last line"])
        assert all(is_whole(run, case, "slow", launches=3) for case in (STEP, FORWARD))
        assert len(here.requests("start", "slow", launch=2)) == 2
        assert [r["pass_name"] for r in here.requests("prepare", "slow", launch=3)] == ["train_step", "forward"]
        assert all(worker.is_closed for worker in here.workers)

    @pytest.mark.parametrize("do", ["start", "prepare", "time"])
    def test_one_that_dies_at_once_has_no_times_and_the_others_have_all(self, do):
        run = machine(fault=lambda a: gone(a) if a.name == "slow" and a.do == do else None).measure(launches=2)
        for case in CASES:
            assert "slow" not in run.groups[case].times_ns
            assert is_whole(run, case, "fast", launches=2)
        assert {(case, name) for case, name, _ in run.failures()} == {(case, "slow") for case in CASES}

    def test_one_that_hangs_again_and_again_is_given_up(self):
        """Each case costs the time limit: after two the rest are not tried."""

        def fault(asked):
            hangs = asked.name == "slow" and asked.do == "prepare"
            return Failed("hung", "slow gave no answer", []) if hangs else None

        here = machine(fault=fault)
        run = here.measure(launches=2)
        assert len(here.requests("prepare", "slow")) == 2
        reasons = {case: failure.reason for case, _, failure in run.failures()}
        assert reasons[VAG] == reasons[STEP] == "slow gave no answer"
        assert reasons[FORWARD] == "not tried: slow has hung at 2 cases before, 300 s each"
        assert all(is_whole(run, case, "fast", launches=2) for case in CASES)

    @pytest.mark.parametrize("ns", [None, "1000", float("nan"), 1.5])
    def test_a_time_that_is_no_number_of_nanoseconds_ends_the_case_alone(self, ns, monkeypatch):
        honest = FakeWorker._time
        spoilt = {"ns": ns}
        monkeypatch.setattr(
            FakeWorker, "_time", lambda self, **request: spoilt if self.name == "slow" else honest(self, **request)
        )
        run = machine().measure(launches=2)
        assert {(name, failure.reason) for _, name, failure in run.failures()} == {
            ("slow", f"slow answers with a time of {ns!r} ns")
        }
        assert all(is_whole(run, case, "fast", launches=2) for case in CASES)

    @pytest.mark.parametrize("kind", ["disagreement", "exception", "bad input", "unavailable"])
    def test_a_case_that_is_refused_is_left_out_alone(self, kind):
        """A wrong gradient at one case ends that case; the worker goes on with the others. It is never timed there."""

        def fault(asked):
            refused = asked.name == "slow" and asked.do == "prepare" and asked.request["pass_name"] == "train_step"
            return Failed(kind, "W1[0, 0] is …", []) if refused else None

        here = machine(fault=fault)
        run = here.measure(launches=2)
        assert [(case, name, failure.kind) for case, name, failure in run.failures()] == [(STEP, "slow", kind)]
        assert "slow" not in run.groups[STEP].times_ns
        assert is_whole(run, VAG, "slow", launches=2) and is_whole(run, FORWARD, "slow", launches=2)
        assert len([r for r in here.requests("prepare", "slow") if r["pass_name"] == "train_step"]) == 1

    def test_a_disagreement_in_a_later_launch_keeps_the_earlier_ones(self):
        def fault(asked):
            wrong = asked.name == "slow" and asked.do == "prepare" and asked.launch == 2
            return Failed("disagreement", "W1[0, 0] is …", []) if wrong else None

        run = machine(fault=fault).measure(launches=3)
        assert all(is_whole(run, case, "slow", launches=1) for case in CASES)
        assert all(is_whole(run, case, "fast", launches=3) for case in CASES)

    @pytest.mark.parametrize("witness", [YARDSTICK, f"fast{SENTINEL}"])
    @pytest.mark.parametrize("do", ["start", "time"])
    def test_without_a_witness_the_implementations_are_measured_all_the_same(self, witness, do):
        run = machine(fault=lambda a: gone(a) if a.name == witness and a.do == do else None).measure(launches=2)
        assert all(is_whole(run, case, name, 2) for case in CASES for name in ("slow", "fast", "floor"))
        assert run.noise()["noisy"] is False

    def test_a_baseline_that_dies_leaves_the_others_their_rounds(self):
        run = machine(fault=lambda a: gone(a) if (a.name, a.launch, a.do) == ("fast", 2, "time") else None).measure()
        assert is_whole(run, VAG, "fast", launches=1)
        assert is_whole(run, VAG, "slow", launches=3)
        assert run.groups[VAG].baseline == "fast"  # whose duplicate is measured to the end

    def test_what_is_not_installed_is_reported_and_never_started(self):
        here = machine(missing={"slow": "slow needs a package: pip install it"})
        run = here.measure(launches=2)
        assert not here.requests("start", "slow")
        assert {failure.kind for _, _, failure in run.failures()} == {"unavailable"}
        assert {failure.reason for _, _, failure in run.failures()} == {"slow needs a package: pip install it"}

    def test_all_may_fail(self):
        """The run ends with the launch, with nothing measured and everything reported."""
        here = machine(fault=lambda a: gone(a) if a.name != YARDSTICK and a.do == "prepare" else None)
        run = here.measure(launches=2)
        assert len(list(run.failures())) == 4 * len(CASES)
        assert all(not group.times_ns for group in run.groups.values())
        assert len(run.launches) == 1
        assert all(worker.is_closed for worker in here.workers)

    def test_an_error_of_our_own_is_not_swallowed_and_leaves_no_worker(self):
        here = machine(fault=lambda a: ZeroDivisionError() if a.do == "time" else None)
        with pytest.raises(ZeroDivisionError):
            here.measure()
        assert here.workers and all(worker.is_closed for worker in here.workers)


class TestInterrupts:
    def test_ctrl_c_at_any_moment_leaves_what_is_complete_and_no_worker(self):
        """At the nth request of a run of two launches, for n from the first to the last."""
        whole = machine()
        whole.measure(launches=2, least_rounds=3, budget_s=0.01)
        for moment in range(0, len(whole.asked), 5):
            here = machine()
            here.fault = lambda a, here=here, moment=moment: KeyboardInterrupt() if len(here.asked) > moment else None
            run = here.measure(launches=2, least_rounds=3, budget_s=0.01)
            assert run.interrupted
            assert len(here.asked) == moment + 1, "after Ctrl-C nobody is asked for anything"
            assert all(worker.is_closed for worker in here.workers)
            for case, group in run.groups.items():
                for name in group.times_ns:
                    assert is_whole(run, case, name, launches=len(group.times_ns[name]))
                assert len({len(times) for times in group.times_ns.values()}) <= 1
            assert run.noise()["noisy"] is False

    def test_the_groups_before_it_are_kept(self):
        here = machine()
        here.fault = lambda a: KeyboardInterrupt() if here.progress[-1] == (2, 2, STEP.group) else None
        run = here.measure(launches=3)
        assert is_whole(run, VAG, "fast", launches=2)
        assert is_whole(run, STEP, "fast", launches=1)
        assert is_whole(run, FORWARD, "fast", launches=1)

    def test_an_uninterrupted_run_says_so(self):
        assert machine().measure().interrupted is False


class TestBudget:
    def test_a_third_of_it_is_shared_by_groups_and_launches(self):
        request = Request({case: ("a",) for case in CASES}, launches=4, budget_s=36.0)
        assert request.group_budget_s == pytest.approx(BLOCK_SHARE * 3.0)

    def test_rounds_fill_the_share_and_are_the_same_in_all_launches(self):
        """A round of five workers and a sentinel is six blocks of 3 ms and prefixes of 1 ms: 24 ms."""
        run = machine().measure(launches=2, budget_s=3 * 2 * 3 * 0.024 * 40)
        assert {group.rounds for group in run.groups.values()} <= {39, 40}

    def test_there_are_never_fewer_than_the_least(self):
        run = machine().measure(launches=2, budget_s=1e-6, least_rounds=7)
        assert {group.rounds for group in run.groups.values()} == {7}

    @staticmethod
    def noisy(name, cost_ns, machine):
        """A yardstick that is half as slow again every other 10 ms, and processes that differ by more."""
        if name == YARDSTICK:
            return cost_ns * (1.5 if math.floor(machine.now_ns / 1e7) % 2 else 1.0)
        return cost_ns * (1 + 3 * np.random.default_rng([len(name), machine.progress[-1][0]]).random())

    def test_a_run_whose_verdicts_are_certain_gets_none_however_the_yardstick_jumps(self):
        here = machine(cost=lambda name, cost_ns, m: self.noisy(name, cost_ns, m) if name == YARDSTICK else cost_ns)
        run = here.measure(launches=2, budget_s=40.0)
        assert run.noise()["yardstick_spread"] > 1.4 and run.is_resolved()
        assert not run.noise()["noisy"] and len(run.launches) == 2

    def test_a_noisy_run_gets_launches_up_to_its_budget_and_none_is_thrown_away(self):
        here = machine(cost=self.noisy)
        run = here.measure(launches=2, budget_s=40.0)
        assert run.noise()["noisy"]
        assert len(run.launches) > 2
        assert here.now_ns / 1e9 <= 40.0 < here.now_ns / 1e9 * (1 + 1 / len(run.launches)) + 4.0
        assert all(is_whole(run, case, "slow", len(run.launches)) for case in CASES)

    def test_a_calm_run_gets_none(self):
        assert len(machine().measure(launches=2, budget_s=1000.0).launches) == 2

    def test_a_preview_stays_one(self):
        assert len(machine(cost=self.noisy).measure(launches=1, budget_s=1000.0).launches) == 1

    def test_without_time_for_another_there_is_none(self):
        assert len(machine(cost=self.noisy).measure(launches=2, budget_s=0.5).launches) == 2


def test_given_parameters_and_seed_reach_the_gate():
    here = machine()
    here.measure(launches=1, seed=7, parameters=[[[[1.0]], [2.0]]], cases={FORWARD: ("fast",)})
    asked = here.requests("prepare", "fast")
    assert [(r["task"]["seed"], r["task"]["parameters"]) for r in asked] == [(7, [[[[1.0]], [2.0]]])]
    assert LEARNING_RATE > 0


def test_threads_are_asked_for():
    here = machine()
    here.measure(launches=1, threads=3, cases={replace(FORWARD, threads=3): ("fast",)})
    assert {request["threads"] for request in here.requests("start", "fast")} == {3}


class TestWhatIsKeptOfAnEarlierRun:
    @pytest.fixture
    def begun(self):
        """What a run leaves that is interrupted in its third launch, at the second group; a file has no witnesses."""
        here = machine()
        here.fault = lambda a: KeyboardInterrupt() if here.progress[-1] == (3, 2, STEP.group) else None
        run = here.measure(launches=3)
        assert [run.groups[case].launches for case in CASES] == [3, 2, 2]
        for group in run.groups.values():
            for witness in (SENTINEL, YARDSTICK):
                group.times_ns[witness] = [np.empty(0) for _ in group.times_ns[witness]]
        return run

    def test_only_the_launches_that_a_group_lacks_are_measured(self, begun):
        before = {case: [times for times in group.times_ns["slow"]] for case, group in begun.groups.items()}
        here = machine()
        run = here.measure(launches=3, kept=begun.groups)
        assert here.progress == [(3, 0, "starting the workers"), (3, 1, STEP.group), (3, 2, FORWARD.group)]
        assert [launch["launch"] for launch in run.launches] == [3]
        for case in CASES:
            assert all(is_whole(run, case, name, launches=3) for name in ("slow", "fast", "floor"))
            kept = run.groups[case].times_ns["slow"][: len(before[case])]
            assert all(now is then for now, then in zip(kept, before[case], strict=True))
        assert {request["calls"] for request in here.requests("time", "slow")} == {
            begun.groups[STEP].paces["slow"].calls
        }

    def test_its_noise_is_judged_by_the_launches_that_have_witnesses(self, begun):
        run = machine().measure(launches=3, kept=begun.groups)
        assert set(run.noise()["sentinel"]) == {STEP.group, FORWARD.group}
        [yardstick] = run.yardstick()
        assert len(yardstick) == run.groups[STEP].rounds + run.groups[FORWARD].rounds

    def test_where_nothing_is_missing_nobody_is_started(self, begun):
        here = machine()
        run = here.measure(launches=2, kept=begun.groups)
        assert not here.workers and not run.launches and not run.interrupted


def test_a_check_alone_starts_a_new_worker_where_the_one_before_has_died():
    """As --benchmark-disable has it: the next case is checked all the same."""
    here = machine(fault=lambda a: gone(a) if a.do == "prepare" and a.request["pass_name"] == "train_step" else None)
    with here.installed(), Launch(Run(Request({})), np.random.default_rng(0)) as launch:
        here.note(1, 0, "")
        with pytest.raises(Failed, match="the first reason"):
            launch.check(STEP, "slow")
        launch.check(VAG, "slow")
    assert len(here.requests("start", "slow")) == 2
