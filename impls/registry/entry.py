"""The facts on an implementation that need no import, and the import itself."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine import compiler

if TYPE_CHECKING:
    from samegrad.impls.implementation import Implementation


@dataclass(frozen=True)
class Entry:
    """One line of the registry."""

    name: str
    target: str
    """The place of the class: "module:Class"."""
    framework: str
    execution: str
    packages: tuple[str, ...] = ()
    """The distributions that it needs beside NumPy, the one that computes last; they are also their import names."""
    extra: str | None = None
    """The extra of this project that installs them."""
    is_floor: bool = False
    """A lower bound rather than a choice: shown with the others, and never the baseline by itself."""
    needs_compiler: str | None = None
    """The language in which it is compiled on first use, by the machine's compiler."""

    @property
    def computes_with(self) -> str:
        """The package that does the arithmetic and derives the gradient: tensorflow for Keras on it."""
        return self.packages[-1] if self.packages else self.framework

    @property
    def is_by_hand(self) -> bool:
        """Whether its gradient is written out rather than derived by the framework."""
        return self.is_floor or self.execution.startswith("by hand")

    @property
    def is_for_networks(self) -> bool:
        """Whether it is made for many networks at once; of one it computes a stack of one."""
        return self.execution.endswith("many networks")

    def missing(self) -> str | None:
        """Why it cannot run here and what to install, or None if its packages are there. Imports nothing."""
        if absent := self.absent():
            return f"{self.name} needs {' and '.join(absent)}: pip install {self.source()}"
        if self.needs_compiler:
            try:
                compiler.require(self.needs_compiler)
            except Unavailable as reason:
                return f"{self.name} {reason}"
        return None

    def absent(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    def source(self) -> str:
        """The arguments of `pip install`."""
        return "-c constraints.txt -e " + (f"'.[{self.extra}]'" if self.extra else ".")

    def versions(self) -> dict[str, str]:
        """The installed versions of its packages (NumPy's where it needs no other), and its compiler."""
        versions = {package: importlib.metadata.version(package) for package in self.packages or ("numpy",)}
        return versions | {"compiler": compiler.version(self.needs_compiler)} if self.needs_compiler else versions

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
    from samegrad.impls.implementation import Implementation

    module, _, attribute = target.partition(":")
    try:
        thing: Any = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise Unavailable(f"{name}: importing {module} failed: {error}") from error
    except Exception as error:  # a framework that does not fit this Python or NumPy raises all sorts of things
        raise Unavailable(f"{name}: importing {module} failed: {type(error).__name__}: {error}") from error
    if thing is None:
        raise TypeError(f"{name}: module {module} has no {attribute}")
    if not (isinstance(thing, type) and issubclass(thing, Implementation)):
        raise TypeError(f"{name}: {target} is no subclass of samegrad.Implementation")
    if inspect.isabstract(thing):
        raise TypeError(f"{name}: {target} lacks {', '.join(sorted(thing.__abstractmethods__))}")
    return thing


def version(entry: Entry) -> str:
    """The versions of an implementation's packages, as run files spell them."""
    try:
        return " / ".join(entry.versions().values())
    except importlib.metadata.PackageNotFoundError as error:  # imported from a folder that no installer knows of
        return f"unknown ({error})"
