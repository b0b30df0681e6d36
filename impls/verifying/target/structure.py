"""Structure: which places of an object are weights and biases, and how they chain into a network.

Names are a hint; shapes decide. Several readings may be possible, and all are tried: by the names, by the shapes alone,
with the bias as an entry of the weights (inputs + 1 of them), the weights as (inputs, units) or (units, inputs).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from samegrad.impls.verifying.target import names
from samegrad.impls.verifying.target.layouts import Slot
from samegrad.impls.verifying.target.places import Leaf, Part, Place, Stack, stacks


@dataclass
class Structure:
    """One reading of an object's arrays as a network."""

    places: dict[str, Place]
    """Tensor → where it is: W1, b1, W2, …"""
    sizes: tuple[int, ...]
    flipped: bool
    """Are the weights (units, inputs)?"""

    @property
    def slots(self) -> list[Slot]:
        """Every tensor with its shapes, in the order W1, b1, W2, …"""
        slots = []
        for ell, (fan_in, fan_out) in enumerate(itertools.pairwise(self.sizes), start=1):
            shape = self.places[f"W{ell}"].array().shape
            slots.append(Slot(f"W{ell}", (fan_in, fan_out), shape, self.flipped and len(shape) == 2))
            if f"b{ell}" in self.places:
                slots.append(Slot(f"b{ell}", (fan_out,), self.places[f"b{ell}"].array().shape))
        return slots


Arrangement = list[tuple[Place, Place | None]]
"""Weights, and the bias if there is one, from the first layer to the last."""


def structures(
    leaves: Sequence[Leaf], ends: tuple[int | None, int | None], mapping: dict[str, str] | None = None
) -> Iterator[Structure]:
    """Every reading that chains from `ends[0]` inputs to `ends[1]` outputs (None: any number), the likeliest first."""
    for layers in _arrangements(leaves, mapping):
        for augmented in _with_biases_inside(layers):
            for flipped in (False, True):
                sizes = _chain([w.array().shape for w, _ in augmented], flipped)
                fits = sizes and all(e in (None, n) for e, n in zip(ends, (sizes[0], sizes[-1]), strict=True))
                if fits and (structure := _checked(augmented, sizes, flipped)):
                    yield structure


def _checked(layers: Arrangement, sizes: tuple[int, ...], flipped: bool) -> Structure | None:
    """With its biases, where each has as many entries as its layer has units."""
    places: dict[str, Place] = {}
    for ell, (weights, bias) in enumerate(layers, start=1):
        places[f"W{ell}"] = weights
        if bias is not None:
            if bias.array().size != sizes[ell]:
                return None
            places[f"b{ell}"] = bias
    return Structure(places, sizes, flipped)


def _arrangements(leaves: Sequence[Leaf], mapping: dict[str, str] | None) -> Iterator[Arrangement]:
    """Weights and biases in the order of the layers: as the user says, by names, by shapes alone."""
    every: list[Place] = [*leaves, *stacks(leaves)]
    if mapping:
        by_name = {place.name: place for place in every}
        layers = sum(tensor[0] == "W" for tensor in mapping)
        if all(name in by_name for name in mapping.values()):
            yield [
                (by_name[mapping[f"W{n}"]], by_name[mapping[f"b{n}"]] if f"b{n}" in mapping else None)
                for n in range(1, layers + 1)
                if f"W{n}" in mapping
            ]
        return
    usable = [p for p in every if p.array().ndim <= 2 and not _is_something_else(p)]
    if numbers := list(_of_numbers([p for p in usable if isinstance(p, Leaf)])):
        yield from numbers
        return
    single = [p for p in usable if isinstance(p, Leaf)]
    stacked = [p for p in usable if isinstance(p, Stack)]
    for some in (single, stacked):
        if arrangement := _by_names(some):
            yield arrangement
            if any(bias is None for _, bias in arrangement) and (more := _add_biases(arrangement, some)) != arrangement:
                yield more
    for some in (single, stacked):
        yield from _by_shapes(some)
    yield from _of_a_line(single)


