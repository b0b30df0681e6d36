"""Time over width in a report: the series of a run, its figure, and its part of the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from samegrad.reports import records, runs
from samegrad.reports.answer import answer
from samegrad.reports.material import Material
from samegrad.reports.part import Figure, Table
from samegrad.reports.parts.series import WIDTHS
from samegrad.reports.series import over_widths
from tests.reports.drawn import words

CALLS_NS = {"numpy": 1e4, "torch-eager": 1e5, "jax-jit": 2e4, "floor": 100.0}


def group(width: int, pass_: str = "value_and_grad", batch: int = 4, dtype: str = "float32") -> records.GroupTimes:
    """A network 2-w-1 whose arithmetic takes w² ns in every framework."""
    rng = np.random.default_rng([width, batch])

    def case(name: str, call_ns: float) -> records.CaseTimes:
        launches = []
        for _ in range(3):
            times_ns = (call_ns + width**2) * np.exp(0.01 * rng.standard_normal() + 0.01 * rng.standard_normal(20))
            launches.append(records.LaunchTimes(times_ns, float(np.median(times_ns))))
        samples = np.concatenate([launch.samples_ns for launch in launches])
        return records.CaseTimes(name, float(np.median(samples)), samples, tuple(launches), is_floor=name == "floor")

    cases = sorted((case(*each) for each in CALLS_NS.items()), key=lambda case: case.median_ns)
    problem = f"2-{width}-1"
    return records.GroupTimes(
        f"{problem} {pass_} batch={batch} {dtype} cpu", problem, pass_, batch, dtype, "cpu", "numpy", tuple(cases)
    )


@pytest.fixture
def run(make_run, write_run):
    """A run of five widths at two batches, with `xor` and a network of another family."""
    read = runs.read(write_run(make_run()))
    groups = [group(width, batch=batch) for batch in (4, 256) for width in (256, 4, 16, 64, 1024)]
    names = {name: structs.replace(records.description(name), is_floor=name == "floor") for name in CALLS_NS}
    return replace(read, groups=(*groups, *read.groups), implementations=names | read.implementations)


def test_a_run_s_series_are_in_order_of_width_and_apart_by_batch(run):
    result = over_widths(run.groups)
    assert [one.where for one in result] == ["2-w-1 value_and_grad, batch 4", "2-w-1 value_and_grad, batch 256"]
    assert list(result[0].groups) == [4, 16, 64, 256, 1024] and result[0].aside == {"floor"}
    assert result[0].result.takeovers["numpy"].ratio == pytest.approx(100, rel=0.2)
    assert over_widths(group(width) for width in (4, 16)) == []


def test_the_figure_names_every_implementation_and_says_the_answer(run):
    material = Material((run,))
    drawing = next(block for block in WIDTHS.part(material).blocks if isinstance(block, Figure))
    output = words(drawing)
    for what in (*CALLS_NS, "the call decides up to a width of about", "on all 3 are within 1.2", "1,024"):
        assert what in output, what
    assert len(drawing.rows) == 2 * 5 * 4
    assert {row["implementation"] for row in drawing.rows} == set(CALLS_NS)
    assert "from 1,024 on all 3 are within" in drawing.words


def test_a_run_without_widths_has_no_such_part(make_run, write_run):
    assert WIDTHS.part(Material((runs.read(write_run(make_run())),))) is None


def test_the_answer_and_the_page_say_it(run):
    assert any("the call decides up to a width of about" in sentence for sentence in answer(run))
    tables = [block for block in WIDTHS.part(Material((run,))).blocks if isinstance(block, Table)]
    assert [len(table.rows) for table in tables] == [4, 4] and "2-w-1" in tables[0].caption
