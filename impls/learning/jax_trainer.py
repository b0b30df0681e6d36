"""JAX: jit of a gradient and an optax update, the parameters and the optimizer's state as arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.errors import Unavailable
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.trainer import Departure, Setup, Trainer
from samegrad.impls.on_jax.autodiff import mean_squared_error, predict
from samegrad.impls.on_jax.shared import find_device
from samegrad.impls.parameters import Array, Layer, Parameters

try:
    import optax
except ImportError:
    raise Unavailable("training with jax-jit needs optax: pip install -c constraints.txt -e '.[jax]'") from None

Rate = float | Callable[[jax.Array], jax.Array]
"""λ, or λ as a function of the steps taken before."""


def own(settings: Settings, rate: Rate, shipped: bool = False) -> optax.GradientTransformation:
    """optax's optimizer at a rate, or at one that is a function of the steps taken before.

    Its Adam is the textbook's; its RMSprop is, once ε is asked for outside the root.
    """
    epsilon = {} if shipped else {"eps": settings.epsilon}
    match settings.name:
        case "sgd":
            return optax.sgd(rate)
        case "momentum" | "nesterov" as name:
            return optax.sgd(rate, momentum=settings.momentum, nesterov=name == "nesterov")
        case "adam":
            return optax.adam(rate, b1=settings.beta_1, b2=settings.beta_2, **epsilon)
        case name:
            outside = {} if shipped else {"eps_in_sqrt": False}
            return optax.rmsprop(rate, decay=settings.rho, centered=name == "rmsprop-centered", **outside, **epsilon)


def follow(settings: Settings, start: Array, gradients: Array, rates: Array, shipped: bool = False) -> Array:
    """See `optimizers.follow`: the same by optax."""
    table = jnp.asarray(rates, start.dtype)
    optimizer = own(settings, lambda count: table[count], shipped)

    @jax.jit
    def step(p: Any, state: Any, g: Any) -> tuple[Any, Any]:
        update, state = optimizer.update(g, state, p)
        return optax.apply_updates(p, update), state

    p = jnp.asarray(start)
    state, after = optimizer.init(p), []
    for g in gradients:
        p, state = step(p, state, g)
        after.append(np.asarray(p))
    return np.stack(after)


def departures(settings: Settings, dtype: str) -> list[Departure]:
    """The departures of optax: RMSprop's ε is inside the root. (Adam's 1 − βᵗ is float64, by `jax_enable_x64`.)"""
    known = []
    if settings.epsilon != 1e-8 and settings.name not in ("sgd", "momentum", "nesterov"):
        known.append(Departure("default ε 1e-8", {"epsilon": 1e-8}))
    if settings.name.startswith("rmsprop"):
        known.append(Departure("ε inside the root", {"epsilon_inside": True}))
    return known


class JaxTrainer(Trainer):
    """One compiled function: gradient, update, new parameters."""

    def __init__(self, setup: Setup) -> None:
        optimizer = own(setup.settings, setup.settings.learning_rate, setup.shipped)
        loss = partial(mean_squared_error, setup.task.problem.activations)

        @jax.jit
        def descend(parameters: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
            value, gradients = jax.value_and_grad(loss)(parameters, x, y)
            if not setup.biases:
                gradients = tuple((dW, jnp.zeros_like(db)) for dW, db in gradients)
            updates, state = optimizer.update(gradients, state, parameters)
            return value, optax.apply_updates(parameters, updates), state

        self._descend = descend
        self._predict = jax.jit(partial(predict, setup.task.problem.activations))
        self._to_device = partial(jax.device_put, device=find_device("cpu"))
        start = tuple(tuple(layer) for layer in setup.task.layers())  # quicker in a call than named
        self._start = self._to_device((start, optimizer.init(start)))
        self.restart()

    def restart(self) -> None:
        self._parameters, self._state = self._start

    def place(self, x: Array, y: Array) -> tuple[jax.Array, jax.Array]:
        return self._to_device((x, y))

    def step(self, x: jax.Array, y: jax.Array) -> jax.Array:
        loss, self._parameters, self._state = self._descend(self._parameters, self._state, x, y)
        return loss.block_until_ready()  # all that a compiled call returns is ready together

    def predict(self, x: Array) -> Array:
        return np.asarray(self._predict(self._parameters, self._to_device(x)))

    def parameters(self) -> Parameters:
        return [Layer(np.array(W), np.array(b)) for W, b in self._parameters]


TRAINER = JaxTrainer
