"""Scripts: one round of the loop that trains, as a function."""

from __future__ import annotations

import ast
import re

import pytest

from samegrad.impls.verifying import verify
from samegrad.impls.verifying.target import script

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


def function_of(tmp_path, text):
    path = tmp_path / "script.py"
    path.write_text(text)
    its_loop = script.of_file(path)
    return its_loop and its_loop.function


@pytest.mark.parametrize("head", ["for epoch in range(100):", "while True:"])
def test_the_step_of_a_script_s_loop_becomes_a_function_that_can_be_checked(in_this_process, tmp_path, head):
    """By the command that is printed, or put into a file with the script's imports, it is right as the script is."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(head=head))
    report = verify.run(str(path))
    assert report.exit_code == 2 and "lines 8 to 11" in report.headline
    function, _, command = report.advice.partition("\n\n")
    assert re.match(r"def step\(X, y, w, b\):\n", function) and function.endswith("return w, b")
    assert command == f"samegrad verify {path}:step"
    ast.parse(function)
    by_command = verify.run(f"{path}:step")
    assert by_command.verdict == "right" and any("lines 8 to 11" in note for note in by_command.notes)
    (tmp_path / "completed.py").write_text(f"import numpy as np\n\n{function}\n")
    assert verify.run(f"{tmp_path / 'completed.py'}:step").verdict == "right"


COUNTS = """
import numpy as np

samples = np.random.rand(20, 4)
results = np.random.rand(20, 2)
second_layer = np.random.rand(5, 2)
first_layer = np.random.rand(4, 5)
rounds, error, close = 1, 9.0, 0
while rounds < 50 and error > 0.1:
    misses = []
    for index in range(samples.shape[0]):
# one row
        h = np.tanh(samples[index] @ first_layer)
        miss = h @ second_layer - results[index]
        misses.append(np.max(abs(miss)))
        close += int(misses[-1] < 0.1)
        back = second_layer @ miss * (1 - h * h)
        second_layer -= 0.1 * np.outer(h, miss)
        first_layer -= 0.1 * np.outer(samples[index], back)
    error = max(misses)
    rounds += 1
"""


def test_what_a_script_counts_is_no_parameter_and_rows_stay_in_the_step(in_this_process, tmp_path):
    """Nor are its data, whose names say nothing; the weights come in the order of the forward pass."""
    function = function_of(tmp_path, COUNTS)
    assert function.startswith(
        "def step(samples, results, first_layer, second_layer):\n    global close, error, rounds\n"
    )
    assert "# one row" not in function and "for index in range(samples.shape[0])" in function
    report = verify.run(f"{tmp_path / 'script.py'}:step")
    assert report.verdict == "right" and report.sizes == (4, 5, 3), report.headline


TWICE = """
import numpy as np

X = np.random.rand(4, 3)
y = np.random.rand(4, 1)
inner, outer = np.random.rand(3, 4), np.random.rand(4, 1)
for _ in range(60000):
    hidden = np.tanh(X @ inner)
    out = np.tanh(hidden @ outer)
    delta = (y - out) * (1 - np.tanh(out) ** 2)
    back = delta @ outer.T * (1 - np.tanh(hidden) ** 2)
    outer += hidden.T @ delta
    inner += X.T @ back
"""


def test_a_mistake_in_a_script_s_loop_is_found_by_the_command(in_this_process, tmp_path):
    assert "step(X, y, inner, outer)" in function_of(tmp_path, TWICE)
    report = verify.run(f"{tmp_path / 'script.py'}:step")
    assert report.verdict == "wrong" and "tanh′(a) instead of tanh′(z)" in report.headline, report.headline


def test_a_round_over_pairs_of_x_and_y_is_one_of_them(tmp_path):
    text = "w = 1.0\nfor epoch in range(9):\n    for x, y in pairs:\n        w -= 0.1 * (w * x - y) * x\n"
    assert function_of(tmp_path, text) == "def step(x, y, w):\n    w -= 0.1 * (w * x - y) * x\n    return w"


def test_what_is_printed_in_some_rounds_is_left_out_of_the_step(tmp_path):
    """The step has no rounds: what asks for their number would raise."""
    text = (
        "w = 1.0\nfor epoch in range(99):\n    w -= 0.1 * (w * x - y) * x\n"
        "    if epoch % 10 == 0:\n        print(epoch, w)\n    if w > 9:\n        w = 9.0\n"
    )
    step = "w):\n    w -= 0.1 * (w * x - y) * x\n    if w > 9:\n        w = 9.0\n    return w"
    assert step in function_of(tmp_path, text)


def test_a_script_that_does_not_train_has_no_step(tmp_path):
    for text in ("x = 1\n", "for i in range(3):\n    print(i)\n", "def f(:\n", "def step():\n    pass\n\n" + COUNTS):
        assert function_of(tmp_path, text) is None


def test_sums_that_the_step_starts_are_no_parameters_and_dictionaries_are(tmp_path):
    """A batch's gradients are summed in the step, and taken off the entries of a dictionary."""
    step = function_of(
        tmp_path,
        "layers = {'W1': 1.0}\nfor epoch in range(99):\n    total = 0.0\n    for i in range(len(X)):\n"
        "        total += (layers['W1'] * X[i] - y[i]) * X[i]\n    layers['W1'] -= 0.1 * total\n",
    )
    assert step.startswith("def step(X, y, layers):\n") and step.endswith("    return layers")


def test_a_step_without_a_loop_is_what_lies_between_the_parameters_first_use_and_their_change(tmp_path):
    """A loop that only puts in the change, entry by entry, is a part of it."""
    text = "w = [0.1, 0.2]\nx, goal = [1.0, 2.0], 0.5\nalpha = 0.1\nmiss = sum(map(mul, w, x)) - goal\n"
    text += "for i in range(len(w)):\n    w[i] -= alpha * miss * x[i]\nprint(w)\n"
    assert function_of(tmp_path, text) == (
        "def step(x, goal, w):\n    miss = sum(map(mul, w, x)) - goal\n"
        "    for i in range(len(w)):\n        w[i] -= alpha * miss * x[i]\n    return w"
    )


def test_a_file_that_only_computes_gradients_returns_them(tmp_path):
    text = "import numpy as np\nx = np.array([[1.0]])\ny = np.array([[2.0]])\nW = np.array([[3.0]])\n"
    text += "a = x @ W\ndW = x.T @ (a - y)\nprint(dW)\n"
    assert function_of(tmp_path, text) == "def step(x, y, W):\n    a = x @ W\n    dW = x.T @ (a - y)\n    return dW"
