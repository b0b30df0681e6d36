"""Adapters: the lines around a target that could not be used, for its author to complete."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from samegrad.impls.verifying.target import names
from samegrad.impls.verifying.target.constructor import Constructor

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
