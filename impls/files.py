"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write beside the target, then rename over it: a reader sees the old file or the new one, never half of one.

    Raises OSError where the folder is missing, read-only or full; the old file, if any, is then untouched.
    """
    with _partial(Path(path), content) as partial:
        os.replace(partial, path)


def write_new(paths: Iterable[Path], content: bytes) -> Path:
    """As `write_whole`, to the first of these paths that is not taken, and return it: no file is ever replaced.

    Two processes that try the same names at once get one each.
    """
    for path in paths:
        with _partial(path, content) as partial:
            try:
                path.touch(exist_ok=False)  # claims the name
            except FileExistsError:
                continue
            try:
                os.replace(partial, path)
            except OSError:
                path.unlink()
                raise
            return path
    raise ValueError("no path to write to is left")


def numbered(path: Path) -> Iterator[Path]:
    """The path, then `name-2`, `name-3`, …"""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


@contextmanager
def _partial(path: Path, content: bytes) -> Iterator[Path]:
    """The content in a file beside the path, removed at the end; an OSError is told with the path that was given."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        yield partial
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        partial.unlink(missing_ok=True)
