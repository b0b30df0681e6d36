"""What every rung on PyTorch shares, whatever it computes: its device, waiting for it, and the pools of threads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from samegrad.impls.devices import joined, split_device, without_tf32
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.machine.caches import require_runnable
from samegrad.impls.on_torch.unfinished import remove_unfinished

torch.set_float32_matmul_precision("highest")  # PyTorch's default too: no TF32


def find_device(name: str) -> torch.device:
    """The torch device of that name. Raises Unavailable where there is none."""
    kind, number = split_device(name)
    if kind == "cpu":
        return torch.device("cpu")
    if kind != "mps" and number < torch.cuda.device_count():
        return torch.device("cuda", number)
    if kind != "cuda" and number == 0 and torch.backends.mps.is_available():
        return torch.device("mps")
    raise Unavailable(f"torch {torch.__version__} sees no {name!r} device; use 'cpu' or a build of torch that has it")


def require_compiled_code() -> None:
    """Raise Unavailable where what `torch.compile` makes could not be loaded; what was cut off is made anew."""
    kept = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    require_runnable(Path(kept or tempfile.gettempdir()))
    if kept:
        remove_unfinished(Path(kept))


class OnTorch(Implementation):
    """Passes whose results are tensors: one, or a loss and a list of them."""

    device: torch.device
    is_async: bool

    def place(self, dtype: str, device: str) -> dict[str, Any]:
        """Take that device; returns device and dtype as torch's functions take them. Raises Unavailable."""
        self.device = find_device(device)
        if self.device.type == "mps" and dtype == "float64":
            raise Unavailable("PyTorch has no float64 on 'mps'; use float32, or device 'cpu'")
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)  # of streams, events and graphs, which name none
            torch.cuda.reset_peak_memory_stats(self.device)
        self.is_async = self.device.type != "cpu"  # kept, since to ask a torch.device takes half a microsecond
        return {"device": self.device, "dtype": getattr(torch, dtype)}

    def wait(self, result: Any) -> Any:
        """Return the result once the device is idle: on an accelerator calls only queue their work."""
        if self.is_async:
            torch.mps.synchronize() if self.device.type == "mps" else torch.cuda.synchronize(self.device)
        return result

    def device_of(self, result: Any) -> str:
        devices = [tensor.device for tensor in _tensors(result)]
        names = {"cuda": "gpu"}
        return joined("cpu" if d.type == "cpu" else f"{names.get(d.type, d.type)}:{d.index or 0}" for d in devices)

    def device_memory_bytes(self) -> int | None:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None

    def device_ns(self, run: Callable[[], Any]) -> float | None:
        if self.device.type != "cuda":
            return None
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        return 1e6 * start.elapsed_time(end)

    @classmethod
    def allow_tf32(cls, allowed: bool, device: str) -> None:
        if allowed:
            place = find_device(device)
            if place.type != "cuda" or torch.version.hip or torch.cuda.get_device_capability(place) < (8, 0):
                raise Unavailable(without_tf32(device))
        torch.set_float32_matmul_precision("high" if allowed else "highest")

    @classmethod
    def set_threads(cls, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)

    @classmethod
    def threads(cls) -> dict[str, int]:
        return {"torch intra-op": torch.get_num_threads(), "torch inter-op": torch.get_num_interop_threads()}


def _tensors(result: Any) -> Iterator[torch.Tensor]:
    """The tensors of a result, or of a list of them."""
    if isinstance(result, torch.Tensor):
        yield result
    else:
        for part in result:
            yield from _tensors(part)


def to_array(tensor: torch.Tensor) -> Any:
    """A NumPy copy of a tensor on any device."""
    return tensor.detach().cpu().numpy().copy()
