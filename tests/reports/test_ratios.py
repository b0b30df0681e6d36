"""Ratios between two implementations of a group: one interval for each pair, wherever it is shown."""

from __future__ import annotations

import json
import math
import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from samegrad.benchmarks.clock.tables import render
from samegrad.reports import runs, table
from samegrad.reports.material import gather
from samegrad.reports.parts import pairs as pairs_part
from samegrad.reports.parts import parts_of, times
from samegrad.reports.ratios import compare, crossovers, judged, log_ratios
from samegrad.reports.records import CaseTimes, GroupTimes, LaunchTimes
from tests.reports.drawn import render as render_page

BESIDE = ("run", "ladder", "selfcheck", "sharpness", "training")
SAMPLES = [Path("reports/sample") / name for name in ("run.json", "busy.json", "rungs/run.json")]


def case(name, launches, **more):
    parts = tuple(LaunchTimes(np.asarray(samples, dtype=float), float(np.median(samples))) for samples in launches)
    samples = np.concatenate([part.samples_ns for part in parts])
    return CaseTimes(name, float(np.median(samples)), samples, parts, **more)


def group(*cases, baseline="base", batch=4):
    return GroupTimes("g", "xor", "forward", batch, "float32", "cpu", baseline, cases)


def test_rounds_are_paired():
    """A drift that hits both alike leaves their ratio exactly as it is, though their medians differ in every launch."""
    drift = np.array([1.0, 3.0, 2.0])
    a, b = case("a", [4 * drift, 4 * drift[::-1]]), case("b", [2 * drift, 2 * drift[::-1]])
    assert log_ratios(a, b) == [math.log(2)] * 2


def test_one_launch_has_a_ratio_but_no_verdict():
    """It is a preview."""
    a, base = case("a", [[4, 4]]), case("base", [[2, 2]])
    actual, word = judged(group(a, base), a)
    assert actual == (pytest.approx(2), None, None) and word == ""


def test_turned_round_a_comparison_is_its_inverse():
    a, b = case("a", [[4, 4], [5, 5]]), case("b", [[2, 2], [2, 2]])
    both = group(a, b)
    assert compare(both, b, a) == pytest.approx(compare(both, a, b).inverse)


def test_what_was_not_measured_at_a_batch_crosses_nothing_there():
    fast, slow = case("a", [[1, 1], [1, 1]]), case("a", [[9, 9], [9, 9]])
    other = case("b", [[3, 3], [3, 3]])
    (actual,) = crossovers([group(fast, other), group(fast, batch=64), group(slow, other, batch=256)], "ab")
    assert (actual.first, actual.low, actual.high) == ("a", 4, 256)


def launches_of(content, group_name):
    """Of the raw run file, {implementation: the samples of each launch}."""
    actual = {}
    for benchmark in content["benchmarks"]:
        if benchmark["group"] == group_name and "cold_start" not in benchmark["extra_info"]:
            ends = np.cumsum([0, *(launch["rounds"] for launch in benchmark["extra_info"]["launches"])])
            data = np.array(benchmark["stats"]["data"])
            actual[benchmark["extra_info"]["implementation"]] = [data[a:b] for a, b in pairwise(ends)]
    return actual


def test_the_page_s_table_of_pairs_holds_for_the_family_that_it_claims():
    """Recomputed from the sample's samples alone: SciPy's t-interval at 1 − 0.05/m, m being all pairs of the batch."""
    material = gather([SAMPLES[0]])
    claim, _, shown = pairs_part.part(material).blocks
    assert "all pairs of a batch together" in claim.text
    content = json.loads(SAMPLES[0].read_text())
    (name,) = [g.name for g in material.run.groups if g.where == shown.caption]
    times = launches_of(content, name)
    m = len(list(combinations(times, 2)))
    assert len(shown.rows) == m
    for fast, verdict, slow, _, interval in shown.rows:
        pairs = zip(times[slow["text"]], times[fast["text"]], strict=True)
        logs = [np.median(np.log(a / b)) for a, b in pairs]
        low, high = np.exp(stats.ttest_1samp(logs, 0).confidence_interval(1 - 0.05 / m))
        assert [float(end) for end in interval["text"].split(" to ")] == [
            pytest.approx(end, rel=0.005) for end in (low, high)
        ]
        word = "faster" if low > 1.05 else "equivalent" if high <= 1.05 and low >= 1 / 1.05 else "not resolved"
        assert (verdict if isinstance(verdict, str) else verdict["text"]) == word


def test_numpy_and_jax_jit_at_batch_4_are_not_distinguished_by_three_launches():
    run = runs.read(SAMPLES[0])
    (at_4,) = [g for g in run.groups if g.name == "xor value_and_grad batch=4 float32 cpu"]
    actual, word = judged(at_4, at_4.case("jax-jit"))
    assert (round(actual.low, 3), round(actual.high, 3), word) == (1.049, 1.193, "not resolved")


@pytest.mark.parametrize("path", SAMPLES, ids=str)
def test_terminal_table_and_page_say_the_same_of_every_pair(path):
    """The terminal's row of each implementation has the word and the figures of the Markdown table and of the page."""
    run = runs.read(path)
    terminal = render(json.loads(path.read_text())["samegrad"], width=120)
    parts = dict(re.findall(r"^ *(\S+ \S+ batch=\d+ \S+ \S+) \(.*?\) *\n(.*?)└", terminal, flags=re.M | re.S))
    assert set(parts) == {actual.name for actual in run.groups}
    for actual in run.groups:
        for one in actual.cases:
            _, word = judged(actual, one)
            (line,) = [row for row in parts[actual.name].splitlines() if row.startswith(f"│ {one.implementation} ")]
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            interval = "" if cells[3] == "–" else f" ({cells[3]})"
            assert cells[4] == word
            assert times.ratio_cell(actual, one)["text"] == (
                "1" if word == "baseline" else cells[2].rstrip("×") + interval
            )


def test_the_docs_quote_the_sample():
    """The table of docs/results.md and the README's first sentence are the sample's, word for word."""
    readme = Path("README.md").read_text(encoding="utf-8")
    material = gather([SAMPLES[0]])
    sample = table.markdown(material, parts_of(material))
    rows = [
        line
        for line in Path("docs/results.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| [\d,]+ \| `", line)
    ]
    assert len(rows) == 15 and all(row in sample for row in rows)
    opening = " ".join(readme[:1500].split())
    for name in ("torch-eager", "jax-jit"):
        (row,) = [row for row in rows if row.startswith(f"| 4 | `{name}`")]
        value, interval = row.split(" | ")[5].rstrip(")").split(" (")
        assert f"{value} times" in opening and interval in opening


def test_the_committed_page_and_tables_are_what_the_report_draws():
    material = gather([SAMPLES[0].parent / f"{name}.json" for name in BESIDE])
    assert table.markdown(material, parts_of(material)) == Path("reports/sample/table.md").read_text(encoding="utf-8")
    page = render_page(material)
    assert to_ten_digits(page) == to_ten_digits(Path("reports/sample/report.html").read_text(encoding="utf-8"))


def to_ten_digits(page):
    """The page without the last digits of its numbers, which exp and log leave to the machine's CPU."""
    return re.sub(r"\d+\.\d{6,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.10g}", page)
