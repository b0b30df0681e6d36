"""The user's source: loading it, reading names off it, and showing its errors as its own."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import linecache
import os
import re
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.verifying.target import names


class UserError(Exception):
    """The user's code raised; the message is its traceback, from the user's first line on."""

    def __init__(self, error: BaseException, file: str) -> None:
        """`error` is what was raised in this file, or below it. Its text is made where it is shown."""
        self.error, self.file = error, file

    def __str__(self) -> str:
        return user_traceback(self.error, self.file)

    @property
    def depth(self) -> int:
        """How far the user's code got: the line of the first frame in its file, 0 if it never got there."""
        frames = traceback.walk_tb(self.error.__traceback__)
        return next((line for frame, line in frames if _same(frame.f_code.co_filename, self.file)), 0)


def load(path: Path, name: str = "", text: str = "") -> ModuleType:
    """Import the file, or `text` in its place, as `python file.py` would find its neighbours, but not as `__main__`.

    Of a notebook, and of a file that raises, only the definitions are run: imports, functions, classes and assignments.
    Raises UserError where the file raises and does not define `name` either, or anything that looks like a gradient.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    text = text or read(path)
    module = _module(path, text)
    with own_errors(path):
        tree = LimitedLoops().visit(ast.parse(text, str(path)))
        ast.fix_missing_locations(tree)
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    failure = run(tree.body, vars(module), path, path.suffix == ".ipynb")
    if failure and not (hasattr(module, name.split(".")[0]) if name else _guessed(module)):
        raise failure
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
    sys.path[:0] = [str(folder), os.getcwd()]
    if re.search(r"^\s*from \.", text, re.MULTILINE) or (folder / "__init__.py").exists():
        name = f"{folder.name}.{path.stem}"
        while (folder.parent / "__init__.py").exists():
            folder = folder.parent
            name = f"{folder.name}.{name}"
        sys.path.insert(0, str(folder.parent))
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__package__ = name.rpartition(".")[0]
    vars(module)[LIMIT] = limit
    sys.modules[name] = module
    return module


DEFINITIONS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
LONG_S = 2.0
"""Of processor time: what a statement other than an import may take before it is ended, as a training is."""


class _TooLong(BaseException):
    """No error of the program's, which it should not catch."""


def run(
    statements: Sequence[ast.stmt], variables: dict[str, Any], path: Path, definitions: bool = False
) -> UserError | None:
    """The first error of a program, None where it has none; the program is run statement by statement.

    With `definitions`, from an error on, and after a statement that takes long, only what defines something is run,
    and what fails there is left out.
    """
    failure = None
    limit_s = LONG_S
    for statement in statements:
        if (definitions or failure) and not isinstance(statement, DEFINITIONS):
            continue
        try:
            with own_errors(path), _ended_after(0 if isinstance(statement, ast.Import | ast.ImportFrom) else limit_s):
                exec(compile(ast.Module([statement], []), str(path), "exec"), variables)
        except _TooLong:
            definitions, limit_s = True, LONG_S / 2
        except UserError as error:
            failure = failure or (None if definitions else error)
    return failure


