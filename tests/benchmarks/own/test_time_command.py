"""`samegrad time` as its users meet it: in a process of its own, with tiny runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.benchmarks.own.worker import OwnWorker
from samegrad.impls.child import ROOT

TINY = ["--launches=2", "--budget=1"]
MINE = """
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

POOL = ThreadPoolExecutor(1)
STATE = [0]
CHILDREN = []
rng = np.random.default_rng()

def plain():
    total = 0.0
    for number in range(2000):
        total += number
    return total

def fast():
    return 1999 * 2000 / 2.0

def wrong():
    return 1.0

def early():
    return POOL.submit(time.sleep, 0.02)

def raises():
    raise ValueError("no luck")

def prints():
    print("loss 0.3")

def later():
    yield 3

def takes(rows):
    return rows * 2

def moves():
    STATE[0] += 1

def interrupts():
    import os, signal
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(10)

def sorts(rows):
    rows.sort()

def draws():
    return rng.random(3)

def dies():
    import os
    os._exit(3)

def forks():
    import os
    return os.fork()

def keeps_a_child():
    import os
    if not CHILDREN:
        CHILDREN.append(os.fork())
        if not CHILDREN[0]:
            time.sleep(3)
            os._exit(0)
    return 1

def tires():
    STATE[0] += 1
    if STATE[0] > 50:
        raise ValueError("tired")

def pairs():
    yield np.ones(3)
"""
UNLUCKY = f"no luck (mine.py:{MINE[: MINE.index('no luck')].count(chr(10)) + 1})"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(MINE)
    return folder


def time_(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "samegrad", "time", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def three(folder):
    return time_(folder, "mine.py:plain", "mine.py:fast", "mine.py:wrong", *TINY, "--json", "three.json")


@pytest.mark.slow
class TestThreeFunctions:
    def test_the_faster_is_found_and_the_wrong_is_called_wrong(self, three):
        lines = three.stdout.splitlines()
        assert "baseline" in lines[1] and lines[1].startswith("mine.py:plain")
        assert any(line.startswith("Same: mine.py:fast returns what mine.py:plain does") for line in lines)
        assert "WRONG: mine.py:wrong" in three.stdout and "is 1, not 1999000" in " ".join(three.stdout.split())
        assert three.returncode == 1

    def test_it_is_reported_in_twelve_lines_of_which_none_is_cut(self, three):
        lines = three.stdout.splitlines()
        assert len(lines) <= 13 and lines[-1].startswith("Saved in three.json")
        assert "2 launches × " in " ".join(lines)

    def test_the_run_file_has_all_that_was_seen(self, three, folder):
        run_file = json.loads((folder / "three.json").read_text())["samegrad"]
        assert set(run_file["own"]) == {"mine.py:plain", "mine.py:fast", "mine.py:wrong"}
        assert run_file["own"]["mine.py:wrong"]["same"].startswith("WRONG")
        assert [row["implementation"] for row in run_file["groups"][0]["rows"]][-1] == "mine.py:plain"

    def test_report_and_compare_read_it(self, three, folder):
        for command in (["report", "three.json", "--out", "drawn"], ["compare", "three.json", "three.json"]):
            done = subprocess.run(
                [sys.executable, "-m", "samegrad", *command],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        assert "mine.py:fast" in (folder / "drawn" / "report.html").read_text()


@pytest.mark.slow
def test_one_function_has_a_time_with_its_interval_and_its_first_call_apart(folder):
    done = time_(folder, "mine.py:plain", *TINY)
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith("mine.py:plain: ") and " per call (" in first and "; first call " in first


@pytest.mark.slow
def test_what_returns_early_is_named_and_waited_for_unless_asked_otherwise(folder):
    medians = {}
    for wait in ("--wait", "--no-wait"):
        done = time_(folder, "mine.py:early", *TINY, wait, "--json")
        run_file = json.loads(done.stdout)["samegrad"]
        medians[wait] = run_file["groups"][0]["rows"][0]["median_ns"]
        assert run_file["own"]["mine.py:early"]["late"]
    assert medians["--wait"] > 2e7 > medians["--no-wait"]
    assert "returned after" in time_(folder, "mine.py:early", *TINY).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.py:raises"], f"samegrad time: mine.py:raises raises ValueError: {UNLUCKY}"),
        (["mine.py:later"], "samegrad time: mine.py:later returns a generator: nothing is computed"),
        (["mine.py:takes"], "samegrad time: mine.py:takes(rows) cannot be called with what it is given"),
        (["mine.py:forks"], "samegrad time: mine.py:forks forks, and returns in the child too; end the child there"),
        (["mine.py:tires"], "samegrad time: mine.py:tires raises ValueError: tired (mine.py:"),
        (["mine.py:dies"], "(exit status 3)"),
        (["mine.py:raises", "mine.py:later"], f"{UNLUCKY}; mine.py:later returns a generator"),
        (["a\nb"], "samegrad time: a b raises NameError: name 'a' is not defined"),
        (["mine.py:plain", "--margin", ""], "samegrad: --margin takes a percentage"),
        (["mine.py:plain", "--json", ""], "samegrad: --json is given an empty path"),
        (["mine.py:plain", "--same", "2"], "samegrad: --same takes a tolerance of at least 0 and below 1"),
        (["mine.py:plain", "--fail-above", "3%"], "samegrad: --fail-above judges one --contender by another"),
        (["mine.py:plain", "--contender", "old=nowhere"], "samegrad: --contender old=nowhere: one alone"),
    ],
)
def test_bad_input_is_one_line_and_status_2(folder, arguments, message):
    done = time_(folder, *arguments, "--launches=1", "--budget=1")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[0 s] launch ")]
    assert done.returncode == 2
    assert len(lines) == 1 and message in lines[0]
    assert done.stdout == ""


@pytest.mark.slow
def test_what_is_interrupted_before_it_has_a_time_says_so(folder):
    """The function itself sends the signal at its first call."""
    done = time_(folder, "mine.py:interrupts", "--launches=1", "--budget=1")
    assert done.returncode == 128 + signal.SIGTERM and "interrupted by SIGTERM" in done.stderr, done.stderr


@pytest.fixture
def remarks(folder, monkeypatch):
    """What is remarked on a function of the file, in this process."""
    monkeypatch.chdir(folder)

    def of(name, **options):
        worker = OwnWorker()
        worker.start(f"mine.py:{name}", 1, **options)
        return worker.prepare("k", True)["remarks"]

    return of


def test_what_makes_calls_unlike_is_remarked_on(remarks):
    assert remarks("moves") == ["it changes the global STATE, so that later calls do not repeat the first"]
    assert remarks("draws") == ["its result is another at each call"]
    assert remarks("sorts", arguments="[3, 1, 2]") == ["it changes its arguments, so that later calls work on others"]


def test_what_repeats_itself_is_not_remarked_on(remarks):
    assert remarks("plain") == remarks("fast") == remarks("takes", inputs="mine.py:pairs") == []


def test_a_child_that_stays_is_waited_for_after_the_first_call_and_not_within(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("samegrad.benchmarks.own.worker.FORKED_S", 1.0)
    worker = OwnWorker()
    worker.start("mine.py:keeps_a_child", 1)
    assert worker.prepare("k", True)["first_call_ns"] < 1e9


def test_printing_is_remarked_on(remarks, capfd):
    """By what arrives in the file that standard output goes to."""
    with capfd.disabled():
        pass
    assert "it prints at every call" in remarks("prints")


def test_the_folder_is_left_as_it_was(folder):
    assert {path.name for path in Path(folder).iterdir()} <= {"mine.py", "three.json", "drawn", "__pycache__"}
