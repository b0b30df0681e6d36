"""Naming an implementation imports nothing; only loading does, and only what that implementation needs."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.machine import compiler
from samegrad.impls.registry import DEFAULT, ENTRIES, REGISTRY, get_entry, select
from samegrad.impls.registry.entry import Entry

ROOT = Path(__file__).parents[3]
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "jaxlib", "autograd", "equinox", "scipy", "cffi"}


def loaded_after(code):
    """The frameworks, and SciPy and cffi, in `sys.modules` of a fresh process that has run the code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(set(sys.modules) & {FRAMEWORKS!r})))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_impls_and_asking_the_registry_imports_no_framework():
    """Every operation but load, for every entry, and every module that is not an implementation's file."""
    everything = """
import importlib, pkgutil
import samegrad.impls
from samegrad.impls.registry import REGISTRY, get_entry, select
targets = {entry.target.partition(":")[0] for entry in REGISTRY.values()}
own = "problem parameters implementation task registry.entry registry.provided child serve errors files"
for module in (*own.split(), "machine.compiler"):
    importlib.import_module("samegrad.impls." + module)
import samegrad.impls.checking.agreement
for entry in select(["all"]):
    get_entry(entry.name).missing() or entry.versions()
    repr(entry)
"""
    assert loaded_after(everything) == set()


def test_names_and_patterns_select_in_the_order_of_the_registry():
    """Each once, however often it is named."""
    names = [entry.name for entry in select(["numpy-tutorial", "numpy", "numpy*"])]
    assert names == [name for name in REGISTRY if name.startswith("numpy")]
    assert [entry.name for entry in select(["all"])] == list(REGISTRY)
    assert [entry.name for entry in select(["?ax-ji[t]", "numpy"])] == ["numpy", "jax-jit"]
    assert [entry.name for entry in select([])] == []


def test_the_default_is_the_four_and_a_floor():
    assert {get_entry(name).framework for name in DEFAULT} == {"numpy", "keras", "torch", "jax", "c"}
    assert all(name in REGISTRY for name in ("numpy", "keras-xla", "torch-eager", "jax-jit", "numpy-tutorial"))


def test_an_entry_is_named_by_its_key():
    assert all(name == entry.name for name, entry in REGISTRY.items())


@pytest.mark.parametrize("patterns", [["nunpy"], ["numpy", "nunpy"]])
def test_an_unknown_name_is_refused_with_the_nearest(patterns):
    with pytest.raises(BadInput, match=r"unknown implementation 'nunpy'; allowed: .*Did you mean 'numpy'\?"):
        select(patterns)
    with pytest.raises(BadInput, match=r"unknown implementation 'nunpy'"):
        get_entry("nunpy")


def test_a_pattern_that_matches_nothing_is_refused_with_all_there_are():
    with pytest.raises(BadInput) as refused:
        select(["numpy", "mxnet-*"])
    assert "no implementation matches 'mxnet-*'" in str(refused.value)
    assert all(name in str(refused.value) for name in REGISTRY)


@pytest.fixture
def nothing_installed(monkeypatch):
    """No distribution but the standard library's and ours is to be found."""
    real = importlib.util.find_spec

    def find_spec(name, package=None):
        return real(name, package) if name.partition(".")[0] in ("numpy", "samegrad") else None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES if entry.packages])
def test_what_is_not_installed_says_what_to_install(name, nothing_installed):
    """One line that names each missing package, and the pip command for it; loading fails with the same line."""
    entry = REGISTRY[name]
    reason = entry.missing()
    assert reason is not None and "\n" not in reason
    assert reason.startswith(f"{name} needs ")
    assert all(package in reason for package in entry.packages)
    target = f"'.[{entry.extra}]'" if entry.extra else "."
    assert reason.endswith(f"pip install -c constraints.txt -e {target}")
    with pytest.raises(Unavailable) as unavailable:
        entry.load()
    assert str(unavailable.value) == reason


@pytest.mark.parametrize("name", ["numpy", "numpy-tutorial"])
def test_numpy_alone_is_enough_for_the_manual_ones(name, nothing_installed):
    assert REGISTRY[name].missing() is None
    assert issubclass(REGISTRY[name].load(), Implementation)


