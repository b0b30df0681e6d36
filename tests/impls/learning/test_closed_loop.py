"""Closed loop: every aligned optimizer trains as the textbook does, and one that does not is named."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from samegrad.impls.documents.optimizers import ClosedLoops
from samegrad.impls.learning import closed_loop, training
from samegrad.impls.learning.closed_loop import run
from samegrad.impls.learning.numpy_trainer import NumpyTrainer
from samegrad.impls.learning.optimizers import OPTIMIZERS, Conventions, make
from samegrad.impls.learning.optimizers_command import optimizers_command
from samegrad.impls.learning.trainer import TRAINERS
from samegrad.impls.registry import get_entry
from tests.impls.learning.test_training import in_this_process


@pytest.fixture
def here(monkeypatch):
    """Processes are this one; `planted(kind)` makes `kind` the trainer of `numpy`."""
    monkeypatch.setattr(training, "call", in_this_process)
    return lambda kind: monkeypatch.setattr(closed_loop, "load", lambda name: type("module", (), {"TRAINER": kind}))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_optimizer_of_numpy_is_explained(dtype, here):
    """A row per problem and optimizer, in each dtype."""
    here(NumpyTrainer)
    seen = []
    result = run(["numpy"], epochs=20, dtype=dtype, progress=seen.append)
    assert seen[-1] == {name: {"stage": "done", "epoch": len(result["rows"])} for name in ("shadows", "numpy")}
    assert ClosedLoops.of(result).wrong == [] and json.loads(json.dumps(result, allow_nan=False)) == result
    titles = [(row["problem"], row["optimizer"]) for row in result["rows"]]
    assert titles == [(problem, name) for problem in ("xor", "line", "slides") for name in OPTIMIZERS]
    assert all(
        0 < row["times_shadow"] <= 10 and row["comparable_until"] == row["epochs"] == 20 for row in result["rows"]
    )


@pytest.mark.slow
def test_optimizers_of_every_framework_are_explained_in_float32():
    """Two of them, on shuffled minibatches of the line; `samegrad optimizers --closed-loop` goes through all."""
    names = [name for name in TRAINERS if get_entry(name).missing() is None]
    result = run(names, names=["nesterov", "adam"], problems=["line"], epochs=10, dtype="float32")
    assert ClosedLoops.of(result).wrong == [] and len(result["rows"]) == 2 * len(names)


class OtherEpsilon(NumpyTrainer):
    """Adam's ε beside √v, as some put it."""

    def restart(self):
        super().restart()
        self.optimizer = make(self.setup.settings, Conventions(epsilon_hat=True))


def test_an_optimizer_that_only_nearly_is_the_textbooks_is_named(here):
    """ε = 10⁻⁸ in another place is more than rounding, in float64."""
    here(OtherEpsilon)
    result = run(["numpy"], epochs=50, problems=["line", "xor"])
    assert [line.split(" is ")[0] for line in ClosedLoops.of(result).wrong] == [
        f"{name} with adam of numpy" for name in ("line", "xor")
    ]


def test_the_command_shows_a_row_per_training(here, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    here(NumpyTrainer)
    monkeypatch.setattr(closed_loop, "EPOCHS", 10)
    arguments = ["--closed-loop", "--implementations", "numpy", "--optimizer", "adam,sgd", "--dtype", "float32"]
    done = CliRunner().invoke(optimizers_command, arguments)
    assert done.exit_code == 0, done.output
    assert "Closed loop, float32" in done.output and "Aligned, all are the same training" in done.output
    assert done.output.count("line") >= 2 and "adam" in done.output and "momentum" not in done.output
