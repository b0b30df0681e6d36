"""`keras-torch`: the same Keras 3 model on PyTorch, with loss.backward().

In float64 it is refused: on PyTorch, Keras computes matrix products in float32 whatever the layers' dtype says
(keras issues 23223 and 23704), which is wrong by ten million times what rounding in float64 explains.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported

import keras
import torch

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Layer, Parameters
from impls.problem import SEED, Problem

if keras.backend.backend() != "torch":
    raise Unavailable(f"keras runs on {keras.backend.backend()!r} here, and one process has one back end")

ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "linear"}


def find_device(device: str) -> torch.device:
    """The torch device of that name, "gpu" being CUDA. Raises Unavailable where there is none."""
    if device != "cpu" and not torch.cuda.is_available():
        raise Unavailable(f"torch {torch.__version__} sees no GPU; use device 'cpu' or install a CUDA build of torch")
    return torch.device("cuda" if device == "gpu" else device)


def build(problem: Problem, parameters: Parameters, dtype: str) -> keras.Sequential:
    """The network as a Keras model; its Dense kernels have our (fan_in, fan_out) layout."""
    keras.config.set_floatx(dtype)  # before any layer: inputs and losses are cast to it
    layers = [
        keras.layers.Dense(fan_out, activation=ACTIVATIONS[activation], dtype=dtype)
        for fan_out, activation in zip(problem.sizes[1:], problem.activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((problem.sizes[0],), dtype=dtype), *layers])
    model.set_weights([tensor for layer in parameters for tensor in layer])
    return model


class KerasTorch(Implementation):
    """model(x) and keras.losses, recorded by PyTorch's autograd; keras.optimizers.SGD for the update."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        if dtype != "float32":
            raise Unavailable(
                f"keras on torch multiplies matrices in float32 even in {dtype}; use keras-xla or keras-jax"
            )
        self.device = find_device(device)
        x, y = problem.data(batch, seed)
        with keras.device("gpu:0" if device == "gpu" else device):
            kind: dict[str, Any] = {"device": self.device, "dtype": getattr(torch, dtype)}
            self.x, self.y = torch.tensor(x, **kind), torch.tensor(y, **kind)
            self.model = build(problem, parameters, dtype)
            self.optimizer = keras.optimizers.SGD()
            self.optimizer.build(self.model.trainable_variables)
        self.error = keras.losses.MeanSquaredError(dtype=dtype)
        self.variables = self.model.trainable_variables
        self.tensors = [variable.value for variable in self.variables]
        self.learning_rate: float | None = None

    def forward(self) -> torch.Tensor:
        with torch.inference_mode():
            return self._ready(self.model(self.x, training=False))

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        for tensor in self.tensors:
            tensor.grad = None
        loss = self.error(self.y, self.model(self.x, training=True))
        loss.backward()
        return self._ready((loss, [tensor.grad for tensor in self.tensors]))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
        if learning_rate != self.learning_rate:
            self.optimizer.learning_rate = self.learning_rate = learning_rate
        loss, gradients = self.value_and_grad()
        with torch.no_grad():
            self.optimizer.apply(gradients, self.variables)
        return self._ready((loss, self.tensors))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return to_array(result)
        loss, flat = result
        arrays = [to_array(tensor) for tensor in flat]
        return to_array(loss), [Layer(W, b) for W, b in zip(arrays[0::2], arrays[1::2], strict=True)]

    def _ready(self, result: Any) -> Any:
        """Wait for the device: on a GPU the calls above only queue their work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return result

    @classmethod
    def set_threads(cls, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)

    @classmethod
    def threads(cls) -> dict[str, int]:
        return {"torch intra-op": torch.get_num_threads(), "torch inter-op": torch.get_num_interop_threads()}


def to_array(tensor: torch.Tensor):
    """A NumPy copy of a tensor on any device."""
    return tensor.detach().cpu().numpy().copy()
