"""Scripts: a file that trains in a loop and has nothing to call. One round of the loop becomes the function `step`."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samegrad.impls.verifying.target import names, source

STEP = "step"
SETTINGS = ("rate", "epochs", "batch", "seed", "quiet", "penalty", "momentum")


@dataclass(frozen=True)
class Script:
    """One round of a script's loop as a function."""

    lines: tuple[int, int]
    """Those of the loop in the file."""
    before: str
    """The file as far as the loop."""
    function: str
    roles: tuple[str, ...]
    """Of the function's first arguments: x, y."""

    def message(self, path: Path) -> str:
        """What its author may do, with the function's text and the command that checks it."""
        first, last = self.lines
        return (
            f"the file trains in a loop (lines {first} to {last}) and has no function to call. Put one step of that "
            f"loop into a function, or give the command below: as long as the file has no {STEP}, these lines are "
            f"it\n\n{self.function}\n\nsamegrad verify {path}:{STEP}"
        )


def of_file(path: Path) -> Script | None:
    """The script; None for a file that does not train in a loop, or has something to call that may be checked."""
    text = source.read(path)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    loop = source.training_loop(tree)
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    callables = names.methods(functions, (*names.BACKWARD, *names.TRAIN))
    if loop is None or callables or STEP in functions or any(isinstance(n, ast.ClassDef) for n in tree.body):
        return None
    every = text.splitlines()
    body, counted = _round(loop)
    changed = _parameters(body)
    shown = [part for part in body if isinstance(part, ast.If | ast.Expr) and not source.changed([part])]
    left_out = {n for part in shown if counted & _names(part) for n in range(part.lineno, (part.end_lineno or 0) + 1)}
    lines = [every[n - 1] for n in range(body[0].lineno, (body[-1].end_lineno or 0) + 1) if n not in left_out]
    lines = [line for line in lines if not line.startswith("#")]  # at the margin, where the loop's body is not
    before = [n for n in tree.body if n.lineno < loop.lineno]
    roles = _data(body, before, changed)
    kept = sorted(_stored(before) & _stored(body) - {*roles, *changed} - counted)
    inside = [f"global {', '.join(kept)}"] if kept else []
    inside += [textwrap.dedent("\n".join(lines)), f"return {', '.join(changed)}"]
    arguments = ", ".join(dict.fromkeys([*roles, *changed]))
    function = f"def {STEP}({arguments}):\n" + textwrap.indent("\n".join(inside), "    ")
    start = "\n".join(every[: loop.lineno - 1])
    return Script((loop.lineno, loop.end_lineno or 0), start, function, tuple(roles.values()))


def _round(loop: ast.For | ast.While) -> tuple[list[ast.stmt], set[str]]:
    """The statements of one round, and the names that count rounds: of a loop over x and y, what is done for one."""
    counted = _targets(loop)
    if isinstance(loop, ast.For) and not counted and not _are_data(loop):
        return [loop], counted
    body = loop.body
    while len(body) == 1 and (isinstance(body[0], ast.With) or (isinstance(body[0], ast.For) and _are_data(body[0]))):
        body, counted = body[0].body, counted | _targets(body[0])
    return body, counted


def _are_data(loop: ast.For) -> bool:
    """Does a loop give x and y by these or other names for them?"""
    return {"x", "y"} <= {names.role(name, ("x", "y")) for name in _names(loop.target)}


def _targets(loop: ast.stmt) -> set[str]:
    """The names that a loop counts with, where it counts: epoch."""
    counts = isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and "range" in ast.unparse(loop.iter.func)
    return _names(loop.target) if counts else set()  # type: ignore[attr-defined]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _stored(body: Sequence[ast.stmt]) -> set[str]:
    every = (n for part in body for n in ast.walk(part) if isinstance(n, ast.Name))
    return {n.id for n in every if isinstance(n.ctx, ast.Store)}


def _data(body: Sequence[ast.stmt], before: Sequence[ast.stmt], changed: Sequence[str]) -> dict[str, str]:
    """The inputs and targets that a round uses, by their names; else what it uses first that was made before it."""
    made = _stored(body)
    loaded = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    used = dict.fromkeys(n.id for n in sorted(loaded, key=lambda n: (n.lineno, n.col_offset)) if n.id not in made)
    every = {n: role for n in used if (role := names.role(n, ("x", "y")))}
    roles = {role: n for n, role in reversed(every.items())}
    values = {n: part.value for part in before if isinstance(part, ast.Assign) for n in _names(part.targets[0])}
    arrays = [
        n for n in used
        if n in values and n not in {*every, *changed} and not isinstance(values[n], ast.Constant | ast.UnaryOp)
        and not names.tensor(n) and not names.role(n, SETTINGS)
    ]  # fmt: skip
    for role in ("x", "y"):
        if role not in roles and arrays:
            roles[role] = arrays.pop(0)
    return {roles[role]: role for role in ("x", "y") if role in roles}


def _parameters(body: Sequence[ast.stmt]) -> list[str]:
    """The names that a step changes by a difference, or entries of them; no sum that it starts itself."""
    every = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Assign | ast.AugAssign)]
    started: dict[str, bool] = {}
    for node in sorted(every, key=lambda n: n.lineno):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = ast.unparse(target)
            started.setdefault(name, isinstance(node, ast.Assign) and name not in _names(node.value))
    holders = dict.fromkeys(name.partition("[")[0] for name in source.changed(body))
    return sorted((n for n in holders if n.isidentifier() and not started.get(n)), key=lambda n: _first_use(n, body))


def _first_use(name: str, body: Sequence[ast.stmt]) -> tuple[int, int]:
    """The place where a name is first used: parameters in the order of the forward pass."""
    return min(
        (n.lineno, n.col_offset) for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and n.id == name
    )
