"""A run that would spoil the merge is named with its reason, and everything else is merged."""

from __future__ import annotations

import json

import msgspec
import pytest

from samegrad.benchmarks.documents.merging import UNKNOWN_HOST, foreign_cpus, host, kind, left_out
from samegrad.benchmarks.documents.run import RunDocument
from tests.reports.several_machines import machine


def read(run):
    return msgspec.json.decode(json.dumps(run).encode(), type=RunDocument)


def reasons(runs):
    return left_out([read(run) for run in runs])


def of_ours(**fields):
    return lambda run: run["samegrad"].update(fields)


def of_launch(**fields):
    return lambda run: run["samegrad"]["launches"][1].update(fields)


def of_version(name, version):
    return lambda run: run["samegrad"]["environment"]["versions"].update({name: version})


@pytest.fixture
def runs():
    return [machine(number) for number in range(1, 5)]


def test_runs_that_are_alike_are_all_merged(runs):
    assert reasons(runs) == [""] * 4
    of_launch(foreign_cpus=0.19, stolen=0.02)(runs[0])
    assert reasons(runs) == [""] * 4


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (of_ours(interrupted=True, interrupted_by="SIGTERM"), "it was interrupted (SIGTERM)"),
        (of_ours(noise={"noisy": True, "reasons": ["it shook"], "yardstick_spread": None}), "it is NOISY: it shook"),
        (of_launch(foreign_cpus=0.21), "it was not alone: others kept 0.21 CPUs busy during its rounds (limit 0.2)"),
        (of_launch(stolen=0.03), "it was not alone: other virtual machines took 3% of its CPU time (limit 2%)"),
        (of_version("torch", "2.0.0"), "torch is 2.0.0, and 2.13.0 elsewhere"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 3])
def test_one_that_is_spoilt_is_left_out_with_its_reason(runs, spoil, reason, place):
    spoil(runs[place])
    assert reasons(runs) == [reason if number == place else "" for number in range(4)]


def test_what_a_host_lacks_or_only_tests_with_is_no_difference(runs):
    of_version("torch", None)(runs[0])
    of_version("pytest", "1.0")(runs[1])
    assert reasons(runs) == [""] * 4


def test_of_as_many_of_each_version_the_latest_counts(runs):
    for run in runs[2:]:
        of_version("numpy", "3.0.0")(run)
    assert reasons(runs) == ["numpy is 2.4.6, and 3.0.0 elsewhere"] * 2 + ["", ""]


def test_a_noisy_majority_does_not_choose_the_versions(runs):
    for run in runs[:3]:
        of_version("numpy", "3.0.0")(run)
        of_ours(noise={"noisy": True, "reasons": [], "yardstick_spread": None})(run)
    assert reasons(runs)[3] == ""


def test_of_two_runs_of_one_host_the_later_counts_whatever_their_order(runs):
    again = machine(2)
    again["datetime"] = "2026-11-23T00:00:00+00:00"
    reason = "a later run of the same host counts"
    assert reasons([again, *runs]) == ["", "", reason, "", ""]
    of_launch(foreign_cpus=1.0)(again)
    assert reasons([again, *runs])[1:] == [""] * 4, "a run that is left out replaces none"


def test_forced_kernels_are_a_kind_of_their_own(runs):
    again = machine(2)
    of_ours(handicaps=[{"handicap": "kernels", "sentence": "OPENBLAS_CORETYPE=Haswell has BLAS use others"}])(again)
    assert reasons([*runs, again]) == [""] * 5
    assert kind(read(again)) == kind(read(runs[1])) + "; OPENBLAS_CORETYPE=Haswell has BLAS use others"


def test_runs_of_before_hosts_were_recorded_count_as_one(runs):
    for run in runs[:2]:
        del run["samegrad"]["environment"]["identity"]
    assert host(read(runs[0])) == UNKNOWN_HOST
    assert reasons(runs) == ["a later run of the same host counts", "", "", ""]


def test_the_launches_that_a_run_goes_on_with_count_too(runs):
    earlier = {"file": "a", "datetime": "b", "groups": {}, "launches": runs[0]["samegrad"]["launches"]}
    earlier["launches"][0]["foreign_cpus"] = 0.5
    of_ours(resumed=earlier, launches=[])(runs[1])
    assert foreign_cpus(read(runs[1])) == 0.5 and "0.50 CPUs" in reasons(runs)[1]
