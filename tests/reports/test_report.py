"""`samegrad report`: whole files in the right place, or one clear line and none."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import pytest

from samegrad.impls.documents.base import DocumentError
from samegrad.reports import report

SMALL = {"problems": ("line",), "passes": ("forward",), "batches": (4, 64)}


def drawn(tmp_path, path, lines=None):
    return report.draw([path], tmp_path / "out", say=(lines if lines is not None else []).append)


def test_a_report_is_figures_in_three_forms_and_a_table(tmp_path, make_run, write_run):
    """PNG, SVG and CSV for each figure, named for dtype and device, and the Markdown table; all are reported."""
    lines = []
    paths = drawn(tmp_path, write_run(make_run(**SMALL)), lines)
    names = {path.name for path in paths}
    for figure in ("time-per-call", "smallest-batch", "agreement"):
        assert {f"{figure}-float32-cpu.{kind}" for kind in ("png", "svg", "csv")} <= names
    assert "table.md" in names and {path.name for path in (tmp_path / "out").iterdir()} == names
    assert "run.json" in lines[0] and lines[1].startswith(f"{len(paths)} files in ")
    assert any(str(path) in lines[2] for path in paths) and "report.html in a browser" in lines[2]


def test_every_dtype_has_figures_of_its_own(tmp_path, make_run, write_run):
    """A file of float32 and float64 gives both, distinguished by their names."""
    paths = drawn(tmp_path, write_run(make_run(**SMALL, dtypes=("float32", "float64"))))
    names = {path.name for path in paths}
    assert {"time-per-call-float32-cpu.png", "time-per-call-float64-cpu.png"} <= names


def test_csv_carries_the_figure_s_numbers(tmp_path, make_run, write_run):
    """One row per point, in full precision."""
    content = make_run(**SMALL)
    paths = drawn(tmp_path, write_run(content))
    path = next(path for path in paths if path.name == "time-per-call-float32-cpu.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert len(rows) == len(content["benchmarks"])
    stored = content["samegrad"]["groups"][0]["rows"][0]
    assert (rows[0]["implementation"], float(rows[0]["median_ns"])) == (stored["implementation"], stored["median_ns"])


def test_a_formula_in_a_name_stays_text_in_a_spreadsheet():
    """A spreadsheet does not run what begins with an apostrophe (OWASP, CSV injection)."""
    assert report.comma_separated([{"implementation": "=1+1", "ns": -1.0}]) == b"implementation,ns\n'=1+1,-1.0\n"


def test_nothing_is_written_when_the_run_file_is_bad(tmp_path, write_run):
    """Not even the folder is made."""
    with pytest.raises(DocumentError):
        drawn(tmp_path, write_run('{"benchmarks": ['))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path, make_run, write_run):
    """A file is where the folder should be."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DocumentError, match=r"out: cannot be written \(File exists\); name another with --out"):
        drawn(tmp_path, write_run(make_run(**SMALL)))


def test_the_latest_run_goes_to_the_latest_report(tmp_path, monkeypatch, make_run, write_run):
    """Without arguments; what an earlier run left there is gone, so that no figure of another run is beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports/runs").mkdir(parents=True)
    write_run(make_run(**SMALL), name="reports/runs/a.json")
    (tmp_path / "reports/latest").mkdir()
    (tmp_path / "reports/latest/time-per-call-float64-cpu.png").write_text("old")
    paths = report.draw(say=lambda line: None)
    assert {path.name for path in (tmp_path / "reports/latest").iterdir()} == {path.name for path in paths}


def test_a_folder_of_the_user_s_keeps_its_files(tmp_path, make_run, write_run):
    """Only our own folder is emptied."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.md").write_text("mine")
    drawn(tmp_path, write_run(make_run(**SMALL)))
    assert (tmp_path / "out/thesis.md").read_text() == "mine"


def test_a_report_needs_no_framework_and_nothing_that_measures():
    """Importing all of reports loads no framework and nothing that measures, and matplotlib only to draw."""
    code = """
import sys, samegrad.reports.report, samegrad.reports.parts
loaded = {name.split(".")[0] for name in sys.modules} & {"torch", "tensorflow", "keras", "jax", "matplotlib", "jinja2"}
wings = ("samegrad.impls.", "samegrad.benchmarks.")
ours = {name.split(".")[2] for name in sys.modules if name.startswith(wings)}
types = {"results", "documents", "errors", "files", "console"}
print(sorted(loaded | ours - types))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
