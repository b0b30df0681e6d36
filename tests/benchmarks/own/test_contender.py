"""Environments: what is asked for is found, what cannot be used is refused in one line, what differs is listed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.benchmarks.clock.contestant import HERE, Registered
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.own import contender
from samegrad.benchmarks.own.contender import Contender, Elsewhere, differing, read
from samegrad.impls.child import ROOT, Failed
from samegrad.impls.errors import BadInput
from samegrad.impls.registry import get_entry


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Two commits of a module, tagged one and two; in the second the requirements changed as well."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    for number in ("one", "two"):
        (folder / "src").mkdir(exist_ok=True)
        (folder / "src" / "theirs_own.py").write_text(f"def f():\n    return {number!r}\n")
        (folder / "requirements.txt").write_text(f"numpy  # {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", number)
        git(folder, "tag", number)
    return folder


@pytest.fixture(scope="module")
def both(repository):
    return read(["old=git:one", "new=git:two"], str(repository), ["numpy", "no_such_module"])


def test_a_commit_is_taken_out_without_touching_the_repository(repository, both):
    old, new = both
    assert (old.commit, new.commit) == (git(repository, "rev-parse", "one"), git(repository, "rev-parse", "two"))
    assert "'one'" in (old.place.folder / "src" / "theirs_own.py").read_text()
    assert git(repository, "status", "--porcelain") == "" and git(repository, "worktree", "list").count("\n") == 0


def test_its_code_comes_before_what_is_installed_and_the_workers_are_ours(both):
    for one in both:
        paths = one.place.variables["PYTHONPATH"].split(os.pathsep)
        assert paths == [str(ROOT), str(one.place.folder), str(one.place.folder / "src")]


def test_a_commit_of_our_own_is_run_by_its_own_workers(tmp_path):
    git(tmp_path, "init", "-q")
    mark = tmp_path / contender.OUR_MARK
    mark.parent.mkdir(parents=True)
    mark.write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "ours")
    one, _ = read(["a=git:HEAD", "b=git:HEAD"], str(tmp_path))
    assert one.place.variables["PYTHONPATH"] == str(one.place.folder)


def test_changed_requirements_are_remarked_on(both):
    old, new = both
    assert new.remarks == ()
    assert "requirements.txt of one differ from the present ones" in old.remarks[0]


def test_the_environment_is_looked_at(both):
    old, _ = both
    assert old.python == ".".join(map(str, sys.version_info[:3]))
    assert old.packages["numpy"] == get_entry("numpy").versions()["numpy"]
    assert "numpy" in old.modules and "no_such_module" not in old.modules


def test_what_differs_is_listed():
    def one(name, **packages):
        return Contender(name, HERE, "3.11.7", packages)

    assert differing([one("old", numpy="2.1", scipy="1"), one("new", numpy="2.4", scipy="1", jax="0.9")]) == [
        "numpy 2.1 in old, 2.4 in new",
        "jax absent in old, 0.9 in new",
    ]
    assert differing([one("old", numpy="2.1"), one("new", numpy="2.1")]) == []


def test_an_implementation_elsewhere_has_that_environments_versions_and_says_what_it_lacks():
    entry = get_entry("jax-jit")
    there = Contender("old", HERE, "3.11.7", {"jax": "0.1"}, frozenset({"jax"}))
    bare = Contender("new", HERE, "3.11.7", {})
    first, second = (
        Elsewhere(Registered("jax-jit", entry), one, is_first) for one, is_first in ((there, True), (bare, False))
    )
    assert (first.name, first.version(), first.can_be_baseline) == ("jax-jit@old", "0.1", True)
    assert first.missing() is None and not second.can_be_baseline
    with pytest.raises(Failed, match=f"jax-jit@new needs jax: {sys.executable} -m pip install jax"):
        second.require()


def test_a_worker_runs_in_the_contenders_interpreter_and_code(both):
    """The module of each commit, under our own `serve`."""
    for one, text in zip(both, ("one", "two"), strict=True):
        worker = WorkerProcess("w", 1, 120, one.place, "samegrad.benchmarks.own.worker:OwnWorker")
        try:
            worker.ask("start", target="theirs_own:f", threads=1)
            prepared = worker.ask("prepare", key="w", waits=True)
        finally:
            worker.close()
        assert prepared["leaves"] == [{"path": "", "kind": "plain", "text": repr(text)}]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["old"], "--contender takes NAME=PATH/python or NAME=git:REF, such as old=.venv-old/bin/python; found 'old'"),
        (["o@d=x", "b=y"], "--contender takes NAME=PATH/python"),
        (["old="], "--contender takes NAME=PATH/python"),
        ([f"old={sys.executable}"], "one alone has nothing to be compared with"),
        ([f"old={sys.executable}", f"old={sys.executable}"], "--contender old=… is there twice"),
        (["old=/no/such/python", f"new={sys.executable}"], "/no/such/python is no program that can be run"),
        ([f"old={Path(sys.prefix)}", f"new={sys.executable}"], "the interpreter is bin/python in it"),
        (["old=/bin/true", f"new={sys.executable}"], "/bin/true is no Python that answers"),
        (["old=git:nowhere", f"new={sys.executable}"], "Needed a single revision"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(asked, message):
    with pytest.raises(BadInput) as refused:
        read(asked, None)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_a_folder_without_repository_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"not a git repository.*--repo names another repository"):
        read(["old=git:main", f"new={sys.executable}"], str(tmp_path))
    with pytest.raises(BadInput, match="--repo is the repository"):
        read([f"old={sys.executable}", f"new={sys.executable}"], str(tmp_path))


def test_an_environment_without_what_a_worker_needs_is_refused(tmp_path):
    """Python alone: a virtual environment with nothing in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(BadInput, match=f"lacks numpy, scipy, msgspec, psutil, threadpoolctl: {bare} -m pip install"):
        read([f"old={bare}", f"new={sys.executable}"], None)
