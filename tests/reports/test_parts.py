"""Cold starts, fits and the ladder: read from a run file, drawn, and shown on the page."""

from __future__ import annotations

import math

import pytest

from samegrad.reports import report, runs, style
from samegrad.reports.answer import answer
from samegrad.reports.material import Material, gather
from samegrad.reports.parts import cold_start, contenders, fits, ladder
from tests.reports.drawn import render

COLD = {
    "numpy": {
        "import": [3e8, 1e8, 2e8],
        "build": [1e6, 1e6, 1e6],
        "first call": [2e5, 2e5, 9e9],
        "peak_bytes": [2**20 * 90] * 3,
    },
    "torch-eager": {"import": [2e9, 2e9, 2e9], "build": [1e9, 1e9, 1e9], "first call": [1e6, 1e6, 1e6]},
    "keras-xla": {"unavailable": "keras-xla needs keras: pip install '.[keras]'"},
}
FIT = {
    "t0_ns": 5000.0,
    "t0_interval_ns": [4000.0, 6000.0],
    "per_row_ns": 2.0,
    "per_row_interval_ns": None,
    "half_batch": 2500.0,
    "describes": False,
    "statement": "a line does not describe the data: at batch 64 it is off by +20%",
}
RUNGS = {f"numpy-{name}": ("numpy", name, ns, 20) for name, ns in (("a", 8e3), ("b", 4e3), ("c", 2e3))}


@pytest.fixture
def cold_only(make_run):
    """What `pytest --benchmark-only -k cold_start` writes: no groups, and benchmarks of another kind."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    for benchmark in content["benchmarks"]:
        benchmark["extra_info"] = {"implementation": "numpy", "cold_start": "import", "processes": 3}
    content["samegrad"] |= {
        "groups": [],
        "cold_start": COLD,
        "launches": [],
        "noise": content["samegrad"]["noise"] | {"sentinel": {}},
    }
    return content


def test_a_run_of_cold_starts_alone_is_a_run(tmp_path, cold_only, write_run):
    """It has no times of later calls, and its report is about the cold start."""
    path = write_run(cold_only)
    run = runs.read(path)
    assert not run.groups and [cold.implementation for cold in run.cold] == ["numpy", "torch-eager", "keras-xla"]
    assert answer(run) == ["From a new process to the second gradient: numpy 200 ms, torch-eager 3.0 s, medians."]
    names = {path.name for path in report.draw([path], tmp_path / "out", say=lambda line: None)}
    assert {"report.html", "table.md", "cold-start.png", "cold-start.svg", "cold-start.csv"} == names


def test_phases_are_medians_over_processes(cold_only, write_run):
    """One process that was slow once does not count; memory and what could not run are shown."""
    material = gather([write_run(cold_only)])
    numpy = material.run.cold[0]
    assert (numpy.medians_ns, numpy.peak_bytes) == ({"import": 2e8, "build": 1e6, "first call": 2e5}, 2**20 * 90)
    page = render(material)
    assert "Medians of 3 new processes each" in page and "90 MiB" in page
    assert "keras-xla: keras-xla needs keras" in page


def test_cold_starts_beside_timed_groups_are_kept_apart(make_run, write_run, cold_only):
    """One file may hold both kinds of benchmark."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    content["benchmarks"] += cold_only["benchmarks"]
    content["samegrad"]["cold_start"] = COLD
    run = runs.read(write_run(content))
    assert len(run.groups) == 1 and len(run.groups[0].cases) == 5 and len(run.cold) == 3


