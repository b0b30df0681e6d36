"""Gradient descent from many starts at once, in each framework: how many epochs does each start need?

The parameters of all starts are one array θ: (count, starts), so that a number of the single network is a vector over
the starts. `loss` is written for a single network, unit by unit, on numbers; vmap (JAX) or plain broadcasting makes it
one on vectors, whose derivative every framework takes by its own autodiff; NumPy has it by hand.

Each function returns, per start, the number of steps after which its error was first below the threshold, or −1. It
looks up every BLOCK epochs, reports how many have converged, and stops once all have. What has converged is dropped
where shapes may change freely (NumPy, torch); compiled code keeps its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from samegrad.impls.parameters import Array

BLOCK = 500
"""Epochs between two checks of what has converged."""
PIECE = 1000
"""The number of starts that NumPy computes at a time, so that they stay in the cache."""


class Descent(NamedTuple):
    """What to do: θ: (count, starts), x: (rows, inputs), y: (rows, 1), in the dtype to compute in."""

    theta: Array
    x: Array
    y: Array
    hidden: int
    rate: float
    epochs: int
    threshold: float
    report: Callable[[int, float], None]
    """Gets the epoch, and the share that has converged."""


def loss(p: Sequence[Any], x: Sequence[Sequence[float]], y: Sequence[float], hidden: int, sigmoid: Any) -> Any:
    """Mean squared error of the inputs-hidden-1 network whose parameters are W1 row by row, b1, W2, b2."""
    inputs = len(x[0])
    W1 = [p[i * hidden : (i + 1) * hidden] for i in range(inputs)]
    b1, W2, (b2,) = p[inputs * hidden :][:hidden], p[(inputs + 1) * hidden :][:hidden], p[(inputs + 2) * hidden :]
    total = 0.0
    for row, target in zip(x, y, strict=True):
        a1 = [sigmoid(sum(row[i] * W1[i][j] for i in range(inputs)) + b1[j]) for j in range(hidden)]
        a2 = sigmoid(sum(a1[j] * W2[j] for j in range(hidden)) + b2)
        total = total + (a2 - target) ** 2
    return total / len(y)


def numpy_(descent: Descent) -> Array:
    """By hand, in pieces."""
    needed = np.full(descent.theta.shape[1], -1)
    pieces = [np.arange(len(needed))[start : start + PIECE] for start in range(0, len(needed), PIECE)]
    for number, running in enumerate(pieces):
        theta = descent.theta[:, running].copy()
        for epoch in range(descent.epochs + 1):
            losses, gradient = by_hand(theta, descent)
            done = (losses < descent.threshold) & (needed[running] < 0)
            needed[running[done]] = epoch
            theta -= descent.rate * gradient
            if epoch % BLOCK == 0:
                left = needed[running] < 0
                running, theta = running[left], theta[:, left]
                descent.report((number * descent.epochs + epoch) // len(pieces), float(np.mean(needed >= 0)))
                if not len(running):
                    break
    return needed


def by_hand(theta: Array, descent: Descent) -> tuple[Array, Array]:
    """Losses (starts,) and their gradients (count, starts): the equations of `numpy_trainer`, the starts last."""
    x, y, hidden = descent.x, descent.y, descent.hidden
    (rows, inputs), starts = x.shape, theta.shape[1]
    end = inputs * hidden
    W1, b1, W2, b2 = theta[:end], theta[end : end + hidden], theta[end + hidden : -1], theta[-1]
    a1 = 1 / (1 + np.exp(-((x @ W1.reshape(inputs, -1)).reshape(rows, hidden, starts) + b1)))
    a2 = 1 / (1 + np.exp(-(np.einsum("rhn,hn->rn", a1, W2) + b2)))
    residual = a2 - y
    delta2 = 2 / rows * residual * a2 * (1 - a2)  # δ₂ = 2/n·(a₂ − y) ∘ f′(z₂)
    delta1 = delta2[:, np.newaxis] * W2 * a1 * (1 - a1)  # δ₁ = δ₂W₂ᵀ ∘ f′(z₁)
    dW1 = (x.T @ delta1.reshape(rows, -1)).reshape(end, starts)  # ∂L/∂W₁ = xᵀδ₁
    dW2 = np.einsum("rhn,rn->hn", a1, delta2)  # ∂L/∂W₂ = a₁ᵀδ₂
    gradient = np.concatenate([dW1, delta1.sum(axis=0), dW2, delta2.sum(axis=0)[np.newaxis]])
    return (residual**2).mean(axis=0), gradient


def jax_(descent: Descent) -> Array:
    """vmap of value_and_grad, a block of epochs per call."""
    import jax
    import jax.numpy as jnp

    x, y = descent.x.tolist(), descent.y[:, 0].tolist()
    value_and_grad = jax.vmap(jax.value_and_grad(lambda p: loss(p, x, y, descent.hidden, jax.nn.sigmoid)))

    @jax.jit
    def block(p: Any, needed: Any, begin: int, end: int) -> Any:
        def step(epoch: Any, state: Any) -> Any:
            p, needed = state
            losses, gradients = value_and_grad(p)
            needed = jnp.where((losses < descent.threshold) & (needed < 0), epoch, needed)
            return jax.tree.map(lambda p, g: p - descent.rate * g, p, gradients), needed

        return jax.lax.fori_loop(begin, end, step, (p, needed))

    p = tuple(jnp.asarray(row) for row in descent.theta)
    needed = jnp.full(descent.theta.shape[1], -1)
    for begin in range(0, descent.epochs + 1, BLOCK):
        p, needed = block(p, needed, begin, min(begin + BLOCK, descent.epochs + 1))
        descent.report(begin, float(jnp.mean(needed >= 0)))
        if (needed >= 0).all():
            break
    return np.asarray(needed)


def torch_(descent: Descent) -> Array:
    """Broadcasting over the starts, the tape, torch.optim.SGD; the sum of all losses has every start's own gradient."""
    import torch

    x, y = torch.tensor(descent.x), torch.tensor(descent.y)
    (rows, inputs), hidden = descent.x.shape, descent.hidden
    needed, running = np.full(descent.theta.shape[1], -1), np.arange(descent.theta.shape[1])
    theta = torch.tensor(descent.theta)
    for begin in range(0, descent.epochs + 1, BLOCK):
        theta = theta.detach().requires_grad_()
        optimizer = torch.optim.SGD([theta], lr=descent.rate)
        found = torch.full((theta.shape[1],), -1)
        for epoch in range(begin, min(begin + BLOCK, descent.epochs + 1)):
            optimizer.zero_grad()
            W1, b1, W2, b2 = torch.split(theta, [inputs * hidden, hidden, hidden, 1])
            a1 = torch.sigmoid((x @ W1.reshape(inputs, -1)).reshape(rows, hidden, -1) + b1)
            a2 = torch.sigmoid((a1 * W2).sum(dim=1) + b2)
            losses = ((a2 - y) ** 2).mean(dim=0)
            losses.sum().backward()
            found = torch.where((losses < descent.threshold) & (found < 0), epoch, found)
            optimizer.step()
        needed[running] = found.numpy()
        left = found < 0
        running, theta = running[left.numpy()], theta.detach()[:, left]
        descent.report(begin, float(np.mean(needed >= 0)))
        if not len(running):
            break
    return needed


