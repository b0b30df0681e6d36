"""`samegrad verify` from the outside: verdicts, strictness, errors, exit codes, and what is printed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from rich.console import Console

from samegrad.impls.child import Failed
from samegrad.impls.errors import BadInput
from samegrad.impls.registry import REGISTRY
from samegrad.impls.registry.entry import Entry
from samegrad.impls.registry.provided import Provided
from samegrad.impls.verifying import autodiff, child, render, verify
from samegrad.impls.verifying.verify import run
from samegrad.impls.verifying.verify_command import parsed, verify_command

RIGHT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def gradients(x, y, W1, b1, W2, b2):
    print("noise on stdout")
    h = sigmoid(x @ W1 + b1)
    o = sigmoid(h @ W2 + b2)
    d2 = (o - y) * o * (1 - o)
    d1 = d2 @ W2.T * h * (1 - h)
    return x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
"""


pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def in_a_process(monkeypatch, in_this_process):
    """Observe the target in a process of its own, as users have it."""
    monkeypatch.setattr(verify, "TargetProcess", child.TargetProcess)


def check(target, **options):
    return run(target, **options)


def printed(report):
    console = Console(width=80, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    render.show(report, console)
    return console.export_text()


def test_right_code_is_right_and_its_convention_is_named(program):
    report = check(program(RIGHT))
    assert report.exit_code == 0
    assert report.headline == "right for ½·Σ(a−y)²: N·k/2 times the gradient of the mean"
    assert report.margin <= 1 and report.dtype == "float64"


def test_a_missing_bias_is_named_with_equation_and_evidence(program):
    report = check(program(RIGHT.replace("d1.sum(axis=0)", "0 * b1")))
    assert report.exit_code == 1
    assert report.headline == "the hidden bias is never updated"
    assert report.evidence == "db1 is zero while every other gradient is right"
    assert report.mistakes[0].equation == "db1 = sum over rows of δ1"


@pytest.mark.parametrize(("loss", "code"), [("half-sse", 0), ("mse", 1), ("half-mse", 1), ("sse", 1)])
def test_a_demanded_loss_is_strict(program, loss, code):
    report = check(program(RIGHT), loss=loss)
    assert report.exit_code == code
    if code:
        assert report.mistakes[0].name == "another-convention"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "code"),
    [
        ("0.5 * np.sum((o - y) ** 2)", 0),
        ("np.mean((o - y) ** 2)", 1),
        ("np.sum(np.abs(o - y) ** 3)", 1),
    ],
)
def test_a_gradient_is_compared_with_the_loss_that_is_returned_with_it(program, loss, code):
    text = RIGHT.replace("return x.T", f"return {loss}, x.T")
    report = check(program(text))
    assert report.exit_code == code
    if "abs" in loss:
        assert "is not the loss given with it" in report.headline


@pytest.mark.slow
def test_a_returned_loss_of_its_own_with_its_own_gradient_is_right(program):
    """Not one of the conventions: the sum of fourth powers."""
    text = RIGHT.replace("(o - y) * o", "4 * (o - y) ** 3 * o").replace(
        "return x.T", "return np.sum((o - y) ** 4), x.T"
    )
    report = check(program(text))
    assert report.exit_code == 0 and report.convention == "own"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "method"), [("np.log(np.cosh(o - y))", "complex step"), ("abs(o - y) ** 3", "differences")]
)
def test_a_loss_in_a_file_is_differentiated(program, expression, method):
    """By the complex step where the loss is analytic, by differences where it is not."""
    derivative = {"complex step": "np.tanh(o - y)", "differences": "3 * (o - y) * abs(o - y)"}[method]
    text = (
        RIGHT.replace("(o - y) * o", f"{derivative} * o")
        + f"""
def loss(x, y, W1, b1, W2, b2):
    o = sigmoid(sigmoid(x @ W1 + b1) @ W2 + b2)
    return np.sum({expression})
"""
    )
    target = program(text)
    report = check(target, loss=target.replace(":gradients", ":loss"))
    assert report.exit_code == 0, report
    assert any(method.split()[-1] in note for note in report.notes)
    wrong = program(text.replace("d1.sum(axis=0)", "d1.mean(axis=0)"))
    assert check(wrong, loss=target.replace(":gradients", ":loss")).exit_code == 1


@pytest.mark.slow
def test_a_loss_of_predictions_and_targets_goes_through_the_forward_pass(program):
    text = (
        RIGHT
        + """
def forward(x, W1, b1, W2, b2):
    return sigmoid(sigmoid(x @ W1 + b1) @ W2 + b2)

def loss(predictions, targets):
    return 0.5 * np.sum((predictions - targets) ** 2)
"""
    )
    target = program(text)
    report = check(target, loss=target.replace(":gradients", ":loss"))
    assert report.exit_code == 0 and report.convention == "half-sse"


