"""Daily rows of a share: open, high, low, close and volume, from a CSV file or elsewhere, checked line by line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput
from samegrad.impls.files import read_whole

if TYPE_CHECKING:
    import pandas

FEATURES = ("open", "high", "low", "volume")
TARGET = "close"
DATES = ("date", "timestamp")


def read_csv(path: Path) -> pandas.DataFrame:
    """The daily rows in a CSV file with a header, oldest first: floats open, high, low, close and volume.

    A column `date` or `timestamp`, if there is one, orders the rows; case and other columns do not matter. Raises
    BadInput, with the line of the file, for whatever cannot be used.
    """
    import pandas

    try:
        frame = pandas.read_csv(
            io.BytesIO(read_whole(path)),
            header=None,  # or pandas would rename a column that is there twice
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (pandas.errors.EmptyDataError, pandas.errors.ParserError, UnicodeError, OSError) as error:
        raise BadInput(f"{path}: is not a readable CSV file ({' '.join(str(error).split())})") from None
    return checked(frame[1:].set_axis(frame.iloc[0], axis="columns"), str(path))


def checked(frame: pandas.DataFrame, source: str) -> pandas.DataFrame:
    """The needed columns as finite floats in the order of time. Raises BadInput, naming the line, for anything else."""
    import pandas

    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    missing = [name for name in (*FEATURES, TARGET) if name not in frame.columns]
    if missing:
        raise BadInput(
            f"{source}: has no column {', '.join(missing)}; it needs open, high, low, close, volume, "
            f"and has {', '.join(frame.columns) or 'none'}"
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise BadInput(f"{source}: has the column {twice[0]} twice")
    if frame.empty:
        raise BadInput(f"{source}: has a header but no rows")
    numbers = pandas.DataFrame({name: _column(frame[name], name, source) for name in (*FEATURES, TARGET)})
    for name in DATES:
        if name in frame.columns:
            numbers["date"] = _dates(frame[name], source)
            numbers = numbers.sort_values("date", kind="stable")
            break
    return numbers.reset_index(drop=True)


def _column(column: pandas.Series, name: str, source: str) -> pandas.Series:
    import pandas

    numbers = pandas.to_numeric(column, errors="coerce").astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        cell = str(column.iloc[bad[0]]).strip()
        what = f"{name} is {cell!r}, which is no finite number" if cell and cell != "nan" else f"{name} is missing"
        raise BadInput(f"{source}, line {bad[0] + 2}: {what}" + _and_others(bad))
    low = np.flatnonzero(numbers < 0) if name == "volume" else np.flatnonzero(numbers <= 0)
    if len(low):
        sign = "not be negative" if name == "volume" else "be positive"
        raise BadInput(f"{source}, line {low[0] + 2}: {name} is {numbers.iloc[low[0]]:g}, but must {sign}")
    return numbers


def _dates(column: pandas.Series, source: str) -> pandas.Series:
    import pandas

    try:
        dates = pandas.to_datetime(column, errors="coerce", format="ISO8601" if column.dtype.kind not in "M" else None)
    except ValueError:
        raise BadInput(f"{source}: its dates are of several time zones; give them in one, or without") from None
    bad = np.flatnonzero(dates.isna())
    if len(bad):
        raise BadInput(
            f"{source}, line {bad[0] + 2}: {str(column.iloc[bad[0]]).strip()!r} is no date like 2024-01-31"
            + _and_others(bad)
        )
    twice = np.flatnonzero(dates.duplicated())
    if len(twice):
        raise BadInput(f"{source}, line {twice[0] + 2}: {dates.iloc[twice[0]]:%Y-%m-%d} is there for the second time")
    return dates


def _and_others(bad: NDArray[np.integer]) -> str:
    return f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
