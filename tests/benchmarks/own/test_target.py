"""Bad input: one clear line each, which names the user's own line."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.own.target import Target, labels, require_result
from samegrad.impls.errors import BadInput

MINE = """
import numpy as np

STATE = [0]
text = "no function"

def plain():
    return 3

def two(a, b=2):
    return a + b

def raises():
    return 1 / 0

class Net:
    @staticmethod
    def step():
        return 4
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with a file `mine_own.py`, where the process is."""
    (tmp_path / "mine_own.py").write_text(MINE)
    (tmp_path / "broken_own.py").write_text("import numpy as np\ndef f(:\n")
    (tmp_path / "falls_own.py").write_text("x = 1\nraise OSError('no data')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "options", "result"),
    [
        ("mine_own.py:plain", {}, 3),
        ("mine_own:plain", {}, 3),
        ("mine_own.py:Net.step", {}, 4),
        ("mine_own.py:two", {"arguments": "1, b=3"}, 4),
        ("mine_own.py:two", {"arguments": "n", "setup": "n = 5"}, 7),
        ("sum(data)", {"setup": "data = [1, 2]"}, 3),
        ("a = 3; b = a * n", {"setup": "n = 2"}, None),
        ("for _ in range(3):\n    n.append(1)", {"setup": "n = []"}, None),
        ("math:factorial", {"arguments": "4"}, 24),
    ],
)
def test_what_is_asked_for_is_called(mine, text, options, result):
    assert Target(text, **options).bound()() == result


def test_without_arguments_the_function_itself_is_timed(mine):
    """Nothing is put between the clock and it."""
    target = Target("mine_own.py:plain")
    assert target.bound() is target.function


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("nowhere.py:f", {}, "nowhere.py: there is no such file"),
        ("mine_own.py:plan", {}, "there is no plan; there are plain, two, raises, Net"),
        ("no_such_module:f", {}, "there is no module no_such_module; for a file give its path"),
        ("mine_own.py:text", {}, "is of type str, and cannot be called"),
        (
            "mine_own.py:two",
            {},
            r"two(a, b=2) cannot be called with what it is given (missing a required argument: 'a')",
        ),
        ("mine_own.py:plain", {"arguments": "3"}, "too many positional arguments); give --args, or --inputs"),
        ("broken_own.py:f", {}, "broken_own.py:f is not Python: broken_own.py:2: invalid syntax"),
        ("falls_own.py:f", {}, "falls_own.py:f raises OSError: no data (falls_own.py:2)"),
        ("sum(", {}, "sum( is not Python: '(' was never closed"),
        ("mine_own.py:two", {"arguments": "1 +"}, "--args '1 +' is not Python"),
        ("mine_own.py:two", {"arguments": "n"}, "--args 'n' raises NameError: name 'n' is not defined"),
        ("sum(n)", {"setup": "import no_such"}, "--setup raises ModuleNotFoundError: No module named 'no_such'"),
        ("9" * 5000, {}, "999…999"),
        ("", {}, "'' is no statement"),
        ("# a remark", {}, "'# a remark' is no statement"),
        ("mine_own.py:two", {"inputs": "mine_own.py:nothing"}, "there is no nothing"),
        ("mine_own.py:two", {"inputs": "mine_own.py:raises"}, "--inputs raises ZeroDivisionError"),
    ],
)
def test_bad_input_is_one_clear_line(mine, text, options, message):
    with pytest.raises(BadInput) as refused:
        Target(text, **options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ((number for number in range(3)), "returns a generator: nothing is computed"),
        (map(str, [1]), "returns a map: nothing is computed"),
        (zip([1], [2], strict=True), "returns a zip"),
    ],
)
def test_what_computes_later_is_refused(result, message):
    with pytest.raises(BadInput, match=message):
        require_result("f", result)


def test_a_coroutine_is_refused():
    async def later():
        return 1

    with pytest.raises(BadInput, match="nothing is computed before it is awaited"):
        require_result("f", later())


def test_inputs_are_taken_in_turn_and_from_the_start_again(mine):
    (mine / "given_own.py").write_text("def pairs():\n    yield 1, 2\n    yield 3, 4\n\ndef one():\n    yield 7\n")
    target = Target("mine_own.py:two", inputs="given_own.py:pairs")
    actual = [target.bound()()]
    for _ in range(3):
        target.next_inputs()
        actual.append(target.bound()())
    assert actual == [3, 7, 3, 7]
    assert Target("mine_own.py:two", inputs="given_own.py:one").bound()() == 9


def test_a_generator_that_yields_nothing_is_refused(mine):
    (mine / "empty_own.py").write_text("def none():\n    return iter(())\n")
    with pytest.raises(BadInput, match="none yields nothing"):
        Target("mine_own.py:two", inputs="empty_own.py:none")


def test_names_are_short_and_no_two_are_the_same():
    assert labels(["a/b/f.py:g", "c.d:e", "sum( x )"]) == ["f.py:g", "c.d:e", "sum( x )"]
    assert labels(["a/f.py:g", "b/f.py:g"]) == ["a/f.py:g", "b/f.py:g"]
    assert labels(["f.py:g", "f.py:g"]) == ["f.py:g", "f.py:g (2)"]
    assert len(labels(["x" * 100])[0]) == 40
