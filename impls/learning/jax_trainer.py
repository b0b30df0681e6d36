"""JAX: jit of a gradient and an optax update, the parameters and the optimizer's state as arguments."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from impls.errors import Unavailable
from impls.learning.optimizers import Settings
from impls.learning.trainer import Departure, Trainer
from impls.parameters import Array, Layer, Parameters, rounded
from impls.problem import Problem

try:
    import optax
except ImportError:
    raise Unavailable("training with jax-jit needs optax: pip install -c constraints.txt -e '.[jax]'") from None

jax.config.update("jax_enable_x64", True)  # without it float64 silently becomes float32; float32 stays float32

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z}

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
    def step(p, state, g):
        update, state = optimizer.update(g, state, p)
        return optax.apply_updates(p, update), state

    p = jnp.asarray(start)
    state, after = optimizer.init(p), []
    for g in gradients:
        p, state = step(p, state, g)
        after.append(np.asarray(p))
    return np.stack(after)


def departures(settings: Settings, dtype: str) -> list[Departure]:
    """RMSprop's ε is inside the root. (Adam's 1 − βᵗ is float64, as long as `jax_enable_x64` is set, as it is here.)"""
    found = []
    if settings.epsilon != 1e-8 and settings.name not in ("sgd", "momentum", "nesterov"):
        found.append(Departure("default ε 1e-8", {"epsilon": 1e-8}))
    if settings.name.startswith("rmsprop"):
        found.append(Departure("ε inside the root", {"epsilon_inside": True}))
    return found


class JaxTrainer(Trainer):
    """One compiled function: gradient, update, new parameters."""

    def __init__(
        self,
        problem: Problem,
        parameters: Parameters,
        settings: Settings,
        dtype: str,
        *,
        biases: bool = True,
        shipped: bool = False,
    ) -> None:
        optimizer = own(settings, settings.learning_rate, shipped)

        def predict(parameters, x):
            a = x
            for (W, b), activation in zip(parameters, problem.activations, strict=True):
                a = ACTIVATIONS[activation](a @ W + b)
            return a

        def loss(parameters, x, y):
            return jnp.mean((predict(parameters, x) - y) ** 2)

        @jax.jit
        def descend(parameters, state, x, y):
            gradients = jax.grad(loss)(parameters, x, y)
            if not biases:
                gradients = [Layer(dW, jnp.zeros_like(db)) for dW, db in gradients]
            updates, state = optimizer.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state

        self._descend = descend
        self._predict = jax.jit(predict)
        self._parameters = jax.device_put(rounded(parameters, dtype))
        self._state = optimizer.init(self._parameters)

    def step(self, x: Array, y: Array) -> None:
        self._parameters, self._state = self._descend(self._parameters, self._state, x, y)

    def predict(self, x: Array) -> Array:
        return np.asarray(self._predict(self._parameters, x))

    def parameters(self) -> Parameters:
        return jax.tree.map(np.array, self._parameters)


TRAINER = JaxTrainer
