"""Ways of using a target, made from gradients at hand: what its process would have answered, without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samegrad.impls.parameters import Layer, tensors
from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.candidate import Asked, Candidate, Source
from samegrad.impls.verifying.conventions import MSE
from samegrad.impls.verifying.forward import FUNCTIONS
from samegrad.impls.verifying.judge import Observation, RightGradients

NET = ("tanh", "sigmoid")
SIZES = (4, 5, 3)


def right(parameters, x, y, net=NET, loss=SQUARED):
    """The oracle's gradients of the mean over all elements."""
    return RightGradients(Observation(parameters, x, y, {}), net, "float64", loss).gradients


def probes(net=NET, sizes=SIZES, convention=MSE, batches=probe.BATCHES, **changes):
    """Probes with their right gradients under a convention, and what the network predicts."""
    some = []
    for seed, batch in enumerate(batches):
        layers, x, y = probe.make(sizes, batch, seed, [True] * len(net))
        scale = convention.factor(*y.shape)
        gradients = {n: scale * g for n, g in right(layers, x, y, net, convention.loss).items()}
        a = x
        for (W, b), f in zip(layers, net, strict=True):
            a = FUNCTIONS[f](a @ W + b)
        some.append(Observation(layers, x, y, gradients, predictions=a, **changes))
    return some


def in_turn(o, net=NET, rate=probe.RATE, decay=0.0):
    """The same probe with what updates of ½·Σ(a−y)² after each row, with a penalty's decay, give as one gradient."""
    layers = o.parameters
    for row in range(len(o.x)):
        y = o.y[row : row + 1]
        g = right(layers, o.x[row : row + 1], y, net)
        layers = [
            Layer(W - rate * (y.size / 2 * g[f"W{i}"] + decay * W), b - rate * y.size / 2 * g[f"b{i}"])
            for i, (W, b) in enumerate(layers, 1)
        ]
    before, after = tensors(o.parameters), tensors(layers)
    changes = {n: (before[n] - after[n]) / rate for n in before}
    slack = {n: 8 * 2.0**-53 * (abs(v) / rate + abs(changes[n])) for n, v in before.items()}
    return replace(o, gradients=changes, slack=slack, rate=rate)


def each(observations, change):
    """The same probes with `change(name, gradient, observation)` for each gradient."""
    return [replace(o, gradients={n: change(n, g, o) for n, g in o.gradients.items()}) for o in observations]


def candidate(observations, *, recovered=False, rate_known=True, asked=None, source=None, reading=None, **message):
    """The way of using a target that these observations are of: a step of its weights, or a returned gradient.

    asked, source, reading, message: what is not as usual in what is asked, in the source, in each answer, in all of it.
    """
    readings = [
        {
            "kind": "update" if recovered else "gradient",
            "parameters": o.parameters,
            "rate_known": rate_known,
            "dtype": "float64",
            "loss_is_given": False,
            "absent": [],
            "outputs": [],
            "numbers": {},
            **{key: getattr(o, key) for key in ("x", "y", "gradients", "slack", "rate", "loss", "predictions")},
            **(reading or {}),
        }
        for o in observations
    ]
    usual = {
        "observed": readings,
        "kind": "function",
        "hypothesis": None,
        "layout": "",
        "repeat": "",
        "start": 0,
        "sizes": SIZES,
        "born_late": False,
        "slow": None,
    }
    spoken = {"activations": (), "literals": (), "ascends": False, "adds": False, "own": {}, "float32": False}
    return Candidate({**usual, **message}, Asked("t.py", **(asked or {})), Source(**{**spoken, **(source or {})}))


def noise(g, size, seed=0):
    """`g` with relative errors of this size, of its largest entry."""
    return g + size * np.max(abs(g)) * np.random.default_rng(seed).uniform(-1, 1, g.shape)
