"""What is built of the project, and what is installed of that: one name, and real files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = ("impls", "benchmarks", "reports")
DATA = {
    "samegrad/py.typed",
    "samegrad/impls/checking/constants.json",
    "samegrad/impls/others/c_floor.c",
    "samegrad/impls/others/c_network.h",
    "samegrad/impls/verifying/report.html.j2",
    "samegrad/reports/page/page.html",
    "samegrad/reports/page/page.css",
}
BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]  # which setuptools overwrites
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with what setuptools builds, without a network, of a copy that someone has measured in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    for folder in ("samegrad", *WINGS):
        shutil.copytree(ROOT / folder, source / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "reports/latest").mkdir(exist_ok=True)
    (source / "reports/latest/report.html").touch()
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, check=True)
    return out


def test_a_wheel_claims_no_name_but_samegrad(built):
    [path] = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"samegrad"}
    ours = {str(path.relative_to(ROOT)) for wing in WINGS for path in (ROOT / wing).rglob("*.py")}
    assert {f"samegrad/{name}" for name in ours} | DATA <= names
    assert not any(name.startswith(("samegrad/reports/latest", "samegrad/reports/sample")) for name in names)


def test_a_source_distribution_has_files_for_links(built):
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        members = {member.name.partition("/")[2]: member for member in archive}
    assert members.keys() >= DATA and not any(member.issym() for member in members.values())
    assert members["samegrad/reports/page/page.html"].size == (ROOT / "reports/page/page.html").stat().st_size
