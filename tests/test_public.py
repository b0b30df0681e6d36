"""What other people's packages, notebooks and graders import: lazily, and nothing but what is public."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import samegrad

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_had_from_the_front_door():
    """Type checkers find the same names, in the same places."""
    for name, place in samegrad.PUBLIC.items():
        assert getattr(samegrad, name) is getattr(importlib.import_module(place), name)
        assert re.search(rf"\b{name}\b", samegrad.__doc__)
    assert dir(samegrad) == sorted(samegrad.PUBLIC)
    [output] = [
        node for node in ast.parse(Path(samegrad.__file__).read_text(encoding="utf-8")).body if isinstance(node, ast.If)
    ]
    assert [(line.names[0].name, line.module) for line in output.body] == list(samegrad.PUBLIC.items())


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match=r"no attribute 'rounded'; public are BadInput, .*Unavailable"):
        samegrad.rounded  # noqa: B018
    with pytest.raises(ImportError, match="rounded"):
        from samegrad import rounded  # noqa: F401


def test_names_are_imported_when_they_are_asked_for():
    """And no framework even then."""
    script = """
import sys
import samegrad
assert not {"numpy", "samegrad.impls", "click"} & set(sys.modules)
from samegrad import PROBLEMS, Implementation, Layer, Reference, Task
frameworks = {"torch", "jax", "tensorflow", "keras", "scipy"}
assert not frameworks & set(sys.modules), frameworks & set(sys.modules)
task = Task(PROBLEMS["xor"], PROBLEMS["xor"].parameters())
assert len(Reference.of(task).truth.gradients) == 2
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_type_checkers_find_the_types():
    assert (ROOT / "samegrad/py.typed").exists()
