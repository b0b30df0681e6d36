"""Wording: what a student calls the layers, and the equations of the backward pass, written out."""

from __future__ import annotations

from collections.abc import Sequence

SLOPE_FORMULAS = {"sigmoid": "a{0}∘(1−a{0})", "tanh": "1−a{0}²", "relu": "[z{0} > 0]", "identity": "1"}


def layer_name(l: int, m: int) -> str:  # noqa: E741
    """What a student calls layer l of m."""
    if m == 1:
        return "the layer"
    if l == m:
        return "the output layer"
    return "the hidden layer" if m == 2 else f"hidden layer {l}"


def of_layer(what: str, l: int, m: int) -> str:  # noqa: E741
    """ "the hidden bias", "the weights of the output layer", …"""
    if m == 2:
        return f"the {'output' if l == 2 else 'hidden'} {what}"
    return f"the {what}" if m == 1 else f"the {what} of layer {l}"


def delta_equation(l: int, activations: Sequence[str]) -> str:  # noqa: E741
    """δℓ as it should be."""
    m = len(activations)
    slope = SLOPE_FORMULAS[activations[l - 1]].format(l)
    return f"δ{l} = 2/(N·k)·(a{l} − y) ∘ {slope}" if l == m else f"δ{l} = (δ{l + 1} W{l + 1}ᵀ) ∘ {slope}"


def weight_equation(l: int) -> str:  # noqa: E741
    return f"dW{l} = {f'a{l - 1}' if l > 1 else 'x'}ᵀ δ{l}"


def bias_equation(l: int) -> str:  # noqa: E741
    return f"db{l} = sum over rows of δ{l}"


def hidden_name(m: int) -> str:
    return "the hidden layer" if m == 2 else "the hidden layers"
