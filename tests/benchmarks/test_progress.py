"""A run is never silent, and what takes long can be interrupted and resumed: on a real terminal, and without one."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from samegrad.benchmarks import progress
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.cold_start import PHASES
from samegrad.benchmarks.clock.foreseen import budget_warning, rounds_s, starts_s
from samegrad.benchmarks.clock.fresh import PROCESSES
from samegrad.benchmarks.clock.record import Request
from samegrad.benchmarks.options import SWEEP
from samegrad.benchmarks.progress import Activity
from tests.terminals import shown

ROOT = Path(__file__).parents[2]
BARE = ["-pno:cacheprovider", "-pno:timeout", "-pno:xdist", "-pno:hypothesispytest", "-pno:jaxtyping"]


def bench(folder, *options, file="run.json"):
    """A run on a terminal of its own, without the plugins that only take time to be imported."""
    command = [sys.executable, "-m", "pytest", *BARE, "--benchmark-only", *options]
    return shown([*command, f"--benchmark-json={folder}/{file}"], ROOT)


def document(folder, file="run.json"):
    return json.loads((folder / file).read_text(encoding="utf-8"))


class Slate:
    """A terminal that keeps what is written."""

    def __init__(self, moves):
        self.moves, self.lines, self.updates = moves, [], []

    def line(self, text):
        self.lines.append(text)

    def update(self, text):
        if self.moves:
            self.updates.append(text)


@pytest.mark.parametrize("moves", [True, False], ids=["terminal", "pipe"])
def test_while_one_thing_takes_long_it_is_shown_again(moves, monkeypatch):
    """On a terminal every second, elsewhere every minute; here both are hundredths."""
    monkeypatch.setattr(progress, "BEAT_S", 0.01)
    monkeypatch.setattr(progress, "SILENT_S", 0.05)
    slate = Slate(moves)
    with Activity(slate) as activity:
        activity.set(lambda elapsed_s: f"busy for {elapsed_s:.2f} s")
        before, until = len(slate.updates), time.monotonic() + 30  # nothing is going on in those before
        while len(set(slate.updates[before:] if moves else slate.lines)) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    output = slate.updates[before:] if moves else slate.lines[:-1]
    assert len(set(output)) >= 3 and all(re.fullmatch(r"busy for \d+\.\d\d s", text) for text in output)
    assert re.fullmatch(r"measured in \d+ s", slate.lines[-1])
    had = len(output)
    time.sleep(0.05)
    assert len(slate.updates[before:] if moves else slate.lines[:-1]) == had, "it goes on after its end"


def test_a_budget_is_compared_with_starts_and_compilation_too():
    """The rounds alone would fit."""
    request = Request(
        {Case("xor", "forward", batch, "float32", "cpu"): ("numpy", "keras-xla") for batch in SWEEP},
        budget_s=20,
        launches=3,
    )
    assert rounds_s(request) < 20 < starts_s(request) + rounds_s(request)
    output = re.fullmatch(r"A budget of 20 s cannot be kept: about (\d+) s is the least, .*", budget_warning(request))
    enough = Request(request.cases, budget_s=float(output[1]) + 1, launches=3)
    assert budget_warning(enough) == ""


@pytest.mark.slow
def test_cold_starts_are_shown_one_by_one_interrupted_and_resumed(tmp_path):
    """Ctrl-C at the terminal, in the third process of five; what is whole is not started again."""
    with bench(tmp_path, "-k", "cold_start", "--implementations=numpy") as run:
        run.until(rf"process 3 of {PROCESSES}: ")
        run.process.send_signal(signal.SIGINT)
        assert run.ended() == pytest.ExitCode.INTERRUPTED, run.text
    assert "Traceback" not in run.text and "Interrupted: what is complete is above and in the run file." in run.text
    actual = document(tmp_path)["samegrad"]
    assert actual["interrupted_by"] == "SIGINT"
    assert {len(samples) for samples in actual["cold_start"]["numpy"].values()} <= {2, 3}

    with bench(tmp_path, "-k", "cold_start", f"--resume={tmp_path}/run.json", file="whole.json") as run:
        assert run.ended() == 0, run.text
    whole = document(tmp_path, "whole.json")["samegrad"]
    assert {phase: len(whole["cold_start"]["numpy"][phase]) for phase in PHASES} == dict.fromkeys(PHASES, PROCESSES)

    with bench(tmp_path, "-k", "cold_start", f"--resume={tmp_path}/whole.json", file="again.json") as run:
        assert run.ended() == 0, run.text
    assert "Nothing is missing; nothing is measured." in run.text and "process 1 of" not in run.text
    assert document(tmp_path, "again.json")["samegrad"]["cold_start"] == whole["cold_start"]


@pytest.mark.slow
def test_a_sweep_is_shown_group_by_group_interrupted_and_resumed(tmp_path):
    """Ctrl-C at the fifth of nine batches: what is complete is kept, the rest follows."""
    sweep = ["--batches=sweep", "--implementations=numpy", "--passes=forward", "--problems=xor", "--launches=1"]
    with bench(tmp_path, *sweep, "--budget=1") as run:
        run.until(rf"launch 1/1, group 5/{len(SWEEP)}: ")
        run.process.send_signal(signal.SIGINT)
        assert run.ended() == pytest.ExitCode.INTERRUPTED, run.text
    assert "Traceback" not in run.text and "cannot be kept: about" in " ".join(run.text.split())
    had = groups(tmp_path)
    assert 4 <= len(had) < len(SWEEP)

    with bench(tmp_path, f"--resume={tmp_path}/run.json", file="whole.json") as run:
        assert run.ended() == 0, run.text
    assert f"{len(had)} of {len(SWEEP)} groups are taken" in run.text
    whole = groups(tmp_path, "whole.json")
    assert len(whole) == len(SWEEP) and all(whole[group] == pytest.approx(samples) for group, samples in had.items())


def groups(folder, file="run.json"):
    return {benchmark["group"]: benchmark["stats"]["data"] for benchmark in document(folder, file)["benchmarks"]}
