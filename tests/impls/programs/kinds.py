"""The kinds of programs, and the head of a file: its imports and helper functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.impls.programs import classes, exercise, functions, lists, objects
from tests.impls.programs.parts import Parts
from tests.impls.programs.plan import DECAY
from tests.impls.programs.writing import Writer

WAYS: dict[str, Callable[[Writer, list[str]], Parts]] = {
    "class": classes.class_program,
    "fit": classes.fit_program,
    "arrays": classes.arrays_program,
    "helper": classes.helper_program,
    "functions": functions.functions_program,
    "dict": functions.dict_program,
    "train": functions.train_program,
    "line": functions.line_program,
    "globals": functions.globals_program,
    "layers": objects.layers_program,
    "network": objects.network_program,
    "loops": objects.loops_program,
    "neurons": lists.neurons_program,
    "lists": lists.lists_program,
}


def write(w: Writer, seed: int) -> Parts:
    """The program of a plan."""
    parts = WAYS[w.p.kind](w, exercise.head(w.p, seed))
    return replace(parts, lines=[*_module_head(w), *parts.lines])


def _module_head(w: Writer) -> list[str]:
    lines = [f'"""{w.rng.choice(TITLES)}"""', ""] if w.p.docstrings else []
    lines += [] if w.p.layout == "lists" else ["import numpy as np", "", ""]
    if w.p.penalty and w.p.decay_place == "module":
        lines += [f"{w.p.words.decay.upper()} = {DECAY}", "", ""]
    if not (w.p.helpers == "method" and w.p.kind in WITH_CLASS):
        lines += w.helpers_text(as_methods=False)
    return lines


TITLES = (
    "A small neural network, from scratch.",
    "Neural network with backpropagation in NumPy.",
    "Backpropagation by hand.",
    "A network that learns XOR.",
    "Simple feed-forward network",
    "Training by gradient descent.",
)
WITH_CLASS = ("class", "fit", "arrays", "helper", "loops")
