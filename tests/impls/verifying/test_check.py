"""`samegrad.check`: live things are found where they are defined; hints hide the mistake wherever a report is shown."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import samegrad
from samegrad.impls.errors import BadInput
from samegrad.impls.verifying import mistakes, render
from samegrad.impls.verifying.check import Whereabouts, check, whereabouts
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Named, Report, Row, where_to_look

ROOT = Path(__file__).parents[3]
PROGRAM = """
import functools
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def same(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)
    return inner

def gradients(x, y, W1, b1):
    a = sigmoid(x @ W1 + b1)
    d = (a - y) * a * (1 - a)
    return x.T @ d, d.sum(axis=0)

@same
def decorated(x, y, W1, b1):
    return gradients(x, y, W1, b1)

def unsloped(x, y, W1, b1):
    d = sigmoid(x @ W1 + b1) - y
    return x.T @ d, d.sum(axis=0)

def half(a, y):
    return ((a - y) ** 2).sum() / 2

def make():
    def inner(x, y, W1, b1):
        return gradients(x, y, W1, b1)
    return inner

class Net:
    def __init__(self, n_in=2, n_out=1):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        return sigmoid(x @ self.W + self.b)

    def train(self, x, y, lr=0.1):
        dW, db = gradients(x, y, self.W, self.b)
        self.W -= lr * dW
        self.b -= lr * db
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A file of the user's, imported."""
    path = tmp_path / "handed_in.py"
    path.write_text(PROGRAM)
    spec = importlib.util.spec_from_file_location("handed_in", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "handed_in", module)
    spec.loader.exec_module(module)
    return module


def test_things_are_found_in_their_file(program):
    file = program.__file__
    for thing, name in [
        (program.gradients, "gradients"),
        (program.decorated, "decorated"),
        (program.Net, "Net"),
        (program.Net.train, "Net.train"),
        (f"{file}:gradients", "gradients"),
        (Path(file), ""),
    ]:
        assert whereabouts(thing) == Whereabouts(name, file)
    for thing, name in [(program.Net(), "Net"), (program.Net().train, "Net.train")]:
        actual = whereabouts(thing)
        assert (actual.name, actual.path) == (name, file)
        assert actual.note.startswith("An object was given; its class Net was checked")


