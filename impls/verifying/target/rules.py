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

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.differences import richardson
from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.calls import Unreadable


def is_rule(thing: Any) -> bool:
    """Without importing a framework: if the user's file has not imported it, it has no rule."""
    return _is_torch(thing) or _is_jax(thing)


def _is_torch(thing: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and inspect.isclass(thing) and issubclass(thing, torch.autograd.Function)


def _is_jax(thing: Any) -> bool:
    return "jax" in sys.modules and type(thing).__name__ == "custom_vjp"


def arguments(thing: Any, optional: bool = False) -> list[str]:
    """The names of the rule's inputs; with `optional` those too that have a default and are called like a tensor."""
    forward = thing.forward if _is_torch(thing) else thing.fun
    parameters = list(inspect.signature(forward).parameters.values())
    if _is_torch(thing) and "setup_context" not in vars(thing):
        parameters = parameters[1:]
    required = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    if not optional:
        return required
    tensors = [p.name for p in parameters if p.default is None and names.tensor(p.name)]
    return [p.name for p in parameters if p.name in (*required, *tensors)] if tensors else []


class Rule:
    """The forward values, and the gradients by the hand-written rule."""

    def __init__(self, thing: Any, path: Path) -> None:
        self.thing, self.path = thing, path

    def forward(self, inputs: Sequence[Array]) -> Array:
        """The output for these inputs. Raises UserError."""
        with source.own_errors(self.path):
            if _is_torch(self.thing):
                import torch

                with torch.no_grad():
                    return self.thing.apply(
                        *(torch.tensor(a) if isinstance(a, np.ndarray) else a for a in inputs)
                    ).numpy()
            import jax.numpy as jnp

            return np.asarray(self.thing(*(jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in inputs)))

    def backward(self, inputs: Sequence[Array], cotangent: Array) -> list[Array | None]:
        """By the rule, the gradient of Σ cotangent·output for each input; None where it has none. Raises UserError."""
        with source.own_errors(self.path):
            if _is_torch(self.thing):
                import torch

                leaves = [
                    torch.tensor(a, requires_grad=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a
                    for a in inputs
                ]
                wanted = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
                output = self.thing.apply(*leaves)
                gradients = iter(torch.autograd.grad(output, wanted, torch.tensor(cotangent), allow_unused=True))
                by_leaf = [next(gradients) if any(leaf is w for w in wanted) else None for leaf in leaves]
                return [None if g is None else g.numpy() for g in by_leaf]
            import jax
            import jax.numpy as jnp

            arrays = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in inputs]
            output, pull = jax.vjp(self.thing, *arrays)
            back = pull(jnp.asarray(cotangent, dtype=output.dtype))
            kinds = [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in inputs]
            return [np.asarray(g) if real else None for g, real in zip(back, kinds, strict=True)]


def network(thing: Any, path: Path) -> Callable | None:
    """gradients(x, y, W1, b1, …) of a rule whose arguments include weights of a network; None for any other rule."""
    own_names = arguments(thing)
    read = [names.tensor(n) for n in own_names]
    weights = sum(t is not None and t.kind == "W" for t in read)
    if weights < 2 or not any(names.role(n, ("x",)) for n in own_names):
        return None
    rule = Rule(thing, path)
    takes_target = any(names.role(n, ("y",)) == "y" for n in own_names)
    every = own_names if takes_target else [*own_names, "y"]

    def gradients(**given: Array) -> dict[str, Any]:
        inputs = [given[n] for n in own_names]
        output = rule.forward(inputs)
        if takes_target and output.size == 1:
            cotangent = np.ones(output.shape)
        else:
            y = given[next(n for n in every if names.role(n, ("y",)) == "y")].reshape(output.shape)
            cotangent = 2 / output.size * (output - y)
        back = rule.backward(inputs, cotangent)
        result = {f"d_{n}": g for n, g, t in zip(own_names, back, read, strict=True) if t and g is not None}
        return {**result, "loss": np.asarray(output).item()} if takes_target and output.size == 1 else result

    parameters = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in every]
    gradients.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    gradients.__name__ = getattr(thing, "__name__", "rule")
    return gradients


Shapes = dict[str, tuple[int, ...]]
SHAPES: tuple[Shapes, ...] = (
    {"x": (7, 4), "W": (4, 5), "b": (5,), "y": (7, 4)},
    {"x": (7, 4), "W": (5, 4), "b": (5,), "y": (7, 4)},
    {"x": (4, 7), "W": (5, 4), "b": (5, 1), "y": (4, 7)},
    {"x": (7, 4), "W": (4, 5), "b": (1, 5), "y": (7, 4)},
    {"x": (4,), "W": (5, 4), "b": (5,), "y": (4,)},
    {"x": (4,), "W": (4,), "b": (), "y": (4,)},
    {"x": (), "W": (), "b": (), "y": ()},
)
NUMBER = 0.5
"""For an input that has to be a plain number: a threshold, a slope, a probability."""


