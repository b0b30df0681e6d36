"""PyTorch: an nn.Module, the autograd tape and torch.optim."""

from __future__ import annotations

import copy

import numpy as np
import torch

from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.trainer import Departure, Setup, Trainer
from samegrad.impls.on_torch.autograd import build
from samegrad.impls.parameters import Array, Layer, Parameters


def own(settings: Settings, parameters: list[torch.Tensor], shipped: bool = False) -> torch.optim.Optimizer:
    """torch.optim's optimizer of these parameters. It is the textbook's as it is: ε outside the root, β exact."""
    rate = settings.learning_rate
    epsilon = {} if shipped else {"eps": settings.epsilon}
    match settings.name:
        case "sgd":
            return torch.optim.SGD(parameters, lr=rate)
        case "momentum" | "nesterov" as name:
            return torch.optim.SGD(parameters, lr=rate, momentum=settings.momentum, nesterov=name == "nesterov")
        case "adam":
            return torch.optim.Adam(parameters, lr=rate, betas=(settings.beta_1, settings.beta_2), **epsilon)
        case name:  # their α is ρ, and 0.99 unless it is set
            centered = name == "rmsprop-centered"
            return torch.optim.RMSprop(parameters, lr=rate, alpha=settings.rho, centered=centered, **epsilon)


def follow(settings: Settings, start: Array, gradients: Array, rates: Array, shipped: bool = False) -> Array:
    """See `optimizers.follow`: the same by torch.optim."""
    p = torch.nn.Parameter(torch.tensor(start))
    optimizer = own(settings, [p], shipped)
    after = []
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = float(rate)
        p.grad = torch.tensor(g)
        optimizer.step()
        after.append(p.detach().numpy().copy())
    return np.stack(after)


def departures(settings: Settings, dtype: str) -> list[Departure]:
    """The departures of torch.optim: its ε is 10⁻⁸, the textbook's, and counts where the settings ask for another."""
    if settings.epsilon == 1e-8 or settings.name in ("sgd", "momentum", "nesterov"):
        return []
    return [Departure("default ε 1e-8", {"epsilon": 1e-8})]


class TorchTrainer(Trainer):
    """loss.backward(), optimizer.step()."""

    def __init__(self, setup: Setup) -> None:
        self.model = build(setup.task.problem, setup.task.layers())
        self.start = copy.deepcopy(self.model.state_dict())
        trained = [p for p in self.model.parameters() if setup.biases or p.ndim == 2]
        self.optimizer = own(setup.settings, trained, setup.shipped)
        self.loss = torch.nn.MSELoss(reduction="mean")

    def restart(self) -> None:
        self.model.load_state_dict(self.start)
        self.optimizer.state.clear()  # the first step makes it anew

    def place(self, x: Array, y: Array) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(x), torch.from_numpy(y)

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def predict(self, x: Array) -> Array:
        with torch.inference_mode():
            return self.model(torch.from_numpy(x)).numpy()

    def parameters(self) -> Parameters:
        flat = [p.detach().numpy().copy() for p in self.model.parameters()]
        return [Layer(W.T, b) for W, b in zip(flat[0::2], flat[1::2], strict=True)]


TRAINER = TorchTrainer
