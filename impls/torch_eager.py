"""`torch-eager`: an nn.Module, the autograd tape and torch.optim, as PyTorch is taught and used."""

from __future__ import annotations

from typing import Any

import torch

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Layer, Parameters
from impls.problem import SEED, Problem

ACTIVATIONS = {
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "identity": torch.nn.Identity,
}


def find_device(device: str) -> torch.device:
    """The torch device of that name, "gpu" being CUDA. Raises Unavailable where there is none."""
    if device != "cpu" and not torch.cuda.is_available():
        raise Unavailable(f"torch {torch.__version__} sees no GPU; use device 'cpu' or install a CUDA build of torch")
    return torch.device("cuda" if device == "gpu" else device)


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


class TorchEager(Implementation):
    """loss.backward() through an nn.Sequential; optimizer.step() for the update."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        self.device = find_device(device)
        kind = {"device": self.device, "dtype": getattr(torch, dtype)}
        self.x, self.y = (torch.tensor(rows, **kind) for rows in problem.data(batch, seed))
        self.model = build(problem, parameters).to(**kind)
        self.parameters = list(self.model.parameters())
        self.loss = torch.nn.MSELoss(reduction="mean")
        self.optimizer = torch.optim.SGD(self.parameters, lr=0.0)

    def forward(self) -> torch.Tensor:
        with torch.inference_mode():
            return self._ready(self.model(self.x))

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad() does; without it the gradients add up
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        return self._ready((loss, [parameter.grad for parameter in self.parameters]))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.nn.Parameter]]:
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return self._ready((loss, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return to_array(result)
        loss, flat = result
        arrays = [to_array(tensor) for tensor in flat]
        return to_array(loss), [Layer(W.T, b) for W, b in zip(arrays[0::2], arrays[1::2], strict=True)]

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
