"""The registry: one line per implementation. Naming one imports nothing; `load` does, in the process that runs it."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

from impls import compiler
from impls.errors import BadInput, Unavailable, choose
from impls.implementation import Implementation


@dataclass(frozen=True)
class Entry:
    """What is known of an implementation without importing it."""

    name: str
    target: str
    """Where the class is: "module:Class"."""
    framework: str
    execution: str
    packages: tuple[str, ...] = ()
    """The distributions that it needs beside NumPy; they are also their import names."""
    extra: str | None = None
    """The extra of this project that installs them."""
    is_floor: bool = False
    """A lower bound rather than a choice: shown with the others, and never the baseline by itself."""
    needs_compiler: bool = False
    """Whether it is compiled on first use, by the machine's C compiler."""

    def missing(self) -> str | None:
        """Why it cannot run here and what to install, or None if its packages are there. Imports nothing."""
        absent = [package for package in self.packages if importlib.util.find_spec(package) is None]
        if absent:
            target = f"'.[{self.extra}]'" if self.extra else "."
            return f"{self.name} needs {' and '.join(absent)}: pip install -c constraints.txt -e {target}"
        if self.needs_compiler:
            try:
                compiler.require()
            except Unavailable as reason:
                return f"{self.name} {reason}"
        return None

    def versions(self) -> dict[str, str]:
        """The installed versions of its packages (NumPy's where it needs no other), and its compiler."""
        versions = {package: importlib.metadata.version(package) for package in self.packages or ("numpy",)}
        return versions | {"compiler": compiler.version()} if self.needs_compiler else versions

    def load(self) -> type[Implementation]:
        """Import the class. Raises Unavailable if a package is missing or fails at import."""
        if reason := self.missing():
            raise Unavailable(reason)
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            raise Unavailable(f"{self.name}: importing {module} failed: {error}") from error


def _ladder(
    framework: str, packages: tuple[str, ...], extra: str | None, *rungs: tuple[str, str, str], **others: bool
) -> list[Entry]:
    """The rungs (name, module:Class, execution) of one framework on one set of packages."""
    return [
        Entry(name, f"impls.{target}", framework, execution, packages, extra, **others)
        for name, target, execution in rungs
    ]


LADDERS = [
    _ladder(
        *("numpy", (), None),
        ("numpy-tutorial", "numpy_tutorial:NumpyTutorial", "by hand, as tutorials write it"),
        ("numpy", "numpy_manual:NumpyManual", "by hand"),
    ),
    _ladder(
        *("numpy", ("numpy", "scipy"), None),
        ("numpy-fast", "numpy_fast:NumpyFast", "by hand, recorded calls"),
    ),
    _ladder(
        *("keras", ("keras", "tensorflow"), "keras"),
        ("keras-fit", "keras_tensorflow:KerasFit", "fit"),
        ("keras-train-on-batch", "keras_tensorflow:KerasTrainOnBatch", "train_on_batch"),
        ("keras-eager", "keras_tensorflow:KerasEager", "eager"),
        ("keras-graph", "keras_tensorflow:KerasGraph", "graph"),
        ("keras-xla", "keras_tensorflow:KerasXla", "XLA-compiled"),
    ),
    _ladder(
        *("keras", ("keras", "torch"), "keras,torch"),
        ("keras-torch", "keras_torch:KerasTorch", "on torch, eager"),
    ),
    _ladder(
        *("keras", ("keras", "jax"), "keras,jax"),
        ("keras-jax", "keras_jax:KerasJax", "on JAX, jit-compiled"),
    ),
    _ladder(
        *("tensorflow", ("tensorflow",), "keras"),
        ("tensorflow-xla", "tensorflow_xla:TensorflowXla", "XLA-compiled"),
        ("tensorflow-manual", "tensorflow_xla:TensorflowManual", "by hand, XLA-compiled"),
    ),
    _ladder(
        *("torch", ("torch",), "torch"),
        ("torch-eager", "torch_autograd:TorchEager", "eager"),
        ("torch-functional", "torch_autograd:TorchFunctional", "eager, functional"),
        ("torch-manual", "torch_manual:TorchManual", "by hand, eager"),
        ("torch-cuda-graph", "torch_manual:TorchCudaGraph", "by hand, CUDA graph"),
    ),
    _ladder(
        *("torch", ("torch",), "torch"),
        ("torch-compile", "torch_autograd:TorchCompile", "compiled"),
        ("torch-compile-manual", "torch_compile_manual:TorchCompileManual", "by hand, compiled"),
        needs_compiler=True,
    ),
    _ladder(
        *("jax", ("jax",), "jax"),
        ("jax-eager", "jax_autodiff:JaxEager", "eager"),
        ("jax-jit", "jax_autodiff:JaxJit", "jit-compiled"),
        ("jax-flat", "jax_autodiff:JaxFlat", "jit-compiled, one vector"),
        ("jax-manual", "jax_manual:JaxManual", "by hand, jit-compiled"),
    ),
    _ladder(
        *("c", ("cffi",), None),
        ("c-floor", "c_floor:CFloor", "compiled C"),
        is_floor=True,
        needs_compiler=True,
    ),
]

REGISTRY = {entry.name: entry for ladder in LADDERS for entry in ladder}
"""Every implementation by its name, each ladder from the way a tutorial writes it to the fastest."""

DEFAULT = ("numpy", "keras-xla", "torch-eager", "jax-jit", "c-floor")
"""The default run: the four, and the floor that they are read against."""


def get_entry(name: str) -> Entry:
    """The entry of that name. Raises BadInput for an unknown one."""
    return REGISTRY[choose("implementation", name, REGISTRY)]


def select(patterns: Iterable[str]) -> list[Entry]:
    """The entries that the patterns name, in registry order; `*` matches as in a shell and `all` means every one.

    Raises BadInput for a pattern that matches none.
    """
    wanted: set[str] = set()
    for pattern in patterns:
        matches = list(REGISTRY) if pattern == "all" else fnmatch.filter(REGISTRY, pattern)
        if not matches and not set(pattern) & set("*?["):
            choose("implementation", pattern, REGISTRY)
        if not matches:
            raise BadInput(f"no implementation matches {pattern!r}; there are: {', '.join(REGISTRY)}")
        wanted.update(matches)
    return [entry for name, entry in REGISTRY.items() if name in wanted]
