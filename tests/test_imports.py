"""No file imports another that imports it, straight or by a detour, nor when a function is called."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree, files):
    """The files of this project that a module imports, those apart that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            parts = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (part if part in files else node.module for part in parts if {part, node.module} & files)
        yield from imported(node, files)


def in_order(sources):
    """The files, each after all that it imports. Raises CycleError."""
    graph = {name: set(imported(ast.parse(source), sources.keys())) for name, source in sources.items()}
    return list(TopologicalSorter(graph).static_order())


def test_there_is_no_circle_among_the_files():
    places = ("samegrad/*.py", *(f"samegrad/{wing}/**/*.py" for wing in ("impls", "benchmarks", "reports")))
    paths = [path for place in places for path in ROOT.glob(place)]
    order = in_order({name_of(path): path.read_text(encoding="utf-8") for path in paths})
    assert len(order) == len(paths) > 200 and order.index("samegrad.impls.task") < order.index(
        "samegrad.impls.on_numpy.manual"
    )


def test_a_circle_is_found():
    with pytest.raises(CycleError):
        in_order({"a.b": "import a.c", "a.c": "def f():\n    from a import b", "a": ""})
    assert in_order({"a.b": "import a.c", "a.c": "if TYPE_CHECKING:\n    import a.b", "a": ""})
