"""Implementations that other packages provide, by the entry point group `samegrad.implementations`.

    [project.entry-points."samegrad.implementations"]
    mlx-compile = "samegrad_mlx:MlxCompile"

The entry point's name is the implementation's: its framework and, after the first dash, its execution. Its value is the
class. What the package requires is what the implementation needs. All of that is read from the installed package's
metadata; nothing of it is imported before it is run.

A package that is broken, or whose name is taken, is left out with a line that explains it; the others are not touched.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from samegrad.impls.registry.entry import Entry

GROUP = "samegrad.implementations"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
TARGET = re.compile(r"(\w+)(\.\w+)*:\w+")
RESERVED = ("all",)
"""Names with another meaning for `--implementations`."""


@dataclass(frozen=True)
class Provided(Entry):
    """An implementation of another package: `distribution`, whose requirements are its `packages`."""

    distribution: str = ""

    def absent(self) -> list[str]:
        module = self.target.partition(":")[0].partition(".")[0]
        own = [] if importlib.util.find_spec(module) else [f"the module {module}"]
        return own + [package for package in self.packages if not _is_installed(package)]

    def source(self) -> str:
        return self.distribution

    def versions(self) -> dict[str, str]:
        """The installed versions of its requirements, and then its own."""
        needed = {package: version for package in self.packages if (version := _version(package))}
        return needed | {self.distribution: _version(self.distribution) or "unknown"}


def provided(taken: Collection[str]) -> tuple[list[Provided], list[str]]:
    """The implementations of installed packages, by package and name, and a line for each that is left out.

    `taken`: the names that are given already. Imports nothing.
    """
    entries: dict[str, Provided] = {}
    left_out: list[str] = []
    for distribution, lines, needs in sorted(_declarations(left_out.append)):
        for name, target in lines:
            if fault := _fault(name, target, taken, entries):
                left_out.append(f"{distribution}: its implementation {name!r} is left out: {fault}")
                continue
            framework, _, execution = name.partition("-")
            entries[name] = Provided(name, target, framework, execution or "plain", needs, distribution=distribution)
    return list(entries.values()), left_out


def _fault(name: str, target: str, taken: Collection[str], provided: dict[str, Provided]) -> str:
    """Why an entry point cannot be an implementation, or ""."""
    if not NAME.fullmatch(name) or name in RESERVED:
        return "a name is of letters, digits, '.', '_' and '-', and is not 'all'; rename the entry point"
    if name in taken:
        return "Samegrad has one of that name; rename the entry point"
    if name in provided:
        return f"{provided[name].distribution} has one of that name; rename one of the entry points"
    if not TARGET.fullmatch(target):
        return f"its value should be 'module:Class', found {target!r}"
    return ""


Declaration = tuple[str, list[tuple[str, str]], tuple[str, ...]]
"""A distribution's name, its (name, value) pairs in our group, and what it requires."""


def _declarations(complain: Callable[[str], None]) -> Iterator[Declaration]:
    """The entry points of each installed package. One that cannot be read gives a complaint, and stops no other.

    (`importlib.metadata.entry_points` gives up on all packages where a single line of one has no "=".)
    """
    seen = set()
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if GROUP in text and distribution.name not in seen:  # the first on the path is the one that is imported
                seen.add(distribution.name)
                yield distribution.name, list(_section(text)), tuple(_needs(distribution.requires or ()))
        except Exception as error:  # whatever a damaged file can cause
            complain(f"{getattr(distribution, '_path', distribution)}: cannot be read: {error}")


def _section(text: str) -> Iterator[tuple[str, str]]:
    """The lines of our group in an `entry_points.txt`, an INI file."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{GROUP}]"
        elif inside and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _needs(requirements: Iterable[str]) -> Iterator[str]:
    """The packages that are required wherever one installs, Samegrad and NumPy aside."""
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        if name and ";" not in requirement and name[0].lower() not in ("samegrad", "numpy"):
            yield name[0]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is_installed(package: str) -> bool:
    """Whether a package is installed, by its distribution's name or its module's: some builds have other names."""
    return _version(package) is not None or importlib.util.find_spec(package.replace("-", "_")) is not None
