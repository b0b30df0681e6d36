"""Parameters: a list of layers (W, b) in NumPy float64, and the one `.npz` that carries them between programs."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput
from samegrad.impls.files import read_whole, write_whole

Array = NDArray[np.floating]
LARGEST = 64 * 2**20
"""The most bytes of all tensors in a parameters file."""


class Layer(NamedTuple):
    """One layer's weights `W: (fan_in, fan_out)` and biases `b: (fan_out,)`."""

    W: Array
    b: Array


Parameters = list[Layer]
"""Layers from input to output. Gradients have the same shape: dW in the place of W, db in the place of b.

Those of K networks have a leading axis: W: (K, fan_in, fan_out), b: (K, fan_out).
"""


def tensors(parameters: Parameters) -> dict[str, Array]:
    """Name every tensor: {"W1": (fan_in, fan_out), "b1": (fan_out,), "W2": …}."""
    return {
        f"{kind}{number}": tensor
        for number, layer in enumerate(parameters, start=1)
        for kind, tensor in zip("Wb", layer, strict=True)
    }


def networks(parameters: Parameters) -> int | None:
    """K, the number of networks whose parameters these are; None for those of one, without a leading axis."""
    return None if parameters[0].b.ndim == 1 else len(parameters[0].b)


def network(parameters: Parameters, number: int) -> Parameters:
    """The parameters of one of several networks."""
    return [Layer(W[number], b[number]) for W, b in parameters]


def vector(parameters: Parameters) -> Array:
    """Every tensor, end to end, in float64."""
    return np.concatenate([np.ravel(tensor).astype(np.float64) for tensor in tensors(parameters).values()])


def rounded(parameters: Parameters, dtype: str) -> Parameters:
    """The parameters as an implementation of that dtype receives them."""
    return [Layer(W.astype(dtype), b.astype(dtype)) for W, b in parameters]


def paired(flat: Sequence[Array]) -> Parameters:
    """The layers of a flat list [W1, b1, W2, …]."""
    return [Layer(W, b) for W, b in zip(flat[0::2], flat[1::2], strict=True)]


def as_lists(parameters: Parameters) -> list[list[Any]]:
    """The parameters as nested lists [[W, b], …], in which JSON keeps every digit."""
    return [[W.tolist(), b.tolist()] for W, b in parameters]


def from_lists(lists: list[list[Any]]) -> Parameters:
    """The float64 parameters that `as_lists` described."""
    return [Layer(np.asarray(W, np.float64), np.asarray(b, np.float64)) for W, b in lists]


def as_text(parameters: Parameters) -> str:
    """The parameters of several networks in base64: as lists they would take longer to read than to check."""
    flat = [np.reshape(tensor, (len(tensor), -1)) for layer in parameters for tensor in layer]
    return base64.b64encode(np.concatenate(flat, axis=1).astype("<f8").tobytes()).decode()


def from_text(text: str, sizes: Sequence[int]) -> Parameters:
    """The float64 parameters of several networks of these layer sizes that `as_text` described."""
    count = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    flat = np.frombuffer(base64.b64decode(text), "<f8").reshape(-1, count)
    return unflatten(flat.astype(np.float64), sizes)


def initial(sizes: tuple[int, ...], seed: int, scale: float = 1.0, networks: int | None = None) -> Parameters:
    """Standard normal weights and biases times `scale`: no bias is zero, so that none can be forgotten unseen.

    With a number of networks they have that leading axis. The first is the seed's own network, and fewer networks are
    the first of more. Raises BadInput where a number is not finite.
    """
    leading = () if networks is None else (networks,)
    count = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    with np.errstate(over="ignore"):
        drawn = scale * np.random.default_rng(seed).standard_normal((*leading, count))
    if not np.isfinite(drawn).all():
        raise BadInput(f"parameters of scale {scale:g} are larger than any number")
    return unflatten(drawn, sizes)


def unflatten(theta: NDArray[Any], sizes: Sequence[int]) -> Parameters:
    """The layers in vectors θ: (…, count), as W: (…, fan_in, fan_out) and b: (…, fan_out)."""
    layers, start = [], 0
    for fan_in, fan_out in pairwise(sizes):
        middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
        W = theta[..., start:middle].reshape(*theta.shape[:-1], fan_in, fan_out)
        layers.append(Layer(W, theta[..., middle:end]))
        start = end
    return layers


def save(path: str | Path, parameters: Parameters) -> None:
    """Write W1, b1, W2, b2, … to one `.npz`, whole or not at all. Raises OSError where the folder cannot be written."""
    buffer = io.BytesIO()
    np.savez(buffer, **tensors(parameters))  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())


def load(path: str | Path, sizes: tuple[int, ...]) -> Parameters:
    """Read parameters for a network of these layer sizes.

    Raises BadInput if the file is missing, is no `.npz`, or has other names, shapes or values than the network needs.
    """
    needed = tensors(initial(sizes, seed=0))
    stored = _read(Path(path))
    if set(stored) != set(needed):
        raise BadInput(
            f"{path}: contains the tensors {_list(stored)}, but a {_join(sizes)} network needs {_list(needed)}"
        )
    for name, expected in needed.items():
        tensor = stored[name]
        if tensor.shape != expected.shape:
            raise BadInput(
                f"{path}: {name} has shape {tensor.shape}, but a {_join(sizes)} network needs {expected.shape}"
            )
        with np.errstate(over="ignore"):
            if tensor.dtype.kind not in "fiu" or not np.isfinite(tensor.astype(np.float64)).all():
                raise BadInput(f"{path}: {name} must contain finite real numbers (found dtype {tensor.dtype})")
    return paired([stored[name].astype(np.float64) for name in needed])


def _read(path: Path) -> dict[str, Array]:
    try:
        content = io.BytesIO(read_whole(path))
        is_archive = zipfile.is_zipfile(content)
        if is_archive and (size := sum(member.file_size for member in zipfile.ZipFile(content).infolist())) > LARGEST:
            raise ValueError(f"it would inflate to {size >> 20:,} MiB; at most {LARGEST >> 20} MiB are parameters")
        content.seek(0)
        file = np.load(content, allow_pickle=False)
        stored = {name: np.asarray(file[name]) for name in file.files} if is_archive else {}
    except FileNotFoundError:
        raise BadInput(
            f"{path}: no such parameters file (write one with: samegrad parameters xor weights.npz)"
        ) from None
    except Exception as error:  # what a damaged archive raises depends on where: zlib.error, BadZipFile, ValueError, …
        raise BadInput(f"{path}: is not a readable .npz parameters file ({' '.join(str(error).split())})") from None
    if not is_archive:
        raise BadInput(f"{path}: is a single array, but a parameters file is an .npz with W1, b1, …")
    return stored


def _join(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


def _list(names: dict[str, Array]) -> str:
    return ", ".join(names) or "(none)"