def check(thing: Any, path: Path) -> dict[str, Any]:
    """A rule for a part of a network beside differences of its own forward pass, with and without optional inputs.

    Raises UserError and Unreadable where it cannot be called.
    """
    rule = Rule(thing, path)
    cases = [inputs for inputs in (arguments(thing), arguments(thing, optional=True)) if inputs]
    if not cases:
        raise Unreadable("the rule takes no inputs")
    of_cases = [_case(rule, inputs) for inputs in cases]
    kind = "torch.autograd.Function" if _is_torch(thing) else "jax.custom_vjp"
    return {"rule": kind, "cases": of_cases}


def _case(rule: Rule, inputs_of: list[str]) -> dict[str, Any]:
    """The rule's gradients and those of differences, for inputs of these names."""
    inputs, output = _inputs(rule, inputs_of)
    rng = np.random.default_rng(1)
    cotangent = rng.standard_normal(output.shape)
    gradients = rule.backward(inputs, cotangent)
    tensors, missing = [], []
    for index, (argument, gradient) in enumerate(zip(inputs_of, gradients, strict=False)):
        given = inputs[index]
        if not isinstance(given, np.ndarray) or given.dtype.kind != "f":
            continue
        if gradient is None and not _needs_gradient(argument):
            missing.append(argument)
            continue

        def loss(theta: Array, index: int = index) -> float:
            moved: list[Any] = [*inputs]
            moved[index] = theta.reshape(inputs[index].shape)
            return float(np.sum(cotangent * rule.forward(moved)))

        expected = richardson(loss, given.ravel())
        tensors.append(
            {
                "name": argument,
                "found": np.zeros(given.shape) if gradient is None else np.asarray(gradient, dtype=np.float64),
                "expected": expected.gradient.reshape(given.shape),
                "bound": expected.bound.reshape(given.shape),
                "absent": gradient is None,
            }
        )
    return {
        "inputs": inputs_of,
        "tensors": tensors,
        "missing": missing,
        "identity": any(isinstance(a, np.ndarray) and np.array_equal(a, output) for a in inputs),
        "ignores": _ignores_cotangent(rule, inputs, cotangent, gradients),
        **_elementwise(inputs, output, cotangent, gradients),
    }


def _inputs(rule: Rule, inputs_of: list[str]) -> tuple[list[Any], Array]:
    """Inputs with which the forward pass runs, and its output; first arrays for all, then numbers, then classes."""
    failure: Exception | None = None
    for how in ("arrays", "numbers", "labels"):
        for shapes in SHAPES:
            rng = np.random.default_rng(0)
            inputs: list[Any] = []
            for name in inputs_of:
                kind = _kind(name)
                if how == "numbers" and kind == "x" and inputs and not names.role(name, ("x",)):
                    inputs.append(NUMBER)
                elif how == "labels" and kind == "y":
                    inputs.append(np.arange(shapes["x"][0] if shapes["x"] else 1) % 4)
                else:
                    inputs.append(np.asarray(rng.standard_normal(shapes[kind])))
            try:
                output = rule.forward(inputs)
            except source.UserError as error:
                failure = failure or error
                continue
            if np.isfinite(output).all():
                return inputs, output
    raise failure or Unreadable("the rule gives no finite result for random inputs")


def _needs_gradient(argument: str) -> bool:
    """Is it an input that is learned, or passes the gradient on? Targets and settings are not."""
    return names.tensor(argument) is not None or names.role(argument, ("x",)) is not None


def _ignores_cotangent(rule: Rule, inputs: list[Any], cotangent: Array, gradients: list) -> bool:
    """Does the rule give the same for another upstream gradient?"""
    again = rule.backward(inputs, 2 * cotangent)
    pairs = [(a, b) for a, b in zip(gradients, again, strict=True) if a is not None and np.any(a)]
    return bool(pairs) and all(b is not None and np.array_equal(a, b) for a, b in pairs)


def _kind(argument: str) -> str:
    read = names.tensor(argument)
    return read.kind if read else "y" if names.role(argument, ("y",)) == "y" else "x"


def _elementwise(inputs: Sequence[Array], output: Array, cotangent: Array, gradients: list) -> dict[str, Any]:
    """For a rule of one input that works element by element: what the parent needs to name the mistake."""
    if len(inputs) == 1 and output.shape == np.shape(inputs[0]) and gradients[0] is not None:
        return {"z": inputs[0], "a": output, "cotangent": cotangent}
    return {}
