"""`torch-eager`, `torch-functional` and `torch-compile`: PyTorch's autograd derives the gradient.

The first is an nn.Module, loss.backward() and torch.optim, as PyTorch is taught and used. The second asks
torch.autograd.grad for the gradient of a function of plain tensors. The third compiles loss, gradient and update
together, with samples as columns and each product of a narrow layer written as a multiplication and a sum, which the
compiler fuses into loops over the batch, where it would call a library for a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from samegrad.impls.on_torch.shared import OnTorch, require_compiled_code, to_array
from samegrad.impls.parameters import Array, Layer, Parameters, paired
from samegrad.impls.problem import Problem
from samegrad.impls.task import Task

ACTIVATIONS = {
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "identity": torch.nn.Identity,
}


def build(problem: Problem, parameters: Parameters) -> torch.nn.Sequential:
    """The network as a module, its weights in PyTorch's (fan_out, fan_in) layout."""
    modules: list[torch.nn.Module] = []
    for (W, b), activation in zip(parameters, problem.activations, strict=True):
        linear = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight = torch.nn.Parameter(torch.tensor(W.T))
            linear.bias = torch.nn.Parameter(torch.tensor(b))
        modules += [linear, ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*modules)


class Autograd(OnTorch):
    """What the executions share: data, and results as lists of tensors in the order W1, b1, W2, …"""

    takes_any_batch = True
    transposed = True
    """Whether W is in PyTorch's layout, (fan_out, fan_in)."""

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x = torch.from_numpy(x).to(self.device)
        if y is not None:
            self.y = torch.from_numpy(y).to(self.device)

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return to_array(result)
        loss, flat = result
        layers = paired([to_array(tensor) for tensor in flat])
        return to_array(loss), [Layer(W.T, b) for W, b in layers] if self.transposed else layers


class TorchEager(Autograd):
    """loss.backward() through an nn.Sequential; optimizer.step() for the update."""

    def prepare(self, task: Task) -> None:
        kind = self.place(task.dtype, task.device)
        self.feed(*task.data())
        self.model = build(task.problem, task.parameters).to(**kind)
        self.parameters = list(self.model.parameters())
        self.loss = torch.nn.MSELoss(reduction="mean")
        self.optimizer = torch.optim.SGD(self.parameters, lr=0.0)

    def forward(self) -> torch.Tensor:
        with torch.inference_mode():
            return self.wait(self.model(self.x))

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad() does; without it the gradients add up
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        return self.wait((loss, [parameter.grad for parameter in self.parameters]))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.nn.Parameter]]:
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return self.wait((loss, self.parameters))


FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
}


class TorchFunctional(Autograd):
    """torch.autograd.grad on plain tensors; the update in one operation for all of them."""

    def prepare(self, task: Task) -> None:
        kind = self.place(task.dtype, task.device)
        self.feed(*task.data())
        self.parameters = [
            torch.tensor(tensor.T, **kind).contiguous().requires_grad_()
            for layer in task.parameters
            for tensor in layer
        ]
        self.functions = [FUNCTIONS[activation] for activation in task.problem.activations]

    def _predict(self) -> torch.Tensor:
        a = self.x
        for W, b, f in zip(self.parameters[0::2], self.parameters[1::2], self.functions, strict=True):
            a = f(functional.linear(a, W, b))
        return a

    def forward(self) -> torch.Tensor:
        with torch.inference_mode():
            return self.wait(self._predict())

    def _evaluate(self) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        loss = functional.mse_loss(self._predict(), self.y)
        return loss, torch.autograd.grad(loss, self.parameters)

    def value_and_grad(self) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        return self.wait(self._evaluate())

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        loss, gradients = self._evaluate()
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=learning_rate)
        return self.wait((loss, self.parameters))


NARROW = 16
"""The most units for which a product is written as a multiplication and a sum."""


@cache
def compiled(activations: tuple[str, ...]) -> tuple[Callable[..., Any], ...]:
    """Forward pass, loss and gradients, and step, each compiled for the shapes that it meets. x: (inputs, n)."""
    require_compiled_code()
    torch._dynamo.config.recompile_limit = 1000  # it gives up after eight shapes otherwise

    def predict(parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        a = x
        for W, b, activation in zip(parameters[0::2], parameters[1::2], activations, strict=True):
            product = (W[:, :, None] * a[:, None, :]).sum(0) if max(W.shape) <= NARROW else W.T @ a
            a = FUNCTIONS[activation](product + b[:, None])
        return a

    def loss(parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return ((predict(parameters, x) - y) ** 2).mean()

    def value_and_grad(parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        gradients, value = torch.func.grad_and_value(loss)(parameters, x, y)
        return value, gradients

    def descend(parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor, rate: torch.Tensor) -> Any:
        value, gradients = value_and_grad(parameters, x, y)
        return value, tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))

    passes = (predict, value_and_grad, descend)
    return tuple(torch.compile(one, fullgraph=True, dynamic=False) for one in passes)


class TorchCompile(Autograd):
    """torch.compile of torch.func.grad_and_value."""

    def compilations(self) -> int:
        """The graphs that torch.compile has made in this process."""
        return torch._dynamo.utils.counters["stats"]["unique_graphs"]

    transposed = False

    def prepare(self, task: Task) -> None:
        kind = self.place(task.dtype, task.device)
        self.feed(*task.data())
        self.parameters = tuple(torch.tensor(tensor, **kind) for layer in task.parameters for tensor in layer)
        self.rate, self.learning_rate = torch.zeros((), **kind), 0.0
        self._predict, self._value_and_grad, self._descend = compiled(task.problem.activations)

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Take the samples as columns."""
        self.x = torch.from_numpy(x.T).contiguous().to(self.device)
        if y is not None:
            self.y = torch.from_numpy(y.T).contiguous().to(self.device)

    def forward(self) -> torch.Tensor:
        return self.wait(self._predict(self.parameters, self.x))

    def value_and_grad(self) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        return self.wait(self._value_and_grad(self.parameters, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        if learning_rate != self.learning_rate:
            self.rate.fill_(learning_rate)
            self.learning_rate = learning_rate
        loss, self.parameters = self._descend(self.parameters, self.x, self.y, self.rate)
        return self.wait((loss, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        return to_array(result.T) if isinstance(result, torch.Tensor) else super().to_numpy(result)