def test_rules_of_the_frameworks_are_found():
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    for name in ("torch_rule", "jax_rule"):
        spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/examples/{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        things = (module.Affine, module.Affine.apply) if name == "torch_rule" else (module.network,)
        for thing in things:
            assert whereabouts(thing).path.endswith(f"{name}.py")
            assert whereabouts(thing).name in ("Affine", "network")


def test_a_path_below_the_working_folder_is_shown_short(program, monkeypatch):
    monkeypatch.chdir(Path(program.__file__).parent)
    assert whereabouts(program.gradients).path == "handed_in.py"


@pytest.mark.parametrize(
    "make",
    [lambda p: p.make(), lambda p: [p.Net()], lambda p: lambda x: x, lambda p: functools.partial(p.gradients, 1),
     lambda p: print, lambda p: 3, lambda p: "nothing.py:f", lambda p: "gradients"],
)  # fmt: skip
def test_what_has_no_source_is_refused_with_what_to_do(program, make):
    with pytest.raises(BadInput, match=r"file\.py|no such file"):
        check(make(program))


def test_what_was_made_by_exec_is_refused():
    space: dict = {"__name__": "nowhere"}
    exec("def gradients(x, y, W1, b1):\n    return x", space)
    with pytest.raises(BadInput, match="the source of gradients is unavailable"):
        check(space["gradients"])


@pytest.mark.slow
def test_verdicts_of_live_things(program):
    right = samegrad.check(program.Net(), loss=program.half)
    assert isinstance(right, samegrad.Report)
    assert (right.verdict, right.exit_code) == (RIGHT, 0)
    assert "An object was given" in right.notes[-1]
    wrong = check(program.unsloped, loss="half-sse", hint=True)
    assert wrong.mistakes[0].name == "slope-none-output"
    assert repr(wrong).startswith("WRONG: look at your equation for δ1")


@pytest.mark.slow
def test_a_check_inside_the_code_that_is_checked_is_not_run(tmp_path):
    """Or each process would start the next."""
    path = tmp_path / "own.py"
    path.write_text(PROGRAM + "\nimport samegrad\nreport = samegrad.check(gradients)\nprint(report.verdict)\n")
    assert check(f"{path}:gradients").verdict == RIGHT
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == RIGHT, done.stderr


def test_the_front_door_exports_it_without_importing_anything():
    script = "import sys, samegrad; print('numpy' in sys.modules, 'check' in dir(samegrad), samegrad.check.__name__)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "check"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        samegrad.nothing  # noqa: B018


# -- what is shown ----------------------------------------------------------------------------------------------------


def report(name="b1-missing", equation="db1 = sum over rows of δ1", wrong=("db1",), **more) -> Report:
    rows = [
        Row(f"d{n}", f"own_{n}", (7,), float("inf") if f"d{n}" in wrong else 0.2, absent=f"d{n}" in wrong)
        for n in ("W1", "b1", "W2", "b2")
    ]
    actual = Named(name, "SECRET title", "SECRET sentence", equation)
    given = {"evidence": "SECRET evidence", "notes": ["SECRET note"], "first_wrong": "SECRET place"} | more
    return Report(
        "f.py:f", WRONG, "SECRET title", mistakes=[actual], rows=rows, sizes=(2, 4, 1), batches=(4, 4), **given
    )


def every_form(shown: Report) -> str:
    return "\n".join([repr(shown), str(shown), shown._repr_html_(), render.to_json(shown)])


def test_a_hint_gives_nothing_away():
    shown = report()
    assert "SECRET" in every_form(shown)
    shown.hint = True
    text = every_form(shown)
    for word in ("SECRET", "missing", "sum over rows", "4 and 4", "shape", "Infinity"):
        assert word not in text.replace('"shape": []', "")
    assert "look at your equation for db1 (the gradient of own_b1)" in text
    assert "db1 is wrong, and every other gradient is right" in text
    assert shown.mistakes[0].title == "SECRET title"  # for the grader's own records


def test_a_hint_where_the_first_call_is_right():
    hint = report("accumulates", "dW = 0 before each pass (or …)", wrong=(), hint=True).as_shown()
    assert not hint.rows and not hint.evidence
    assert hint.headline == "look at your equation for dW"


def test_a_hint_on_what_is_not_wrong_hides_nothing_but_a_mistake():
    right = Report("f.py:f", RIGHT, "right for it", notes=["a note"], hint=True)
    right.untested = ["several outputs, with which it is another gradient: SECRET"]
    assert "a note" in repr(right) and "another gradient" in repr(right) and "SECRET" not in every_form(right)
    assert "do this" in repr(Report("f.py:f", UNKNOWN, "cannot tell: why", advice="do this", hint=True))


@pytest.mark.parametrize(
    ("name", "equation", "where"),
    [
        ("sign", "e = a − y, and the update W ← W − rate·dW", "the error e and the update of the parameters"),
        ("layer-1-sign", "W ← W − rate·dW in every layer", "look at the update of the parameters"),
        ("s", "δ2 = 2/N·(a2 − y),  δ1 = (δ2 W2ᵀ)", "δ2 (the delta of the output layer) and δ1 (the delta of"),
        ("a+b", "db1 = sum\ndW2 = a1ᵀ δ2", "db1 (the gradient of own_b1) and dW2 (the gradient of own_W2)"),
        ("a+averaged-twice", "db1 = sum\n1/N once: in δ", "db1 (the gradient of own_b1) and your equations for"),
        ("c", "∂L/∂a = 2/N·(a − y)  for  L = 1/N·Σ(a−y)²", "look at your equation for ∂L/∂a"),
        ("float32", "float64 from the inputs on", "everything between the inputs and the gradients"),
        ("biases-missing", "dbℓ = sum over rows of δℓ, for every layer ℓ", "your equation for db of every layer"),
        ("b1-ignored", "z1 = x W1 + b1", "z1, in the forward pass"),
    ],
)  # fmt: skip
def test_where_to_look_names_the_left_side(name, equation, where):
    output = where_to_look(report(name, equation))
    assert where in output
    assert "sum" not in output and "ᵀ" not in output and "rate" not in output


def test_alternatives_are_named_too():
    shown = report()
    shown.mistakes.append(Named("b2-missing", "", "", "db2 = sum over rows of δ2"))
    assert where_to_look(shown).count("your equation for db") == 2
    shown.mistakes = []
    assert where_to_look(shown) == "look at SECRET place"


@pytest.mark.parametrize("activations", [("sigmoid",), ("relu", "softmax"), ("tanh", "relu", "identity")])
def test_every_mistake_of_the_bank_has_a_place(activations):
    for mistake in mistakes.bank(activations):
        shown = report(mistake.name, mistake.equation)
        shown.sizes = (2, *[3] * len(activations))
        output = where_to_look(shown)
        assert "whole backward pass" not in output, mistake.name
        assert not set(output) & set("=←·∘ᵀ"), (mistake.name, output)


def test_the_short_form_is_short_and_the_verdict_comes_first():
    long = report(evidence="many words " * 200)
    lines = repr(long).splitlines()
    assert lines[0].startswith("WRONG: SECRET title")
    assert len(lines) == render.LINES and max(map(len, lines)) <= 80
    assert "print()" in lines[-1] and "\x1b" not in repr(long)
    assert "τ oracle" in str(long) and "τ oracle" not in repr(long)


def test_json_has_no_secret_with_a_hint_and_is_json():
    content = json.loads(render.to_json(report(hint=True)))
    assert content["mistakes"] == [] and content["hint"] is True
    assert [row["right"] for row in content["rows"]] == [True, False, True, True]
