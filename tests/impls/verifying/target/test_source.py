"""The user's source: loading it, reading it, and its errors."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying.target import source


def test_a_traceback_is_the_users_own(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text("def inner():\n    return 1 / 0\n\ndef outer():\n    return inner()\n")
    module = source.load(path)
    with pytest.raises(source.UserError) as caught, source.own_errors(path):
        module.outer()
    text = str(caught.value)
    assert text.startswith("Traceback") and "theirs.py" in text and text.endswith("ZeroDivisionError: division by zero")
    assert "test_source" not in text and caught.value.depth == 5


def test_a_file_that_is_not_there_and_a_name_that_is_not_in_it(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        source.load(tmp_path / "absent.py")
    path = tmp_path / "small.py"
    path.write_text("def backward(): pass\n")
    with pytest.raises(BadInput, match="Did you mean 'backward'"):
        source.find(source.load(path), "backwards", path)


def test_names_are_read_off_the_source(tmp_path):
    path = tmp_path / "read.py"
    path.write_text(
        textwrap.dedent("""
        def f(params, theta, p):
            a, b = params
            c = theta[:3]
            for w in p: pass
            return c, a, b + 1
        """)
    )
    function = source.load(path).f
    assert source.returned_names(function) == ["c", "a", ""]
    assert source.unpacked(function, "params") == ["a", "b"]
    assert [source.used_as(function, n) for n in ("params", "theta", "p")] == ["list", "flat", "list"]
    assert source.activations("np.tanh(z); np.exp(-z)") == ["sigmoid", "tanh", "softmax"]
    assert source.literals("lr = 0.25\nx = True") == [0.25]


# Loading -------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def modules_as_before(monkeypatch):
    """What is imported here is forgotten, and the path is as before."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


def notebook(path, *cells):
    kinds = [("markdown", "# Title"), *(("code", cell) for cell in cells)]
    content = [{"cell_type": kind, "source": text.splitlines(keepends=True), "outputs": []} for kind, text in kinds]
    path.write_text(json.dumps({"cells": content, "nbformat": 4, "metadata": {}}))
    return path


def test_of_a_notebook_the_definitions_are_run_and_nothing_else(tmp_path):
    """Not its magics, its shell commands, its cells in another language, nor the loop that trains."""
    path = notebook(
        tmp_path / "net.ipynb",
        "%matplotlib inline\n!pip install something\nimport math\nrate = 0.5",
        "%%bash\nrm -rf nothing",
        "def f(x):\n    return math.exp(x)\n\nfor _ in range(10):\n    raise SystemExit('trained')",
        "class Net:\n    pass\nNet().train()",
    )
    module = source.load(path, "f")
    assert module.f(0) == 1 and module.rate == 0.5 and isinstance(module.Net, type)
    assert "bash" not in source.read(path) and "pip" not in source.read(path)
    assert source.returned_names(module.f) is None and "math.exp" in source.ast.unparse(source.tree(module.f))


def test_what_is_no_notebook_says_so(tmp_path):
    path = tmp_path / "broken.ipynb"
    for text in ("no JSON", "{}", '{"cells": 3}'):
        path.write_text(text)
        with pytest.raises(BadInput, match="is no notebook that can be read"):
            source.load(path)


def test_definitions_after_a_statement_that_fails_are_there(tmp_path):
    """A file that trains on data that is not there can be checked all the same, if it defines what is asked for."""
    path = tmp_path / "late.py"
    path.write_text(
        "first = 1\ndata = open('nowhere.csv').read()\nrows = data.split()\ndef later():\n    return first\n"
    )
    assert source.load(path, "later").later() == 1
    with pytest.raises(source.UserError, match=r"nowhere\.csv"):
        source.load(path, "absent")
    with pytest.raises(source.UserError, match=r"nowhere\.csv"):
        source.load(path)