def _of_numbers(leaves: Sequence[Leaf]) -> Iterator[Arrangement]:
    """One hidden layer of numbers with names in order: w1 … w6, b1 … b3; unit after unit, or input after input."""
    read = [(t.rank, i, t.kind, p) for i, p in enumerate(leaves) if not p.array().ndim and (t := names.tensor(p.name))]
    weights, biases = ([p for *_, k, p in sorted(read, key=lambda r: r[:2]) if k == kind] for kind in "Wb")
    for units in range(2, len(biases)):
        outputs = len(biases) - units
        inputs = len(weights) // units - outputs
        if inputs < 1 or units * (inputs + outputs) != len(weights):
            continue
        cut = inputs * units
        for flipped in (True, False):
            shapes = [(units, inputs), (outputs, units)] if flipped else [(inputs, units), (units, outputs)]
            parts = [weights[:cut], weights[cut:]]
            ws = [Stack(_span(p), p, shape) for p, shape in zip(parts, shapes, strict=True)]
            bs = [Stack(_span(p), p, (len(p),)) for p in (biases[:units], biases[units:])]
            yield list(zip(ws, bs, strict=True))


def _of_a_line(leaves: Sequence[Leaf]) -> Iterator[Arrangement]:
    """Two numbers as slope and intercept: m and c, m_now and b_now; either is the intercept where no name says."""
    sizes = ("inputs_size", "hidden_size", "outputs_size")
    short = ((p, names.NOW.sub("", names.last(p.name))) for p in leaves if not p.array().ndim)
    numbers = [p for p, name in short if len(name) <= 2 and not names.role(name, sizes)]
    for weight, bias in itertools.permutations(numbers) if len(numbers) == 2 else ():
        read = names.tensor(names.NOW.sub("", weight.name))
        if not (read and read.kind == "b"):
            yield [(weight, bias)]


def _span(parts: Sequence[Leaf]) -> str:
    return parts[0].name if len(parts) == 1 else f"{parts[0].name}…{parts[-1].name}"


def _is_something_else(place: Place) -> bool:
    """Does the name say that it holds data, a gradient or an optimizer's state, or is it a setting?"""
    name = place.name
    tensor = names.tensor(name)
    last = name.split(".")[-1]
    data = names.role(last, ("x", "y", "output"))
    setting = place.array().ndim == 0 and names.role(last, ("rate", "epochs", "batch", "penalty", "momentum"))
    return bool(tensor and tensor.gradient) or bool(names.IN_STATE.search(name) or (not tensor and (data or setting)))


def _by_names(every: Sequence[Place]) -> Arrangement:
    read = [(t, place) for place in every if (t := names.tensor(place.name))]
    weights = _distinct([(t, p) for t, p in read if t.kind == "W"])
    biases = _distinct([(t, p) for t, p in read if t.kind == "b"])
    if len(biases) == len(weights):
        return [(w, b) for (_, w), (_, b) in zip(weights, biases, strict=True)]
    layers: Arrangement = []
    left = list(biases)
    for t, weight in weights:  # fewer biases than weights: by the number or word in the name, else by the units
        mine = [b for b in left if b[0].rank == t.rank] or [
            b for b in left if b[1].array().size in weight.array().shape
        ]
        mine.sort(key=lambda b: weight.array().ndim == 2 and not b[1].array().ndim)  # b2 before Adam's number beta2
        layers.append((weight, mine[0][1] if mine else None))
        left = [b for b in left if not mine or b is not mine[0]]
    return layers


