"""Where a run's file goes: whole, over no other run's, and somewhere else rather than nowhere.

pytest-benchmark writes in place, which leaves half a file where the disk is full, and takes the same number for two
runs that end at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import safe_dumps

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.errors import BadInput
from samegrad.impls.files import numbered, require_writable, write_new, write_whole

PROBE_BYTES = 1 << 20
"""Bytes that must fit where a run is saved: about the size of a run's file."""

MOST_NUMBERS = 1000


class Saving:
    """The saving half of pytest-benchmark's session, replaced."""

    def __init__(self, stock: Any, root: Path) -> None:
        """Save the run under reports/runs/ if no other place was asked for, and every round's sample with it.

        Raises BadInput where the place has no room for a run's file: better now than when it was measured.
        """
        self.stock = stock
        self.problems: list[str] = []
        """Files that could not be written where they were asked for: one line each."""
        self.written: list[Path] = []
        self._is_named = stock.json is not None
        stock.save_data = True
        stock.save_json = self._save_json
        storage: Any = stock.storage
        in_files = isinstance(storage, FileStorage)
        if in_files:
            storage.save = self._save_in_storage
        if stock.json is None and not stock.save and not stock.autosave:
            stock.json = root / RunDocument.FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
            _make(stock.json.parent)
        if stock.json is not None:
            _require_room(stock.json)
        if in_files and (stock.save or stock.autosave):
            _make((path := storage.get("any")).parent)
            _require_room(path)

    def save_without_benchmarks(self, config: Any) -> None:
        """Save a run in which nothing was measured, for what it says of why; pytest-benchmark would not."""
        stock, hook = self.stock, config.hook
        document = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=[],
            include_data=True,
            machine_info=stock.get_machine_info(),
            commit_info=hook.pytest_benchmark_generate_commit_info(config=config),
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=[], output_json=document)
        if stock.json:
            stock.save_json(document)
        if name := stock.save or stock.autosave:
            stock.storage.save(document, name)

    def _save_json(self, output_json: dict[str, Any]) -> None:
        path = Path(self.stock.json)
        if written := self._write([path] if self._is_named else numbered(path), output_json, over=self._is_named):
            self.written.append(written)

    def _save_in_storage(self, output_json: dict[str, Any], name: str) -> None:
        if written := self._write(self._next(name), output_json):
            self.written.append(written)

    def _next(self, name: str) -> Iterator[Path]:
        """Paths to try: with the storage's next number, and those after it, in case another run takes the first."""
        storage = self.stock.storage
        first = int(storage._next_num)
        return (storage.get(f"{number:04}_{name}.json") for number in range(first, first + MOST_NUMBERS))

    def _write(self, paths: Iterable[Path], output_json: dict[str, Any], over: bool = False) -> Path | None:
        """Write to the first path that is free, or with `over` to the first; where that fails, into the temporary
        folder; and say so where that fails too."""
        content = safe_dumps(output_json, ensure_ascii=True, indent=1).encode()
        paths = list(islice(paths, MOST_NUMBERS))
        try:
            if not over:
                return write_new(paths, content)
            write_whole(paths[0], content)
            return paths[0]
        except OSError as error:
            problem = f"Could not save the run as {paths[0]} ({error.strerror})"
        try:
            beside = Path(tempfile.gettempdir()) / f"samegrad-{paths[0].name}"
            self.problems.append(f"{problem}: it is in {write_new(numbered(beside), content)}")
        except OSError as error:
            self.problems.append(
                f"{problem}, nor in the temporary folder ({error.strerror}): only the output above is left"
            )
        return None


def _require_room(path: Path) -> None:
    try:
        require_writable(path, PROBE_BYTES)
    except OSError as error:
        raise BadInput(_cannot("save a run as", path, error)) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(_cannot("make", folder, error)) from None


def _cannot(what: str, path: Path, error: OSError) -> str:
    return f"cannot {what} {path} ({error.strerror}); make room, or give another place by --benchmark-json=FILE"
