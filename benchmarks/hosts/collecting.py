"""The run files of many hosts in one folder: each written whole as it comes in, and what is missing named."""

from __future__ import annotations

from pathlib import Path

from samegrad.benchmarks.documents.merging import doubt, host, left_out
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.hosts.measuring import Lost, Measured
from samegrad.impls.documents.base import DocumentError, read
from samegrad.impls.errors import one_line
from samegrad.impls.files import write_whole

MERGED, SOME_LEFT_OUT, NONE = 0, 3, 2


def complete(folder: Path) -> dict[str, str]:
    """By host the text of its run file, of those in the folder that can be gone on with."""
    texts = {}
    for path in sorted(folder.glob("*.json")):
        file = read(path, [RunDocument])
        if not doubt(file) or file.samegrad.interrupted:
            texts[host(file)] = path.read_text(encoding="utf-8")
    return texts


class Collection:
    """What came in. `missing` has those without a file, as their engine calls them, and why."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: dict[str, str] = {}

    def take(self, name: str, result: Measured | Lost) -> str:
        """Save a host's file, and say what it came to, in a line."""
        if isinstance(result, Lost):
            self.missing[name] = result.reason
        elif not result.content:
            last = one_line(result.last_lines[-1]) if result.last_lines else "no output"
            self.missing[name] = f"pytest ended with status {result.status}: {last}"
        else:
            path = self.folder / f"{result.host}.json"
            write_whole(path, result.content.encode())
            return f"{name}: saved in {path}"
        return f"{name}: no result: {self.missing[name]}"

    def _files(self) -> list[tuple[Path, RunDocument]]:
        files = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                files.append((path, read(path, [RunDocument])))
            except DocumentError as error:
                self.missing[path.name] = str(error)
        return files

    def conclusion(self) -> tuple[list[str], int]:
        """How many hosts can be merged, a line for each that cannot, with the reason, and the exit status."""
        files = self._files()
        reasons = left_out([file for _, file in files])
        apart = {path.name: reason for (path, _), reason in zip(files, reasons, strict=True) if reason}
        lines = [f"{len(files) - len(apart)} of {len(files) + len(self.missing)} hosts can be merged."]
        lines += [f"MISSING: {name}: {reason}" for name, reason in self.missing.items()]
        lines += [f"LEFT OUT: {name}: {reason}" for name, reason in apart.items()]
        if not files:
            return lines, NONE
        return [*lines, f"To see it: samegrad report {self.folder}/*.json"], (
            SOME_LEFT_OUT if apart or self.missing else MERGED
        )
