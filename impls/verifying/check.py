"""`samegrad.check`: the checker for those who are in Python already, in a notebook or in a grader."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying import cells, verify
from samegrad.impls.verifying.report import Report


@dataclass(frozen=True)
class Whereabouts:
    """Where a live thing is defined."""

    name: str
    """The name where it is defined: backward, Net.train."""
    path: str
    """The file; "" for the cells of this session."""
    note: str = ""


def check(
    thing: Any,
    *,
    loss: str | Callable[..., Any] | None = None,
    activations: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    init: dict[str, Any] | None = None,
    parameters: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
    dtype: str | None = None,
    frameworks: bool = False,
    time_limit_s: float = verify.TIME_LIMIT_S,
    hint: bool = False,
) -> Report:
    """The verdict on a hand-written gradient: `.verdict` is "right", "wrong" or "cannot tell".

    thing: "path/to/file.py:name" (or file.ipynb:name); or the function, class, object, method, torch.autograd.Function
    or jax.custom_vjp itself. It is looked up where it is defined, in its file as that is now or in the cells that were
    run so far, and checked in a process of its own, as are both by `samegrad verify`.
    loss: a name, "file.py:function", or the function itself. The other arguments are those of `verify.run`.
    hint: show the equation to look at and not the mistake; `.mistakes` still has it.

    Raises BadInput for a request that makes no sense, or a thing whose source is unavailable; whatever the thing
    itself does, or fails in, is a Report.
    """
    return check_among(
        (), thing, loss=loss, activations=activations, sizes=sizes, init=init, parameters=parameters,
        arguments=arguments, dtype=dtype, frameworks=frameworks, time_limit_s=time_limit_s, hint=hint,
    )  # fmt: skip


def check_among(more: Sequence[str], thing: Any, *, loss: Any = None, **options: Any) -> Report:
    """The same, with cells that were run beside those that the session remembers."""
    if _is_checked_itself():
        raise RuntimeError("samegrad.check is not run by code that is itself being checked")
    origin = whereabouts(thing)
    origin_of_loss = whereabouts(loss) if callable(loss) else None
    run = cells.run_so_far(more)
    with ExitStack() as stack:
        path: Path | None = None
        if not origin.path or (origin_of_loss is not None and not origin_of_loss.path):
            path = stack.enter_context(cells.written(run))
        target = _target(origin, path)
        report = verify.run(target, loss=_target(origin_of_loss, path) if origin_of_loss else loss, **options)
    if path is not None:
        report = cells.in_own_words(report, run, path)
    report.target = target if origin.path else origin.name
    report.notes += [origin.note] if origin.note else []
    return report


def _is_checked_itself() -> bool:
    """Is this the process in which a target is observed?"""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == verify.PROCESS


def _target(origin: Whereabouts, path: Path | None) -> str:
    where = origin.path or str(path)
    return f"{where}:{origin.name}" if origin.name else where


def whereabouts(thing: Any) -> Whereabouts:
    """Where a thing is defined, and under what name. Raises BadInput where that cannot be found."""
    if isinstance(thing, str | os.PathLike):
        path, name = verify.split_target(os.fspath(thing))
        return Whereabouts(name, str(path))
    owner, method, note = _definition(thing)
    name = getattr(owner, "__qualname__", "") + (f".{method}" if method else "")
    if not name or "<" in name:
        return _by_its_variable(thing, name)
    file = _file(owner)
    if file and Path(file).is_file() and not cells.is_cell(file):
        path = Path(file)
        near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return Whereabouts(name, str(near), note)
    if name.split(".")[0] not in cells.namespace():
        raise BadInput(
            f"the source of {name} is unavailable: it is in no file, and in no cell of this session; save it in a "
            f'file, and check "path/to/file.py:{name}"'
        )
    if "." not in owner.__qualname__ and inspect.unwrap(cells.namespace()[owner.__qualname__]) is not owner:
        note = f"{owner.__qualname__} has been defined anew since this one was; the new one was checked. {note}".strip()
    return Whereabouts(name, "", note)


def _definition(thing: Any) -> tuple[Any, str, str]:
    """The function or class that defines a thing, the method that is meant, and a note for the user."""
    if inspect.isclass(thing) or isinstance(thing, functools.partial):
        return thing, "", ""
    owner = getattr(thing, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):  # a bound method, of an object or of a class
        if inspect.isclass(owner):
            return owner, "" if thing.__name__ == "apply" and hasattr(owner, "backward") else thing.__name__, ""
        return type(owner), thing.__name__, _note(type(owner))
    if hasattr(thing, "__qualname__"):  # a function, or what a decorator made of one
        return inspect.unwrap(thing), "", ""
    if isinstance(thing, list | tuple | dict) or type(thing).__module__ == "builtins":
        return thing, "", ""
    return type(thing), "", _note(type(thing))


def _note(kind: type) -> str:
    return (
        f"An object was given; its class {kind.__qualname__} was checked, with weights that were drawn for it: the "
        "object's own are left as they are."
    )


def _by_its_variable(thing: Any, name: str) -> Whereabouts:
    """The whereabouts of a thing without a name (a list of layers, a lambda), by its variable in this session."""
    for variable, value in cells.namespace().items():
        if value is thing and not variable.startswith("_"):
            return Whereabouts(variable, "")
    given = f"what was given, of type {type(thing).__name__}, has no name"
    what = f"{name} is defined inside a function or has no name" if name else given
    raise BadInput(
        f"{what}, so that its source cannot be found; define it at the top level of a file or of a cell, and give it, "
        'or "path/to/file.py:name"'
    )


def _file(owner: Any) -> str:
    """The file in which a function or class is written; "" where that is not known."""
    members = vars(owner).values() if inspect.isclass(owner) else [owner]
    for member in members:
        function = inspect.unwrap(getattr(member, "__func__", member))
        code = getattr(function, "__code__", None)
        own = not inspect.isclass(owner) or getattr(function, "__qualname__", "").startswith(f"{owner.__qualname__}.")
        if own and code is not None and code.co_filename != "<string>":  # where a dataclass's are written
            return code.co_filename
    try:
        return inspect.getsourcefile(owner) or ""
    except (TypeError, OSError):
        return ""
