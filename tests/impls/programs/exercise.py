"""The call code of a program: a snippet that runs it at random parameters and notes what there was and what came out.

Run after the program, in its namespace, it leaves `RESULT`: X and Y (one row a sample), `before` and `found`, a list of
(W: inputs × outputs, b) each; `found` are gradients, or the parameters after `what["steps"]` steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.impls.programs.plan import Plan

ROWS = 7


def head(p: Plan, seed: int) -> list[str]:
    """The data, and `_layer`, which turns W and b the usual way."""
    m = p.sizes[-1]
    turns = f"0.1 * _rng.random(({ROWS}, {m})) + 0.9 * ((np.arange({ROWS})[:, None] + np.arange({m})) % 2)"
    spread = {"sigmoid": turns, "relu": f"3 * ({turns})"}.get(p.activations[-1], f"4 * ({turns}) - 2")
    targets = {
        "softmax": f"np.eye({m})[np.arange({ROWS}) % {m}]",
        "binary": f"(_rng.random(({ROWS}, {m})) > 0.5) * 1.0",
        "squared": spread,
    }[p.loss.family]
    turn = ".reshape(-1, 1)" if p.layout == "flat" else ".T" if p.turned else ""
    return [
        "import numpy as np",
        f"_rng = np.random.default_rng({seed})",
        f"_X, _Y = _rng.normal(size=({ROWS}, {p.sizes[0]})), {targets}",
        "def _layer(W, b=None):",
        f"    return np.array(W, dtype=float){turn}, None if b is None else np.array(b, dtype=float).ravel()",
    ]


def inputs(p: Plan) -> str:
    """X as the program takes it."""
    return "_X.T" if p.layout == "columns" else "_X"


def targets(p: Plan) -> str:
    """Y as the program takes it."""
    if p.integers:
        return "_Y.argmax(axis=1)"
    if p.layout == "flat":
        return "_Y.ravel()"
    return "_Y.T" if p.layout == "columns" else "_Y"


def layers(p: Plan, parameters: Sequence[str]) -> str:
    """An expression of the list of (W, b) from W1, b1, W2, … as the program has them."""
    width = 2 if p.biased else 1
    groups = [", ".join(parameters[i : i + width]) for i in range(0, len(parameters), width)]
    return f"[{', '.join(f'_layer({group})' for group in groups)}]"


def randomised(parameters: Sequence[str]) -> list[str]:
    """Lines that give every parameter random numbers."""
    return [f"{name} = _rng.normal(size=np.shape({name}))" for name in parameters]


def alive(p: Plan, weights: str, bias: str) -> list[str]:
    """Lines that keep an output with ReLU from being 0 for every row: its weights and bias are made positive."""
    if p.activations[-1] != "relu":
        return []
    return [f"{name} = np.abs({name})" for name in ([weights, bias] if p.biased else [weights])]


def noted(before: str, actual: str) -> str:
    """The line that leaves the result."""
    return f'RESULT = {{"X": _X, "Y": _Y, "before": {before}, "found": {actual}}}'
