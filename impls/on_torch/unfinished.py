"""What a killed compiler has left in the cache of `torch.compile`, removed before it is taken for a library.

There the linker writes a library in its place, and what is there is never made again: one that was cut off fails to
load ("file too short") in every later process.
"""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

COMPILED = (".so", ".o")
HEADER = struct.Struct("<16s 24x Q 10x HH 2x")
"""The header of a 64-bit ELF file: identity, offset of the table of sections, size of an entry, number of entries."""


def remove_unfinished(folder: Path) -> None:
    """Remove the compiled files of the cache that end too early, but those that are being written. On Linux only."""
    if sys.platform != "linux":
        return
    import fcntl

    for path in folder.glob("*/*"):
        if path.suffix in COMPILED and is_cut_off(path):
            lock = folder / "locks" / f"{path.name.partition('.')[0]}.lock"
            with suppress(OSError), lock.open("ab") as taken:  # PyTorch compiles under it
                fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_cut_off(path):
                    path.unlink()


def is_cut_off(path: Path) -> bool:
    """Does a compiled file end before its table of sections, which linkers write last, or lack its header?"""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER.size)
            length = os.fstat(file.fileno()).st_size
    except OSError:
        return False
    if len(header) < HEADER.size:
        return True
    identity, begins, size, number = HEADER.unpack(header)
    return not identity.startswith(b"\x7fELF") or begins == 0 or length < begins + size * number