@pytest.mark.slow
def test_an_exception_is_shown_as_the_users_own(program):
    """The traceback begins in the user's file; nothing of ours is above or below it."""
    report = check(program(RIGHT.replace("(o - y) * o", "undefined_name * o")))
    assert report.exit_code == 2
    assert report.traceback.startswith("Traceback (most recent call last):\n")
    assert "mine.py" in report.traceback.splitlines()[1]
    assert "undefined_name" in report.traceback
    assert "impls" not in report.traceback and "verifying" not in report.traceback


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit(3)", "SystemExit"),
        ("import os\nos._exit(3)", "ended its process"),
        ("def gradients(:", "SyntaxError"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("def gradients(x, y, W1, b1): return 'nothing'", "gradients of W1"),
        ("gradients = 3", "weights"),
        ("gradients = input()", "EOFError"),
    ],
)
def test_what_cannot_run_says_why(in_a_process, program, text, words):
    report = check(program(text))
    assert report.exit_code == 2
    assert words in report.headline + report.traceback
    assert "impls" not in report.traceback


@pytest.mark.slow
def test_the_time_limit_ends_a_target_that_does_not(in_a_process, program):
    report = check(program("while True: pass"), time_limit_s=2)
    assert report.exit_code == 2 and "2 s" in report.headline


@pytest.mark.parametrize(
    ("target", "words"),
    [("nowhere.py:f", "no such file"), ("nothing", "no target"), ("folder/", "no target")],
)
def test_a_target_that_is_none_is_bad_input(target, words):
    with pytest.raises(BadInput, match=words):
        check(target)


def test_an_unknown_name_names_the_nearest(program):
    report = check(program(RIGHT, "gradient"))
    assert report.exit_code == 2 and "'gradients'" in report.headline


def test_without_a_name_the_one_that_looks_like_a_gradient_is_taken(program):
    assert check(program(RIGHT, "")).exit_code == 0
    report = check(program("def f(x): return x", ""))
    assert report.exit_code == 2 and "say what to check" in report.headline


def test_arguments_can_be_named_by_hand(program):
    """Names that say nothing: the flag says it."""
    text = RIGHT.replace("x, y, W1, b1, W2, b2", "p, q, r, s, u, v")
    for old, new in (("x", "p"), ("y", "q"), ("W1", "r"), ("b1", "s"), ("W2", "u"), ("b2", "v")):
        text = text.replace(f"{old} @", f"{new} @").replace(f"{old}.T", f"{new}.T").replace(f"- {old})", f"- {new})")
        text = text.replace(f"@ {old}", f"@ {new}").replace(f"+ {old})", f"+ {new})")
    assert check(program(text), arguments=["x", "y", "W1", "b1", "W2", "b2"]).exit_code == 0


CLASS = """
import numpy as np

class Net:
    def __init__(self, mystery, scale=1.0):
        self.first = np.ones((2, 4)) * {"small": scale}[mystery]
        self.second = np.ones((4, 1))
        self.shift = np.zeros(4)

    def forward(self, x):
        self.h = np.tanh(x @ self.first + self.shift)
        return self.h @ self.second

    def learn(self, x, y, lr):
        d = (self.forward(x) - y) / len(x)
        d1 = d @ self.second.T * (1 - self.h ** 2)
        self.second -= lr * self.h.T @ d
        self.first -= lr * x.T @ d1
        self.shift -= lr * d1.sum(axis=0)
"""


def test_what_a_constructor_takes_can_be_given_and_what_an_attribute_is(program):
    """Without it, the error of the user's own constructor is shown."""
    target = program(CLASS, "Net")
    report = check(target)
    assert report.exit_code == 2 and "KeyError" in report.headline
    report = check(target, init={"mystery": "small"})
    assert report.exit_code == 0 and report.convention == "half-mse" and report.recovered
    mapping = {"W1": "first", "b1": "shift", "W2": "second"}
    report = check(target, init={"mystery": "small"}, parameters=mapping)
    assert report.exit_code == 0 and [row.name for row in report.rows] == ["first", "shift", "second"]


def test_the_message_says_which_flag_to_give(program):
    target = program(CLASS.replace("mystery, scale=1.0", "colour, taste, smell, sound, touch, scale=1.0"), "Net")
    report = check(target)
    assert report.exit_code == 2 and "--init" in report.headline and "colour" in report.headline


def test_an_unknown_activation_is_bad_input(program):
    with pytest.raises(BadInput, match="sigmoid, tanh, relu, identity"):
        check(program(RIGHT), activations=["gelu", "sigmoid"])
    with pytest.raises(BadInput, match="2 layer"):
        check(program(RIGHT), activations=["sigmoid"])


def test_the_output_fits_80_columns_and_holds_the_verdict(program):
    text = printed(check(program(RIGHT.replace("d1.sum(axis=0)", "0 * b1"))))
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "WRONG: the hidden bias is never updated.",
        "db1 is zero",
        "db1 = sum over rows of δ1",
        "half" if False else "½",
    ):
        assert words in text
    assert "noise" not in text
    text = printed(check(program(RIGHT)))
    assert "RIGHT for ½·Σ(a−y)²: N·k/2 times the gradient of the mean." in text


