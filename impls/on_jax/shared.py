"""What every rung on JAX shares, whatever it computes: float64 and full precision allowed, its device, and waiting."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax

from samegrad.impls.devices import joined, split_device, without_tf32
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Layer, Parameters

_compiled: Counter[str] = Counter()
jax.monitoring.register_event_duration_secs_listener(lambda event, seconds, **_: _compiled.update([event]))

jax.config.update("jax_enable_x64", True)  # without it float64 silently becomes float32; float32 stays float32
jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU the default is TF32


def find_device(name: str) -> jax.Device:
    """The JAX device of that name. Raises Unavailable where there is none."""
    kind, number = split_device(name)
    try:
        return jax.devices(kind)[number]
    except (RuntimeError, IndexError, AssertionError):  # the last where JAX_PLATFORMS names what is not installed
        sees_none = f"jax {jax.__version__} sees no {name!r} device"
        if platforms := os.environ.get("JAX_PLATFORMS"):
            raise Unavailable(f"{sees_none}, for JAX_PLATFORMS={platforms} shows it others only; unset that") from None
        raise Unavailable(f"{sees_none}; use 'cpu' or install jax[cuda]") from None


def jit(function: Callable[..., Any], device: jax.Device) -> Callable[..., Any]:
    """The function compiled for that device, once for arrays that lie there and for NumPy's that are fed.

    Without the sharding a NumPy array may go anywhere, which is another case for JAX: it compiles that anew.
    """
    return jax.jit(function, in_shardings=jax.sharding.SingleDeviceSharding(device))


def unravel(sizes: tuple[int, ...], state: Any) -> Parameters:
    """The stretches of a vector [last loss, W1, b1, W2, …] as layers."""
    layers, start = [], 1
    for fan_in, fan_out in pairwise(sizes):
        middle = start + fan_in * fan_out
        layers.append(Layer(state[start:middle].reshape(fan_in, fan_out), state[middle : middle + fan_out]))
        start = middle + fan_out
    return layers


class OnJax(Implementation):
    """Passes whose results are trees of arrays."""

    def place(self, device: str) -> None:
        """Take that device. Raises Unavailable."""
        self.device = find_device(device)
        self.to_device = partial(jax.device_put, device=self.device)
        self.earlier_peak_bytes = self._peak_bytes()

    def wait(self, result: Any) -> Any:
        """All arrays that one compiled call returns become ready together, so that the first speaks for them.

        To wait for each of them costs several microseconds and changes nothing (`tests/impls/test_contract.py`).
        """
        if type(result) is list:
            return jax.block_until_ready(result)
        (result[0] if type(result) is tuple else result).block_until_ready()
        return result

    def device_of(self, result: Any) -> str:
        devices = [device for array in jax.tree.leaves(result) for device in array.devices()]
        return joined("cpu" if d.platform == "cpu" else f"{d.platform}:{d.id}" for d in devices)

    def compilations(self) -> int:
        """The compilations by XLA so far, of whatever kind: an eager call compiles each primitive for itself."""
        return _compiled["/jax/core/compile/backend_compile_duration"]

    def _peak_bytes(self) -> int:
        return (self.device.memory_stats() or {}).get("peak_bytes_in_use", 0)

    def device_memory_bytes(self) -> int | None:
        """The peak of the whole process, which JAX cannot reset: None where an earlier task may have set it."""
        peak_bytes = self._peak_bytes()
        return peak_bytes if peak_bytes > self.earlier_peak_bytes else None

    @classmethod
    def allow_tf32(cls, allowed: bool, device: str) -> None:
        if allowed:
            major, _, _ = getattr(find_device(device), "compute_capability", "").partition(".")
            if not major.isdecimal() or int(major) < 8:
                raise Unavailable(without_tf32(device))
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "highest")


class JaxOnRows(OnJax):
    """Data as they come: x: (batch, inputs), y: (batch, outputs)."""

    takes_any_batch = True

    def feed(self, x: Any, y: Any = None) -> None:
        self.x = x  # a jit-compiled call brings NumPy arrays along, faster than device_put
        if y is not None:
            self.y = y
