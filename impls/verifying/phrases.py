"""Phrases: a convention in words, and an equation in the layout that the user has."""

from __future__ import annotations

import re

from impls.verifying.conventions import Convention
from impls.verifying.diagnosis import (
    output_cotangent,
)


def formula(convention: Convention, outputs: int) -> str:
    """The loss, with k left out where there is one output."""
    return convention.formula if outputs > 1 else convention.formula.replace("(N·k)", "N")


def in_words(convention: Convention, outputs: int) -> str:
    """The factor to the mean squared error's gradient, as a phrase."""
    if convention.name == "mse":
        return "the gradient of the mean squared error"
    relation_words = convention.relation if outputs > 1 else convention.relation.replace("N·k", "N")
    return f"{relation_words} the gradient of the mean"


def in_layout(equation: str, flipped: bool, columns: bool) -> str:
    """An equation for x: (N, inputs) and W: (fan_in, fan_out) in the user's own layout."""
    if columns:  # features × examples: everything is transposed
        equation = equation.replace("over rows", "over columns")
        equation = re.sub(r"(\(?)(\w+)ᵀ (δ\S)", r"\1\3 \2ᵀ" if flipped else r"\1\2 \3ᵀ", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\2ᵀ \1" if flipped else r"\2 \1", equation)
    if flipped:
        equation = re.sub(r"(\w+)ᵀ (δ\w)", r"\2ᵀ \1", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\1 \2", equation)
    return equation


def with_factor(equation: str, convention: Convention, outputs: int) -> str:
    """The output delta's constant in the user's own convention."""

    mean = "2/N·(a" if outputs == 1 else "2/(N·k)·(a"
    own = output_cotangent(convention)
    own = own if outputs > 1 else own.replace("(N·k)", "N")
    return equation.replace(mean, own.split("(a −")[0] + "(a")
