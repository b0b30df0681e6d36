"""What is known of an implementation without importing it, and the import itself."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from dataclasses import dataclass
from typing import Any

from samegrad.impls import compiler
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation


@dataclass(frozen=True)
class Entry:
    """One line of the registry."""

    name: str
    target: str
    """Where the class is: "module:Class"."""
    framework: str
    execution: str
    packages: tuple[str, ...] = ()
    """The distributions that it needs beside NumPy, the one that computes last; they are also their import names."""
    extra: str | None = None
    """The extra of this project that installs them."""
    is_floor: bool = False
    """A lower bound rather than a choice: shown with the others, and never the baseline by itself."""
    needs_compiler: bool = False
    """Whether it is compiled on first use, by the machine's C compiler."""

    @property
    def computes_with(self) -> str:
        """The package that does the arithmetic and derives the gradient: tensorflow for Keras on it."""
        return self.packages[-1] if self.packages else self.framework

    @property
    def is_by_hand(self) -> bool:
        """Whether its gradient is written out rather than derived by the framework."""
        return self.is_floor or self.execution.startswith("by hand")

    def missing(self) -> str | None:
        """Why it cannot run here and what to install, or None if its packages are there. Imports nothing."""
        if absent := self.absent():
            return f"{self.name} needs {' and '.join(absent)}: pip install {self.source()}"
        if self.needs_compiler:
            try:
                compiler.require()
            except Unavailable as reason:
                return f"{self.name} {reason}"
        return None

    def absent(self) -> list[str]:
        """Which of its packages are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    def source(self) -> str:
        """What to tell pip to install."""
        return "-c constraints.txt -e " + (f"'.[{self.extra}]'" if self.extra else ".")

    def versions(self) -> dict[str, str]:
        """The installed versions of its packages (NumPy's where it needs no other), and its compiler."""
        versions = {package: importlib.metadata.version(package) for package in self.packages or ("numpy",)}
        return versions | {"compiler": compiler.version()} if self.needs_compiler else versions

    def load(self) -> type[Implementation]:
        """Import the class.

        Raises Unavailable if a package is missing or fails at import, TypeError if what is there is no implementation.
        """
        if reason := self.missing():
            raise Unavailable(reason)
        return load(self.target, self.name)


def load(target: str, name: str) -> type[Implementation]:
    """The class at "module:Class".

    Raises Unavailable where its import fails, TypeError where what is there is no implementation.
    """
    module, _, attribute = target.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise Unavailable(f"{name}: importing {module} failed: {error}") from error
    except Exception as error:  # a framework that does not fit this Python or NumPy raises all sorts of things
        raise Unavailable(f"{name}: importing {module} failed: {type(error).__name__}: {error}") from error
    if found is None:
        raise TypeError(f"{name}: module {module} has no {attribute}")
    if not (isinstance(found, type) and issubclass(found, Implementation)):
        raise TypeError(f"{name}: {target} is no subclass of samegrad.Implementation")
    if inspect.isabstract(found):
        raise TypeError(f"{name}: {target} lacks {', '.join(sorted(found.__abstractmethods__))}")
    return found


def version(entry: Entry) -> str:
    """The versions of an implementation's packages, as run files spell them."""
    try:
        return " / ".join(entry.versions().values())
    except importlib.metadata.PackageNotFoundError as error:  # imported from a folder that no installer knows of
        return f"unknown ({error})"
