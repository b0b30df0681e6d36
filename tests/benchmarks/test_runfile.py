"""A scripted machine's run as a file: every figure follows from its samples, every failure has its reason."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.benchmarks.clock import record
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK
from samegrad.benchmarks.runfile import RunFile
from samegrad.impls.child import Failed
from samegrad.impls.registry.entry import Entry, version
from tests.benchmarks import runfiles
from tests.benchmarks.machine import CASES, FORWARD, STEP, VAG, Machine, gone

COSTS_NS = {"slow": 12_000.0, "fast": 4_000.0, "floor": 500.0, YARDSTICK: 5_000.0}
LOOP = Case("xor", "train_loop", 4, "float32", "cpu")


def machine(**options):
    """Costs that scatter by 2 %."""
    rng = np.random.default_rng(0)
    return Machine(COSTS_NS, cost=lambda name, cost_ns, _: cost_ns * float(np.exp(rng.normal(0, 0.02))), **options)


@pytest.fixture(autouse=True)
def _scripted_registry(monkeypatch):
    monkeypatch.setattr(record, "get_entry", machine().entry)


def document(run):
    """The whole file, as pytest-benchmark writes it around our part, read back from strict JSON."""
    run_file = RunFile(run, {})
    benchmarks = []
    for case, group in run.groups.items():
        for name, times_ns in group.measured.items():
            calls = group.paces[name].calls * case.steps_per_call
            data = (np.concatenate(times_ns) / 1e9).tolist()
            stats = {"data": data, "rounds": len(data), "iterations": calls}
            extra = run_file.extra_info(case, name)
            benchmarks.append({"group": case.group, "name": name, "extra_info": extra, "stats": stats})
    stock = {"machine_info": {}, "commit_info": {}, "datetime": "now", "version": "5"}
    whole = stock | {"benchmarks": benchmarks, "samegrad": run_file.as_json()}
    return json.loads(json.dumps(whole, allow_nan=False))


def ours(run):
    content = document(run)
    runfiles.check(content)
    return content["samegrad"]


@pytest.mark.parametrize("launches", [1, 2, 5])
def test_every_field_is_there_and_every_figure_follows_from_the_samples(launches):
    content = document(machine().measure(launches=launches))
    runfiles.check(content)
    assert len(content["benchmarks"]) == 3 * len(CASES)
    assert len(content["samegrad"]["launches"]) == launches
    assert all("yardstick" in launch for launch in content["samegrad"]["launches"])
    assert set(content["samegrad"]["noise"]["sentinel"]) == {case.group for case in CASES}


def test_the_witnesses_are_in_no_table_and_no_benchmark():
    text = json.dumps(ours(machine().measure(launches=2))["groups"])
    assert SENTINEL not in text and YARDSTICK not in text


def test_the_true_ratio_is_found_and_the_floor_is_no_baseline():
    groups = ours(machine().measure(launches=5, budget_s=60.0))["groups"]
    for group in groups:
        assert group["baseline"] == "fast"
        rows = {row["implementation"]: row for row in group["rows"]}
        assert rows["slow"]["verdict"] == "slower" and rows["slow"]["low"] < 3.0 < rows["slow"]["high"]
        assert rows["floor"]["verdict"] == "faster"
        assert "slow takes 3" in group["sentence"]


def test_a_loop_is_reported_per_step():
    """The worker times whole loops of 100 steps; 12 µs a loop are 120 ns a step, and its iterations count the steps."""
    content = document(machine().measure(launches=2, cases={LOOP: ("slow", "fast")}))
    runfiles.check(content)
    slow = next(b for b in content["benchmarks"] if b["name"] == "slow")
    assert np.median(slow["stats"]["data"]) == pytest.approx(120e-9, rel=0.05)  # the scatter is 2 %
    assert slow["stats"]["iterations"] == 100 * content["samegrad"]["groups"][0]["calls"]["slow"]


class TestWhatIsNotThere:
    def test_a_death_is_reported_with_its_kind_its_reason_and_its_last_lines(self):
        run = machine(fault=lambda a: gone(a) if (a.name, a.do, a.launch) == ("slow", "time", 2) else None).measure()
        content = ours(run)
        assert [
            (entry["implementation"], entry["group"], entry["kind"], entry["reason"], entry["stderr"])
            for entry in content["failures"]
        ] == [("slow", case.group, "died", "slow: the first reason", ["its last line"]) for case in CASES]
        assert content["skipped"] == []

    def test_what_was_complete_before_it_is_kept(self):
        """Of the launch before: with no verdict, as one launch has none, while the others have theirs."""
        run = machine(fault=lambda a: gone(a) if (a.name, a.do, a.launch) == ("slow", "time", 2) else None).measure()
        rows = {row["implementation"]: row for row in ours(run)["groups"][0]["rows"]}
        assert rows["slow"]["verdict"] is None and rows["slow"]["ratio"] == pytest.approx(3, rel=0.1)
        assert rows["floor"]["verdict"] == "faster"

    def test_a_disagreement_is_a_failure_of_its_case_alone(self):
        def fault(asked):
            wrong = asked.name == "slow" and asked.request.get("pass_name") == "train_step"
            return Failed("disagreement", "W1[0, 1] is 3, but should be 2", []) if wrong else None

        content = ours(machine(fault=fault).measure(launches=2))
        [failure] = content["failures"]
        assert failure["kind"] == "disagreement" and failure["group"] == STEP.group
        by_group = {group["group"]: {row["implementation"] for row in group["rows"]} for group in content["groups"]}
        assert "slow" not in by_group[STEP.group] and "slow" in by_group[VAG.group]

    def test_what_cannot_run_here_is_skipped_once_and_is_no_failure(self):
        content = ours(machine(missing={"slow": "slow needs a package"}).measure(launches=2))
        assert content["skipped"] == [{"implementation": "slow", "reason": "slow needs a package"}]
        assert content["failures"] == []
        assert set(content["implementations"]["slow"]) == {"framework", "execution", "is_floor"}

    @pytest.mark.parametrize("witness", [YARDSTICK, f"fast{SENTINEL}"])
    def test_a_missing_witness_is_a_missing_figure_and_nothing_more(self, witness):
        content = ours(machine(fault=lambda a: gone(a) if a.name == witness else None).measure(launches=2))
        assert len(content["groups"]) == len(CASES)
        if witness == YARDSTICK:
            assert content["noise"]["yardstick_spread"] is None
        else:
            assert content["noise"]["sentinel"] == {}

    def test_a_run_in_which_everything_failed_is_a_file_too(self):
        content = ours(machine(fault=lambda a: gone(a) if a.name != YARDSTICK else None).measure(launches=2))
        assert content["groups"] == [] and len(content["failures"]) == 3 * len(CASES)

    def test_an_interrupted_run_at_any_moment_is_a_file_too(self):
        """Groups with more launches than others, launches without any round."""
        whole = machine()
        whole.measure(launches=2, least_rounds=3, budget_s=0.01)
        for moment in range(0, len(whole.asked), 11):
            here = machine()
            here.fault = lambda a, here=here, moment=moment: KeyboardInterrupt() if len(here.asked) > moment else None
            content = ours(here.measure(launches=2, least_rounds=3, budget_s=0.01))
            assert content["interrupted"] is True

    def test_an_interrupted_sweep_of_batches_is_a_file_too(self):
        """Where a line is fitted over batches, of which some have one launch more than others."""
        cases = {Case("xor", "forward", 4**power, "float32", "cpu"): ("slow", "fast") for power in range(1, 6)}
        for group_number in (1, 3, 5):
            here = machine()
            here.fault = lambda a, here=here, n=group_number: (
                KeyboardInterrupt() if here.progress[-1][:2] == (3, n) else None
            )
            assert ours(here.measure(launches=4, cases=cases))["interrupted"] is True


def test_given_parameters_and_the_margin_are_reported():
    here = machine()
    run = here.measure(margin=0.02, launches=1, cases={FORWARD: ("fast",)}, parameters=[[[[1.0]], [2.0]]])
    options = document(run)["samegrad"]["options"]
    assert options["parameters"] == "from a file" and options["margin"] == 0.02
    assert document(machine().measure(launches=1))["samegrad"]["options"]["parameters"] == "from the seed"


def test_a_package_that_no_installer_knows_of_has_a_version_that_is_not_known():
    """A folder that is on the path is imported all the same; the run is not lost for it."""
    text = version(Entry("mine", "mine:Mine", "mine", "by hand", ("no_such_distribution",)))
    assert text.startswith("unknown (") and "no_such_distribution" in text
