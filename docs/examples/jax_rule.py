"""A hand-written rule for JAX, for a whole network: the bias of the hidden layer is averaged."""

import jax
import jax.numpy as jnp


@jax.custom_vjp
def network(x, W1, b1, W2, b2):
    return jax.nn.sigmoid(jnp.tanh(x @ W1 + b1) @ W2 + b2)


def forward(x, W1, b1, W2, b2):
    h = jnp.tanh(x @ W1 + b1)
    out = jax.nn.sigmoid(h @ W2 + b2)
    return out, (x, W1, W2, h, out)


def backward(saved, g):
    x, W1, W2, h, out = saved
    d2 = g * out * (1 - out)
    d1 = d2 @ W2.T * (1 - h**2)
    return d1 @ W1.T, x.T @ d1, d1.mean(axis=0), h.T @ d2, d2.sum(axis=0)


network.defvjp(forward, backward)
