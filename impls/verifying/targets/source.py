"""The user's source: loading it, reading names off it, and showing its errors as its own."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import textwrap
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from impls.errors import BadInput, choose
from impls.verifying.targets import names


class UserError(Exception):
    """The user's code raised; the message is its traceback, from the user's first line on."""


def load(path: Path) -> ModuleType:
    """Import the file as `python file.py` would find its neighbours, but not as `__main__`. Raises UserError."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: is not a Python file (its name should end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    with own_errors(path):
        spec.loader.exec_module(module)
    return module


def find(module: ModuleType, name: str, path: Path) -> tuple[Any, Any]:
    """What `name` (or Class.method) is in the module, and the object that it was found on (mostly the module)."""
    owner: Any = module
    parts = name.split(".")
    for part in parts[:-1]:
        owner = _get(owner, part, path)
    return _get(owner, parts[-1], path), owner


def _get(owner: Any, name: str, path: Path) -> Any:
    if hasattr(owner, name):
        return getattr(owner, name)
    public = [n for n in vars(owner) if not n.startswith("_") and not isinstance(vars(owner)[n], ModuleType)]
    raise BadInput(str(_unknown(name, public, path)))


def _unknown(name: str, public: list[str], path: Path) -> BadInput:
    try:
        choose(f"name in {path.name}:", name, public)
    except BadInput as error:
        return error
    return BadInput(name)


class own_errors:  # noqa: N801  (a context manager, used like a function)
    """Turn whatever the user's code raises into a UserError that shows their traceback only."""

    def __init__(self, path: Path) -> None:
        self.folder = str(path.resolve().parent)
        self.file = str(path.resolve())

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, tb: Any) -> None:
        if error is None or isinstance(error, UserError | BadInput | KeyboardInterrupt | MemoryError):
            return
        failure = UserError(user_traceback(error, self.file))
        failure.depth = _depth(error, self.file)  # type: ignore[attr-defined]
        failure.__cause__ = None
        raise failure from None


def user_traceback(error: BaseException, file: str) -> str:
    """The traceback from the first frame in the user's file on; for a syntax error, the error alone."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if _same(frame.filename, file)), None)
    kept = frames[first:] if first is not None else []
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(kept)] if kept else []
    return "".join([*lines, *traceback.format_exception_only(type(error), error)]).rstrip()


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).resolve() == Path(other).resolve()
    except OSError:
        return one == other


def _depth(error: BaseException, file: str) -> int:
    """How far the user's code got: the line of the first frame in its file, 0 if it never got there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _same(frame.filename, file)]
    return frames[0].lineno or 0 if frames else 0


@cache
def tree(function: Any) -> ast.AST | None:
    """The syntax tree of a function or class, None where its source cannot be had."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


def returned_names(function: Any) -> list[str] | None:
    """The names in the last `return a, b, c` of a function; None where it returns no such tuple."""
    node = tree(function)
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return)] if node else []
    for statement in reversed(returns):
        if isinstance(statement.value, ast.Tuple | ast.List):
            return [_label(element) for element in statement.value.elts]
        if isinstance(statement.value, ast.Name):
            return [statement.value.id]
    return None


def _label(node: ast.expr) -> str:
    """The name of a variable, attribute or entry; nothing for an expression."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else ""


def unpacked(function: Any, argument: str) -> Any:
    """The nested names into which a function unpacks an argument, `(W1, b1), (W2, b2) = params`, or None."""
    node = tree(function)
    for statement in ast.walk(node) if node else ():
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Name)
            and statement.value.id == argument
        ):
            target = statement.targets[0]
            if isinstance(target, ast.Tuple | ast.List):
                return _nested(target)
    return None


def _nested(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple | ast.List):
        return [_nested(element) for element in node.elts]
    return ast.unparse(node)


def keys(function: Any, module: ModuleType) -> list[str]:
    """The string keys that the function, and after it the rest of its module, uses in subscripts, in order."""
    found: dict[str, None] = {}
    for owner in (function, module):
        node = tree(owner)
        for part in ast.walk(node) if node else ():
            key = part.slice.value if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant) else None
            if isinstance(key, str):
                found.setdefault(key)
    return list(found)


def used_as(function: Any, argument: str) -> str:
    """How a function uses an argument: "dict" (argument["k"]), "list" (argument[0], a loop), "flat" (argument[:n]),
    "object" (argument.k) or "array"."""
    node = tree(function)
    for part in ast.walk(node) if node else ():
        if isinstance(part, ast.Subscript) and _is(part.value, argument):
            if isinstance(part.slice, ast.Slice):
                return "flat"
            return "dict" if isinstance(part.slice, ast.Constant | ast.JoinedStr) and _texty(part.slice) else "list"
        if isinstance(part, ast.For | ast.comprehension) and _mentions(part.iter, argument):
            return "list"
        if (
            isinstance(part, ast.Attribute)
            and _is(part.value, argument)
            and part.attr not in ("T", "shape", "dot", "copy")
        ):
            return "dict" if part.attr in ("items", "keys", "values") else "object"
    return "list" if isinstance(unpacked(function, argument), list) else "array"


def _texty(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _mentions(node: ast.expr, name: str) -> bool:
    """Is the name itself iterated (also inside zip, enumerate, reversed, range(len(…)))?"""
    return any(_is(part, name) for part in ast.walk(node) if isinstance(part, ast.Name))


def attributes(function: Any, argument: str) -> Iterator[str]:
    """The attributes of an argument that a function reads."""
    node = tree(function)
    for part in ast.walk(node) if node else ():
        if isinstance(part, ast.Attribute) and _is(part.value, argument):
            yield part.attr


def activations(text: str) -> list[str]:
    """The activations that a source mentions."""
    words = {"sigmoid": ("sigmoid", "exp(", "expit", "logistic"), "tanh": ("tanh",), "relu": ("relu", "maximum(")}
    return [name for name, marks in words.items() if any(mark in text.lower() for mark in marks)]


def literals(text: str) -> list[float]:
    """The numbers written in a source."""
    try:
        node = ast.parse(text)
    except SyntaxError:
        return []
    values = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
    return [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


def guess_name(module: ModuleType, path: Path) -> str:
    """The one function or class of a file that looks like a gradient. Raises BadInput for none, or several."""
    own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__ and callable(v)}
    classes = [n for n, v in own.items() if inspect.isclass(v)]
    functions = [n for n, v in own.items() if inspect.isfunction(v)]
    networks = [n for n in classes if names.methods(dir(own[n]), (*names.BACKWARD, *names.TRAIN))]
    backward = names.methods(functions, names.BACKWARD) or names.methods(functions, names.TRAIN)
    for found in (networks, backward):
        if len(found) == 1:
            return found[0]
    public = ", ".join([*classes, *functions]) or "nothing"
    raise BadInput(f"say what to check: {path}:NAME; the file defines {public}")