def test_a_syntax_error_is_shown_as_the_users(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def f(:\n")
    with pytest.raises(source.UserError, match="SyntaxError"):
        source.load(path)


def test_neighbours_can_be_imported(tmp_path, monkeypatch):
    """From the file's folder and the working folder."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "beside_it.py").write_text("value = 1\n")
    (tmp_path / "where_i_work.py").write_text("value = 2\n")
    path = tmp_path / "here" / "net.py"
    path.write_text("import beside_it, where_i_work\ntotal = beside_it.value + where_i_work.value\n")
    monkeypatch.chdir(tmp_path)
    assert source.load(path).total == 3


def test_relative_imports_find_their_package(tmp_path):
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    for package in (tmp_path / "outer", folder):
        (package / "__init__.py").write_text("")
    (folder / "layers.py").write_text("class Dense: pass\n")
    (tmp_path / "outer" / "settings.py").write_text("rate = 0.25\n")
    path = folder / "net.py"
    path.write_text("from .layers import Dense\nfrom ..settings import rate\n")
    module = source.load(path)
    assert module.__name__ == "outer.inner.net" and module.rate == 0.25 and module.Dense.__name__ == "Dense"


def test_a_relative_import_without_a_package_file_finds_its_folder(tmp_path):
    folder = tmp_path / "loose_folder"
    folder.mkdir()
    (folder / "parts.py").write_text("number = 4\n")
    path = folder / "net.py"
    path.write_text("from .parts import number\n")
    assert source.load(path).number == 4


def test_a_neighbour_that_is_called_like_a_module_of_python_is_the_programs_and_not_ours(tmp_path):
    """re.py beside the file: what is imported already stays, and the check goes on."""
    import re

    (tmp_path / "re.py").write_text("raise RuntimeError('the wrong re')\n")
    path = tmp_path / "net.py"
    path.write_text("import re\nimport numpy as np\nfound = bool(re.match('a', 'abc'))\n")
    assert source.load(path).found and sys.modules["re"] is re


def test_a_target_beside_a_file_called_re_is_checked_in_a_process(program, tmp_path):
    """There nothing of ours is imported from the folder of the target."""
    from samegrad.impls.verifying import verify

    (tmp_path / "re.py").write_text("raise RuntimeError('the wrong re')\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    text = "def grad(x, y, W, b):\n    d = x @ W + b - y\n    return x.T @ d, d.sum(axis=0)\n"
    assert verify.run(program(text, "grad")).verdict == "right"


# Loops ---------------------------------------------------------------------------------------------------------------


def limited(text, rounds):
    tree = source.LimitedLoops().visit(source.ast.parse(textwrap.dedent(text)))
    names = {source.LIMIT: source.limit}
    source.Loops.rounds, source.Loops.limited = rounds, False
    exec(compile(source.ast.fix_missing_locations(tree), "loops", "exec"), names)
    return names, source.Loops.limited


@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize("head", ["range(1000)", "range(1, 1001)", "range(epochs)", "range(1, epochs + 1)"])
def test_a_loop_that_trains_makes_as_many_rounds_as_are_asked_for(head, rounds):
    names, is_limited = limited(f"epochs, w = 1000, 0\nfor _ in {head}:\n    w = w - (-1)\n", rounds)
    assert names["w"] == rounds and is_limited


@pytest.mark.parametrize(
    "text",
    [
        "w = 0\nfor _ in range(20):\n    w = w - (-1)\n",
        "w = 0\nfor i in [0] * 100:\n    w = w - (-1)\n",
        "w = 0\nfor _ in range(0, 200, 2):\n    w = w - (-1)\n",
        "w = 0\nn = 0\nfor i in range(100):\n    n += 1\nw = n\n",
    ],
    ids=["few rounds", "no range", "a step", "a count"],
)
def test_other_loops_are_left_as_they_are(text):
    """Too few rounds to be epochs, or a body that only counts."""
    before: dict = {}
    exec(text, before)
    names, is_limited = limited(text, 1)
    assert names["w"] == before["w"] and not is_limited


def test_a_loop_that_calls_what_trains_is_one_that_trains():
    for line in ("net.train(x, y)", "update(w)", "g = net.backward(x)", "w -= lr * g", "w = w + d"):
        assert source.trains(source.ast.parse(f"for _ in range(9):\n    {line}").body[0]), line
    for line in ("print(w)", "i += 1", "total = a + b", "w.append(3)"):
        assert not source.trains(source.ast.parse(f"for _ in range(9):\n    {line}").body[0]), line


def test_whose_file_it_is(tmp_path):
    """In the folder, and in no installation below it."""
    roots = frozenset({str(tmp_path)})
    assert source.is_own_file(str(tmp_path / "net.py"), roots)
    assert not source.is_own_file(str(tmp_path / ".venv/lib/python3.11/site-packages/numpy/core.py"), roots)
    assert not source.is_own_file("<frozen os>", roots) and not source.is_own_file("/elsewhere/net.py", roots)
    assert source.is_own(Path(__file__))(type("Own", (), {"__module__": "json"})) is False


@pytest.mark.parametrize(
    ("line", "adds"),
    [("w += self.lr * dw", True), ("w = w + eta * dw", True), ("w -= lr * dw", False), ("z = x @ w + b", False)],
)
def test_a_step_that_is_added_is_seen(line, adds):
    assert source.adds(line) is adds


def test_a_file_of_a_package_of_its_own_name_finds_its_neighbours(tmp_path):
    """net/net.py imports net.functions: net is the package there, and not the file."""
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "functions.py").write_text("def f(z):\n    return z\n")
    (folder / "net.py").write_text(
        "import net.functions as functions\n\n\ndef backward(z):\n    return functions.f(z)\n"
    )
    before = list(sys.path)
    try:
        assert source.load(folder / "net.py", "backward").backward(3) == 3
    finally:
        sys.path[:] = before
        for name in ("net", "net.net", "net.functions"):
            sys.modules.pop(name, None)
