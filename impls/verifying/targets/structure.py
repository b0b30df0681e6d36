"""Structure: which arrays of an object are weights and biases, and in which orientation they chain into a network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from impls.verifying.targets import names
from impls.verifying.targets.leaves import Leaf


def parameters_among(every: list[Leaf], is_module: bool) -> dict[str, Leaf]:
    """Tensor → the array that is it, by the arrays' names; for an object whose names say nothing, by their shapes."""
    read = [(t, leaf) for leaf in every if (t := names.tensor(leaf.name)) and not t.gradient and leaf.array().ndim <= 2]
    if is_module:
        read = [(t, leaf) for t, leaf in read if "." not in leaf.name]
    weights = _distinct([(t, leaf) for t, leaf in read if t.kind == "W"])
    biases = _distinct([(t, leaf) for t, leaf in read if t.kind == "b"])
    found = {f"W{n}": leaf for n, (_, leaf) in enumerate(weights, start=1)}
    if len(biases) == len(weights):
        found |= {f"b{n}": leaf for n, (_, leaf) in enumerate(biases, start=1)}
    elif biases and weights:
        found |= _fewer_biases(weights, biases)
    if found or is_module:
        return found
    data = ("x", "y", "output")
    return _by_shape_alone([leaf for leaf in every if not names.role(leaf.name.split(".")[-1], data)])


def _distinct(found: list[tuple[names.Tensor, Leaf]]) -> list[tuple[names.Tensor, Leaf]]:
    """In the order of the layers; an array that is known under two names counts once."""
    seen: set[int] = set()
    result = []
    for _index, (t, leaf) in sorted(enumerate(found), key=lambda e: (e[1][0].rank, e[0])):
        if id(leaf.get()) not in seen:
            seen.add(id(leaf.get()))
            result.append((t, leaf))
    return result


def _fewer_biases(weights, biases) -> dict[str, Leaf]:
    """Biases for some layers only: by the number or word in the name, else by the number of units."""
    found: dict[str, Leaf] = {}
    for t, leaf in biases:
        by_rank = [n for n, (w, _) in enumerate(weights, start=1) if w.rank == t.rank and f"b{n}" not in found]
        by_size = [
            n
            for n, (_, w) in enumerate(weights, start=1)
            if leaf.array().size in w.array().shape and f"b{n}" not in found
        ]
        for n in [*by_rank, *by_size][:1]:
            found[f"b{n}"] = leaf
    return found


def _by_shape_alone(every: list[Leaf]) -> dict[str, Leaf]:
    """Matrices that chain, in the order in which they were made, and the vectors between them."""
    matrices = [
        leaf for leaf in every if (leaf.array().ndim == 2 and min(leaf.array().shape) > 1) or leaf.array().ndim == 2
    ]
    vectors = [leaf for leaf in every if leaf.array().ndim == 1 or (leaf.array().ndim == 2 and 1 in leaf.array().shape)]
    weights = [leaf for leaf in matrices if leaf not in vectors]
    if not weights:
        return {}
    if len(weights) == 1:
        tails = [
            leaf for leaf in vectors if leaf.array().ndim == 2 and max(leaf.array().shape) in weights[0].array().shape
        ]
        weights += tails[-1:]
        vectors = [leaf for leaf in vectors if leaf not in weights]
    found = {f"W{n}": leaf for n, leaf in enumerate(weights, start=1)}
    for n, leaf in enumerate(weights, start=1):
        size = leaf.array().shape
        bias = next((v for v in vectors if v.array().size in size and v not in found.values()), None)
        if bias is not None:
            found[f"b{n}"] = bias
    return found


def orientations(shapes: Sequence[tuple[int, ...]], sizes: Sequence[int] | None) -> list[bool]:
    """Which of (fan_in, fan_out) [False] and (fan_out, fan_in) [True] the weights chain in; both if all are square."""
    possible = []
    for flipped in (False, True):
        try:
            chain = chain_sizes(shapes, flipped)
        except ValueError:
            continue
        if sizes is None or (chain[0] == sizes[0] and chain[-1] == sizes[-1]):
            possible.append(flipped)
    return possible or ([] if sizes is None else orientations(shapes, None))


def chain_sizes(shapes: Sequence[tuple[int, ...]], flipped: bool) -> tuple[int, ...]:
    """Layer sizes of a chain of weights. Raises ValueError where they do not chain."""
    pairs = []
    for shape in shapes:
        if len(shape) == 2:
            pairs.append(shape[::-1] if flipped else shape)
        else:
            pairs.append((shape[0] if shape else 1, 1))
    for (_, out), (into, _) in itertools.pairwise(pairs):
        if out != into:
            raise ValueError("the weights do not chain")
    return (pairs[0][0], *(out for _, out in pairs))
