"""The journal of a study: the counts of each block that is done, a file each, so that nothing is trained twice."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from samegrad.impls.documents.study import StudySpec
from samegrad.impls.files import write_whole
from samegrad.impls.studies.block_task import Counts
from samegrad.impls.studies.specs import LISTS, SeedBlock


def key_of(spec: StudySpec, versions: dict[str, str], block: SeedBlock) -> str:
    """The name of all that a block's counts depend on; other cells and seeds of the spec are not among it."""
    elsewhere = (*LISTS, "starts", "seed")
    common = {name: value for name, value in msgspec.to_builtins(spec).items() if name not in elsewhere}
    content = msgspec.json.encode([common, versions, block], order="sorted")
    return f"study-{hashlib.sha256(content).hexdigest()[:32]}"


class Journal:
    """The files of a folder, by key. What was read or written stays here: another run removes the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._seen: dict[str, Counts] = {}

    def __getitem__(self, key: str) -> Counts:
        if key not in self._seen:
            self._seen[key] = msgspec.json.decode((self.folder / f"{key}.json").read_bytes(), type=Counts)
        return self._seen[key]

    def __contains__(self, key: str) -> bool:
        """Whether it is there, and whole."""
        try:
            return bool(self[key])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return False

    def write(self, key: str, counts: Counts) -> None:
        self._seen[key] = counts
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{key}.json", msgspec.json.encode(counts))

    def clear(self, keys: Iterable[str]) -> None:
        """Remove these files, and the folder where it is empty then."""
        for key in keys:
            (self.folder / f"{key}.json").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()
