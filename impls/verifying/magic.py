"""`%%verify [NAME] [--loss LOSS] [--hint] …`: a cell that is run, and the gradient that it defines checked.

The options are those of `samegrad verify`; `--loss` also takes a function that the session has.
"""

from __future__ import annotations

import ast
import shlex
from functools import cache
from typing import Any

import click
from IPython.core.error import UsageError

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying import cells
from samegrad.impls.verifying.check import check_among
from samegrad.impls.verifying.report import Report
from samegrad.impls.verifying.target import source
from samegrad.impls.verifying.verify_command import parsed, verify_command


def register(ipython: Any) -> None:
    """Give this IPython the cell magic."""

    def verify(line: str, cell: str) -> Report | None:
        return verify_cell(ipython, line, cell)

    verify.__doc__ = command().get_help(click.Context(command(), info_name="%%verify"))
    ipython.register_magic_function(verify, "cell", "verify")


@cache
def command() -> click.Command:
    """The magic's line, as click reads it."""
    options = [option for option in verify_command.params if isinstance(option, click.Option)]
    return click.Command(
        "%%verify",
        params=[click.Argument(["name"], required=False), *(o for o in options if o.name != "as_json")],
        help="Run the cell, then check NAME, or the one function or class of the cell that looks like a gradient.",
        context_settings=verify_command.context_settings,
    )


def verify_cell(ipython: Any, line: str, cell: str) -> Report | None:
    """The report on what a cell defines, after it was run; None where it raised, which is shown, or help was asked."""
    try:
        options = command().make_context("%%verify", shlex.split(line)).params
        name, options = options.pop("name"), parsed(options)
    except click.exceptions.Exit:
        return None
    except (click.ClickException, ValueError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise UsageError(f"%%verify: {message}") from None
    if not ipython.run_cell(cell).success:
        return None
    defined = ipython.user_ns
    try:
        thing = _find(name or guess(cell, defined), defined)
        options["loss"] = _loss(options["loss"], defined)
        return check_among([f"%%verify\n{cell}"], thing, **options)
    except BadInput as error:
        raise UsageError(f"%%verify: {error}") from None


def _find(name: str, defined: dict[str, Any]) -> Any:
    first, *rest = name.split(".")
    if first not in defined:
        raise BadInput(f"{first} is not defined; name what is to be checked, as %%verify NAME")
    thing = defined[first]
    for part in rest:
        if not hasattr(thing, part):
            raise BadInput(f"{first} has no {part}")
        thing = getattr(thing, part)
    return thing


def _loss(loss: str | None, defined: dict[str, Any]) -> Any:
    """The session's function of that name; the name itself where there is none."""
    value = defined.get(loss) if loss else None
    return value if callable(value) else loss


def guess(cell: str, defined: dict[str, Any]) -> str:
    """The one function or class that a cell defines and that looks like a gradient. Raises BadInput otherwise."""
    text = cells.as_python(cell)
    statements = ast.parse(text).body if cells.parses(text) else []
    own = [s.name for s in statements if isinstance(s, ast.FunctionDef | ast.ClassDef) and s.name in defined]
    for some in (*source.like_gradients({name: defined[name] for name in own}), own):
        if len(some) == 1:
            return some[0]
    raise BadInput(f"say what to check, as %%verify NAME; the cell defines {', '.join(own) or 'nothing'}")
