"""Plots: a target that plots its training is neither called to plot, nor does it leave pictures behind."""

from __future__ import annotations

import sys

import pytest

from samegrad.impls.verifying.target.subjects import ObjectSubject
from samegrad.impls.verifying.target.ways import plans
from samegrad.impls.verifying.verify import run

PLOTTING = """
import numpy as np
from pathlib import Path

class Net:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.rand(n_in, n_out) - 0.5, np.zeros(n_out)

    def forward(self, x):
        return x @ self.W + self.b

    def train(self, x, y, lr=0.1):
        miss = self.forward(x) - y
        self.W -= lr * x.T @ miss / len(x)
        self.b -= lr * miss.mean(axis=0)
        self.get_train_graph([np.mean(miss ** 2)])

    def get_train_graph(self, errors):
        import matplotlib.pyplot as plt

        plt.plot(errors)
        plt.savefig(Path(__file__).with_name("errors.png"))
        plt.show()
"""


@pytest.mark.slow
def test_a_picture_that_a_training_saves_is_not_written(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "net.py").write_text(PLOTTING)
    report = run(f"{tmp_path / 'net.py'}:Net")
    assert report.verdict == "right", report
    assert not (tmp_path / "errors.png").exists()


def test_a_function_that_shows_the_training_is_no_training(tmp_path):
    class Net:
        def __init__(self, n_in, n_out):
            pass

        def train(self, x, y):
            pass

        def get_train_graph(self, x, y):
            pass

    path = tmp_path / "net.py"
    path.touch()
    assert [plan.main for plan in plans(ObjectSubject(sys.modules[__name__], Net, path))] == ["train"]
