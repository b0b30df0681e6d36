"""Whether two callables return the same: bit for bit, or within a tolerance.

The tolerance is of the largest number of an array: max|a − b| ≤ tolerance · max|b|, NaN beside NaN. Where none is given
it is √ε of the less precise of the two dtypes, half of its digits: sums in another order stay within it by far, another
formula does not. Whole numbers, truth values and texts have to be equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput

BITS = "bits"


@dataclass(frozen=True)
class Compared:
    """The first difference, "" where there is none, and the largest, as a share of the array's largest number."""

    difference: str
    largest: float = 0.0
    cannot: str = ""
    """What could not be compared."""


def read_tolerance(text: str | None) -> float | str | None:
    """The value of `--same`: None where it is not given, "bits", or a tolerance. Raises BadInput for anything else."""
    if text is None or text == BITS:
        return text
    try:
        tolerance = float(text)
    except ValueError:
        tolerance = -1.0
    if not 0 <= tolerance < 1:
        raise BadInput(f"--same takes a tolerance of at least 0 and below 1, such as 1e-6, or {BITS}; found {text!r}")
    return tolerance


Kept = tuple[Sequence[Mapping[str, Any]], Mapping[str, NDArray[Any]]]
"""A result as its worker has kept it: its leaves, and by their places the numbers."""


def read_kept(entries: Sequence[Mapping[str, Any]], path: Path) -> Kept:
    """A worker's result, from its entries and the file of its numbers."""
    with np.load(path, allow_pickle=False) as file:
        return entries, {name: file[name] for name in file.files}


def compare(kept: Kept, reference: Kept, tolerance: float | str | None = None) -> Compared:
    """Compare one result with another, leaf by leaf."""
    (mine, numbers), (theirs, expected) = kept, reference
    paths, others = [leaf["path"] for leaf in mine], [leaf["path"] for leaf in theirs]
    if paths != others:
        return Compared(f"it has {_parts(paths)}, not {_parts(others)}")
    largest, cannot = 0.0, ""
    for number, (leaf, other) in enumerate(zip(mine, theirs, strict=True)):
        where = f"{leaf['path']} " if leaf["path"] else ""
        if leaf["kind"] != other["kind"]:
            return Compared(f"{where}is of type {leaf['text']}, not {other['text']}")
        if leaf["kind"] == "array":
            difference, distance = _compare(numbers[str(number)], expected[str(number)], tolerance)
            largest = max(largest, distance)
            if difference:
                return Compared(f"{where}{difference}", largest)
        elif leaf["kind"] == "plain" and leaf["text"] != other["text"]:
            return Compared(f"{where}is {leaf['text'][:60]}, not {other['text'][:60]}")
        elif leaf["kind"] == "opaque":
            cannot = cannot or f"{where}of type {leaf['text']}"
    return Compared("", largest, cannot)


def _parts(paths: Sequence[str]) -> str:
    return f"{len(paths)} parts" if len(paths) != 1 else "one part"


def _compare(a: NDArray[Any], b: NDArray[Any], tolerance: float | str | None) -> tuple[str, float]:
    """The first difference of two arrays, "" where there is none, and the largest."""
    if a.shape != b.shape:
        return f"has the shape {a.shape}, not {b.shape}", 0.0
    if tolerance == BITS:
        if a.dtype != b.dtype:
            return f"is {a.dtype}, not {b.dtype}", 0.0
        size = a.dtype.itemsize
        unequal = (np.ascontiguousarray(a).view(np.uint8) != np.ascontiguousarray(b).view(np.uint8)).reshape(-1, size)
        return _first(a, b, unequal.any(axis=1).reshape(a.shape)), 0.0
    if not all(array.dtype.kind in "fc" for array in (a, b)) and not {a.dtype.kind, b.dtype.kind} <= set("biufc"):
        return _first(a, b, np.asarray(a != b)), 0.0
    inexact = [np.finfo(array.dtype).eps for array in (a, b) if array.dtype.kind in "fc"]
    allowed = (float(max(inexact)) ** 0.5 if inexact else 0.0) if tolerance is None else float(tolerance)
    kind = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    mine, other = a.astype(kind), b.astype(kind)
    known = np.isfinite(other)
    scale = float(np.abs(other[known]).max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):
        distance = np.where(known, np.abs(mine - other) / scale, np.inf)
        distance[(mine == other) | (np.isnan(mine) & np.isnan(other))] = 0.0
    wrong = ~(distance <= allowed)
    return _first(a, b, wrong), float(distance.max(initial=0.0))


def _first(a: NDArray[Any], b: NDArray[Any], wrong: NDArray[Any]) -> str:
    """The first difference in words: `[0, 3] is 0.5, not 0.7 (and 11 more of 12 differ)`."""
    if not wrong.any():
        return ""
    index = tuple(int(at) for at in np.argwhere(wrong)[0]) if wrong.ndim else ()
    many = int(wrong.sum()) - 1
    more = f" (and {many:,} more of {wrong.size:,} differ)" if many else ""
    return f"{list(index) if index else ''} is {_shown(a[index])}, not {_shown(b[index])}{more}".strip()


def _shown(value: Any) -> str:
    return f"{value:.9g}" if np.asarray(value).dtype.kind == "f" else str(value)


def sentence(compared: Compared, name: str, reference: str, tolerance: float | str | None, is_faster: bool) -> str:
    """One line: the same, not the same, or not to be compared."""
    if compared.difference:
        faster = "is faster, and " if is_faster else ""
        return f"WRONG: {name} {faster}does not return what {reference} does: {compared.difference}."
    if compared.cannot:
        return f"Not compared: {name} returns something {compared.cannot}, which has no numbers."
    if tolerance == BITS or compared.largest == 0:
        return f"Same: {name} returns what {reference} does" + (" bit for bit." if tolerance == BITS else ".")
    return f"Same: {name} returns what {reference} does; at most {compared.largest:.1e} of its largest number apart."