def test_only_what_is_missing_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else real(name) or True)
    reason = REGISTRY["keras-xla"].missing()
    assert reason is not None and reason.startswith("keras-xla needs tensorflow: pip install")


def test_extras_exist_in_the_project_file():
    """What the reason tells the user to type must work."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for entry in ENTRIES:
        extras = entry.extra.split(",") if entry.extra else []
        required = [*project["dependencies"], *(r for extra in extras for r in project["optional-dependencies"][extra])]
        names = {requirement.split(">")[0].split("[")[0] for requirement in required}
        assert set(entry.packages) <= names, entry.name


def test_a_framework_that_is_there_but_broken_says_so(monkeypatch, tmp_path):
    """A failing import is not a missing package; its own message is kept."""
    (tmp_path / "broken_framework.py").write_text("raise ImportError('libbroken.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Unavailable, match=r"b: importing broken_framework failed: libbroken\.so\.1: cannot open"):
        Entry("b", "broken_framework:B", "b", "b").load()
    (tmp_path / "misfit.py").write_text("raise AttributeError('numpy has no attribute float')")
    with pytest.raises(Unavailable, match=r"m: importing misfit failed: AttributeError: numpy has no attribute float"):
        Entry("m", "misfit:M", "m", "m").load()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("samegrad.impls.on_numpy.manual:Numpy", r"module samegrad.impls\.on_numpy\.manual has no Numpy"),
        (
            "samegrad.impls.on_numpy.manual:Dense",
            r"samegrad.impls\.on_numpy\.manual:Dense is no subclass of samegrad\.Implementation",
        ),
        ("samegrad.impls.on_numpy.manual:ACTIVATIONS", "is no subclass"),
        ("samegrad.impls.implementation:Implementation", r"lacks .*forward, .*to_numpy"),
    ],
)
def test_what_is_no_implementation_is_reported_as_it_is_loaded(target, message):
    with pytest.raises(TypeError, match=f"mine: .*{message}"):
        Entry("mine", target, "mine", "mine").load()


def test_a_compiler_that_is_missing_is_reported_beside_the_packages(monkeypatch):
    def require(language):
        raise Unavailable(f"needs a {language} compiler")

    monkeypatch.setattr(compiler, "require", require)
    entry = Entry("c", "samegrad.impls.others.c_floor:CFloor", "c", "C", needs_compiler="C")
    assert entry.missing() == "c needs a C compiler"


@pytest.mark.parametrize("name", REGISTRY)
def test_versions_are_those_of_its_packages(name):
    entry = REGISTRY[name]
    if reason := entry.missing():
        pytest.skip(reason)
    assert set(entry.packages or ("numpy",)) <= set(entry.versions())
    assert all(version[0].isdigit() for package, version in entry.versions().items() if package != "compiler")


WITHOUT_TENSORFLOW = """
import json, sys
for absent in {absent}:
    sys.modules[absent] = None  # as if it were not installed
from samegrad.impls.registry import default, get_entry
print(json.dumps([default(), get_entry("keras-xla").missing()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("absent", "keras"),
    [
        ([], "keras-xla"),
        (["tensorflow"], "keras-jax"),
        (["tensorflow", "jax"], "keras-torch"),
        (["tensorflow", "jax", "torch"], "keras-xla"),
        (["keras"], "keras-xla"),
    ],
)
def test_without_tensorflow_the_default_has_keras_on_what_is_there(absent, keras):
    """And its name says so; where Keras cannot run at all it is skipped with what to install."""
    packages = {"keras-xla": ("keras", "tensorflow"), "keras-jax": ("keras", "jax"), "keras-torch": ("keras", "torch")}
    if reason := [name for name in packages[keras] if name not in absent and importlib.util.find_spec(name) is None]:
        pytest.skip(f"{reason} is not installed here")
    code = WITHOUT_TENSORFLOW.format(absent=absent)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    chosen, missing = json.loads(done.stdout)
    assert chosen == ["numpy", keras, "torch-eager", "jax-jit", "c-floor"]
    assert (missing is None) == (not absent)