@pytest.mark.slow
def test_a_hint_names_the_equation_to_look_at_and_not_the_mistake(program):
    """As graders and course forums need it: neither the title, the sentence, nor the equation as it should be."""
    report = check(program(RIGHT.replace("d1.sum(axis=0)", "0 * b1")))
    text = printed(replace(report, hint=True))
    assert "WRONG: look at your equation for db1." in text
    assert "never updated" not in text and "It should be" not in text and "sum over rows" not in text
    unnamed = check(program(RIGHT.replace("d1.sum(axis=0)", "np.sin(1e3 * d1).sum(axis=0)")), loss="half-sse")
    assert unnamed.verdict == "wrong" and not unnamed.mistakes
    assert "look at the bias gradient of the hidden layer, db1" in " ".join(
        printed(replace(unnamed, hint=True)).split()
    )


def test_frameworks_have_no_cross_entropy_and_say_so(program):
    text = RIGHT.replace("(o - y) * o * (1 - o)", "o - y")
    report = check(program(text), frameworks=True)
    assert report.verdict == "right" and report.convention == "bce-sum"
    assert report.unavailable == ["the frameworks' implementations have a squared error and no softmax"]


@pytest.mark.slow
def test_json_is_json_and_says_the_same(program):
    report = check(program(RIGHT.replace("x.T @ d1, ", "(x.T @ d1)[:, :2], ")))
    content = json.loads(render.to_json(report))
    assert content["verdict"] == "wrong" and content["exit_code"] == 1
    rows = {row["tensor"]: row for row in content["rows"]}
    assert rows["dW1"]["tau"] is None and not rows["dW1"]["right"] and rows["db1"]["right"]


@pytest.mark.slow
def test_a_framework_gives_the_same_opinion(program, monkeypatch):
    """Right code agrees with autodiff, wrong code disagrees, tensor by tensor."""
    pytest.importorskip("torch")
    monkeypatch.setattr(autodiff, "installed", lambda: [REGISTRY["torch-eager"]])
    report = run(program(RIGHT.replace("d1.sum(axis=0)", "0 * b1")), frameworks=True)
    assert not report.unavailable
    for row in report.rows:
        assert (row.frameworks["torch"] <= 1) == (row.tensor != "db1")


def test_whatever_differentiates_is_asked_once_and_what_another_package_provides_too(monkeypatch):
    """Not what is by hand, nor what differentiates by a framework that is asked already."""
    monkeypatch.setattr(Entry, "missing", lambda self: None)
    monkeypatch.setattr(Provided, "missing", lambda self: None)
    mine = Provided("mine-tape", "mine:Mine", "mine", "tape", distribution="samegrad-mine")
    monkeypatch.setitem(REGISTRY, "mine-tape", mine)
    names = [entry.name for entry in autodiff.installed()]
    assert names == ["keras-xla", "torch-eager", "jax-jit", "autograd", "mine-tape"]


def test_a_framework_that_fails_is_reported_as_missing(program, monkeypatch):
    """Its process ends without an answer, or with a reason."""

    def call(target, request, timeout_s):
        raise Failed("died", "it is out", [])

    monkeypatch.setattr(autodiff, "installed", lambda: [REGISTRY["numpy"]])
    monkeypatch.setattr(autodiff, "call", call)
    report = run(program(RIGHT), frameworks=True)
    assert report.exit_code == 0 and report.unavailable == ["numpy: it is out"]
    assert "it is out" in printed(report)


def test_the_command_line(program):
    target = program(RIGHT)
    runner = CliRunner()
    result = runner.invoke(verify_command, [target, "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["convention"] == "half-sse"
    assert runner.invoke(verify_command, [target, "--loss", "mse"]).exit_code == 1
    for arguments in (
        ["nowhere.py:f"],
        [target, "--sizes", "two"],
        [target, "--init", "import os"],
        [target, "--loss", "mes"],
    ):
        result = runner.invoke(verify_command, [*arguments])
        assert result.exit_code == 2 and "Traceback" not in result.output and result.output.count("\n") <= 2


def test_options_are_read():
    options = {
        "activations": "tanh, identity",
        "arguments": None,
        "sizes": "2-4-1",
        "init": "n=2, s=[2, 4]",
        "parameters": "W1=a,b1=c.d",
    }
    assert parsed(options) == {
        "activations": ["tanh", "identity"],
        "arguments": None,
        "sizes": [2, 4, 1],
        "init": {"n": 2, "s": [2, 4]},
        "parameters": {"W1": "a", "b1": "c.d"},
    }
    with pytest.raises(BadInput, match="--parameters"):
        parsed({**options, "parameters": "weights"})
