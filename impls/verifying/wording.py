"""Wording: what a student calls the layers, and the equations of the backward pass, written out."""

from __future__ import annotations

from collections.abc import Sequence

SLOPE_FORMULAS = {"sigmoid": "a{0}∘(1−a{0})", "tanh": "1−a{0}²", "relu": "[z{0} > 0]", "identity": "1"}


def layer_name(ell: int, m: int) -> str:
    """What a student calls layer ell of m."""
    if m == 1:
        return "the layer"
    if ell == m:
        return "the output layer"
    return "the hidden layer" if m == 2 else f"hidden layer {ell}"


def of_layer(what: str, ell: int, m: int) -> str:
    """ "the hidden bias", "the weights of the output layer", …"""
    if m == 2:
        return f"the {'output' if ell == 2 else 'hidden'} {what}"
    return f"the {what}" if m == 1 else f"the {what} of layer {ell}"


def delta_equation(ell: int, activations: Sequence[str]) -> str:
    """δℓ as it should be."""
    m = len(activations)
    slope = SLOPE_FORMULAS[activations[ell - 1]].format(ell)
    return f"δ{ell} = 2/(N·k)·(a{ell} − y) ∘ {slope}" if ell == m else f"δ{ell} = (δ{ell + 1} W{ell + 1}ᵀ) ∘ {slope}"


def weight_equation(ell: int) -> str:
    return f"dW{ell} = {f'a{ell - 1}' if ell > 1 else 'x'}ᵀ δ{ell}"


def bias_equation(ell: int) -> str:
    return f"db{ell} = sum over rows of δ{ell}"


def hidden_name(m: int) -> str:
    return "the hidden layer" if m == 2 else "the hidden layers"
