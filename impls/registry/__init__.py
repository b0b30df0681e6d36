"""The registry: one line per implementation. Naming one imports nothing; `load` does, in the process that runs it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.registry.entry import Entry
from samegrad.impls.registry.provided import provided

SCIPY, CFFI = (("numpy", "scipy"),), (("cffi",),)
KERAS, TENSORFLOW = (("keras", "tensorflow"), "keras"), (("tensorflow",), "keras")
KERAS_JAX, KERAS_TORCH = (("keras", "jax"), "keras,jax"), (("keras", "torch"), "keras,torch")
TORCH, JAX = (("torch",), "torch"), (("jax",), "jax")
EQUINOX = ("equinox", "jax"), "equinox"
"""The requirements of an implementation: its packages, and the extra of this project that installs them."""

ENTRIES = (
    Entry(
        "numpy-tutorial", "samegrad.impls.on_numpy.tutorial:NumpyTutorial", "numpy", "by hand, as tutorials write it"
    ),
    Entry("numpy", "samegrad.impls.on_numpy.manual:NumpyManual", "numpy", "by hand"),
    Entry("numpy-networks", "samegrad.impls.on_numpy.networks:NumpyNetworks", "numpy", "by hand, many networks"),
    Entry("numpy-fast", "samegrad.impls.on_numpy.fast:NumpyFast", "numpy", "by hand, recorded calls", *SCIPY),
    Entry("keras-fit", "samegrad.impls.on_keras.tensorflow:KerasFit", "keras", "fit", *KERAS),
    Entry(
        "keras-train-on-batch",
        "samegrad.impls.on_keras.tensorflow:KerasTrainOnBatch",
        "keras",
        "train_on_batch",
        *KERAS,
    ),
    Entry("keras-eager", "samegrad.impls.on_keras.tensorflow:KerasEager", "keras", "eager", *KERAS),
    Entry("keras-graph", "samegrad.impls.on_keras.tensorflow:KerasGraph", "keras", "graph", *KERAS),
    Entry("keras-xla", "samegrad.impls.on_keras.tensorflow:KerasXla", "keras", "XLA-compiled", *KERAS),
    Entry("keras-torch", "samegrad.impls.on_keras.torch:KerasTorch", "keras", "on torch, eager", *KERAS_TORCH),
    Entry("keras-jax", "samegrad.impls.on_keras.jax:KerasJax", "keras", "on JAX, jit-compiled", *KERAS_JAX),
    Entry(
        "tensorflow-xla", "samegrad.impls.on_tensorflow.xla:TensorflowXla", "tensorflow", "XLA-compiled", *TENSORFLOW
    ),
    Entry(
        "tensorflow-manual",
        "samegrad.impls.on_tensorflow.manual:TensorflowManual",
        "tensorflow",
        "by hand, XLA",
        *TENSORFLOW,
    ),
    Entry(
        "tensorflow-networks",
        "samegrad.impls.on_tensorflow.networks:TensorflowNetworks",
        "tensorflow",
        "by hand, XLA, many networks",
        *TENSORFLOW,
    ),
    Entry("torch-eager", "samegrad.impls.on_torch.autograd:TorchEager", "torch", "eager", *TORCH),
    Entry("torch-functional", "samegrad.impls.on_torch.autograd:TorchFunctional", "torch", "eager, functional", *TORCH),
    Entry(
        "torch-compile",
        "samegrad.impls.on_torch.autograd:TorchCompile",
        "torch",
        "compiled",
        *TORCH,
        needs_compiler="C++",
    ),
    Entry("torch-vmap", "samegrad.impls.on_torch.networks:TorchVmap", "torch", "eager, many networks", *TORCH),
    Entry(
        "torch-networks",
        "samegrad.impls.on_torch.networks:TorchNetworks",
        "torch",
        "compiled, many networks",
        *TORCH,
        needs_compiler="C++",
    ),
    Entry("torch-manual", "samegrad.impls.on_torch.manual:TorchManual", "torch", "by hand, eager", *TORCH),
    Entry(
        "torch-compile-manual",
        "samegrad.impls.on_torch.compiled_manual:TorchCompileManual",
        "torch",
        "by hand, compiled",
        *TORCH,
        needs_compiler="C++",
    ),
    Entry(
        "torch-cuda-graph",
        "samegrad.impls.on_torch.manual:TorchCudaGraph",
        "torch",
        "by hand, CUDA graph: GPU only",
        *TORCH,
    ),
    Entry("jax-eager", "samegrad.impls.on_jax.autodiff:JaxEager", "jax", "eager", *JAX),
    Entry("jax-jit", "samegrad.impls.on_jax.autodiff:JaxJit", "jax", "jit-compiled", *JAX),
    Entry("jax-flat", "samegrad.impls.on_jax.autodiff:JaxFlat", "jax", "jit-compiled, one vector", *JAX),
    Entry(
        "jax-networks",
        "samegrad.impls.on_jax.networks:JaxNetworks",
        "jax",
        "by hand, jit-compiled, many networks",
        *JAX,
    ),
    Entry("jax-manual", "samegrad.impls.on_jax.manual:JaxManual", "jax", "by hand, jit-compiled", *JAX),
    Entry(
        "autograd", "samegrad.impls.others.autograd_tape:AutogradTape", "autograd", "eager", ("autograd",), "autograd"
    ),
    Entry("equinox", "samegrad.impls.others.equinox_modules:EquinoxModules", "equinox", "jit-compiled", *EQUINOX),
    Entry(
        "c-floor", "samegrad.impls.others.c_floor:CFloor", "c", "compiled C", *CFFI, is_floor=True, needs_compiler="C"
    ),
)

PROVIDED, LEFT_OUT = provided(taken=[entry.name for entry in ENTRIES])
"""The implementations of other installed packages, and a line for each that cannot be taken."""

REGISTRY: dict[str, Entry] = {entry.name: entry for entry in (*ENTRIES, *PROVIDED)}
"""Every implementation by its name: each ladder from a tutorial's way to the fastest, then those provided."""

