"""What the README shows of adding an implementation is what is in the files, to the letter."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.test_own_package import PROJECT

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_the_file_is_shown_whole():
    [shown] = [block for block in blocks("python") if block.startswith("# impls/")]
    path, _, text = shown.partition("\n")
    assert text == (ROOT / path.removeprefix("# ")).read_text(encoding="utf-8")


def test_every_line_of_the_diff_is_in_its_file():
    [shown] = [block for block in blocks("diff") if "impls/registry/__init__.py" in block]
    added = 0
    for line in shown.splitlines():
        if line.startswith(" # "):
            held = (ROOT / line.removeprefix(" # ")).read_text(encoding="utf-8").splitlines()
        else:
            assert line.removeprefix("+") in held
            added += 1
    assert added == 2


def test_the_package_is_the_one_that_is_installed_by_the_tests():
    [shown] = [block for block in blocks("toml") if "samegrad.implementations" in block]
    assert shown.removeprefix("# pyproject.toml\n") == PROJECT
