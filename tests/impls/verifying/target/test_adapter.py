"""Adapters: the lines that the author of a script, or of anything else, completes."""

from __future__ import annotations

import ast
import re

import pytest

from samegrad.impls.verifying import verify
from samegrad.impls.verifying.target import adapter

SCRIPT = """
import numpy as np

X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([[1.0], [1.0], [0.0]])
w = np.full((2, 1), 0.1)
b = np.zeros(1)
{head}
    miss = X @ w + b - y
    w -= 0.1 * X.T @ miss / len(X)
    b = b - 0.1 * miss.mean(axis=0)
"""


@pytest.mark.parametrize("head", ["for epoch in range(100):", "while True:"])
def test_the_step_of_a_script_s_loop_becomes_a_function_that_can_be_checked(in_this_process, tmp_path, head):
    """The lines that are printed, put into a file with the script's imports, are right as the script is."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(head=head))
    report = verify.run(str(path))
    assert report.exit_code == 2 and "(lines 8 to 11)" in report.headline
    function, _, command = report.advice.partition("\n\n")
    assert re.match(r"def step\((X, y|y, X), w, b\):\n", function) and function.endswith("return w, b")
    assert command == f"samegrad verify {path}:step"
    ast.parse(function)
    (tmp_path / "completed.py").write_text(f"import numpy as np\n\n{function}\n")
    assert verify.run(f"{tmp_path / 'completed.py'}:step").verdict == "right"


def test_the_innermost_loop_s_body_is_the_step(tmp_path):
    path = tmp_path / "nested.py"
    path.write_text("w = 1.0\nfor epoch in range(9):\n    for x, y in pairs:\n        w -= 0.1 * (w * x - y) * x\n")
    assert "w):\n    w -= 0.1 * (w * x - y) * x\n    return w\n" in adapter.of_script(path)


def test_what_is_printed_in_some_rounds_is_left_out_of_the_step(tmp_path):
    """The step has no rounds: what asks for their number would raise."""
    path = tmp_path / "prints.py"
    path.write_text(
        "w = 1.0\nfor epoch in range(99):\n    w -= 0.1 * (w * x - y) * x\n"
        "    if epoch % 10 == 0:\n        print(epoch, w)\n    if w > 9:\n        w = 9.0\n"
    )
    step = "w):\n    w -= 0.1 * (w * x - y) * x\n    if w > 9:\n        w = 9.0\n    return w\n"
    assert step in adapter.of_script(path)


def test_a_script_that_does_not_train_has_no_step(tmp_path):
    path = tmp_path / "plain.py"
    for text in ("x = 1\n", "for i in range(3):\n    print(i)\n", "def f(:\n"):
        path.write_text(text)
        assert adapter.of_script(path) == ""


def test_sums_that_the_step_starts_are_no_parameters_and_dictionaries_are(tmp_path):
    """A batch's gradients are summed in the step, and taken off the entries of a dictionary."""
    path = tmp_path / "sums.py"
    path.write_text(
        "layers = {'W1': 1.0}\nfor epoch in range(99):\n    total = 0.0\n    for i in range(len(X)):\n"
        "        total += (layers['W1'] * X[i] - y[i]) * X[i]\n    layers['W1'] -= 0.1 * total\n"
    )
    step = adapter.of_script(path)
    assert "def step(X, y, layers):\n" in step and "    return layers\n" in step