def _distinct(named: list[tuple[names.Tensor, Place]]) -> list[tuple[names.Tensor, Place]]:
    """In the order of the layers; an array that is known under two names counts once."""
    seen: set[int] = set()
    result = []
    for _index, (t, place) in sorted(enumerate(named), key=lambda e: (e[1][0].rank, e[0])):
        if id(place.get()) not in seen or not isinstance(place.get(), np.ndarray | list):
            seen.add(id(place.get()))
            result.append((t, place))
    return result


def _add_biases(layers: Arrangement, every: Sequence[Place]) -> Arrangement:
    """The same weights, each without a bias with a vector of as many entries as it has units."""
    taken = {id(p) for pair in layers for p in pair}
    vectors = [p for p in every if id(p) not in taken and p.array().ndim and p.array().size == max(p.array().shape)]
    result: Arrangement = []
    for weight, bias in layers:
        if bias is None and weight.array().ndim == 2:
            bias = next((v for v in vectors if v is not weight and v.array().size in weight.array().shape), None)
            vectors = [v for v in vectors if v is not bias]
        result.append((weight, bias))
    return result


MOST = 10
"""Arrays of which every chain is looked for: an object with more has to name them, or the user does."""


def _by_shapes(every: Sequence[Place]) -> Iterator[Arrangement]:
    """Matrices that chain, in the order in which they were made, with vectors as biases: what leaves least over."""
    floats = [p for p in every if p.array().dtype.kind == "f" and p.array().ndim]
    if len(floats) > MOST:
        return
    candidates: list[tuple[int, int, int, Arrangement]] = []
    for count in range(1, len(floats) + 1):
        for some in itertools.combinations([p for p in floats if p.array().ndim == 2], count):
            shapes = [p.array().shape for p in some]
            if any(_chain(shapes, flipped) for flipped in (False, True)):
                layers = _add_biases([(p, None) for p in some], floats)
                used = sum(p is not None for pair in layers for p in pair)
                candidates.append((len(floats) - used, -count, len(candidates), layers))
    yield from (layers for *_, layers in sorted(candidates, key=lambda f: f[:3])[:3])
    vectors = [p for p in floats if p.array().ndim == 1]
    if len(vectors) == 1:
        yield [(vectors[0], None)]


def _with_biases_inside(layers: Arrangement) -> Iterator[Arrangement]:
    """The layers as they are; and, where none has a bias, with the bias as first or last entry of the weights."""
    yield layers
    if not layers or any(bias is not None for _, bias in layers):
        return
    wholes = [w for w, _ in layers if not isinstance(w, Part)]
    dimensions = {w.array().ndim for w in wholes}
    if len(wholes) < len(layers) or not dimensions <= {1, 2}:
        return
    for axis, first in itertools.product((1, 0) if 2 in dimensions else (0,), (True, False)):
        yield [
            tuple(Part(w, min(axis, w.array().ndim - 1), first, is_bias) for is_bias in (False, True))  # type: ignore[misc]
            for w in wholes
        ]


def _chain(shapes: Sequence[tuple[int, ...]], flipped: bool) -> tuple[int, ...]:
    """The layer sizes of a chain of weights; () where they do not chain."""
    pairs = []
    for shape in shapes:
        if len(shape) == 2:
            pairs.append(shape[::-1] if flipped else shape)
        else:
            pairs.append((shape[0] if shape else 1, 1))
    if not pairs or any(out != into for (_, out), (into, _) in itertools.pairwise(pairs)):
        return ()
    if any(0 in pair for pair in pairs):
        return ()
    return (pairs[0][0], *(out for _, out in pairs))


def chains(shapes: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """The layer sizes of one vector; of a chain of matrices, either way round, and as if each had its bias inside."""
    if len(shapes) == 1 and len(shapes[0]) == 1:
        yield (shapes[0][0], 1)
    if len(shapes) < 2 or any(len(shape) != 2 for shape in shapes):
        return
    for flipped in (True, False):
        for bias in (0, 1):
            if sizes := _chain([(m, n - bias) if flipped else (m - bias, n) for m, n in shapes], flipped):
                yield sizes
