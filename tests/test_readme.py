"""What the README shows of adding an implementation is what is in the files, to the letter."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.test_own_package import MINE, PROJECT

ROOT = Path(__file__).parents[1]
PUBLIC = "from samegrad import Implementation, Layer, Task\n"
OWN = """\
from impls.implementation import Implementation
from impls.parameters import Layer
from impls.task import Task
"""
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_the_file_is_the_one_that_is_registered_but_for_its_imports():
    """It imports public names alone, where those of this tree are imported from their modules."""
    inside = (ROOT / "impls/others/autograd_tape.py").read_text(encoding="utf-8")
    assert MINE.replace(PUBLIC, OWN) == inside and "impls" not in MINE


def test_no_example_names_our_own_modules():
    for block in blocks("python") + blocks("toml"):
        assert "impls" not in block


def test_the_package_is_the_one_that_is_installed_by_the_tests():
    [shown] = [block for block in blocks("toml") if "samegrad.implementations" in block]
    assert shown.removeprefix("# pyproject.toml\n") == PROJECT
