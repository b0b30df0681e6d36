"""Time per network in a report: the series of a run, its figure, and its part of the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from samegrad.reports import records, runs
from samegrad.reports.answer import answer
from samegrad.reports.material import Material
from samegrad.reports.part import Figure, Table
from samegrad.reports.parts.series import NETWORKS
from samegrad.reports.series import over_networks
from tests.reports.drawn import words

CALLS_NS = {"numpy-networks": 1e4, "torch-vmap": 1e5, "jax-jit": 2e4, "floor": 500.0}
NUMBERS = (32, 1, 32768, 1024)


def group(number: int, pass_: str = "value_and_grad") -> records.GroupTimes:
    """Networks that take 100 ns each in every framework, and 25 on the floor."""
    rng = np.random.default_rng(number)

    def case(name: str, call_ns: float) -> records.CaseTimes:
        each_ns = 25 if name == "floor" else 100
        launches = []
        for _ in range(3):
            times_ns = (call_ns + each_ns * number) * np.exp(
                0.01 * rng.standard_normal() + 0.01 * rng.standard_normal(20)
            )
            launches.append(records.LaunchTimes(times_ns, float(np.median(times_ns))))
        samples = np.concatenate([launch.samples_ns for launch in launches])
        return records.CaseTimes(name, float(np.median(samples)), samples, tuple(launches), is_floor=name == "floor")

    cases = sorted((case(*each) for each in CALLS_NS.items()), key=lambda case: case.median_ns)
    device = "cpu" + records.of_networks(number)
    name = f"xor {pass_} batch=4 float32 cpu networks={number}"
    return records.GroupTimes(name, "xor", pass_, 4, "float32", device, "jax-jit", tuple(cases), networks=number)


@pytest.fixture
def run(make_run, write_run):
    """A run of four numbers of networks and two passes."""
    read = runs.read(write_run(make_run()))
    groups = [group(number, pass_) for pass_ in ("value_and_grad", "forward") for number in NUMBERS]
    names = {name: structs.replace(records.description(name), is_floor=name == "floor") for name in CALLS_NS}
    return replace(read, groups=tuple(groups), implementations=names | read.implementations)


def test_a_run_s_series_are_in_order_of_networks_and_apart_by_pass(run):
    result = over_networks(run.groups)
    assert [one.where for one in result] == ["xor value_and_grad, batch 4", "xor forward, batch 4"]
    assert list(result[0].groups) == sorted(NUMBERS) and result[0].place == "cpu"
    assert result[0].groups[32].device == "cpu, 32 networks" and result[0].groups[32].place == "cpu"
    assert result[0].result.over_floor["jax-jit"].ratio == pytest.approx(4, rel=0.05)
    assert over_networks(group(number) for number in (1, 32)) == []


def test_the_figure_names_every_implementation_and_says_the_answer(run):
    material = Material((run,))
    drawing = next(block for block in NETWORKS.part(material).blocks if isinstance(block, Figure))
    output = words(drawing)
    for what in (*CALLS_NS, "the call decides up to about", "networks at once", "time over that of floor"):
        assert what in output, what
    assert "at 32,768 a network takes 2" in drawing.words and len(drawing.rows) == 2 * 4 * 4
    row = next(row for row in drawing.rows if row["networks"] == 1024 and row["implementation"] == "floor")
    assert row["per_network_ns"] == row["median_ns"] / 1024


def test_a_run_of_one_network_has_no_such_part(make_run, write_run):
    assert NETWORKS.part(Material((runs.read(write_run(make_run())),))) is None


def test_the_answer_and_the_page_say_it(run):
    assert sum("the call decides up to about" in sentence for sentence in answer(run)) == 1
    tables = [block for block in NETWORKS.part(Material((run,))).blocks if isinstance(block, Table)]
    assert [len(table.rows) for table in tables] == [4, 4] and "time per network" in tables[0].caption
