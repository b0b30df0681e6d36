"""`keras-torch`: a Keras 3 model on PyTorch, with loss.backward().

It refuses float64: on PyTorch, Keras computes matrix products in float32 whatever the layers' dtype says
(keras issues 23223 and 23704), which is wrong by ten million times what rounding in float64 explains.
"""

from __future__ import annotations

from typing import Any

import torch

from samegrad.impls.errors import Unavailable
from samegrad.impls.on_keras.model import build, descent, keras_on
from samegrad.impls.on_torch.shared import OnTorch, to_array
from samegrad.impls.parameters import Array, paired
from samegrad.impls.task import Task

keras = keras_on("torch")


class KerasTorch(OnTorch):
    """model(x) and keras.losses, recorded by PyTorch's autograd; keras.optimizers.SGD for the update."""

    takes_any_batch = True

    def prepare(self, task: Task) -> None:
        if task.dtype != "float32":
            raise Unavailable(
                f"keras on torch multiplies matrices in float32 even in {task.dtype}; use keras-xla or keras-jax"
            )
        self.place(task.dtype, task.device)
        self.feed(*task.data())
        self.place_name = str(self.device)  # Keras moves what lies elsewhere to its own choice of a device
        with keras.device(self.place_name):
            self.model = build(task)
            self.optimizer = descent(self.model)
        self.error = keras.losses.MeanSquaredError(dtype=task.dtype)
        self.variables = self.model.trainable_variables
        self.tensors = [variable.value for variable in self.variables]
        self.learning_rate: float | None = None

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x = torch.from_numpy(x).to(self.device)
        if y is not None:
            self.y = torch.from_numpy(y).to(self.device)

    def forward(self) -> torch.Tensor:
        with torch.inference_mode(), keras.device(self.place_name):
            return self.wait(self.model(self.x, training=False))

    def _evaluate(self) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        for tensor in self.tensors:
            tensor.grad = None
        with keras.device(self.place_name):
            loss = self.error(self.y, self.model(self.x, training=True))
        loss.backward()
        return loss, [tensor.grad for tensor in self.tensors]

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        return self.wait(self._evaluate())

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
        if learning_rate != self.learning_rate:
            self.optimizer.learning_rate = self.learning_rate = learning_rate
        loss, gradients = self._evaluate()
        with torch.no_grad(), keras.device(self.place_name):
            self.optimizer.apply(gradients, self.variables)
        return self.wait((loss, self.tensors))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return to_array(result)
        loss, flat = result
        return to_array(loss), paired([to_array(tensor) for tensor in flat])
