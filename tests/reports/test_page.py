"""The page as a file: self-contained, small, escaped, and without sections that have no data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from markupsafe import escape

from samegrad.reports import report
from samegrad.reports.material import gather
from samegrad.reports.page import chart_data
from samegrad.reports.parts import PARTS, times
from tests.reports.drawn import render

SMALL = {"problems": ("line",), "passes": ("forward", "value_and_grad"), "batches": (4, 64)}
STORED = Path(__file__).with_name("stored")
AGREEMENT = STORED / "agreement-1.json"
BESIDE = [path.read_text(encoding="utf-8") for path in sorted(STORED.glob("[!f]*-1.json"))]
"""Of every other kind of document one."""
COLD = {"numpy-1": {"import": [1e8, 2e8, 3e8], "first call": [1e5, 1e5, 1e5], "peak_bytes": [9e7, 9e7, 9e7]}}
FIT = {"t0_ns": 5e3, "t0_interval_ns": [4e3, 6e3], "per_row_ns": 2.0, "per_row_interval_ns": None}
FIT |= {"half_batch": 2500.0, "describes": True, "statement": "a line describes the data"}
FITS = [
    {
        **{"problem": "line", "pass": "forward", "dtype": "float32", "device": "cpu"},
        "implementations": {"numpy-1": {"fit": FIT}},
    }
]
HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>", "{{ 7 * 7 }}", "'--><style>"]


def page(write_run, *contents):
    return render(gather([write_run(content, f"run{n}.json") for n, content in enumerate(contents)]))


def sections(actual):
    return re.findall(r'<section id="([^"]+)"', actual)


def test_the_page_asks_the_network_for_nothing(make_run, write_run):
    """No address in any attribute or style but of the page's own pieces, and a policy that forbids all loading."""
    actual = page(write_run, make_run(**SMALL))
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\((?!#)""", actual)
    assert "default-src 'none'" in actual


def test_only_the_page_s_own_script_may_run(make_run, write_run):
    """The policy names it by its hash, as a browser computes it, and allows no other."""
    actual = page(write_run, make_run(**SMALL))
    [script] = re.findall(r"<script>(.*?)</script>", actual, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in actual
    assert not re.search(r"\son\w+\s*=", re.sub(r"<script.*?</script>", "", actual, flags=re.DOTALL))


@pytest.mark.slow
def test_a_page_of_a_full_run_is_small(make_run, write_run):
    """Under 3 MB, with two problems, three passes, three batches and both dtypes; and with 200 implementations."""
    assert len(page(write_run, make_run(dtypes=("float32", "float64"))).encode()) < 3e6
    many = {f"f{i}-e{i}": (f"f{i}", f"e{i}", 1e3 * 1.04**i, 20) for i in range(200)}
    assert len(page(write_run, make_run(many, batches=(4,))).encode()) < 3e6


def test_a_run_too_large_for_a_page_keeps_what_comes_first(make_run, write_run, monkeypatch):
    """Plain passes have their tables and pairs; of the others the page says how many are left to the files."""
    content = make_run(problems=("xor",), passes=("value_and_grad:host", "value_and_grad"), batches=(4, 64))
    monkeypatch.setattr(times, "MOST_ROWS", 10)
    monkeypatch.setattr(chart_data, "MOST_PAIRS", 20)
    actual = page(write_run, content)
    panels = json.loads(re.search(r'id="chart-data">(.*?)</script>', actual, re.DOTALL)[1])["panels"]
    assert [(key, bool(panel["pairs"])) for key, panel in panels.items()] == [
        ("float32|cpu|xor|value_and_grad", True),
        ("float32|cpu|xor|value_and_grad:host", False),
    ]
    assert "1 more tables are in the CSV files" in actual and 'id="times-1"' in actual and 'id="times-2"' not in actual


def test_hostile_text_is_escaped_everywhere(make_run, write_run):
    """Names, reasons, the command, the environment, a batch's sentence: none becomes markup, script or template."""
    content = make_run({name: ("numpy", name, 1000.0 + 9 * i, 1) for i, name in enumerate(HOSTILE)}, **SMALL)
    ours = content["samegrad"]
    ours["command"] = ours["environment"]["cpu"] = HOSTILE[0]
    ours["environment"]["variables"] = {HOSTILE[1]: HOSTILE[2]}
    sentinel = {HOSTILE[0]: {"ratio": 1, "low": 0.9, "high": 1.1}}
    ours["noise"] |= {"noisy": True, "reasons": HOSTILE, "sentinel": sentinel}
    ours["failures"] = [{"implementation": HOSTILE[0], "group": HOSTILE[1], "reason": HOSTILE[2], "stderr": HOSTILE}]
    ours["skipped"] = [{"implementation": HOSTILE[0], "reason": HOSTILE[1]}]
    agreement = json.loads(AGREEMENT.read_text())
    for row in (*agreement["agree"]["rows"], *agreement["drift"]["rows"]):
        row["implementation"] = HOSTILE[0]
    agreement["agree"]["left_out"] = {HOSTILE[1]: HOSTILE[2]}
    agreement["known_faults"][0].update(name=HOSTILE[3], evidence=HOSTILE[4], cure=HOSTILE[0], source=HOSTILE[1])
    actual = page(write_run, content, content, agreement)
    for name in HOSTILE:
        assert str(escape(name)) in actual
        assert name == "{{ 7 * 7 }}" or name not in actual
    assert "49" not in re.findall(r"<td[^>]*>([^<]*)</td>", actual)
    for embedded in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', actual, re.DOTALL):
        assert HOSTILE[0] in json.dumps(json.loads(embedded))


def test_what_the_script_reads_is_strict_json(make_run, write_run):
    """A browser knows no NaN: what is unknown is null."""
    content = make_run(**SMALL)
    for benchmark in content["benchmarks"]:
        del benchmark["extra_info"]["launches"][1:]
        del benchmark["stats"]["data"][20:]
    actual = page(write_run, content)
    (embedded,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', actual, re.DOTALL)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    json.loads(embedded, parse_constant=refuse)


def test_sections_without_data_are_left_out(make_run, write_run):
    """Nothing about agreement, cold start, pairs or other runs where a run has none of it."""
    content = make_run({"solo": ("mlx", "eager", 1e3, 1)}, **SMALL)
    for benchmark in content["benchmarks"]:
        for what in ("agreement", "prepare_ns", "first_call_ns"):
            del benchmark["extra_info"][what]
    actual = page(write_run, content)
    assert sections(actual) == ["times", "trust"]
    rungs = {f"numpy-{n}": ("numpy", f"e{n}", 1e3 * n, 1) for n in range(1, 4)}
    full = make_run(rungs, problems=("line",), passes=("forward", "forward:host"), batches=(4, 64))
    full["samegrad"] |= {"cold_start": COLD, "fits": FITS}
    everything = page(write_run, make_run(**SMALL), full, *map(json.loads, BESIDE))
    of_several = ("contenders", "machines", "widths", "networks", "threads")  # of which that run has one
    assert sections(everything) == [part.ID for part in PARTS if part.ID not in of_several]


def test_a_run_of_an_unknown_machine_still_makes_a_page(make_run, write_run):
    """Without anything about the environment, nor any launch's yardstick."""
    content = make_run(**SMALL)
    content["samegrad"] |= {"environment": {}, "launches": []}
    assert "unknown machine" in page(write_run, content)


def test_the_numbers_of_the_page_are_those_of_the_run(make_run, write_run):
    """Every median, in nanoseconds to six digits, with its ratio and verdict beside it."""
    content = make_run(**SMALL)
    actual = page(write_run, content)
    for group in content["samegrad"]["groups"]:
        for row in group["rows"]:
            stored = float(format(row["median_ns"], ".6g"))
            assert f'data-value="{stored}"' in actual
    assert "AMD EPYC 7B13" in actual and "<pre>pytest --benchmark-only</pre>" in actual


def test_noise_failures_and_skips_are_reported(make_run, write_run):
    """At the top, and where the run is judged."""
    content = make_run(**SMALL)
    ours = content["samegrad"]
    ours["noise"] |= {"noisy": True, "reasons": ["the yardstick moved"]}
    ours["failures"] = [{"implementation": "keras-xla", "group": "g", "reason": "died", "stderr": ["line 1", "line 2"]}]
    actual = page(write_run, content)
    assert actual.index('class="answer"') < actual.index("NOISY run: the yardstick moved") < actual.index("<main")
    assert "<strong>keras-xla</strong> in g" in actual and "<pre>line 1\nline 2</pre>" in actual


def test_runs_of_other_machines_are_reported_apart_loudly(make_run, write_run):
    """An alarm with both machines' names."""
    other = make_run(**SMALL)
    other["samegrad"]["environment"]["cpu"] = "Apple M9"
    actual = page(write_run, other, make_run(**SMALL))
    assert "Not like with like: machine differs: Apple M9 before, AMD EPYC 7B13 after" in actual


def test_an_implementation_that_only_an_earlier_run_has_is_drawn(make_run, write_run):
    """In the table of runs side by side, with its own colour's class defined, and a gap where it was not measured."""
    names = {"numpy": ("numpy", "manual", 9000, 21), "mlx-eager": ("mlx", "eager", 12000, 9)}
    actual = page(write_run, make_run(names, **SMALL), make_run(**SMALL))
    side_by_side = actual.split('id="side-by-side"')[1].split("</table>")[0]
    row = next(row for row in side_by_side.split("<tr>") if "mlx-eager" in row)
    colour = re.search(r"c[0-9A-F]{6}", row)[0]
    assert f".{colour} {{ --line:" in actual and row.count("–</td>") == 1


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_the_report_holds_the_page(tmp_path, make_run, write_run, count):
    """`report.html` beside the figures, for one run and for several."""
    paths = [write_run(make_run(**SMALL), f"run{n}.json") for n in range(count)]
    report.draw(paths, tmp_path / "out", say=lambda line: None)
    actual = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert ("compared" in sections(actual)) == (count > 1)