def tensorflow_(descent: Descent) -> Array:
    """Broadcasting over the starts and a gradient tape, a block of epochs per call compiled by XLA.

    Keras's layers have no axis for starts, so this is its backend alone.
    """
    import tensorflow as tf

    x, y = descent.x.tolist(), descent.y[:, 0].tolist()

    @tf.function(jit_compile=True)
    def block(p: Any, needed: Any, begin: Any, end: Any) -> Any:
        def step(epoch: Any, p: Any, needed: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(p)
                losses = loss(p, x, y, descent.hidden, tf.sigmoid)
            gradients = tape.gradient(losses, p)
            needed = tf.where((losses < descent.threshold) & (needed < 0), epoch, needed)
            return epoch + 1, tuple(p - descent.rate * g for p, g in zip(p, gradients, strict=True)), needed

        return tf.while_loop(lambda epoch, *_: epoch < end, step, (begin, p, needed))[1:]

    p = tuple(tf.constant(row) for row in descent.theta)
    needed = tf.fill([descent.theta.shape[1]], -1)
    for begin in range(0, descent.epochs + 1, BLOCK):
        p, needed = block(p, needed, tf.constant(begin), tf.constant(min(begin + BLOCK, descent.epochs + 1)))
        descent.report(begin, float(np.mean(needed.numpy() >= 0)))
        if (needed.numpy() >= 0).all():
            break
    return needed.numpy()


BY_IMPLEMENTATION = {"numpy": numpy_, "keras-xla": tensorflow_, "torch-eager": torch_, "jax-jit": jax_}