DEFAULT = ("numpy", "keras-xla", "torch-eager", "jax-jit", "c-floor")
"""The default run: the four, and the floor that they are read against."""

OF_NETWORKS = (
    *("numpy-networks", "tensorflow-xla", "tensorflow-networks", "torch-vmap", "torch-networks"),
    *("jax-jit", "jax-networks", "equinox", "c-floor"),
)
"""The implementations of ours that compute several networks at once: the default where there are several."""

KERAS_ON = ("keras-xla", "keras-jax", "keras-torch")
"""The default's Keras: on TensorFlow, and where that is not installed the first of the others that can run."""


def default() -> tuple[str, ...]:
    """The implementations that are measured here by default, with Keras on a backend that is installed."""
    keras = next((name for name in KERAS_ON if REGISTRY[name].missing() is None), KERAS_ON[0])
    return tuple(keras if name == KERAS_ON[0] else name for name in DEFAULT)


def get_entry(name: str) -> Entry:
    """The entry of that name. Raises BadInput for an unknown one, with the reason where a package's was left out."""
    if name not in REGISTRY and (reasons := [line for line in LEFT_OUT if f" {name!r} " in line]):
        raise BadInput("; ".join(reasons))
    return REGISTRY[choose("implementation", name, REGISTRY)]


def select(patterns: Iterable[str]) -> list[Entry]:
    """The entries that the patterns name, in registry order; `*` matches as in a shell and `all` means every one.

    Raises BadInput for a pattern that matches none.
    """
    wanted: set[str] = set()
    for pattern in patterns:
        matches = list(REGISTRY) if pattern == "all" else fnmatch.filter(REGISTRY, pattern)
        if not matches and not set(pattern) & set("*?["):
            get_entry(pattern)
        if not matches:
            raise BadInput(f"no implementation matches {pattern!r}; there are: {', '.join(REGISTRY)}")
        wanted.update(matches)
    return [entry for name, entry in REGISTRY.items() if name in wanted]
