"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write beside the target, then rename over it: a reader sees the old file or the new one, never half of one.

    A link is followed, and what is no regular file (`/dev/stdout`, a named pipe) is written to as it is. Raises OSError
    where the folder is missing, read-only or full; the old file, if any, is then untouched.
    """
    if through := _way_through(path := Path(path)):
        with open(through, "wb", closefd=isinstance(through, Path)) as stream:
            stream.write(content)
        return
    target = path.resolve() if path.is_symlink() else path
    with _partial(target, content) as partial:
        os.replace(partial, target)


def read_whole(path: Path) -> bytes:
    """The content of a file, or of what a shell put in place of one. Raises OSError, for a named pipe too.

    Nobody may be at the other end of a named pipe, and then reading would never end.
    """
    if path.is_fifo() and not DESCRIPTOR.fullmatch(str(path)):
        raise OSError(errno.EINVAL, "it is a named pipe", str(path))
    return path.read_bytes()


DESCRIPTOR = re.compile(r"/dev/std(?:in|out|err)|(?:/dev/fd|/proc/self/fd)/(\d+)")
"""Names of what the process has open already."""


def _way_through(path: Path) -> Path | int | None:
    """What to open for a path whose bytes go through, to a device, a pipe or an open file; None for a file's own."""
    if named := DESCRIPTOR.fullmatch(str(path)):
        sys.stdout.flush()
        return int(named[1] or ("stdin", "stdout", "stderr").index(path.name))
    return path if path.exists() and not path.is_file() and not path.is_dir() else None


def require_writable(path: str | Path, probe_bytes: int = 1) -> None:
    """Raise OSError, with the path, where `write_whole` could not write so much there. Nothing is left behind."""
    path = Path(path)
    with _told_of(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if _way_through(path) is None:
            with tempfile.TemporaryFile(dir=path.resolve().parent) as probe:
                probe.write(bytes(probe_bytes))
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


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
    with _told_of(path):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
        try:
            with partial.open("xb") as stream:
                stream.write(content)
            yield partial
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """An OSError inside is told with the path that was given."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