def test_without_measured_cold_starts_the_workers_readings_are_reported(make_run, write_run):
    """Import, preparation and first call, once each; an unknown one leaves the others."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    content["samegrad"]["implementations"]["numpy"]["import_s"] = 0.5
    actual = {start.implementation: start for start in cold_start.readings(runs.read(write_run(content)))}
    assert actual["numpy"].medians_ns == {"import": 5e8, "prepare": 2e6, "first call": 5e7}
    assert actual["jax-jit"].medians_ns == {"prepare": 2e6, "first call": 5e7}


def test_the_fits_of_variants_are_in_the_figure_s_numbers(make_run, write_run, figures):
    """The sheet shows the plain passes; its CSV has every pass."""
    content = with_fits(make_run(problems=("xor",), passes=("value_and_grad", "value_and_grad:host"), batches=(4, 64)))
    fits = content["samegrad"]["fits"]
    fits.append({**fits[0], "pass": "value_and_grad:host"})
    rows = figures(gather([write_run(content)]))["fixed-cost-and-rate-float32-cpu"].rows
    assert {row["pass"] for row in rows} == {"value_and_grad", "value_and_grad:host"}


def with_fits(content):
    content["samegrad"]["fits"] = [
        {
            **{"problem": "xor", "pass": "value_and_grad", "dtype": "float32", "device": "cpu"},
            "implementations": {
                "numpy": {"fit": FIT},
                "jax-jit": {"fit": None},
                "torch-eager": {"fit": FIT | {"t0_ns": 0.0, "half_batch": None, "describes": None}},
            },
        }
    ]
    return content


def test_fits_are_read_and_shown(make_run, write_run):
    """Interval, half-performance length, and whether a line describes the data; what has no fit is left out."""
    material = gather([write_run(with_fits(make_run()))])
    numpy, torch = material.run.fits
    assert numpy.t0_ns == (5000, 4000, 6000) and numpy.fit.per_row_ns == 2
    assert math.isnan(numpy.per_row_ns[1]) and numpy.fit.describes is False
    assert torch.fit.t0_ns == 0 and torch.fit.half_batch is None and torch.fit.describes is None
    page = render(material)
    assert "no: at batch 64 it is off by +20%" in page
    assert "4.00 µs to 6.00 µs" in page and ">2,500<" in page


def test_the_ladder_needs_several_executions_of_one_framework(make_run, write_run):
    """Three rungs of NumPy are one; one execution of each framework is none."""
    assert ladder.group_of(runs.read(write_run())) is None
    run = runs.read(write_run(make_run(RUNGS, batches=(4,))))
    steps = ladder.rungs(run, ladder.group_of(run))
    assert [(framework, case.implementation) for framework, _, case in steps] == [("numpy", name) for name in RUNGS]
    [figure] = ladder.part(Material((run,))).figures
    rows = figure.rows
    assert [row["times_faster_than_the_first_rung"] for row in rows] == pytest.approx([1, 2, 4], rel=0.1)
    # 10 %: launches of the synthetic run scatter by 1 %, and 80 ns per call are added to 2, 4 and 8 µs


def test_a_floor_is_marked_and_no_rung(make_run, write_run, figures):
    """It is on the axis, grey, and in no framework's ladder."""
    content = make_run(RUNGS | {"c-floor": ("c", "compiled C", 100, 1)}, batches=(4,))
    content["samegrad"]["implementations"]["c-floor"]["is_floor"] = True
    material = gather([write_run(content)])
    run = material.run
    assert "c-floor" not in {row["implementation"] for row in figures(material)["ladder"].rows}
    assert material.looks["c-floor"] is style.FLOOR and run.groups[0].fastest.implementation == "numpy-c"
    with style.applied():
        figure = figures(material)["ladder"].draw()
    words = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert any("c-floor, the floor: " in text for text in words)
    assert "c-floor, the floor: " in render(material)


@pytest.mark.slow
def test_all_three_figures_are_drawn_with_their_numbers(tmp_path, make_run, write_run):
    """PNG, SVG and CSV of each, where the run has data for it, and none where it has not."""
    content = with_fits(make_run(RUNGS | {"numpy": ("numpy", "m", 1e3, 1)}, passes=("value_and_grad",), batches=(4,)))
    content["samegrad"]["cold_start"] = {"numpy": COLD["numpy"]}
    names = {path.name for path in report.draw([write_run(content)], tmp_path / "out", say=lambda line: None)}
    assert {f"fixed-cost-and-rate-float32-cpu.{kind}" for kind in ("png", "svg", "csv")} <= names
    assert {"ladder.png", "ladder.csv", "cold-start.png", "cold-start.csv"} <= names
    content = make_run(batches=(4,))
    for benchmark in content["benchmarks"]:
        del benchmark["extra_info"]["prepare_ns"], benchmark["extra_info"]["first_call_ns"]
    without = gather([write_run(content)])
    assert (fits.part(without), cold_start.part(without), ladder.part(without)) == (None, None, None)


def test_each_has_its_words(make_run, write_run, cold_only, figures):
    """The text alternatives name implementations with their numbers."""
    run = runs.read(write_run(with_fits(make_run(RUNGS, batches=(4,)))))
    assert "numpy 5.00 µs and 2.00 ns a row" in fits.describe(list(run.fits))
    assert "numpy from numpy-a" in ladder.part(Material((run,))).figures[0].words
    assert "torch-eager 3.0 s" in figures(gather([write_run(cold_only)]))["cold-start"].words


def test_environments_side_by_side_have_a_table_of_what_changed(make_run, write_run):
    """With the versions that differ, and no more; runs without contenders have none."""
    run = make_run(problems=("xor",), passes=("forward",), batches=(4,))
    first = run["samegrad"]["groups"][0]
    name = first["rows"][0]["implementation"]
    run["samegrad"]["contenders"] = [
        {"name": label, "interpreter": "python", "commit": None, "versions": {"numpy": version, "scipy": "1"}}
        for label, version in (("old", "2.1"), ("new", "2.4"))
    ]
    change = {"group": first["group"], "implementation": name, "before": "old", "after": "new"}
    figures = {"before_ns": 100.0, "after_ns": 104.0, "ratio": 1.04, "low": 1.03, "high": 1.05, "verdict": "slower"}
    run["samegrad"]["changes"] = [change | figures]
    run["samegrad"]["implementations"][f"{name}@new"] = {"framework": "numpy", "execution": "by hand"}
    part = contenders.part(gather([write_run(run)]))
    changes, versions = part.blocks[1:]
    assert versions.rows == [["numpy", "2.1", "2.4"]]
    [row] = changes.rows
    assert row[0]["text"] == f"{name}@new" and row[5] == "1.030 to 1.050" and row[6]["text"] == "slower"
    plain = write_run(make_run(problems=("xor",), passes=("forward",), batches=(4,)), "plain.json")
    assert contenders.part(gather([plain])) is None
