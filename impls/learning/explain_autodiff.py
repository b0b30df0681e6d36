"""Every intermediate quantity of backpropagation by a framework's own autodiff, in float64, for `explain.py`.

`evaluate` runs in a process that owns the framework. It asks for the gradient with respect to parameters and to shifts
of the preactivations, zⱼ = aW + b + s at s = 0, whose gradients are the deltas; the update is p − λ·gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samegrad.impls.learning.trainer import load


def evaluate(implementation: str, x: Any, y: Any, layers: Any, learning_rate: float) -> dict[str, Any]:
    """{"z1", "a1", …, "loss", "δ1", "δ2", "∂L/∂W1", …, "W1", …}: nested lists, one per quantity."""
    load(implementation)
    x, y = np.array(x), np.array(y)
    p = {f"{kind}{i}": np.array(v) for i, layer in enumerate(layers, 1) for kind, v in zip("Wb", layer, strict=True)}
    shifts = {f"s{i}": np.zeros((len(x), len(b))) for i, (_, b) in enumerate(layers, 1)}
    passed, gradients = {"torch-eager": _torch, "jax-jit": _jax, "keras-xla": _tensorflow}[implementation](
        x, y, {**p, **shifts}
    )
    quantities = {**passed, "δ1": gradients["s1"], "δ2": gradients["s2"]}
    quantities |= {f"∂L/∂{name}": gradients[name] for name in p}
    quantities |= {name: value - learning_rate * np.asarray(gradients[name]) for name, value in p.items()}
    return {name: np.asarray(value).tolist() for name, value in quantities.items()}


def forward(v: dict[str, Any], x: Any, y: Any, sigmoid: Any, mean: Any) -> dict[str, Any]:
    """The network and its loss in any framework's operators."""
    z1 = x @ v["W1"] + v["b1"] + v["s1"]
    a1 = sigmoid(z1)
    z2 = a1 @ v["W2"] + v["b2"] + v["s2"]
    a2 = sigmoid(z2)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "loss": mean((a2 - y) ** 2)}


def _torch(x: Any, y: Any, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    v = {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}
    passed = forward(v, torch.tensor(x), torch.tensor(y), torch.sigmoid, torch.mean)
    passed["loss"].backward()
    gradients = {name: tensor.grad.numpy() for name, tensor in v.items() if tensor.grad is not None}
    return {name: tensor.detach().numpy() for name, tensor in passed.items()}, gradients


def _jax(x: Any, y: Any, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    import jax
    import jax.numpy as jnp

    def loss(v: Any, x: Any, y: Any) -> Any:
        passed = forward(v, x, y, jax.nn.sigmoid, jnp.mean)
        return passed["loss"], passed

    gradients, passed = jax.jit(jax.grad(loss, has_aux=True))(values, x, y)
    return passed, gradients


def _tensorflow(x: Any, y: Any, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    import tensorflow as tf

    v = {name: tf.Variable(value) for name, value in values.items()}
    with tf.GradientTape() as tape:
        passed = forward(v, tf.constant(x), tf.constant(y), tf.sigmoid, tf.reduce_mean)
    gradients = tape.gradient(passed["loss"], v)
    return {name: tensor.numpy() for name, tensor in passed.items()}, {n: g.numpy() for n, g in gradients.items()}
