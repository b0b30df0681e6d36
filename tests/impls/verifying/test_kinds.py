"""Small programs of the kinds that people write, each with the outcome that is right in its first lines."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from samegrad.impls.verifying.verify_command import verify_command

HERE = Path(__file__).with_name("kinds")
SHARED = Path(__file__).parents[4] / "shared" / "verify-cases"


def programs(folder: Path) -> dict[str, Path]:
    """The programs of a folder that say in their first line what their target is, by name."""
    actual = (path for path in sorted(folder.rglob("*.py")) if path.read_text().startswith("# target:"))
    return {str(path.relative_to(folder)): path for path in actual}


def header(path: Path) -> dict[str, str]:
    """target, flags, needs, exit and says: the words that must be found, as regular expressions with & between.

    awaits: what is to be mended before it is so.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines()[:6] if re.match(r"# \w+:", line)]
    return {key: value.strip() for key, _, value in (line[2:].partition(":") for line in lines)}


def check(path: Path) -> None:
    """The exit status and the words are those of the header, and no line is of a traceback of ours."""
    says = header(path)
    if "needs" in says and importlib.util.find_spec(says["needs"]) is None:
        pytest.skip(f"needs {says['needs']}")
    flags = says.get("flags", "").replace("{here}", str(path.parent)).split()
    target = f"{path}:{says['target']}" if says["target"] else str(path)
    result = CliRunner().invoke(verify_command, [target, *flags])
    assert result.exit_code == int(says["exit"]), result.output
    text = " ".join(result.output.split())
    for words in says["says"].split(" & "):
        assert re.search(words, text, re.IGNORECASE), (words, result.output)
    assert "samegrad itself failed" not in text


def case(name: str) -> Any:
    """One program; where it awaits something, its failure is expected, and its success shows that the line can go."""
    awaits = header(programs(HERE)[name]).get("awaits")
    return pytest.param(name, marks=pytest.mark.xfail(reason=awaits, strict=True)) if awaits else name


@pytest.mark.slow
@pytest.mark.parametrize("name", [case(name) for name in programs(HERE)])
def test_a_program_of_its_kind_has_the_outcome_that_is_right(in_this_process, name):
    """The truth is in the header: by the derivative of the program's loss, worked out by hand."""
    check(programs(HERE)[name])


@pytest.mark.parametrize(
    "name",
    list(programs(SHARED))
    or [pytest.param("", marks=pytest.mark.skip(reason=f"{SHARED} is not there: it is not in git"))],
)
def test_a_shared_case_has_the_outcome_that_is_right(in_this_process, name):
    """As their own check.py has it, in this process."""
    pytest.importorskip("torch")
    check(programs(SHARED)[name])


def test_every_kind_of_outcome_is_among_them():
    """Right, wrong and cannot tell; at least 25 programs."""
    outcomes = [header(path)["exit"] for path in programs(HERE).values()]
    assert len(outcomes) >= 25 and set(outcomes) == {"0", "1", "2"}