@contextlib.contextmanager
def _ended_after(limit_s: float) -> Iterator[None]:
    """End what takes more processor time with _TooLong; 0 is no limit."""

    def end(*_: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


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
    return bool(changed([loop])) or calls_what_trains(loop)


def changed(body: Sequence[ast.stmt]) -> list[str]:
    """What is changed by a difference, as parameters are, as it is written: w, self.w; no counter."""
    found: dict[str, None] = {}
    for node in (n for part in body for n in ast.walk(part)):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            if not isinstance(node.value, ast.Constant) and not _counts(node.value):
                found.setdefault(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            target = ast.unparse(node.targets[0])
            if any(ast.unparse(part) == target for part in ast.walk(node.value) if isinstance(part, ast.expr)):
                found.setdefault(target)
    return list(found)


def _counts(node: ast.expr) -> bool:
    """Is it a whole number, int(…) or len(…), as counters grow by?"""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("int", "len")


def calls_what_trains(node: ast.AST, near: bool = True) -> bool:
    """Is something called that is called like training, or a part of it, or has such a word in its name if `near`?"""
    functions = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    called = [f.id if isinstance(f, ast.Name) else f.attr for f in functions if isinstance(f, ast.Name | ast.Attribute)]
    return bool(names.methods(called, (*names.BACKWARD, *names.TRAIN, *names.UPDATE), near))


def training_loop(tree: ast.Module) -> ast.For | ast.While | None:
    """The loop at the top level of a script that trains, and does not only put in a change entry by entry."""
    return next((n for n in tree.body if isinstance(n, ast.For | ast.While) and trains(n) and not _puts_in(n)), None)


def _puts_in(loop: ast.For | ast.While) -> bool:
    """Does a loop change the entries of something, and use them for nothing else?"""
    read = [ast.unparse(n) for part in loop.body for n in ast.walk(part) if isinstance(n, ast.Name)]
    holders = [name.partition("[") for name in changed(loop.body)]
    changes = sum(isinstance(n, ast.Assign | ast.AugAssign) for part in loop.body for n in ast.walk(part))
    return bool(holders) and len(loop.body) == changes and all(sep and read.count(h) == 1 for h, sep, _ in holders)


def is_own(path: Path) -> Callable[[type], bool]:
    """Is a class one of the user's: from that file, its folder or the working folder, and not an installed one?"""
    roots = frozenset({str(path.resolve().parent), os.getcwd()})

    def own(kind: type) -> bool:
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        return bool(file) and is_own_file(str(file), roots)

    return own


@cache
def is_own_file(file: str, roots: frozenset[str]) -> bool:
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
    if not hasattr(owner, name):
        public = [n for n in vars(owner) if not n.startswith("_") and not isinstance(vars(owner)[n], ModuleType)]
        choose(f"name in {path.name}:", name, public)
    return getattr(owner, name)


@contextlib.contextmanager
def own_errors(path: Path) -> Iterator[None]:
    """Turn whatever the user's code raises into a UserError that shows their traceback only."""
    try:
        yield
    except (UserError, BadInput, KeyboardInterrupt, MemoryError, _TooLong):
        raise
    except BaseException as error:
        raise UserError(error, str(path.resolve())) from None


def user_traceback(error: BaseException, file: str) -> str:
    """The traceback from the first frame in the user's file on; for a syntax error, the error alone."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if _same(frame.filename, file)), None)
    kept = frames[first:] if first is not None else []
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(kept)] if kept else []
    return "".join([*lines, *traceback.format_exception_only(type(error), error)]).rstrip()


def _same(one: str, other: str) -> bool:
    return _resolved(one, os.getcwd()) == _resolved(other, os.getcwd())


@cache
def _resolved(file: str, folder: str) -> str:
    return os.path.realpath(os.path.join(folder, file))


def signature(function: Callable) -> inspect.Signature:
    """That of a function or method, without self. Raises TypeError and ValueError where it has none."""
    if inspect.ismethod(function) and inspect.isfunction(function.__func__):
        every = list(_signature(function.__func__).parameters.values())
        if every and every[0].kind in (every[0].POSITIONAL_ONLY, every[0].POSITIONAL_OR_KEYWORD):
            return inspect.Signature(every[1:])
    return _signature(function) if inspect.isfunction(function) else inspect.signature(function)


_signature = cache(inspect.signature)


@cache
def tree(function: Any) -> ast.AST | None:
    """The syntax tree of a function or class, None where its source cannot be had."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


Node = TypeVar("Node", bound=ast.AST)


def _parts(function: Any, kind: type[Node]) -> list[Node]:
    """The parts of a function's source that are of this kind; none where its source cannot be had."""
    return _parts_of(getattr(function, "__func__", function), kind)  # type: ignore[arg-type, return-value]


@cache
def _parts_of(function: Any, kind: type[ast.AST]) -> list[ast.AST]:
    node = tree(function)
    return [part for part in (ast.walk(node) if node else ()) if isinstance(part, kind)]


def returned_names(function: Any) -> list[str] | None:
    """The names in the last `return a, b, c` of a function; None where it returns no such tuple."""
    for statement in reversed(_parts(function, ast.Return)):
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
    for statement in _parts(function, ast.Assign):
        target = statement.targets[0]
        if _is(statement.value, argument) and isinstance(target, ast.Tuple | ast.List):
            return _nested(target)
    return None


def loops_over_pairs(function: Any, argument: str) -> bool:
    """Does a function take the entries of an argument apart as pairs, `for x, y in argument`?"""
    loops = (part for part in _parts(function, ast.AST) if isinstance(part, ast.For | ast.comprehension))
    return any(
        _is(loop.iter, argument) and isinstance(loop.target, ast.Tuple | ast.List) and len(loop.target.elts) == 2
        for loop in loops
    )


def _nested(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple | ast.List):
        return [_nested(element) for element in node.elts]
    return ast.unparse(node)


def passed_on(function: Any, argument: str) -> list[tuple[str, int | str]]:
    """The functions to which a function passes an argument as it is, and as which of their arguments."""
    passed: list[tuple[str, int | str]] = []
    for call in _parts(function, ast.Call):
        if isinstance(call.func, ast.Name):
            passed += [(call.func.id, place) for place, value in enumerate(call.args) if _is(value, argument)]
            passed += [(call.func.id, k.arg) for k in call.keywords if k.arg and _is(k.value, argument)]
    return passed


def keys(function: Any, module: ModuleType) -> list[str]:
    """The string keys that the function, and after it the rest of its module, uses in subscripts, in order.

    A key that is made of a word and a number, `"W" + str(l)`, counts as W1 and W2.
    """
    subscripts = (part for owner in (function, module) for part in _parts(owner, ast.Subscript))
    return list(dict.fromkeys(key for part in subscripts for key in _keys(part.slice)))


def _keys(key: ast.expr) -> list[str]:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return [key.value]
    start = key.left if isinstance(key, ast.BinOp) else key.values[0] if isinstance(key, ast.JoinedStr) else None
    word = start.value if isinstance(start, ast.Constant) and isinstance(start.value, str) else ""
    return [f"{word}{n}" for n in (1, 2)] if word else []


def largest_index(function: Any, argument: str) -> int:
    """The largest number by which a function takes an entry of an argument; 0 where it takes none."""
    return max((index for index in _entries(function, argument) if isinstance(index, int)), default=0)


def used_as(function: Any, argument: str) -> str:
    """How a function uses an argument: "dict" (argument["k"]), "list" (argument[0], a loop), "flat" (argument[:n]),
    "object" (argument.k) or "array", as anything that is multiplied as a whole."""
    if argument in factors(function):
        return "array"
    for part in _parts(function, ast.AST):
        if isinstance(part, ast.Subscript) and _is(part.value, argument):
            if isinstance(part.slice, ast.Slice):
                return "flat"
            return "dict" if _texty(part.slice) else "list"
        if isinstance(part, ast.For | ast.comprehension) and _mentions(part.iter, argument):
            return "list"
        if (
            isinstance(part, ast.Attribute)
            and _is(part.value, argument)
            and part.attr not in ("T", "shape", "dot", "copy")
        ):
            return "dict" if part.attr in ("items", "keys", "values") else "object"
    return "list" if isinstance(unpacked(function, argument), list) else "array"


@cache
def factors(function: Any) -> frozenset[str]:
    """What a function or module multiplies as matrices or transposes, as it is written: W1, params['V'], X.

    An entry counts too that is multiplied under another name: V = params['V'].
    """
    multiplied: set[str] = set()
    for part in _parts(function, ast.AST):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            operands: list[ast.expr] = [part.left, part.right]
        elif isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in ("dot", "matmul"):
            owner = [part.func.value] if isinstance(part.func, ast.Attribute) else []
            operands = [*owner, *part.args]
        else:
            operands = [part.value] if isinstance(part, ast.Attribute) and part.attr == "T" else []
        multiplied |= {ast.unparse(operand).removesuffix(".T") for operand in operands}
    taken = ((a.targets[0], a.value) for a in _parts(function, ast.Assign) if isinstance(a.value, ast.Subscript))
    return frozenset(multiplied | {ast.unparse(entry) for name, entry in taken if ast.unparse(name) in multiplied})


def keys_of(module: ModuleType, argument: str) -> list[str]:
    """The string keys by which functions of the module take entries of an argument of that name, in order."""
    return list(dict.fromkeys(key for key in _entries(module, argument) if isinstance(key, str)))


def _entries(function: Any, argument: str) -> list[Any]:
    """The constants by which a function or module takes entries of what is called so, in order."""
    mine = (part.slice for part in _parts(function, ast.Subscript) if _is(part.value, argument))
    return [key.value for key in mine if isinstance(key, ast.Constant)]


def _texty(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _texty(node.left)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _mentions(node: ast.expr, name: str) -> bool:
    """Is the name itself iterated (also inside zip, enumerate, reversed, range(len(…)))?"""
    return any(_is(part, name) for part in ast.walk(node) if isinstance(part, ast.Name))


def attributes(function: Any, argument: str) -> list[str]:
    """The attributes of an argument that a function reads."""
    return [part.attr for part in _parts(function, ast.Attribute) if _is(part.value, argument)]


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


OF_ENTROPY = re.compile(r"likelihood|log[ _-]?loss|cross[ _-]?entropy|logistic[ _]?regression", re.I)
"""In the text of a file whose loss is a cross-entropy, whatever it prints."""


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
    if guessed := _guessed(module):
        return guessed
    own = _own(module)
    public = ", ".join(sorted(own, key=lambda name: not inspect.isclass(own[name]))) or "nothing"
    raise BadInput(f"say what to check: {path}:NAME; the file defines {public}")


def _guessed(module: ModuleType) -> str:
    return next((some[0] for some in like_gradients(_own(module)) if len(some) == 1), "")


def _own(module: ModuleType) -> dict[str, Any]:
    return {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__ and callable(v)}


def like_gradients(own: dict[str, Any]) -> list[list[str]]:
    """The names of what may be checked, likeliest kind first: classes that train, rules of JAX, and functions."""
    functions = [n for n, v in own.items() if inspect.isfunction(v)]
    classes = [n for n, v in own.items() if inspect.isclass(v)]
    return [
        [n for n in classes if names.methods(dir(own[n]), (*names.BACKWARD, *names.TRAIN))],
        [n for n, v in own.items() if hasattr(v, "defvjp")],
        names.methods(functions, names.BACKWARD) or names.methods(functions, names.TRAIN),
    ]
