"""What every rung on TensorFlow shares, with Keras or without: its device, waiting for it, and the pools of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import tensorflow as tf

from samegrad.impls.devices import joined, split_device, without_tf32
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation

tf.config.experimental.enable_tensor_float_32_execution(False)  # on a GPU the default is on
tf.config.set_soft_device_placement(False)  # else what a device does not have is silently done by another


def find_device(name: str) -> str:
    """The TensorFlow device of that name. Raises Unavailable where there is none."""
    kind, number = split_device(name)
    devices = tf.config.list_logical_devices({"cpu": "CPU", "mps": "MPS"}.get(kind, "GPU"))
    if number >= len(devices):
        raise Unavailable(f"tensorflow {tf.__version__} sees no {name!r} device; use 'cpu' or tensorflow[and-cuda]")
    return devices[number].name


class OnTensorflow(Implementation):
    """Passes whose results are tensors, or variables that have been updated."""

    def place(self, device: str) -> None:
        """Take that device. Raises Unavailable."""
        self.device = find_device(device)
        self.is_async = device != "cpu"
        self.to_device = self.here(tf.constant)
        self.short_name = self.device.rpartition("device:")[2]
        if self.is_async:
            tf.config.experimental.reset_memory_stats(self.short_name)

    def here(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, called in `tf.device` unless TensorFlow would choose that device by itself."""
        gpus = tf.config.list_logical_devices("GPU")
        if self.device == (gpus[0].name if gpus else find_device("cpu")):
            return function

        @wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            with tf.device(self.device):
                return function(*arguments, **options)

        return run

    def wait(self, result: Any) -> Any:
        """Return the result once the devices are idle: on a GPU calls only queue their work."""
        if self.is_async:
            tf.test.experimental.sync_devices()
        return result

    def device_of(self, result: Any) -> str:
        places = [tf.DeviceSpec.from_string(tensor.device) for tensor in _tensors(result)]
        return joined("cpu" if d.device_type == "CPU" else f"{d.device_type.lower()}:{d.device_index}" for d in places)

    def device_memory_bytes(self) -> int | None:
        return tf.config.experimental.get_memory_info(self.short_name)["peak"] if self.is_async else None

    @classmethod
    def allow_tf32(cls, allowed: bool, device: str) -> None:
        if allowed:
            kind, number = split_device(device)
            gpus = tf.config.list_physical_devices("GPU")[number:] if kind in ("gpu", "cuda") else []
            details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
            if details.get("compute_capability", (0, 0)) < (8, 0):
                raise Unavailable(without_tf32(device))
        tf.config.experimental.enable_tensor_float_32_execution(allowed)

    @classmethod
    def set_threads(cls, threads: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    @classmethod
    def threads(cls) -> dict[str, int]:
        return {
            "tensorflow intra-op": tf.config.threading.get_intra_op_parallelism_threads(),
            "tensorflow inter-op": tf.config.threading.get_inter_op_parallelism_threads(),
        }


class TensorflowOnRows(OnTensorflow):
    """Passes as functions of the data as they come, x: (batch, inputs), y: (batch, outputs), that update variables."""

    takes_any_batch = True
    weights: list[Any]
    _predict: Callable[..., Any]
    _value_and_grad: Callable[..., Any]
    _descend: Callable[..., Any]

    def feed(self, x: Any, y: Any = None) -> None:
        self.x = x  # a call takes NumPy arrays as well, and converts them faster than tf.constant
        if y is not None:
            self.y = y

    def compilations(self) -> int:
        """The traces of the passes that are a tf.function; XLA compiles each that it compiles once more.

        Keras's own training loops lack some of them.
        """
        passes = (getattr(self, name, None) for name in ("_predict", "_value_and_grad", "_descend"))
        functions = (getattr(one, "__wrapped__", one) if not hasattr(one, TRACES) else one for one in passes)
        return sum(getattr(function, TRACES, lambda: 0)() for function in functions)

    def _set(self, learning_rate: float) -> None:
        """Assign this rate to the variable that `_descend` reads."""
        raise NotImplementedError

    def forward(self) -> tf.Tensor:
        return self.wait(self._predict(self.x))

    def value_and_grad(self) -> tuple[Any, Any]:
        return self.wait(self._value_and_grad(self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[Any, Any]:
        self._set(learning_rate)
        return self.wait((self._descend(self.x, self.y), self.weights))


TRACES = "experimental_get_tracing_count"


def _tensors(result: Any) -> Iterator[Any]:
    """The tensors of a result, or of a list of them; a Keras variable's is its value."""
    if isinstance(result, list | tuple):
        for part in result:
            yield from _tensors(part)
    elif hasattr(result, "value") and not callable(result.value):
        yield result.value
    elif hasattr(result, "device"):
        yield result
