"""Cases of several networks: at the gate, in the worker, over their number, and on the terminal."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from samegrad.benchmarks.clock import summary, tables
from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.worker import Worker
from samegrad.benchmarks.results.groups import group_entry
from samegrad.benchmarks.results.series import networks
from samegrad.impls.checking.agreement import Disagreement, Reference, require
from samegrad.impls.checking.gate import Gate
from samegrad.impls.checking.subject import Broken
from samegrad.impls.errors import Unavailable
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.networks import NumpyNetworks
from samegrad.impls.problem import XOR
from samegrad.impls.task import Task
from tests.benchmarks.test_own_package import python

COUNT = 1000
TASK = Task(XOR, XOR.parameters(networks=COUNT), 4)


class OneWrong(NumpyNetworks):
    """Planted: one network of all has a gradient that is 1 % too large."""

    def value_and_grad(self):
        result = super().value_and_grad()
        self.spoil(result)
        return result

    def spoil(self, result):
        _, gradients = result[0]
        gradients[0].W[:, :, 17] *= 1.01


class OneStays(OneWrong):
    """Planted: one network of all has the gradients of the rows of prepare, whatever is fed."""

    def prepare(self, task):
        super().prepare(task)
        _, gradients = NumpyNetworks.value_and_grad(self)[0]
        self.kept = gradients[1].W[:, :, 17].copy()

    def spoil(self, result):
        _, gradients = result[0]
        gradients[1].W[:, :, 17] = self.kept


def at_gate(kind, pass_name="value_and_grad"):
    return build(kind(), CallRequest("planted", pass_name, TASK))


@pytest.mark.parametrize("pass_name", ["forward", "value_and_grad", "train_step", "train_loop", "value_and_grad:host"])
def test_several_networks_pass_the_gate_before_and_after(pass_name):
    call = at_gate(NumpyNetworks, pass_name)
    require(call.agreements(call.run(), Reference.of(TASK)), implementation="numpy-networks", case="here")
    gate = Gate(call)
    gate.require()
    gate.require(probes=1, moves=False)


def test_one_wrong_network_of_many_is_found_and_named():
    call = at_gate(OneWrong)
    with pytest.raises(Disagreement, match=r"planted disagrees at here: W1\[\d, \d\] of network 17 is "):
        require(call.agreements(call.run(), Reference.of(TASK)), implementation="planted", case="here")


def test_one_network_that_stays_at_its_first_rows_is_found():
    call = at_gate(OneStays)
    require(call.agreements(call.run(), Reference.of(TASK)), implementation="planted", case="here")
    with pytest.raises(Broken, match=r"for other rows value_and_grad's W2\[\d, 0\] of network 17 is "):
        Gate(call).require()


def test_who_has_no_axis_for_networks_says_so_in_one_line():
    with pytest.raises(
        Unavailable, match=r"^planted computes one network at a time; several at once: numpy-networks, "
    ):
        at_gate(NumpyManual)
    with pytest.raises(Unavailable, match=r"^train_step:adam trains one network at a time"):
        at_gate(NumpyManual, "train_step:adam")


def test_a_worker_prepares_several_and_names_their_case():
    worker, case = Worker(), Case("xor", "train_step", 4, "float32", "cpu", networks=3)
    assert case.group == "xor train_step batch=4 float32 cpu networks=3" and case.as_json()["networks"] == 3
    assert "networks" not in Case("xor", "train_step", 4, "float32", "cpu").as_json()
    worker.start("samegrad.impls.on_numpy.networks:NumpyNetworks", threads=1)
    output = worker.prepare("mine", case.pass_name, case.task(42).as_json())
    assert max(output["agreement"].values()) <= 1
    worker.start(f"{__name__}:OneWrong", threads=1)
    with pytest.raises(Disagreement, match=r"mine disagrees at .* networks=20: W1\[\d, \d\] of network 17 is "):
        worker.prepare("mine", "value_and_grad", Task(XOR, XOR.parameters(networks=20), 4).as_json())


NUMBERS = (1, 32, 1024, 32768)
CALLS_NS, EACH_NS = {"cheap": 1e4, "dear": 1e6, "floor": 500.0}, {"cheap": 100.0, "dear": 200.0, "floor": 25.0}


def times(launches=5):
    """t(K) = call + each · K: twice the time of one network at K ≈ call/each."""
    rng = np.random.default_rng(1)

    def of(name, number):
        ns = CALLS_NS[name] + EACH_NS[name] * number
        scatter = rng.standard_normal(launches)
        return [ns * np.exp(0.01 * s) * np.exp(0.01 * rng.standard_normal(20)) for s in scatter]

    return {number: {name: of(name, number) for name in CALLS_NS} for number in NUMBERS}


def test_the_call_decides_up_to_the_number_whose_arithmetic_takes_as_long():
    """t = c + kK doubles at K = c/k + 2."""
    result = networks(times(), floors=("floor",))
    assert result.takeovers["cheap"].ratio == pytest.approx(102, rel=0.05)
    assert result.takeovers["dear"].ratio == pytest.approx(5002, rel=0.05)
    assert list(result.each_ns) == ["floor", "cheap", "dear"] and result.floor == "floor"
    assert result.each_ns["floor"] == pytest.approx(25, rel=0.02)


def test_the_ratio_to_the_floor_is_given_with_its_interval():
    result = networks(times(), floors=("floor",))
    for name, expected in {"cheap": 4.0, "dear": 9.2}.items():
        ratio = result.over_floor[name]
        assert ratio.low < ratio.ratio < ratio.high and ratio.ratio == pytest.approx(expected, rel=0.05)
    output = result.sentence("xor value_and_grad")
    assert output.startswith("xor value_and_grad: the call decides up to about ") and output.endswith(").")
    assert re.search(r", 4\.\d+ times as long in cheap \(\S+ to \S+\), 9\.\d+ times as long in dear \(", output)
    assert " networks for cheap and about " in output and "; at 32,768 a network takes 24." in output
    assert networks(times(1), ("floor",)).sentence("x").count("(") == 0


def test_without_a_floor_the_fastest_is_named_and_two_numbers_are_no_series():
    series = {number: {n: t for n, t in of.items() if n != "floor"} for number, of in times().items()}
    result = networks(series)
    assert result.floor is None and result.over_floor == {}
    assert result.sentence("x").endswith("; at 32,768 a network takes 101 ns in cheap.")
    assert networks({number: series[number] for number in (1, 32)}) is None


def test_one_that_the_most_networks_do_not_double_is_named():
    series = times()
    for number in NUMBERS:
        series[number]["dear"] = [np.full(20, 1e9)] * 5
    output = networks(series, ("floor",)).sentence("x")
    assert "beyond 32,768, the most, the call still decides for dear" in output


def entry(number):
    return group_entry(
        Case("xor", "value_and_grad", 4, "float32", "cpu", networks=number), times()[number], {}, floors=("floor",)
    ) | {"dropped": []}


def test_tables_have_times_per_network_where_there_are_several():
    entries = [entry(number) for number in NUMBERS]
    lines = list(summary.tables(entries, 100))
    head, per = (next(line.split() for line in lines if line.startswith(word)) for word in ("networks", "per network"))
    assert head == ["networks", "1", "32", "1,024", "32,768"] and per[-1].endswith("ns") and len(per) == 6
    assert not any(line.startswith(("networks", "per network")) for line in summary.tables(entries[:1], 100))
    actual = {"groups": entries, "fits": [], "cold_start": {}, "noise": {"noisy": False, "reasons": [], "sentinel": {}}}
    assert tables.render(actual).count("per network") == 3
    assert "(float32, cpu, 32 networks)" in entries[1]["sentence"]


@pytest.mark.slow
def test_a_run_over_networks_is_printed_and_saved(tmp_path):
    """From the command line to the file: several in one group of its own, one network's as before."""
    path = tmp_path / "run.json"
    small = ("--problems=xor", "--passes=value_and_grad", "--batches=4", "--launches=1", "--budget=1", "-q")
    chosen = "--implementations=numpy,numpy-networks,c-floor"
    code, text = python(
        "pytest", "--benchmark-only", *small, chosen, "--networks=1,5,40", f"--benchmark-json={path}", "-p",
        "no:cacheprovider", time_limit_s=600,
    )  # fmt: skip
    assert code == 0, text
    assert "Skipped: numpy: computes one network at a time; several at once: " in text
    assert "the call decides" in text or "the call still decides" in text
    ours = json.loads(path.read_text())
    assert [group.get("networks") for group in ours["samegrad"]["groups"]] == [None, 5, 40]
    assert ours["samegrad"]["options"]["networks"] == [1, 5, 40]
    output = {(b["extra_info"]["implementation"], b["extra_info"].get("networks", 1)) for b in ours["benchmarks"]}
    assert output == {("numpy", 1), *((name, k) for name in ("numpy-networks", "c-floor") for k in (1, 5, 40))}
