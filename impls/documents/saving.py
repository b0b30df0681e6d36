"""Where a command's document goes: a file of its kind's folder, the file that was asked for, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from samegrad.impls.console.options import ALONE
from samegrad.impls.documents.base import Document
from samegrad.impls.errors import BadInput
from samegrad.impls.files import numbered, require_writable, write_new, write_whole


def place(kind: type[Document], asked: str | None) -> Path | None:
    """Where to save: as asked, else in the kind's folder; None for `-`, which is standard output.

    To be settled before the work. Raises BadInput where the folder is missing, OSError where nothing can be written.
    """
    if asked == ALONE:
        return None
    if asked is None:
        kind.FOLDER.mkdir(parents=True, exist_ok=True)
        path = kind.FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
    else:
        if not asked:
            raise BadInput("--json is given an empty path")
        path = Path(asked)
        if not path.parent.is_dir():
            raise BadInput(f"--json {asked}: there is no folder {path.parent}")
    require_writable(path)
    return path


def deliver(make: Callable[[], Document], path: Path | None, asked: str | None, show: Callable[[], None]) -> None:
    """Print the document alone where there is no path, else show it to people, save it, and say where it is.

    It is shown first: where it cannot be saved, or not even be made, that is what is left of the work. It is written
    whole: over a file that was asked for, else under the next free name.
    """
    if path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(make().encoded())
        return
    show()
    content = make().encoded()
    if asked is None:
        path = write_new(numbered(path), content)
    else:
        write_whole(path, content)
    print(f"Saved in {path}")
