"""Scripts: a file that trains as it runs and has nothing to call. One step becomes the function `step`.

a loop                  one round of it
lines without a loop    those from the first use of the parameters to their change, or to the gradients
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.calls import SETTINGS

STEP = "step"


@dataclass(frozen=True)
class Script:
    """One step of a script as a function."""

    lines: tuple[int, int]
    """Those of the loop, or of the step, in the file."""
    before: str
    """The file as far as there."""
    function: str
    roles: tuple[str, ...]
    """Of the function's first arguments: x, y."""

    def message(self, path: Path) -> str:
        """What its author may do, with the function's text and the command that checks it."""
        first, last = self.lines
        return (
            f"the file trains in lines {first} to {last} and has no function to call. Put one step of that into a "
            f"function, or give the command below: as long as the file has no {STEP}, these lines are "
            f"it\n\n{self.function}\n\nsamegrad verify {path}:{STEP}"
        )


def of_file(path: Path) -> Script | None:
    """The script; None for a file that takes no step as it runs, or has something to call that may be checked."""
    text = source.read(path)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    loop = source.training_loop(tree)
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    callables = names.methods(functions, (*names.BACKWARD, *names.TRAIN))
    if callables or STEP in functions or any(isinstance(n, ast.ClassDef) for n in tree.body):
        return None
    every = text.splitlines()
    whole = [loop] if loop else _straight(tree.body)
    if not whole:
        return None
    body, counted = _round(loop) if loop else (whole, set())
    changed = _parameters(body)
    results = changed or _gradients(body)
    shown = [part for part in body if isinstance(part, ast.If | ast.Expr) and not source.changed([part])]
    left_out = {n for part in shown if counted & _names(part) for n in range(part.lineno, (part.end_lineno or 0) + 1)}
    lines = [every[n - 1] for n in range(body[0].lineno, (body[-1].end_lineno or 0) + 1) if n not in left_out]
    lines = [line for line in lines if not line.startswith("#")]  # at the margin, where the loop's body is not
    before = [n for n in tree.body if n.lineno < whole[0].lineno]
    parameters = changed or [n for n in _loaded(body) if n in _arrays(before) and names.tensor(n)]
    roles = _data(body, before, parameters)
    kept = sorted(_stored(before) & _stored(body) - {*roles, *parameters} - counted)
    inside = [f"global {', '.join(kept)}"] if kept else []
    inside += [textwrap.dedent("\n".join(lines)), f"return {', '.join(results)}"]
    arguments = ", ".join(dict.fromkeys([*roles, *parameters]))
    function = f"def {STEP}({arguments}):\n" + textwrap.indent("\n".join(inside), "    ")
    start = "\n".join(every[: whole[0].lineno - 1])
    return Script((whole[0].lineno, whole[-1].end_lineno or 0), start, function, tuple(roles.values()))


def _straight(every: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The lines of a step without a loop: from the first use of what they change, or of parameters by their names."""
    lines = [n for n in every if not isinstance(n, source.DEFINITIONS) or isinstance(n, ast.Assign | ast.AnnAssign)]
    ends = [i for i, n in enumerate(lines) if source.changed([n])]
    holders = set(_parameters([lines[i] for i in ends]))
    if not ends:
        holders = {n for n in _arrays(lines) if (t := names.tensor(n)) and not t.gradient}
        ends = [i for i, n in enumerate(lines) if isinstance(n, ast.Assign) and _gradients([n])]
    uses = [i for i, n in enumerate(lines) if holders & set(_loaded([n])) and not holders & _stored([n])]
    return lines[uses[0] : ends[-1] + 1] if uses and ends else []


def _arrays(body: Sequence[ast.stmt]) -> set[str]:
    """The names under which something made of numbers is stored, or by NumPy."""
    made = [n for n in body if isinstance(n, ast.Assign)]
    numeric = (n for n in made if re.match(r"np\.|numpy\.", ast.unparse(n.value)) or _has_numbers(n.value))
    return _stored(list(numeric))


def _has_numbers(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, int | float) for n in ast.walk(node))


def _gradients(body: Sequence[ast.stmt]) -> list[str]:
    """The names under which gradients are stored: dW, db; or all of them: gradients."""
    stored = [n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    single = [n for n in dict.fromkeys(stored) if (t := names.tensor(n)) and t.gradient]
    return single or [n for n in dict.fromkeys(stored) if re.fullmatch("grad(ient)?s?", n.lower())]


def _loaded(body: Sequence[ast.stmt]) -> list[str]:
    """The names that are read, in the order of the source; those that are only counted last."""
    every = [n for part in body for n in ast.walk(part)]
    counted = [c.args[0] for c in every if isinstance(c, ast.Call) and c.args and ast.unparse(c.func) == "len"]
    loaded = [n for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return list(dict.fromkeys(n.id for n in sorted(loaded, key=lambda n: (n in counted, n.lineno, n.col_offset))))


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
    every = [n for part in body for n in ast.walk(part)]
    inner = {
        n
        for comprehension in every
        if isinstance(comprehension, ast.comprehension)
        for n in _names(comprehension.target)
    }
    return {n.id for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - inner


def _data(body: Sequence[ast.stmt], before: Sequence[ast.stmt], changed: Sequence[str]) -> dict[str, str]:
    """The inputs and targets that a round uses, by their names; else what it uses first that was made before it."""
    made = _stored(body)
    used = [n for n in _loaded(body) if n not in made]
    of_numbers = _arrays(before)
    every = {n: r for n in sorted(used, key=lambda n: n not in of_numbers) if (r := names.role(n, ("x", "y")))}
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
