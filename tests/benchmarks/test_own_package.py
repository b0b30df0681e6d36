"""Somebody's own package, really installed, adds an implementation without a change to this project.

Its only module and its project file are those of docs/add-an-implementation.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from samegrad.impls.conformance.clauses import CLAUSES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECT = """\
[project]
name = "samegrad-mine"
version = "0.1"
dependencies = ["samegrad", "autograd>=1.7"]

[project.entry-points."samegrad.implementations"]
mine-tape = "mine:AutogradTape"
"""
PAGE = (ROOT / "docs/add-an-implementation.md").read_text()
[MINE] = re.findall(r"^```python\n# mine\.py\n(.*?)^```$", PAGE, re.M | re.S)
CONTRACT = "tests/impls/test_contract.py"
TIME_LIMIT_S = 300


def python(*arguments, site=None, how="-m", time_limit_s=TIME_LIMIT_S):
    """Exit status, and standard output and error together, of a Python that finds what is in `site`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "PY_COLORS")}
    if site:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        [sys.executable, how, *map(str, arguments)],
        cwd=ROOT,
        env=environment | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=time_limit_s,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that pip installs it into: nothing is downloaded, and this environment stays as it is."""
    pytest.importorskip("autograd")
    source, site = tmp_path_factory.mktemp("mine"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "mine.py").write_text(MINE)
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    code, output = python("pip", "install", *offline, "--target", site, source)
    assert code == 0, output
    return site


def test_list_shows_it(site):
    code, output = python("samegrad", "list", site=site)
    assert code == 0, output
    assert f"mine-tape mine tape autograd {version('autograd')}" in [
        " ".join(line.split()) for line in output.splitlines()
    ]
    assert "provided: mine-tape is of samegrad-mine" in output
    code, output = python("samegrad", "list")
    assert code == 0 and "mine-tape" not in output


def test_it_keeps_the_contract(site):
    code, output = python("samegrad", "conformance", "mine-tape", site=site)
    assert code == 0 and "\nmine-tape keeps the contract.\n" in output, output


def test_the_contract_s_own_tests_take_it_up(site):
    """Every clause but that of compilers, and what it imports."""
    code, output = python("pytest", "-q", "-p", "no:cacheprovider", "-k", "mine-tape", CONTRACT, site=site)
    assert code == 0, output
    assert f"{len(CLAUSES)} passed, 1 skipped" in output


def test_samegrad_agree_measures_it(site):
    """Its part of the command, from a process that finds the package; the whole command tries Keras's faults too."""
    script = """
from samegrad.impls.checking import agree
result = agree.run(["mine-tape"], problems=["xor"], dtypes=["float64"], scales=[1, 10], seeds=[0])
assert result["rows"] and not result["failed"] and not result["left_out"], result
print(agree.disagreements(result))
"""
    assert python(script, site=site, how="-c") == (0, "[]\n")


def test_the_suite_runs_on_it_and_its_report_shows_it(site, tmp_path):
    """Past the gate and into the run file, with the versions that it ran on; and into the figures' table."""
    tiny = ("--implementations=numpy,mine-tape", "--problems=xor", "--batches=4", "--launches=1", "--budget=0.5")
    run = tmp_path / "run.json"
    code, output = python(
        "pytest", "--benchmark-only", "-p", "no:cacheprovider", *tiny, f"--benchmark-json={run}", site=site
    )
    assert code == 0, output
    document = json.loads(run.read_text())
    assert not document["samegrad"]["failures"] and not document["samegrad"]["skipped"]
    entry = document["samegrad"]["implementations"]["mine-tape"]
    assert (entry["framework"], entry["execution"]) == ("mine", "tape")
    assert entry["version"] == f"{version('autograd')} / 0.1"
    timed = [
        bench["extra_info"] for bench in document["benchmarks"] if bench["extra_info"]["implementation"] == "mine-tape"
    ]
    assert {info["pass"] for info in timed} == {"forward", "value_and_grad", "train_step"}
    assert all(info["tau"] <= 1 for info in timed)

    code, output = python("samegrad", "report", run, "--out", tmp_path / "out")
    assert code == 0, output
    assert "`mine-tape`" in (tmp_path / "out" / "table.md").read_text()
