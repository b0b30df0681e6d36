"""Variants of a pass: beside the plain passes, never before them, and against their own pass."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from scipy import stats

from samegrad.reports import answer, runs
from samegrad.reports.material import gather
from samegrad.reports.part import Table
from samegrad.reports.parts import variants
from samegrad.reports.parts.variants import against_plain
from samegrad.reports.report import contents
from tests.reports.drawn import render

BOTH = ("value_and_grad:host", "forward:pipelined", "train_step:adam", "forward", "value_and_grad", "train_step")
SMALL = {"problems": ("xor",), "batches": (4, 64)}


def test_a_variant_is_measured_against_its_own_pass(make_run, write_run):
    """The synthetic host takes 1.5 times as long, pipelined half, Adam twice, up to the launches' noise."""
    run = runs.read(write_run(make_run(**SMALL, passes=BOTH)))
    actual = {one.variant.pass_: one for one in against_plain(run.groups)}
    assert list(actual) == ["value_and_grad:host", "forward:pipelined", "train_step:adam"]
    for label, times in (("value_and_grad:host", 1.5), ("forward:pipelined", 0.5), ("train_step:adam", 2.0)):
        assert (actual[label].variant.batch, actual[label].plain.pass_) == (4, label.partition(":")[0])
        compared = actual[label].comparison("numpy")
        assert compared.low < compared.ratio < compared.high
        assert compared.ratio == pytest.approx(times, rel=0.05)
        assert "never measured" not in actual[label].names


def test_the_intervals_of_a_table_hold_together(make_run, write_run):
    """All fifteen, recomputed from the launches' medians."""
    material = gather([write_run(make_run(**SMALL, passes=BOTH))])
    [one, *_] = against_plain(material.run.groups)
    [table] = [block for block in variants.part(material).blocks if isinstance(block, Table)]
    times = [[np.median(launch) for launch in group.times_ns["jax-jit"]] for group in (one.variant, one.plain)]
    logs = [np.log(a / b) for a, b in zip(*times, strict=True)]
    low, high = np.exp(stats.ttest_1samp(logs, 0).confidence_interval(1 - 0.05 / 15))
    [cell] = [row[1] for row in table.rows if row[0]["text"] == "jax-jit"]
    shown = [float(end) for end in cell["text"].splitlines()[1].split(" to ")]
    assert shown == pytest.approx([low, high], rel=0.005)


def test_plain_passes_are_the_page_s_start(make_run, write_run):
    """Though the file begins with a variant; variants are in the selectors, in words."""
    page = render(gather([write_run(make_run(**SMALL, passes=BOTH))]))
    chart = json.loads(re.search(r'id="chart-data">(.*?)</script>', page, re.DOTALL)[1])
    assert chart["start"]["pass"] == "value_and_grad"
    assert re.findall(r'<option value="([^"]+)">', page.split('id="chart-pass"')[1].split("</select>")[0]) == [
        *("forward", "value_and_grad", "train_step"),
        *("value_and_grad:host", "forward:pipelined", "train_step:adam"),
    ]
    assert "value_and_grad, input from the host" in page and "train_step with adam" in page


def test_a_run_of_variants_alone_has_its_page_and_figures(make_run, write_run):
    """The gradient is what is spoken of, in words; nothing is compared with a pass that was not measured."""
    path = write_run(make_run(**SMALL, passes=("forward:host", "value_and_grad:host")))
    material = gather([path])
    assert answer.headline(material.run)[0].pass_ == "value_and_grad:host"
    assert "per gradient, input from the host of xor" in answer.answer(material.run)[0]
    page = render(material)
    assert '<section id="variants"' not in page and '<section id="times"' in page
    assert {"time-per-call-float32-cpu.png", "smallest-batch-float32-cpu.svg"} <= set(contents(material))


def test_each_family_of_variants_has_a_sheet_of_its_own(make_run, write_run, figures):
    """So that the plain passes' figure stays what it was."""
    actual = figures(gather([write_run(make_run(**SMALL, passes=BOTH))]))
    plain = {row["pass"] for row in actual["time-per-call-float32-cpu"].rows}
    assert plain == {"forward", "value_and_grad", "train_step"}
    assert {"time-per-call-host-float32-cpu", "time-per-call-optimizers-float32-cpu"} <= set(actual)


def test_the_headline_is_of_a_setting_that_was_measured(make_run, write_run):
    """A gradient in float64 alone does not make one in float32."""
    content = make_run(problems=("xor",), passes=("forward",), batches=(4,))
    other = make_run(problems=("xor",), passes=("value_and_grad",), batches=(4,), dtypes=("float64",))
    content["benchmarks"] += other["benchmarks"]
    headline = answer.headline(runs.read(write_run(content)))
    assert [(group.pass_, group.dtype) for group in headline] == [("forward", "float32")]


def test_other_devices_and_dtypes_are_drawn_like_any_other(make_run, write_run):
    """`cuda:1` and `tf32`, with the memory that the device needed, in tables and files."""
    content = make_run(problems=("xor",), passes=("forward",), batches=(4, 64))
    for benchmark in content["benchmarks"]:
        benchmark["extra_info"].update(device="cuda:1", dtype="tf32", device_memory_bytes=3 * 2**20)
    material = gather([write_run(content)])
    page = render(material)
    assert "tf32 on cuda:1" in page and 'data-value="3145728">3 MiB<' in page
    files = contents(material)
    assert b",3145728,\n" in files["time-per-call-tf32-cuda-1.csv"]
