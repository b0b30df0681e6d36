"""The user's source: loading it, reading names off it, and showing its errors as its own."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import linecache
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.verifying.target import names


class UserError(Exception):
    """The user's code raised; the message is its traceback, from the user's first line on."""


def load(path: Path, name: str = "") -> ModuleType:
    """Import the file as `python file.py` would find its neighbours, but not as `__main__`.

    Of a notebook, and of a file that raises, only the definitions are run: imports, functions, classes and assignments.
    Raises UserError where the file raises and does not define `name` either.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    text = read(path)
    module = _module(path, text)
    with own_errors(path):
        tree = LimitedLoops().visit(ast.parse(text, str(path)))
        ast.fix_missing_locations(tree)
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    if path.suffix == ".ipynb":
        _run_definitions(tree, module, path)
        return module
    try:
        with own_errors(path):
            exec(compile(tree, str(path), "exec"), vars(module))
    except UserError:
        _run_definitions(tree, module, path)
        if not name or not hasattr(module, name.split(".")[0]):
            raise
    return module


def read(path: Path) -> str:
    """The file's text; of a notebook its code cells, without the lines that are for the notebook itself."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix != ".ipynb":
        return text
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{path}: is no notebook that can be read (JSON with cells, nbformat 4)") from None
    plain = [_without_magics(cell) for cell in code if not cell.startswith("%%")]
    return "\n".join(cell for cell in plain if _parses(cell)) + "\n"


def _without_magics(cell: str) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in cell.splitlines())


def _parses(text: str) -> bool:
    """Is it Python of this version? A notebook may have cells that are not."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _module(path: Path, text: str) -> ModuleType:
    """An empty module of the file's name, with the file's folder and the working folder importable."""
    folder = path.resolve().parent
    name = path.stem
    if re.search(r"^\s*from \.", text, re.MULTILINE) or (folder / "__init__.py").exists():
        name = f"{folder.name}.{path.stem}"
        while (folder.parent / "__init__.py").exists():
            folder = folder.parent
            name = f"{folder.name}.{name}"
        sys.path.insert(0, str(folder.parent))
    sys.path[:0] = [str(path.resolve().parent), os.getcwd()]
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__package__ = name.rpartition(".")[0]
    vars(module)[LIMIT] = limit
    sys.modules[name] = module
    return module


def _run_definitions(tree: ast.Module, module: ModuleType, path: Path) -> None:
    """Run what only defines something, statement by statement; what fails is left out."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
    for statement in tree.body:
        if isinstance(statement, kinds):
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([statement], []), str(path), "exec"), vars(module))


LIMIT = "__samegrad_limit__"
MANY = 50
"""A loop of so many steps or more is one over epochs; nothing that a probe has is so many."""


class Loops:
    """How many rounds a loop that trains may make; the number is written into the program and cannot be given."""

    rounds = 1
    limited = False
    """Has any loop been limited since this was last set to False?"""


def limit(stop: Any, start: Any = 0) -> Any:
    """The end of a training loop's range, so that it makes Loops.rounds rounds; of a short one the end that it has."""
    if not isinstance(stop, int) or not isinstance(start, int) or stop - start < MANY:
        return stop
    Loops.limited = True
    return start + Loops.rounds


class LimitedLoops(ast.NodeTransformer):
    """Puts a limit on `for … in range(…)` where the body trains."""

    def visit_For(self, node: ast.For) -> ast.AST:
        """The loop, with a limit where it trains."""
        call = node.iter
        counted = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
        if not counted or len(call.args) > 2 or not trains(node):  # type: ignore[attr-defined]
            return self.generic_visit(node)
        ends = call.args[::-1]  # type: ignore[attr-defined]
        call.args[-1] = ast.Call(ast.Name(LIMIT, ast.Load()), ends, [])  # type: ignore[attr-defined]
        return node


def trains(loop: ast.For | ast.While) -> bool:
    """Does the loop's body change something by a difference, or call what trains?"""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub | ast.Add):
            if not isinstance(node.value, ast.Constant):
                return True
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            target = ast.unparse(node.targets[0])
            if any(ast.unparse(part) == target for part in ast.walk(node.value) if isinstance(part, ast.expr)):
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if names.methods([called], (*names.BACKWARD, *names.TRAIN, *names.UPDATE)):
                return True
    return False


def training_loop(tree: ast.Module) -> ast.For | ast.While | None:
    """The loop at the top level of a script that trains."""
    return next((n for n in tree.body if isinstance(n, ast.For | ast.While) and trains(n)), None)


def is_own(path: Path) -> Callable[[type], bool]:
    """Is a class one of the user's: from that file, its folder or the working folder, and not an installed one?"""
    roots = {str(path.resolve().parent), os.getcwd()}

    def own(kind: type) -> bool:
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        return bool(file) and is_own_file(str(file), roots)

    return own


def is_own_file(file: str, roots: Collection[str]) -> bool:
    """Does the file lie below one of these folders, and in no installation of packages?"""
    full = str(Path(file).resolve()) if not file.startswith("<") else file
    return any(full.startswith(root + os.sep) for root in roots) and not re.search(
        r"site-packages|dist-packages|[/\\]lib[/\\]python\d|[/\\]impls[/\\]verifying[/\\]target[/\\]", full
    )


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


def largest_index(function: Any, argument: str) -> int:
    """The largest number by which a function takes an entry of an argument; 0 where it takes none."""
    node = tree(function)
    found = [
        part.slice.value
        for part in (ast.walk(node) if node else ())
        if isinstance(part, ast.Subscript) and _is(part.value, argument) and isinstance(part.slice, ast.Constant)
    ]
    return max((index for index in found if isinstance(index, int)), default=0)


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


def is_factor(function: Any, argument: str) -> bool:
    """Is the argument a factor of a matrix product, or transposed, in a function? Then it is no bias."""
    node = tree(function)
    for part in ast.walk(node) if node else ():
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            operands: list[ast.expr] = [part.left, part.right]
        elif isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in ("dot", "matmul"):
            owner = [part.func.value] if isinstance(part.func, ast.Attribute) else []
            operands = [*owner, *part.args]
        else:
            operands = [part.value] if isinstance(part, ast.Attribute) and part.attr == "T" else []
        if any(_is(operand, argument) or ast.unparse(operand) == f"{argument}.T" for operand in operands):
            return True
    return False


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
    words = {
        "sigmoid": ("sigmoid", "exp(", "expit", "logistic"),
        "tanh": ("tanh",),
        "relu": ("relu", "maximum(", "> 0"),
        "softmax": ("softmax", "exp("),
    }
    return [name for name, marks in words.items() if any(mark in text.lower() for mark in marks)]


ADDS = re.compile(r"\+=?[^\n#=]*?\b(lr|eta|alpha|epsilon|step_?size|l_?rate|learning_?rate|rate)\b", re.I)


def adds(text: str) -> bool:
    """Is a learning rate times something added to something anywhere?"""
    return bool(ADDS.search(text))


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
