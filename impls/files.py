"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write beside the target, then rename over it: a reader sees the old file or the new one, never half of one.

    A link is followed, and what is no regular file (`/dev/stdout`, a named pipe) is written to as it is. Raises OSError
    where the folder is missing, read-only or full, and where nobody reads from a pipe; the old file, if any, is then
    untouched.
    """
    if through := _way_through(path := Path(path)):
        opened = _pipe(through) if isinstance(through, Path) and through.is_fifo() else through
        with _naming(path), open(opened, "wb", closefd=not isinstance(through, int)) as stream:
            stream.write(content)
        return
    target = _target(path)
    with _partial(target, content) as partial:
        os.replace(partial, target)


def read_whole(path: Path) -> bytes:
    """The content of a file, or of what a shell put in place of one. Raises OSError, for what may never end, too.

    Nobody may be at the other end of a named pipe, and some devices have no last byte.
    """
    if not (path.is_file() or path.is_dir() or DESCRIPTOR.fullmatch(str(path))) and path.exists():
        raise OSError(errno.EINVAL, "it is a named pipe" if path.is_fifo() else "it is a device", str(path))
    with path.open("rb") as stream:
        content = bytearray()
        while piece := stream.read(PIECE):
            content += piece
            if len(content) > LARGEST:
                raise OSError(errno.EFBIG, f"it is larger than {LARGEST >> 20} MiB", str(path))
    return bytes(content)


PIECE, LARGEST = 2**20, 512 * 2**20
DESCRIPTOR = re.compile(r"/dev/std(?:in|out|err)|(?:/dev/fd|/proc/self/fd)/(\d+)")
"""The pattern of names of what the process has open already."""


def _way_through(path: Path) -> Path | int | None:
    """The path to open where bytes go through, to a device, a pipe or an open file; None for a file's own."""
    if named := DESCRIPTOR.fullmatch(str(path)):
        sys.stdout.flush()
        return int(named[1] or ("stdin", "stdout", "stderr").index(path.name))
    return path if path.exists() and not path.is_file() and not path.is_dir() else None


def _pipe(path: Path) -> int:
    """A named pipe, open for writing. Raises OSError where nobody comes to read from it."""
    if path in _pipes:
        return _pipes.pop(path)
    for _ in range(READER_WAITS):
        try:
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(0.1)
        else:
            os.set_blocking(pipe, True)
            return pipe
    raise OSError(errno.ENXIO, "nobody reads from this named pipe", str(path))


_pipes: dict[Path, int] = {}
"""The named pipes that are open already, by `require_writable`."""
READER_WAITS = 50
"""The attempts to find a reader, a tenth of a second apart."""


def require_writable(path: str | Path, probe_bytes: int = 1) -> None:
    """Raise OSError, with the path, where `write_whole` could not write so much there. Nothing is left behind.

    A named pipe stays open until it is written to, so that its reader waits.
    """
    path = Path(path)
    with _naming(path):
        if _way_through(path) is None:
            with tempfile.TemporaryFile(dir=_target(path).absolute().parent) as probe:
                probe.write(bytes(probe_bytes))
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif path.is_fifo() and path not in _pipes:
            _pipes[path] = _pipe(path)


def _target(path: Path) -> Path:
    """The file that is written for a path, behind its links. Raises OSError for a folder and links in a circle."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    return target


def write_new(paths: Iterable[Path], content: bytes) -> Path:
    """Write whole to the first of these paths that is not taken, and return that path: no file is ever replaced.

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
    """Write the content to a file beside the path, removed at the end; an OSError names the path that was given."""
    with _naming(path):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
        try:
            with partial.open("xb") as stream:
                stream.write(content)
            yield partial
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Make an OSError inside name the path that was given."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
