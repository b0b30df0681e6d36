"""`torch-vmap` and `torch-networks`: many networks at once; PyTorch's autograd derives every network's gradient.

The first maps loss and gradient of one network over the leading axis of its parameters (`torch.func.vmap`), operation
by operation. The second has the networks along the last axis, so that what is a number of one network is a vector over
them: with i and j for the units before and after a layer, r for the row and k for the network,

    z_rjk = Σᵢ a_rik W_ijk + b_jk

It compiles loss, gradient and update together into loops over the networks. No loss depends on another network's
parameters, so that the gradient of the sum of all losses is every network's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from samegrad.impls.on_torch.autograd import FUNCTIONS, NARROW, Autograd
from samegrad.impls.on_torch.shared import to_array
from samegrad.impls.parameters import Layer
from samegrad.impls.task import Task

Tensors = Sequence[torch.Tensor]
"""W1, b1, W2, b2, …"""


def predict(activations: Sequence[str], parameters: Tensors, x: torch.Tensor) -> torch.Tensor:
    """Predictions (batch, outputs) of one network."""
    a = x
    for W, b, activation in zip(parameters[0::2], parameters[1::2], activations, strict=True):
        a = FUNCTIONS[activation](a @ W + b)
    return a


def mean_squared_error(activations: Sequence[str], parameters: Tensors, x: torch.Tensor, y: torch.Tensor) -> Any:
    """The loss of one network, a scalar."""
    return ((predict(activations, parameters, x) - y) ** 2).mean()


class TorchVmap(Autograd):
    """The functions of one network mapped over the networks, eagerly. One network is a stack of one."""

    takes_networks = True
    axis = 0
    """The axis of the networks."""
    parameters: Tensors

    def prepare(self, task: Task) -> None:
        kind = self.place(task.dtype, task.device)
        self.feed(*task.data())
        self.has_axis = task.networks is not None
        stacked = [
            np.moveaxis(tensor if self.has_axis else tensor[np.newaxis], 0, self.axis)
            for layer in task.parameters
            for tensor in layer
        ]
        # in new arrays, as a view has strides of 0 in an axis of length 1: what is compiled for those is compiled again
        self.parameters = [torch.tensor(np.array(tensor, order="C"), **kind) for tensor in stacked]
        self.build(task.problem.activations)

    def build(self, activations: tuple[str, ...]) -> None:
        """Set the functions of parameters and rows that the passes call."""
        loss = partial(mean_squared_error, activations)
        self._predict = torch.func.vmap(partial(predict, activations), (0, None))
        self._grad_and_value = torch.func.vmap(torch.func.grad_and_value(loss), (0, None, None))

    def forward(self) -> torch.Tensor:
        with torch.inference_mode():
            return self.wait(self._predict(self.parameters, self.x))

    def value_and_grad(self) -> tuple[torch.Tensor, Tensors]:
        gradients, losses = self._grad_and_value(self.parameters, self.x, self.y)
        return self.wait((losses, gradients))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, Tensors]:
        gradients, losses = self._grad_and_value(self.parameters, self.x, self.y)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=learning_rate)
        return self.wait((losses, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return self._networks_first(result)
        loss, flat = result
        arrays = [self._networks_first(tensor) for tensor in flat]
        return self._networks_first(loss), [Layer(W, b) for W, b in zip(arrays[0::2], arrays[1::2], strict=True)]

    def _networks_first(self, tensor: torch.Tensor) -> Any:
        array = np.ascontiguousarray(np.moveaxis(to_array(tensor), self.axis, 0))
        return array if self.has_axis else array[0]


@cache
def compiled(activations: tuple[str, ...]) -> tuple[Callable[..., Any], ...]:
    """Forward pass, losses and gradients, and step, each compiled for the shapes that it meets."""
    torch._dynamo.config.recompile_limit = 1000  # it gives up after eight shapes otherwise

    def predict(parameters: Tensors, x: torch.Tensor) -> torch.Tensor:
        a = x[:, :, None]
        for W, b, activation in zip(parameters[0::2], parameters[1::2], activations, strict=True):
            if max(W.shape[:2]) <= NARROW:
                z = (a[:, :, None] * W).sum(1) + b
            else:
                z = torch.einsum("rik,ijk->rjk", a.expand(*a.shape[:2], W.shape[2]), W) + b
            a = FUNCTIONS[activation](z)
        return a

    def loss(parameters: Tensors, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        losses = ((predict(parameters, x) - y[:, :, None]) ** 2).mean((0, 1))
        return losses.sum(), losses

    def value_and_grad(parameters: Tensors, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        gradients, (_, losses) = torch.func.grad_and_value(loss, has_aux=True)(parameters, x, y)
        return losses, gradients

    def descend(parameters: Tensors, x: torch.Tensor, y: torch.Tensor, rate: torch.Tensor) -> Any:
        losses, gradients = value_and_grad(parameters, x, y)
        return losses, tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))

    passes = (predict, value_and_grad, descend)
    return tuple(torch.compile(one, fullgraph=True, dynamic=False) for one in passes)


class TorchNetworks(TorchVmap):
    """torch.compile of torch.func.grad_and_value, the networks along the last axis."""

    axis = -1

    def compilations(self) -> int:
        """The graphs that torch.compile has made in this process."""
        return torch._dynamo.utils.counters["stats"]["unique_graphs"]

    def build(self, activations: tuple[str, ...]) -> None:
        self._predict, self._value_and_grad, self._descend = compiled(activations)
        self.parameters = tuple(self.parameters)
        self.rate, self.learning_rate = torch.zeros_like(self.parameters[0][0, 0, 0]), 0.0

    def forward(self) -> torch.Tensor:
        return self.wait(self._predict(self.parameters, self.x))

    def value_and_grad(self) -> tuple[torch.Tensor, Tensors]:
        return self.wait(self._value_and_grad(self.parameters, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, Tensors]:
        if learning_rate != self.learning_rate:
            self.rate.fill_(learning_rate)
            self.learning_rate = learning_rate
        losses, self.parameters = self._descend(self.parameters, self.x, self.y, self.rate)
        return self.wait((losses, self.parameters))
