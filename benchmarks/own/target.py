"""Load the target of `samegrad time` in the process that times it: a function of a file or module, or a statement.

path/to/file.py:function    package.module:function    sum(data)
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import itertools
import keyword
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from samegrad.impls.errors import BadInput, one_line

IN_FILE = re.compile(r"(.+\.py):([^\W\d][\w.]*)")
IN_MODULE = re.compile(r"([^\W\d][\w.]*):([^\W\d][\w.]*)")
LONGEST_NAME = 40
HERE = Path(__file__).parent


def parts(text: str) -> tuple[str, str] | None:
    """File or module, and what is meant in it; None for a statement."""
    match = IN_FILE.fullmatch(text.strip()) or IN_MODULE.fullmatch(text.strip())
    return None if match is None or keyword.iskeyword(match[1]) else (match[1], match[2])


def labels(texts: list[str]) -> list[str]:
    """A short name for each, and no name twice: `file.py:function` without the folders where that will do."""
    short = [_short(text) for text in texts]
    whole = [" ".join(text.split()) for text in texts]
    names = [name if short.count(name) == 1 else long for name, long in zip(short, whole, strict=True)]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _short(text: str) -> str:
    if named := parts(text):
        return f"{Path(named[0]).name}:{named[1]}"
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


class Target:
    """A callable and what it is given at each call. Raises BadInput, in one line, where there is none.

    arguments: the text between the parentheses of the call, evaluated after `setup`. inputs: a generator function, as
    `file.py:name`, which yields what to give from the next block on: one argument, or a tuple of them.
    """

    def __init__(self, text: str, setup: str = "", arguments: str = "", inputs: str | None = None) -> None:
        self.text = text
        names: dict[str, Any] = {"__name__": "setup"}
        with errors_in_one_line("--setup"):
            exec(compile(setup, "--setup", "exec"), names)
        with errors_in_one_line(text):
            self.function = load(text) if parts(text) else _statement(text, names)
        if not callable(self.function):
            raise BadInput(f"{text} is of type {type(self.function).__name__}, and cannot be called")
        with errors_in_one_line(f"--args {arguments!r}"):
            self.given: tuple[tuple[Any, ...], dict[str, Any]] = eval(
                f"(lambda *given, **named: (given, named))({arguments})", names
            )
        self._make_inputs = None
        if inputs is not None:
            with errors_in_one_line(f"--inputs {inputs}"):
                self._make_inputs = load(inputs)
        self._inputs: Iterator[Any] = iter(())
        if self._make_inputs:
            self.next_inputs()
        self._require_arguments()

    def next_inputs(self) -> None:
        """Take the next arguments from the generator, which begins again after its last."""
        if self._make_inputs is None:
            return
        with errors_in_one_line("--inputs"):
            for _ in range(2):
                for given in self._inputs:
                    self.given = (given if isinstance(given, tuple) else (given,)), {}
                    return
                self._inputs = iter(self._make_inputs())
        raise BadInput(f"--inputs: {self._make_inputs.__name__} yields nothing")

    def bound(self) -> Callable[[], Any]:
        """The call as it is timed: the function itself where it is given nothing."""
        given, named = self.given
        return partial(self.function, *given, **named) if given or named else self.function

    def _require_arguments(self) -> None:
        given, named = self.given
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):  # of C, without a signature
            return
        try:
            signature.bind(*given, **named)
        except TypeError as error:
            raise BadInput(
                f"{self.text}{signature} cannot be called with what it is given ({error}); give --args, or --inputs, "
                "a generator of arguments"
            ) from None


def load(text: str) -> Any:
    """Load what `file.py:name` or `module:name` names. Raises BadInput where there is no such thing."""
    named = parts(text)
    if named is None:
        raise BadInput(f"{text!r} is neither file.py:name nor module:name")
    where, name = named
    thing = _file(Path(where)) if where.endswith(".py") else _module(where)
    for step in name.split("."):
        try:
            thing = getattr(thing, step)
        except AttributeError:
            there = [known for known, value in vars(thing).items() if callable(value) and not known.startswith("_")]
            raise BadInput(f"{text}: there is no {step}; there are {', '.join(there[:8]) or 'no functions'}") from None
    return thing


def _file(path: Path) -> Any:
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file in {Path.cwd()}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    if getattr(sys.modules.get(name), "__file__", None) == str(path.resolve()):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise BadInput(f"there is no module {error.name}; for a file give its path, as in file.py:name") from None
        raise


def _statement(text: str, names: dict[str, Any]) -> Callable[[], Any]:
    """A function that runs the statement, and returns its value where it is an expression."""
    tree = ast.parse(text, text)
    if not tree.body:
        raise BadInput(f"{text!r} is no statement; give one, or file.py:name or module:name")
    if len(tree.body) == 1 and isinstance(last := tree.body[0], ast.Expr):
        tree.body[0] = ast.copy_location(ast.Return(last.value), last)
    whole = ast.parse("def statement(): pass")
    function = whole.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = tree.body
    exec(compile(ast.fix_missing_locations(whole), text, "exec"), names)
    made: Callable[[], Any] = names["statement"]
    return made


class errors_in_one_line:  # noqa: N801 (a context, used as a function)
    """Turn an exception of the user's code into BadInput of one line: what it is, and in which line of theirs."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, BadInput) or error is None or isinstance(error, KeyboardInterrupt):
            return
        if isinstance(error, SyntaxError):
            where = f"{Path(error.filename or '').name}:{error.lineno}: " if str(error.filename).endswith(".py") else ""
            raise BadInput(one_line(f"{self.what} is not Python: {where}{error.msg}")) from None
        what = "".join(traceback.format_exception_only(error))
        theirs = [
            line
            for line in traceback.extract_tb(trace)
            if not Path(line.filename).is_relative_to(HERE) and "importlib" not in line.filename
        ]
        where = f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else ""
        raise BadInput(one_line(f"{self.what} raises {what}{where}")) from None


def require_result(text: str, result: Any) -> None:
    """Raise BadInput for a result that is not computed yet: a coroutine, a generator, a lazy iterator."""
    if inspect.iscoroutine(result) or inspect.isasyncgen(result):
        getattr(result, "close", lambda: None)()
        raise BadInput(f"{text} returns a coroutine: nothing is computed before it is awaited; time asyncio.run(…)")
    if inspect.isgenerator(result) or isinstance(result, map | filter | zip | itertools.islice):
        kind = type(result).__name__
        raise BadInput(
            f"{text} returns a {kind}: nothing is computed before somebody takes from it; time list(…) of it"
        )
