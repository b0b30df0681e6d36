"""The optimizers: one textbook definition each, an equation beside every line, and the conventions that depart from it.

All work elementwise on an array p of parameters and the gradient g of the same shape; λ is the learning rate,
t = 1, 2, … counts the steps, and every state starts at 0.

    sgd                 p ← p − λ·g
    momentum            v ← μ·v + g                    p ← p − λ·v                   (Polyak 1964)
    nesterov            v ← μ·v + g                    p ← p − λ·(g + μ·v)           (Sutskever et al. 2013)
    rmsprop             v ← ρ·v + (1−ρ)·g²             p ← p − λ·g/(√v + ε)          (Hinton 2012, lecture 6e)
    rmsprop-centered    and m ← ρ·m + (1−ρ)·g          p ← p − λ·g/(√(v − m²) + ε)   (Graves 2013, equations 38–45)
    adam                m ← β₁·m + (1−β₁)·g            v ← β₂·v + (1−β₂)·g²          (Kingma & Ba 2015, algorithm 1)
                        m̂ = m/(1−β₁ᵗ)   v̂ = v/(1−β₂ᵗ)  p ← p − λ·m̂/(√v̂ + ε)

Frameworks give these names to slightly different functions. `Conventions` lists what they do differently, so that the
textbook can be bent to theirs, one convention at a time, and each difference be shown to have the reason it is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.parameters import Array


@dataclass(frozen=True)
class Settings:
    """An optimizer's name and hyperparameters; those that its equations lack are ignored."""

    name: str = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    """The momentum μ."""
    rho: float = 0.9
    """The decay ρ of RMSprop's mean square."""
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        choose("optimizer", self.name, OPTIMIZERS)
        for name in ("learning_rate", "epsilon"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise BadInput(f"{name} must be a positive number, found {value!r}")
        for name in ("momentum", "rho", "beta_1", "beta_2"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise BadInput(f"{name} must be at least 0 and below 1, found {value!r}")


@dataclass(frozen=True)
class Conventions:
    """The departures of a framework's optimizer from the textbook; by default none."""

    epsilon: float | None = None
    """ε instead of that of the settings."""
    epsilon_inside: bool = False
    """RMSprop: √(v + ε) instead of √v + ε."""
    epsilon_hat: bool = False
    """Adam: ε is added to √v instead of √v̂, Kingma & Ba's ε̂ of the remark before their section 2.1."""
    rate_inside: bool = False
    """Momentum: v ← μ·v + λ·g and p ← p − v: the same as long as λ does not change."""
    float32_momentum: bool = False
    """μ is rounded to float32, whatever the dtype."""
    float32_powers: bool = False
    """Adam: β₁ and β₂ are rounded to float32 before they are raised to the power t in the dtype."""


TEXTBOOK = Conventions()


class Sgd:
    """p ← p − λ·g"""

    def __init__(self, settings: Settings, conventions: Conventions = TEXTBOOK) -> None:
        self.rate = settings.learning_rate
        self.epsilon = settings.epsilon if conventions.epsilon is None else conventions.epsilon
        self.settings, self.conventions = settings, conventions
        self.v: Array | float = 0.0
        self.m: Array | float = 0.0
        self.t = 0

    def step(self, p: Array, g: Array) -> Array:
        """The parameters after one step. The optimizer belongs to these parameters: it keeps their state."""
        return p - self.rate * g  # p ← p − λ·g


class Momentum(Sgd):
    """v ← μ·v + g,  p ← p − λ·v"""

    def step(self, p: Array, g: Array) -> Array:
        self.v = self.mu * self.v + self.inside * g  # v ← μ·v + g
        return p - self.outside * self.v  # p ← p − λ·v

    @property
    def mu(self) -> float:
        mu = self.settings.momentum
        return float(np.float32(mu)) if self.conventions.float32_momentum else mu

    @property
    def inside(self) -> float:
        """The factor of g, and `outside` that of v; one of them is λ and the other 1."""
        return self.rate if self.conventions.rate_inside else 1.0

    @property
    def outside(self) -> float:
        return 1.0 if self.conventions.rate_inside else self.rate


class Nesterov(Momentum):
    """v ← μ·v + g,  p ← p − λ·(g + μ·v)"""

    def step(self, p: Array, g: Array) -> Array:
        g = self.inside * g
        self.v = self.mu * self.v + g  # v ← μ·v + g
        return p - self.outside * (g + self.mu * self.v)  # p ← p − λ·(g + μ·v)


class RmsProp(Sgd):
    """v ← ρ·v + (1−ρ)·g²,  p ← p − λ·g/(√v + ε)"""

    def step(self, p: Array, g: Array) -> Array:
        rho = self.settings.rho
        self.v = rho * self.v + (1 - rho) * g**2  # v ← ρ·v + (1−ρ)·g²
        return p - self.rate * g / self.root(self.v)  # p ← p − λ·g/(√v + ε)

    def root(self, v: Array) -> Array:
        return np.sqrt(v + self.epsilon) if self.conventions.epsilon_inside else np.sqrt(v) + self.epsilon


class CenteredRmsProp(RmsProp):
    """v ← ρ·v + (1−ρ)·g²,  m ← ρ·m + (1−ρ)·g,  p ← p − λ·g/(√(v − m²) + ε)"""

    def step(self, p: Array, g: Array) -> Array:
        rho = self.settings.rho
        self.v = rho * self.v + (1 - rho) * g**2  # v ← ρ·v + (1−ρ)·g²
        self.m = rho * self.m + (1 - rho) * g  # m ← ρ·m + (1−ρ)·g
        return p - self.rate * g / self.root(self.v - self.m**2)  # p ← p − λ·g/(√(v − m²) + ε)


class Adam(Sgd):
    """m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ),  p ← p − λ·m̂/(√v̂ + ε)"""

    def step(self, p: Array, g: Array) -> Array:
        beta_1, beta_2 = self.settings.beta_1, self.settings.beta_2
        self.t += 1
        self.m = beta_1 * self.m + (1 - beta_1) * g  # m ← β₁·m + (1−β₁)·g
        self.v = beta_2 * self.v + (1 - beta_2) * g**2  # v ← β₂·v + (1−β₂)·g²
        correction = 1 - self.power(beta_2, p)  # 1 − β₂ᵗ
        m_hat = self.m / (1 - self.power(beta_1, p))  # m̂ = m/(1 − β₁ᵗ)
        v_hat = self.v / correction  # v̂ = v/(1 − β₂ᵗ)
        epsilon = self.epsilon / np.sqrt(correction) if self.conventions.epsilon_hat else self.epsilon
        return p - self.rate * m_hat / (np.sqrt(v_hat) + epsilon)  # p ← p − λ·m̂/(√v̂ + ε)

    def power(self, beta: float, p: Array) -> float | np.floating:
        """βᵗ"""
        if self.conventions.float32_powers:
            kind = p.dtype.type
            return kind(np.float32(beta)) ** kind(self.t)
        return beta**self.t


OPTIMIZERS: dict[str, type[Sgd]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RmsProp,
    "rmsprop-centered": CenteredRmsProp,
    "adam": Adam,
}


def make(settings: Settings, conventions: Conventions = TEXTBOOK) -> Sgd:
    """The textbook's optimizer, or what becomes of it under other conventions."""
    return OPTIMIZERS[settings.name](settings, conventions)


def follow(
    settings: Settings, start: Array, gradients: Array, rates: Array, conventions: Conventions = TEXTBOOK
) -> Array:
    """Open loop: the parameters (steps, …) after each of the given gradients (steps, …), the t-th at λ = rates[t−1]."""
    optimizer, p, after = make(settings, conventions), start, []
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.rate = float(rate)
        p = optimizer.step(p, g)
        after.append(p)
    return np.stack(after)
