"""The spec of a study: read from TOML, and refused before anything runs where it cannot be."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from samegrad.impls.documents.base import DocumentPart
from samegrad.impls.documents.study import StudySpec
from samegrad.impls.errors import BadInput, choose
from samegrad.impls.files import read_whole
from samegrad.impls.learning.optimizers import OPTIMIZERS, Settings
from samegrad.impls.learning.starts import STARTERS
from samegrad.impls.problem import ACTIVATIONS, DTYPES, XOR, Problem
from samegrad.impls.registry import get_entry
from samegrad.impls.studies import laws

LISTS = ("laws", "widths", "activations", "optimizers", "learning_rates")
OWN = "numpy-networks"
"""The implementation that trains with every optimizer: its gradient, and the textbook's step."""
MOST_CELLS, MOST_TASKS, MOST_EPOCHS, WIDEST = 10_000, 100_000, 10**7, 64
WORK = 4 * 10**9
"""Parameters × epochs of a task: 20 to 60 s on a core of 2026 (of `numpy-networks`). No machine's speed changes it, so
that a study is cut into the same tasks everywhere."""


class GridCell(DocumentPart, frozen=True, kw_only=True):
    """A cell of the grid."""

    law: str
    width: int
    activation: str
    optimizer: str
    learning_rate: float

    @property
    def problem(self) -> Problem:
        """The network 2-w-1 with a sigmoid at its output, on xor's rows."""
        return Problem(XOR.name, (2, self.width, 1), (self.activation, "sigmoid"), XOR.rows)


class SeedBlock(DocumentPart, frozen=True, kw_only=True):
    """A task: the starts of some seeds in a cell. What it gives depends on nothing else."""

    cell: GridCell
    first: int
    count: int


def load(path: Path | None, options: Mapping[str, Any]) -> StudySpec:
    """The spec of a file, or the default one, with the options that are not None instead. Raises BadInput."""
    fields: dict[str, Any] = {}
    if path is not None:
        try:
            fields = tomllib.loads(read_whole(path).decode("utf-8-sig"))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, RecursionError) as error:  # also for a number of 5,000 digits
            raise BadInput(f"{path}: is not TOML ({error})") from None
    return possible(fields | {name: value for name, value in options.items() if value is not None})


def possible(fields: dict[str, Any]) -> StudySpec:
    """The spec of these keys. Raises BadInput where one is unknown or wrong, a cell cannot be, or it is too much."""
    for name in fields:
        choose("key in the spec:", name, StudySpec.__struct_fields__)
    try:
        spec = msgspec.convert(fields, StudySpec)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise BadInput(f"the spec's {where.strip('`').removeprefix('$.') or 'content'}: {what}") from None
    _require_possible(spec)
    return spec


def _require_possible(spec: StudySpec) -> None:
    """Raise BadInput where a cell cannot be, or there is too much of it."""
    for name in LISTS:
        values = getattr(spec, name)
        if not values or len(set(values)) < len(values):
            raise BadInput(f"{name} must be a list of one or more different ones, found {list(values)}")
    for law in spec.laws:
        laws.parsed(law)
    for activation in spec.activations:
        choose("activation", activation, ACTIVATIONS)
    for name in spec.optimizers:
        choose("optimizer", name, OPTIMIZERS)
    for rate in spec.learning_rates:
        Settings(learning_rate=rate)
    choose("dtype", spec.dtype, DTYPES)
    choose("implementation that trains many networks", spec.implementation, STARTERS)
    if spec.implementation != OWN and set(spec.optimizers) != {"sgd"}:
        raise BadInput(f"{spec.implementation} trains by sgd alone; {OWN} by {', '.join(OPTIMIZERS)}")
    if reason := get_entry(spec.implementation).missing():
        raise BadInput(reason)
    if not math.isfinite(spec.threshold):
        raise BadInput(f"threshold must be finite, found {spec.threshold}")
    if max(spec.widths) > WIDEST:
        raise BadInput(f"widths go from 1 to {WIDEST}, found {max(spec.widths)}")
    if spec.epochs > MOST_EPOCHS:
        raise BadInput(f"epochs must be at most {MOST_EPOCHS:,}, found {spec.epochs:,}")
    if spec.seed + spec.starts > 2**32:
        raise BadInput(f"seeds end at 2³² − 1; {spec.starts:,} from {spec.seed} on are too many")
    if (count := math.prod(len(getattr(spec, name)) for name in LISTS)) > MOST_CELLS:
        raise BadInput(f"the spec has {count:,} cells; at most {MOST_CELLS:,}")
    if (count := sum(-(-half // length(spec, cell)) for cell in cells(spec) for _, half in halves(spec))) > MOST_TASKS:
        raise BadInput(f"the spec has {count:,} tasks of up to a minute; at most {MOST_TASKS:,}")


def cells(spec: StudySpec) -> Iterator[GridCell]:
    """Every cell, in the order of the lists, the last of which changes first."""
    for law, width, activation, optimizer, rate in product(*(getattr(spec, name) for name in LISTS)):
        yield GridCell(law=law, width=width, activation=activation, optimizer=optimizer, learning_rate=rate)


def halves(spec: StudySpec) -> list[tuple[int, int]]:
    """(first seed, count) of both halves of the starts."""
    middle = spec.starts // 2
    return [(spec.seed, middle), (spec.seed + middle, spec.starts - middle)]


def length(spec: StudySpec, cell: GridCell) -> int:
    """The most starts in a task of that cell."""
    return max(1, WORK // (spec.epochs * (4 * cell.width + 1)))


def blocks(spec: StudySpec, cell: GridCell, half: int) -> list[SeedBlock]:
    """The tasks of half of a cell, by their seeds."""
    first, count = halves(spec)[half]
    step = length(spec, cell)
    return [SeedBlock(cell=cell, first=first + done, count=min(step, count - done)) for done in range(0, count, step)]
