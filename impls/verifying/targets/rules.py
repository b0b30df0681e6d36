"""Hand-written derivative rules of the frameworks: `torch.autograd.Function` and `jax.custom_vjp`.

A rule for a whole network (its arguments hold weights) becomes a plain function of the parameters and is checked as any
other target. A rule for a part (an activation, a linear layer, a loss) is held against its own forward pass: for a
random cotangent v, the gradient of Σ v·f(inputs) by extrapolated differences.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impls.parameters import Array
from impls.verifying.differences import richardson
from impls.verifying.targets import names, source
from impls.verifying.targets.functions import Unreadable


def is_rule(thing: Any) -> bool:
    """Without importing a framework: if the user's file has not imported it, it has no rule."""
    return _is_torch(thing) or _is_jax(thing)


def _is_torch(thing: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and inspect.isclass(thing) and issubclass(thing, torch.autograd.Function)


def _is_jax(thing: Any) -> bool:
    return "jax" in sys.modules and type(thing).__name__ == "custom_vjp"


def arguments(thing: Any) -> list[str]:
    """The names of the rule's differentiable inputs (and whatever else its forward takes)."""
    forward = thing.forward if _is_torch(thing) else thing.fun
    found = [p.name for p in inspect.signature(forward).parameters.values() if p.default is p.empty]
    return found[1:] if _is_torch(thing) and "setup_context" not in vars(thing) else found


class Rule:
    """The forward values, and the gradients by the hand-written rule."""

    def __init__(self, thing: Any, path: Path) -> None:
        self.thing, self.path = thing, path

    def forward(self, inputs: Sequence[Array]) -> Array:
        with source.own_errors(self.path):
            if _is_torch(self.thing):
                import torch

                with torch.no_grad():
                    return self.thing.apply(*(torch.tensor(a) for a in inputs)).numpy()
            import jax.numpy as jnp

            return np.asarray(self.thing(*(jnp.asarray(a) for a in inputs)))

    def backward(self, inputs: Sequence[Array], cotangent: Array) -> list[Array | None]:
        with source.own_errors(self.path):
            if _is_torch(self.thing):
                import torch

                leaves = [torch.tensor(a, requires_grad=True) for a in inputs]
                output = self.thing.apply(*leaves)
                found = torch.autograd.grad(output, leaves, torch.tensor(cotangent), allow_unused=True)
                return [None if g is None else g.numpy() for g in found]
            import jax
            import jax.numpy as jnp

            output, pull = jax.vjp(self.thing, *(jnp.asarray(a) for a in inputs))
            return [np.asarray(g) for g in pull(jnp.asarray(cotangent, dtype=output.dtype))]


def network(thing: Any, path: Path) -> Callable | None:
    """gradients(x, y, W1, b1, …) of a rule whose arguments include weights of a network; None for any other rule."""
    found = arguments(thing)
    read = [names.tensor(n) for n in found]
    weights = sum(t is not None and t.kind == "W" for t in read)
    if weights < 2 or not any(names.role(n, ("x",)) for n in found):
        return None
    rule = Rule(thing, path)
    takes_target = any(names.role(n, ("y",)) == "y" for n in found)
    every = found if takes_target else [*found, "y"]

    def gradients(**given: Array) -> dict[str, Any]:
        inputs = [given[n] for n in found]
        output = rule.forward(inputs)
        if takes_target and output.size == 1:
            cotangent = np.ones(output.shape)
        else:
            y = given[next(n for n in every if names.role(n, ("y",)) == "y")].reshape(output.shape)
            cotangent = 2 / output.size * (output - y)
        back = rule.backward(inputs, cotangent)
        result = {f"d_{n}": g for n, g, t in zip(found, back, read, strict=True) if t and g is not None}
        return {**result, "loss": np.asarray(output).item()} if takes_target and output.size == 1 else result

    parameters = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in every]
    gradients.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    gradients.__name__ = getattr(thing, "__name__", "rule")
    return gradients


SHAPES: tuple[dict[str, tuple[int, ...]], ...] = (
    {"x": (7, 4), "W": (4, 5), "b": (5,), "y": (7, 4)},
    {"x": (7, 4), "W": (5, 4), "b": (5,), "y": (7, 4)},
    {"x": (4, 7), "W": (5, 4), "b": (5, 1), "y": (4, 7)},
    {"x": (7, 4), "W": (4, 5), "b": (1, 5), "y": (7, 4)},
    {"x": (4,), "W": (5, 4), "b": (5,), "y": (4,)},
    {"x": (4,), "W": (4,), "b": (), "y": (4,)},
)


def check(thing: Any, name: str, path: Path) -> dict[str, Any]:
    """Hold a rule for a part of a network against differences of its own forward pass."""
    rule = Rule(thing, path)
    inputs_of = arguments(thing)
    failure: Exception | None = None
    for shapes in SHAPES:
        rng = np.random.default_rng(0)
        inputs = [rng.standard_normal(shapes[_kind(n)]) for n in inputs_of]
        try:
            output = rule.forward(inputs)
            break
        except source.UserError as error:
            failure = failure or error
    else:
        raise failure or Unreadable("the rule takes no inputs")
    cotangent = rng.standard_normal(output.shape)
    found = rule.backward(inputs, cotangent)
    tensors = []
    for index, (argument, gradient) in enumerate(zip(inputs_of, found, strict=False)):
        if gradient is None:
            continue

        def loss(theta: Array, index: int = index) -> float:
            moved: list[Array] = [*inputs]
            moved[index] = theta.reshape(inputs[index].shape)
            return float(np.sum(cotangent * rule.forward(moved)))

        expected = richardson(loss, inputs[index].ravel())
        tensors.append(
            {
                "name": argument,
                "found": np.asarray(gradient, dtype=np.float64),
                "expected": expected.gradient.reshape(inputs[index].shape),
                "bound": expected.bound.reshape(inputs[index].shape),
            }
        )
    kind = "torch.autograd.Function" if _is_torch(thing) else "jax.custom_vjp"
    return {"rule": kind, "name": name, "tensors": tensors, **_elementwise(inputs, output, cotangent, found)}


def _kind(argument: str) -> str:
    read = names.tensor(argument)
    return read.kind if read else "y" if names.role(argument, ("y",)) == "y" else "x"


def _elementwise(inputs: Sequence[Array], output: Array, cotangent: Array, found: list) -> dict[str, Any]:
    """For a rule of one input that works element by element: what the parent needs to name the mistake."""
    if len(inputs) == 1 and output.shape == inputs[0].shape and found[0] is not None:
        return {"z": inputs[0], "a": output, "cotangent": cotangent}
    return {}
