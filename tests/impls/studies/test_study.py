"""A whole study: it agrees with `train xor --seeds`, the file is always the same, and nothing is trained twice."""

from __future__ import annotations

import json
import os
import signal
import time

import numpy as np
import pytest
from click.testing import CliRunner

from samegrad.command_line import main
from samegrad.impls.child import Failed
from samegrad.impls.documents.study import Study
from samegrad.impls.learning import recipes, starts
from samegrad.impls.studies import processes, specs
from samegrad.impls.studies.block_task import work
from samegrad.impls.studies.journal import Journal
from samegrad.impls.studies.study import StudyPlan

COUNT, EPOCHS, RATE = 60, 1000, 1.4
"""With so many epochs a study looks as often as `train` does; some starts learn and others do not."""
FIELDS = {"starts": COUNT, "epochs": EPOCHS, "learning_rates": [RATE]}


@pytest.fixture
def in_this_process(monkeypatch):
    """The blocks that are trained, in this process."""
    trained = []

    def run(target, tasks, jobs, done):
        for key, arguments in tasks.items():
            trained.append(arguments["block"])
            done(key, work(**arguments))

    monkeypatch.setattr(processes, "run", run)
    return trained


def document(journal, **fields):
    plan = StudyPlan(specs.possible({**FIELDS, **fields}))
    plan.run(journal, None, 1, lambda *_: None)
    return plan.document(journal)


def test_the_share_and_the_epochs_are_those_of_train(in_this_process, tmp_path):
    """The same starts, rate and epochs: every start is learned by the same look."""
    recipe = recipes.changed(recipes.xor(), learning_rate=RATE, epochs=EPOCHS)
    recipes.save(recipe, tmp_path / "recipe.npz")
    needed = np.array(starts.measure("numpy-networks", str(tmp_path), 42, COUNT, "float64")["needed"])
    (cell,) = document(Journal(tmp_path)).cells
    assert 0.1 < cell.share < 0.9 and cell.share == (needed >= 0).mean()
    at = np.repeat(specs.possible(FIELDS).looks[: len(cell.learned_at)], cell.learned_at)
    np.testing.assert_array_equal(at, np.sort(needed[needed >= 0]))


def test_the_tasks_change_nothing_and_finished_ones_are_kept(in_this_process, tmp_path, monkeypatch):
    """Neither how many there are, nor whether some were done before; a damaged one is done again."""
    whole = document(Journal(tmp_path / "whole"))
    monkeypatch.setattr(specs, "WORK", 8 * EPOCHS * 17)
    in_this_process.clear()
    journal = Journal(tmp_path / "pieces")
    assert document(journal).cells == whole.cells and len(in_this_process) == 8
    files = sorted(journal.folder.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:20])
    files[1].unlink()
    journal = Journal(tmp_path / "pieces")
    in_this_process.clear()
    assert document(journal).encoded() == document(journal).encoded() and len(in_this_process) == 2
    in_this_process.clear()
    document(journal, learning_rates=[RATE, 1.0])
    assert {block["cell"]["learning_rate"] for block in in_this_process} == {1.0}


def test_what_diverges_is_counted(in_this_process, tmp_path):
    """Weights of 10³⁰⁰ overflow at once, and no warning is seen."""
    (cell,) = document(Journal(tmp_path), laws=["normal 1e300"], activations=["relu"], starts=10, epochs=20).cells
    assert cell.share == 0 and cell.failures.get("diverged", 0) > 0 and sum(cell.failures.values()) == 10


@pytest.mark.slow
def test_a_process_killed_in_mid_task_is_replaced(tmp_path):
    """The file is that of an undisturbed run; a task whose process always dies ends the study in one line."""
    expected = document(Journal(tmp_path / "one")).encoded()
    plan, journal = StudyPlan(specs.possible(FIELDS)), Journal(tmp_path / "other")
    ask, killed = processes.Child.ask, []

    def ask_and_die(self, do, **request):
        if not killed:
            killed.append(self.pid)
            self.send(do, **request)
            os.kill(self.pid, signal.SIGKILL)
            return self.receive(do)
        return ask(self, do, **request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes.Child, "ask", ask_and_die)
        plan.run(journal, None, 2, lambda *_: None)
    assert killed and plan.document(journal).encoded() == expected
    with pytest.raises(Failed, match="died"):
        processes.run("os:abort", {"key": {}}, 1, lambda *_: None)


def nap(seconds):
    time.sleep(seconds)
    return {}


@pytest.mark.slow
def test_ctrl_c_ends_the_processes_of_the_study_at_once_and_no_others():
    """One task would take five minutes more; a process that is not the study's still answers."""

    def interrupt(key, result):
        raise KeyboardInterrupt

    other, began_s = processes.Child(None, "another's", 1, 60), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        processes.run(f"{__name__}:nap", {"short": {"seconds": 0}, "long": {"seconds": 300}}, 2, interrupt)
    assert time.monotonic() - began_s < 100
    assert other.ask("builtins:dict") == {}
    other.close()


@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch):
    """Alone on standard output, saved where it is asked for, and the answer last; the journal is gone at the end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text("starts = 20\nepochs = 50\n", encoding="utf-8")
    alone = CliRunner().invoke(main, ["study", "spec.toml", "--widths", "2,3", "--jobs", "2", "--json"])
    assert alone.exit_code == 0 and [cell["width"] for cell in json.loads(alone.stdout)["cells"]] == [2, 3]
    shown = CliRunner().invoke(main, ["study", "spec.toml", "--widths", "2,3", "--jobs", "1"])
    assert shown.stdout.splitlines()[-2].startswith(
        "Both halves of the starts give the same share, within chance, in 2 of 2"
    )
    (path,) = (tmp_path / Study.FOLDER).glob("*")
    assert path.read_bytes() == alone.stdout.encode()


def test_mistakes_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, line in (
        (["--widths", "2,x"], "--widths takes numbers separated by commas, found '2,x'"),
        (["--optimizers", "adm"], "unknown optimizer 'adm'"),
        (["none.toml"], "none.toml: cannot be read"),
        (["--on", "somewhere"], "--on takes tcp://HOST:PORT or local:N"),
        (["--on", "local:0"], "--on takes tcp://HOST:PORT or local:N"),
        (["--on", "local:2", "--jobs", "2"], "--jobs counts processes of this machine"),
        (["--json", "nowhere/x.json"], "there is no folder nowhere"),
    ):
        result = CliRunner().invoke(main, ["study", *arguments])
        assert result.exit_code == 2 and line in result.stderr and result.stderr.count("\n") == 1
