"""Adapters: where a target cannot be called, the few lines that its author completes so that it can."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

from impls.verifying.target import names, source
from impls.verifying.target.subjects import Subject


def of_script(path: Path) -> str:
    """For a file that trains in a loop at its top level: the function to put that loop's body into; "" for others."""
    text = source.read(path)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    loop = source.training_loop(tree)
    if loop is None:
        return ""
    body = loop.body
    while len(body) == 1 and isinstance(body[0], ast.For | ast.With):
        body = body[0].body
    lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    changed = _changed(body)
    used = [n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    data = list(dict.fromkeys(n for n in used if names.role(n, ("x", "y")) and n not in changed))
    arguments = ", ".join(dict.fromkeys([*data, *changed]))
    step = textwrap.indent(textwrap.dedent("\n".join(lines)), "    ")
    return (
        f"the file trains in a loop (lines {loop.lineno} to {loop.end_lineno}) and has no function to call. Put one step of "
        f"that loop into a function, and check the function:\n\n"
        f"def step({arguments}):\n{step}\n    return {', '.join(changed)}\n\n"
        f"samegrad verify {path}:step"
    )


def _changed(body: list[ast.stmt]) -> list[str]:
    """The names that a step changes by a difference: the parameters."""
    found: dict[str, None] = {}
    for node in (n for part in body for n in ast.walk(part)):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            found.setdefault(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            target = ast.unparse(node.targets[0])
            if any(isinstance(n, ast.Name) and n.id == target for n in ast.walk(node.value)):
                found.setdefault(target)
    return [name for name in found if name.isidentifier()]


def of_subject(subject: Subject | None, path: Path, name: str) -> str:
    """For anything else: a function of data and parameters around the target, with what is known filled in."""
    thing, _, method = name.partition(".")
    shown = {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2"}
    made, set_, call = (
        f"net = {thing}(…)",
        "net.W1, net.b1, net.W2, net.b2 = W1, b1, W2, b2",
        f"net.{method or '…'}(x, y)",
    )
    if subject is None or not hasattr(subject, "constructor"):
        made, set_, call = "", "", f"{name}(x, y, W1, b1, W2, b2)"
    lines = [
        "# adapter.py: complete it where … stands",
        f"from {path.stem} import {thing}",
        "",
        f"def step(x, y, {', '.join(shown)}):      # x: (rows, inputs), y: (rows, outputs), W1: (inputs, units)",
        *(f"    {line}" for line in (made, set_, call) if line),
        "    return …      # the gradients of W1, b1, W2, b2, or their new values",
        "",
        "samegrad verify adapter.py:step",
    ]
    return "\n".join(lines)
