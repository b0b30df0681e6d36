"""Writing a report's files: all drawn before the first is written, each whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_all(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Write every content under its name (which may hold a subfolder) and return the paths, in the order given.

    Each file is written beside its target and renamed over it, so that a reader never sees half of one.
    Raises OSError where the folder cannot be made or written.
    """
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    return paths
