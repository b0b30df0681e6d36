"""Recipes: a network, its data, the weights to start from, the order of the minibatches, and how to descend.

Everything that a training depends on is here, as NumPy arrays and numbers, so that every implementation gets the same:

    xor      2-4-1, the truth table at once, 10,000 epochs of gradient descent at λ = 0.2, weights uniform on [0, 1)
    line     1-1, 100 rows in minibatches of 10, 100 epochs at λ = 0.01
    slides   2-2-2 without biases, one row, the weights of many a lecture's slides
    stock    4-64-32-1, see `stock.py`

λ belongs to the gradient of the mean squared error. A text that descends on the half sum ½·Σ(a − y)² over the n·k
elements of the prediction means λ·n·k/2 here: xor's 0.2 is that text's 0.1.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.files import write_whole
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.parameters import Array, Layer, Parameters, unflatten, vector
from samegrad.impls.problem import LINE, SEED, XOR, Problem

RECORDED = 1000
"""The most points that a curve has after its first."""


@dataclass(frozen=True)
class Recipe:
    """One training, complete. x: (rows, inputs), y: (rows, outputs), float64."""

    problem: Problem
    x: Array
    y: Array
    parameters: Parameters
    settings: Settings
    epochs: int
    batch: int
    seed: int
    shown_every: int
    """The number of epochs between the lines of the table."""
    asked: Array
    """The inputs (questions, inputs) for which the trained network is asked."""
    biases: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    """The facts that the final table needs beside the runs, JSON-able."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.batch > len(self.x):
            raise BadInput(
                f"a minibatch of {self.batch} rows is more than the {len(self.x)} that there are to train on"
            )

    def minibatches(self, epoch: int) -> Iterator[NDArray[np.integer]]:
        """The rows of each step of an epoch: one permutation per epoch, the last minibatch as short as it must be.

        A batch of all rows is taken in their own order.
        """
        if self.batch == len(self.x):
            order = np.arange(len(self.x))
        else:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.x))
        return (order[start : start + self.batch] for start in range(0, len(order), self.batch))

    def marks(self) -> list[int]:
        """The epochs after which the curves have a point: 0, the last, those of the table, and evenly between."""
        every = -(-self.epochs // RECORDED)
        return sorted({*range(0, self.epochs, every), *range(0, self.epochs, self.shown_every), self.epochs})

    def descend(self, mark: Callable[[int], None], step: Callable[[NDArray[np.integer]], None]) -> None:
        """Call `step` on the rows of every minibatch of every epoch, and `mark` with the epoch at each of `marks`."""
        marks = set(self.marks())
        for epoch in range(self.epochs + 1):
            if epoch in marks:
                mark(epoch)
            for rows in self.minibatches(epoch) if epoch < self.epochs else ():
                step(rows)

    def as_received(self, dtype: str) -> tuple[Array, Array, Parameters]:
        """x, y and parameters in float64, as an implementation of that dtype receives them."""
        x, y, theta = (array.astype(dtype).astype(np.float64) for array in (self.x, self.y, vector(self.parameters)))
        return x, y, unflatten(theta, self.problem.sizes)

    def summary(self) -> dict[str, Any]:
        """A description for readers, JSON-able."""
        return {
            "problem": self.problem.name,
            "sizes": list(self.problem.sizes),
            "activations": list(self.problem.activations),
            "biases": self.biases,
            "rows": len(self.x),
            "epochs": self.epochs,
            "batch": self.batch,
            "seed": self.seed,
            "shown_every": self.shown_every,
            "optimizer": asdict(self.settings),
        }


def save(recipe: Recipe, path: Path) -> None:
    """Write it for another process to read."""
    text = json.dumps({**recipe.summary(), "facts": recipe.facts})
    theta = vector(recipe.parameters)
    save_arrays(path, x=recipe.x, y=recipe.y, theta=theta, asked=recipe.asked, text=np.array(text))


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays by name for another process, which sees all of them or none."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())


def load(path: Path) -> Recipe:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    text = json.loads(str(arrays["text"]))
    x, y = arrays["x"], arrays["y"]
    sizes, activations = tuple(text["sizes"]), tuple(text["activations"])
    return Recipe(
        problem=Problem(text["problem"], sizes, activations, lambda batch, seed: (x[:batch], y[:batch])),
        x=x,
        y=y,
        parameters=unflatten(arrays["theta"], sizes),
        settings=Settings(**text["optimizer"]),
        asked=arrays["asked"],
        **{name: text[name] for name in ("epochs", "batch", "seed", "shown_every", "biases", "facts")},
    )


def uniform(sizes: tuple[int, ...], seed: int) -> Parameters:
    """Weights and biases uniform on [0, 1), drawn in the order W1, b1, W2, b2 from NumPy's legacy generator."""
    random = np.random.RandomState(seed)
    return [Layer(random.rand(fan_in, fan_out), random.rand(fan_out)) for fan_in, fan_out in pairwise(sizes)]


def xor(seed: int = SEED) -> Recipe:
    """Full-batch descent on the truth table: near 0.25 for thousands of epochs, and then it sees the point."""
    x, y = XOR.data(4)
    facts = {"targets": y.tolist()}
    return Recipe(XOR, x, y, uniform(XOR.sizes, seed), Settings("sgd", 0.2), 10_000, 4, seed, 1000, x, facts=facts)


def line(seed: int = SEED) -> Recipe:
    """y ≈ 2x + 1 from 100 noisy rows; the least-squares line through them is what the network should become."""
    x, y = LINE.data(100, seed)
    asked = np.array([[0.3], [0.5], [0.7]])
    (slope,), (intercept,) = np.linalg.lstsq(np.hstack([x, np.ones_like(x)]), y, rcond=None)[0]
    facts = {
        "least_squares": (slope * asked[:, 0] + intercept).tolist(),
        "slope": float(slope),
        "intercept": float(intercept),
    }
    return Recipe(LINE, x, y, LINE.parameters(seed), Settings("sgd", 0.01), 100, 10, seed, 10, asked, facts=facts)


def slides(seed: int = SEED) -> Recipe:
    """One row through 2-2-2 without biases. Written (out, in), W1 = [[.1, .2], [.3, .4]], W2 = [[.5, .6], [.7, .8]].

    With one row and two outputs the mean squared error is the slides' ½·Σ(a − y)², and λ is theirs. The seed is unused.
    """
    W1, W2 = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[0.5, 0.6], [0.7, 0.8]])
    x, y = np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]])
    problem = Problem("slides", (2, 2, 2), ("sigmoid", "sigmoid"), lambda batch, seed: (x[:batch], y[:batch]))
    parameters = [Layer(W.T.copy(), np.zeros(2)) for W in (W1, W2)]
    facts = {"targets": y.tolist()}
    return Recipe(problem, x, y, parameters, Settings("sgd", 0.5), 1000, 1, seed, 100, x, biases=False, facts=facts)


RECIPES = {"xor": xor, "line": line, "slides": slides}

RATES = {"sgd": 0.01, "momentum": 0.01, "nesterov": 0.01, "rmsprop": 0.001, "rmsprop-centered": 0.001, "adam": 0.001}
"""The learning rate λ of an optimizer for which the recipe gives none."""


def get_recipe(name: str, seed: int = SEED) -> Recipe:
    """The recipe of that name. Raises BadInput for an unknown one."""
    return RECIPES[choose("recipe", name, RECIPES)](seed)


def changed(
    recipe: Recipe,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch: int | None = None,
) -> Recipe:
    """The recipe with what was asked for instead; a change of optimizer takes the rate of `RATES` with it.

    Raises BadInput for an unknown optimizer, and for numbers that make no sense.
    """
    settings = recipe.settings
    if optimizer is not None and optimizer != settings.name:
        choose("optimizer", optimizer, RATES)
        settings = replace(settings, name=optimizer, learning_rate=RATES[optimizer])
    if learning_rate is not None:
        settings = replace(settings, learning_rate=learning_rate)
    return replace(
        recipe,
        settings=settings,
        epochs=recipe.epochs if epochs is None else epochs,
        batch=recipe.batch if batch is None else batch,
    )
