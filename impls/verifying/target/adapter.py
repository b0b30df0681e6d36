"""Adapters: where a file trains in a loop and has nothing to call, the function to put one step of that loop into."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import Any

from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.constructor import Constructor


def of_script(path: Path) -> str:
    """For a file that trains in a loop and has nothing to call: the function to put the loop's body into; else ""."""
    text = source.read(path)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    loop = source.training_loop(tree)
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    callables = names.methods(functions, (*names.BACKWARD, *names.TRAIN))
    if loop is None or callables or any(isinstance(n, ast.ClassDef) for n in tree.body):
        return ""
    body, counted = loop.body, _targets(loop)
    while len(body) == 1 and isinstance(body[0], ast.For | ast.With):
        body, counted = body[0].body, counted | _targets(body[0])
    changed = _parameters(body)
    shown = [part for part in body if isinstance(part, ast.If | ast.Expr) and not source.changed([part])]
    left_out = {n for part in shown if counted & _names(part) for n in range(part.lineno, (part.end_lineno or 0) + 1)}
    every = text.splitlines()
    lines = [every[n - 1] for n in range(body[0].lineno, (body[-1].end_lineno or 0) + 1) if n not in left_out]
    used = [n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    made = {n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    roles = {n: names.role(n, ("x", "y")) for n in used if n not in made}
    data = sorted((n for n in roles if roles[n]), key=lambda n: roles[n] or "")
    arguments = ", ".join(dict.fromkeys([*data, *changed]))
    step = textwrap.indent(textwrap.dedent("\n".join(lines)), "    ")
    return (
        f"the file trains in a loop (lines {loop.lineno} to {loop.end_lineno}) and has no function to call. Put one "
        f"step of that loop into a function, and check the function:\n\n"
        f"def step({arguments}):\n{step}\n    return {', '.join(changed)}\n\n"
        f"samegrad verify {path}:step"
    )


def _targets(loop: ast.stmt) -> set[str]:
    """The names that a loop counts with, where it counts: epoch."""
    counts = isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and "range" in ast.unparse(loop.iter.func)
    return _names(loop.target) if counts else set()  # type: ignore[attr-defined]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _parameters(body: list[ast.stmt]) -> list[str]:
    """The names that a step changes by a difference, or entries of them; no sum that it starts itself."""
    every = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Assign | ast.AugAssign)]
    started: dict[str, bool] = {}
    for node in sorted(every, key=lambda n: n.lineno):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = ast.unparse(target)
            started.setdefault(name, isinstance(node, ast.Assign) and name not in _names(node.value))
    holders = dict.fromkeys(name.partition("[")[0] for name in source.changed(body))
    return [name for name in holders if name.isidentifier() and not started.get(name)]


FILLED = {
    "inputs_size": "x.shape[1]",
    "hidden_size": "W1.shape[1]",
    "outputs_size": "y.shape[1]",
    "rate": "1.0",
    "epochs": "1",
    "x": "x",
    "y": "y",
    "sizes": "[x.shape[1], W1.shape[1], y.shape[1]]",
    "hidden_sizes": "[W1.shape[1]]",
}
"""What a constructor's argument is given in an adapter, by its role."""


def around(thing: Any, name: str, path: Path) -> str:
    """A function of data and parameters around a target that could not be used, for its author to complete at each …"""
    owner, _, method = name.partition(".")
    lines = []
    if inspect.isclass(thing) or method:
        roles = Constructor(thing, path, {}).roles if inspect.isclass(thing) else {}
        given = [f"{argument}={FILLED.get(role, '…')}" for argument, role in roles.items() if role != "default"]
        train = method or next(iter(names.methods(dir(thing), (*names.TRAIN, *names.BACKWARD))), "…")
        lines = [f"net = {owner}({', '.join(given)})", "net.…, net.… = W1, b1        # where it keeps its weights"]
        lines += ["net.…, net.… = W2, b2", f"net.{train}(x, y)        # one step, with a learning rate of 1"]
        lines.append("return net.…, net.…, net.…, net.…        # its new W1, b1, W2, b2")
    else:
        lines = [f"… = {owner}(…)", "return dW1, db1, dW2, db2        # the gradients, or the new W1, b1, W2, b2"]
    body = "\n".join(f"    {line}" for line in lines)
    return (
        "Or complete these lines where … stands, as adapter.py beside it:\n\n"
        f"from {path.stem} import {owner}\n\n"
        "def step(x, y, W1, b1, W2, b2):      # x: (rows, inputs), W1: (inputs, units)\n"
        f"{body}\n\n"
        "samegrad verify adapter.py:step"
    )
