"""Usage: how a file itself calls what is checked, which tells what its arguments may be."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying.target import source


def arguments_in_use(function: Callable, path: Path) -> dict[str, Any]:
    """The arguments that the file gives a function or class, by name, as far as they make sense outside of the call.

    These are constants, functions and classes, and lists and fresh objects of them: `activation="relu"`,
    `activations=[sigmoid, tanh]`, `layers=[Dense(2, 4), Dense(4, 1)]`. Every evaluation makes the objects anew.
    """
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    try:
        names = [p for p in source.signature(function).parameters if p != "self"]
        own = getattr(function, "__qualname__", "").rpartition(".")
        texts = [source.read(file) for file in (path, *_neighbours(path, own[0] or own[2]))]
    except (TypeError, ValueError, BadInput, OSError):
        return {}
    arguments: dict[str, Any] = {}
    for call in (call for text in texts for call in _calls(text, own[2])):
        given = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
        for name, node in given:
            if name is not None and name not in arguments and module is not None and _is_plain(node, vars(module)):
                with suppress(Exception):
                    arguments[name] = eval(compile(ast.Expression(node), str(path), "eval"), vars(module))
    return arguments


@cache
def _calls(text: str, name: str) -> list[ast.Call]:
    """The calls of that name, as a function or a method, in the order of the source."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == name]


def _is_plain(node: ast.expr, module: dict[str, Any]) -> bool:
    """Is it made of constants, functions and classes only, with no data of the file's and no function called?"""
    return all(_part_is_plain(part, module) for part in ast.walk(node) if isinstance(part, ast.expr))


def _part_is_plain(part: ast.expr, module: dict[str, Any]) -> bool:
    if isinstance(part, ast.Name):
        value = module.get(part.id)
        return callable(value) or inspect.ismodule(value)
    if isinstance(part, ast.Call):
        return isinstance(part.func, ast.Name) and inspect.isclass(module.get(part.func.id))
    return not isinstance(part, ast.Starred | ast.Lambda | ast.Await | ast.Yield | ast.NamedExpr)


def made_by_the_file(kind: type, path: Path) -> list[Any]:
    """The objects of a class that the file makes, with what is added to them, or else a file beside it that uses it."""
    for file in [path, *_neighbours(path, kind.__name__)]:
        with suppress(BadInput, SyntaxError):
            if made := _made_in(file, kind, {} if file != path else vars(sys.modules[kind.__module__])):
                return made
    return []


@cache
def _neighbours(path: Path, name: str) -> list[Path]:
    """The files of its folder and of the working folder that import it and speak of that name."""
    folders = dict.fromkeys([path.resolve().parent, Path.cwd()])
    others = [f for folder in folders for f in sorted(folder.glob("*.py"))[:MOST_FILES] if f != path.resolve()]
    stem = re.escape(path.stem)
    return [f for f in others if re.search(rf"import.*\b({stem}|{name})\b|{stem} import", source.read(f))]


MOST_FILES = 50
"""Of a folder that are looked at."""


def _made_in(path: Path, kind: type, module: dict[str, Any]) -> list[Any]:
    """The objects of a class, or of one of its name, that a file makes: at its top level, or before it trains.

    The lines under `if __name__ == "__main__"` and those of a function without arguments are run as far as that.
    """

    def of_kind(variables: dict[str, Any]) -> list[Any]:
        return [v for v in variables.values() if type(v).__name__ == kind.__name__ and not isinstance(v, type)]

    tree = ast.parse(source.read(path))
    module = module or _before_training(tree.body, {"__name__": path.stem}, path)
    if own := of_kind(module):
        return own
    for body in _bodies(tree):
        used = any(_calls(ast.unparse(statement), kind.__name__) for statement in body)
        if used and (made := of_kind(_before_training(body, dict(module), path))):
            return made
    return []


def _before_training(body: list[ast.stmt], variables: dict[str, Any], path: Path) -> dict[str, Any]:
    """The variables after the lines that come before any that trains."""
    before = itertools.takewhile(lambda statement: not source.calls_what_trains(statement, near=False), body)
    source.run(list(before), variables, path)
    return variables


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The lines that a file keeps from being run when it is imported."""
    for node in tree.body:
        if isinstance(node, ast.If) or (isinstance(node, ast.FunctionDef) and not node.args.args):
            yield node.body
