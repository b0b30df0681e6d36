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


SCIPY, CFFI = (("numpy", "scipy"),), (("cffi",),)
KERAS, TENSORFLOW = (("keras", "tensorflow"), "keras"), (("tensorflow",), "keras")
KERAS_JAX, KERAS_TORCH = (("keras", "jax"), "keras,jax"), (("keras", "torch"), "keras,torch")
TORCH, JAX = (("torch",), "torch"), (("jax",), "jax")
"""What an implementation needs: its packages, and the extra of this project that installs them."""

ENTRIES = (
    Entry("numpy-tutorial", "impls.numpy_tutorial:NumpyTutorial", "numpy", "by hand, as tutorials write it"),
    Entry("numpy", "impls.numpy_manual:NumpyManual", "numpy", "by hand"),
    Entry("numpy-fast", "impls.numpy_fast:NumpyFast", "numpy", "by hand, recorded calls", *SCIPY),
    Entry("keras-fit", "impls.keras_tensorflow:KerasFit", "keras", "fit", *KERAS),
    Entry("keras-train-on-batch", "impls.keras_tensorflow:KerasTrainOnBatch", "keras", "train_on_batch", *KERAS),
    Entry("keras-eager", "impls.keras_tensorflow:KerasEager", "keras", "eager", *KERAS),
    Entry("keras-graph", "impls.keras_tensorflow:KerasGraph", "keras", "graph", *KERAS),
    Entry("keras-xla", "impls.keras_tensorflow:KerasXla", "keras", "XLA-compiled", *KERAS),
    Entry("keras-torch", "impls.keras_torch:KerasTorch", "keras", "on torch, eager", *KERAS_TORCH),
    Entry("keras-jax", "impls.keras_jax:KerasJax", "keras", "on JAX, jit-compiled", *KERAS_JAX),
    Entry("tensorflow-xla", "impls.tensorflow_xla:TensorflowXla", "tensorflow", "XLA-compiled", *TENSORFLOW),
    Entry("tensorflow-manual", "impls.tensorflow_xla:TensorflowManual", "tensorflow", "by hand, XLA", *TENSORFLOW),
    Entry("torch-eager", "impls.torch_autograd:TorchEager", "torch", "eager", *TORCH),
    Entry("torch-functional", "impls.torch_autograd:TorchFunctional", "torch", "eager, functional", *TORCH),
    Entry("torch-compile", "impls.torch_autograd:TorchCompile", "torch", "compiled", *TORCH, needs_compiler=True),
    Entry("torch-manual", "impls.torch_manual:TorchManual", "torch", "by hand, eager", *TORCH),
    Entry(
        "torch-compile-manual",
        "impls.torch_compile_manual:TorchCompileManual",
        "torch",
        "by hand, compiled",
        *TORCH,
        needs_compiler=True,
    ),
    Entry("torch-cuda-graph", "impls.torch_manual:TorchCudaGraph", "torch", "by hand, CUDA graph", *TORCH),
    Entry("jax-eager", "impls.jax_autodiff:JaxEager", "jax", "eager", *JAX),
    Entry("jax-jit", "impls.jax_autodiff:JaxJit", "jax", "jit-compiled", *JAX),
    Entry("jax-flat", "impls.jax_autodiff:JaxFlat", "jax", "jit-compiled, one vector", *JAX),
    Entry("jax-manual", "impls.jax_manual:JaxManual", "jax", "by hand, jit-compiled", *JAX),
    Entry("c-floor", "impls.c_floor:CFloor", "c", "compiled C", *CFFI, is_floor=True, needs_compiler=True),
)

REGISTRY = {entry.name: entry for entry in ENTRIES}
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
