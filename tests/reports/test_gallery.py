"""The gallery takes a run that is whole, consistent and of the committed suite, and says what is wrong with another."""

from __future__ import annotations

import json
import subprocess

import msgspec
import pytest
from click.testing import CliRunner

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.results.statistics import pairs, ratio_interval
from samegrad.benchmarks.results.verdict import BASELINE, verdict
from samegrad.command_line import main
from samegrad.impls.child import ROOT
from samegrad.impls.documents import base as documents
from samegrad.reports import gallery
from samegrad.reports.material import gather
from tests.reports.drawn import render
from tests.reports.several_machines import machine

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository of two commits, and a commit that is no ancestor of the last."""
    folder = tmp_path_factory.mktemp("repository")

    def git(*what):
        return subprocess.run([*GIT, *what], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    commits = []
    for branch in ("main", "side"):
        git("checkout", "-q", "-B", branch)
        git("commit", "-q", "--allow-empty", "-m", branch)
        commits.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "main")
    return folder, *commits


@pytest.fixture
def run(repository, monkeypatch):
    """A run as the clock writes it: what is stated follows from the launches."""
    folder, commit, _ = repository
    monkeypatch.chdir(folder)
    made = machine(1)
    made["commit_info"] = {"id": commit, "dirty": False, "branch": "main"}
    made["machine_info"] = {"node": "my-laptop"}
    for launch in made["samegrad"]["launches"]:
        launch |= {"foreign_cpus": 0.01, "stolen": 0.0}
    by_case = {(b["group"], b["extra_info"]["implementation"]): b["extra_info"] for b in made["benchmarks"]}
    for group in made["samegrad"]["groups"]:
        for row in group["rows"]:
            logs = [launch["log_ratio"] for launch in by_case[group["group"], row["implementation"]]["launches"]]
            interval = ratio_interval(logs, pairs(len(group["rows"])))
            is_base = row["implementation"] == group["baseline"]
            row |= {"ratio": 1.0, "low": None, "high": None} if is_base else interval._asdict()
            row["verdict"] = BASELINE if is_base else verdict(interval)
    return made


def read(run):
    return gallery.without_rounds(msgspec.json.decode(json.dumps(run).encode(), type=RunDocument))


def called(*arguments):
    result = CliRunner().invoke(main, ["gallery", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_run_goes_in_small_and_without_its_host_s_name(run, write_run, tmp_path):
    path = write_run(run)
    code, output = called("add", path, "--folder", tmp_path / "gallery")
    [small] = (tmp_path / "gallery").iterdir()
    assert code == 0 and f"Saved in {small}" in output
    assert small.name == "amd-epyc-7b13-00000000.json"
    assert b"my-laptop" not in small.read_bytes() and b'"data": []' in small.read_bytes()
    assert called("check", small) == (0, f"{small}: fit for the gallery\n")
    assert "One machine says nothing of the next." in render(gather([small]))


def test_a_forced_kernel_has_a_file_of_its_own(run):
    run["samegrad"]["handicaps"] = [
        {"handicap": "kernels", "sentence": "OPENBLAS_CORETYPE=Haswell has BLAS use others"}
    ]
    assert gallery.file_name(read(run)) == "amd-epyc-7b13-00000000-openblas-coretype-haswell.json"


def planted(change):
    return lambda run: change(run["samegrad"], run["samegrad"]["groups"][0], run["benchmarks"])


FAULTS = {
    "its machine": (planted(lambda ours, group, all_: ours["environment"].pop("identity")), "does not record its"),
    "its company": (planted(lambda ours, group, all_: [one.pop("foreign_cpus") for one in ours["launches"]]),
                    "or whether it was alone"),
    "not alone": (planted(lambda ours, group, all_: ours["launches"][0].update(foreign_cpus=0.5)), "it was not alone"),
    "interrupted": (planted(lambda ours, group, all_: ours.update(interrupted=True)), "it was interrupted"),
    "changed files": (lambda run: run["commit_info"].update(dirty=True), "were changed and not committed"),
    "another commit": (lambda run: run["commit_info"].update(id="0" * 40), "is not in this repository's history"),
    "an option for git": (lambda run: run["commit_info"].update(id="--help"), "is not in this repository's history"),
    "no commit": (lambda run: run["commit_info"].update(id=None), "is not in this repository's history"),
    "a failure": (planted(lambda ours, group, all_: ours["failures"].append(
        {"implementation": "numpy", "group": "a group", "reason": "it died"})), "numpy failed at a group"),
    "a missing benchmark": (planted(lambda ours, group, all_: all_.pop(1)), "lacks numpy-tutorial"),
    "too few launches": (planted(lambda ours, group, all_: all_[1]["extra_info"]["launches"].pop()),
                         "has 2 of at least 3"),
    "a better ratio": (planted(lambda ours, group, all_: group["rows"][1].update(ratio=1.01)), "does not follow from"),
    "a narrower interval": (planted(lambda ours, group, all_: group["rows"][1].update(low=group["rows"][1]["ratio"])),
                            "does not follow from its launches"),
    "a better verdict": (planted(lambda ours, group, all_: group["rows"][-1].update(verdict="faster")),
                         "is not 'faster' by its interval"),
    "a better launch": (planted(lambda ours, group, all_: [
        launch.update(log_ratio=launch["log_ratio"] - 0.5) for launch in all_[1]["extra_info"]["launches"]]),
        "has a ratio unlike its medians"),
    "percentiles": (planted(lambda ours, group, all_: all_[0]["extra_info"]["launches"][0].update(p10_ns=1e9)),
                    "has percentiles out of order"),
    "a gate that it failed": (planted(lambda ours, group, all_: all_[0]["extra_info"].update(tau=1.5)),
                              "did not pass the gate"),
    "work of one's own": (planted(lambda ours, group, all_: ours.update(
        own={"mine": {"returned_ns": 1, "ready_ns": 1, "late": "", "waited": True}})), "and not the suite"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_and_nothing_else(run, fault):
    assert gallery.problems(read(run)) == []
    plant, message = FAULTS[fault]
    for benchmark in run["benchmarks"]:
        benchmark["stats"]["data"] = []
    plant(run)
    actual = gallery.problems(read(run))
    assert any(message in line for line in actual), actual


def test_a_commit_of_another_branch_is_not_in_the_history(run, repository):
    run["commit_info"]["id"] = repository[2]
    assert len(gallery.problems(read(run))) == 1


def test_a_run_that_is_not_fit_is_not_added(run, write_run, tmp_path):
    run["samegrad"]["launches"][0]["foreign_cpus"] = 0.5
    path = write_run(run)
    code, output = called("add", path, "--folder", tmp_path / "gallery")
    assert code == 1 and output == (
        f"{path}: it was not alone: others kept 0.50 CPUs busy during its rounds (limit 0.2)\n"
    )
    assert not (tmp_path / "gallery").exists()


def test_a_whole_run_is_refused_with_the_command_that_makes_it_small(run, write_run):
    path = write_run(run)
    code, output = called("check", path)
    assert code == 1 and "it has the key 'machine_info'" in output and "it has its rounds" in output
    assert f"samegrad gallery add {path}" in output


@pytest.mark.parametrize("path", sorted((ROOT / gallery.FOLDER).glob("*.json")), ids=lambda path: path.stem)
def test_what_is_in_the_gallery_is_fit_for_it(path, monkeypatch):
    monkeypatch.setattr(gallery, "_is_commit", lambda *_: True)  # a clone may be without its history
    file = documents.read(path, [RunDocument])
    assert gallery.problems(file) == [] and gallery.extra_keys(path.read_bytes()) == []
    assert gallery.file_name(file) == path.name


def test_many_problems_are_counted_and_not_all_shown(run, write_run):
    for benchmark in run["benchmarks"]:
        benchmark["extra_info"]["tau"] = 2
        benchmark["extra_info"]["launches"][0]["p10_ns"] = 1e9
    lines = called("check", write_run(run))[1].splitlines()
    assert len(lines) < 20 and lines[-1].endswith(" more")


def test_a_pipe_is_read_once(run, write_run):
    """As a shell puts it in place of a file: `samegrad gallery check <(…)`."""
    with subprocess.Popen(["cat", write_run(run)], stdout=subprocess.PIPE) as cat:
        code, output = called("check", f"/dev/fd/{cat.stdout.fileno()}")
    assert code == 1 and "it has its rounds" in output


def test_what_is_no_run_file_is_one_line_and_status_2(write_run):
    code, output = called("check", write_run("{}"))
    assert code == 2 and output.count("\n") == 1 and "JSON of another kind" in output
