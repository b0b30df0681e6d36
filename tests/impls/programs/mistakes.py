"""The mistakes that people make in backpropagation: where each can be made, and what the checker calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.impls.programs import plan as plans
from tests.impls.programs.plan import KINDS, Plan, planted, weighted

Option = tuple[str, tuple[int, ...], list[str], dict[str, Any]]
"""What is planted, at which layers, its names, and what else has to be so in the plan."""


FIXED = (*plans.LAYERED, "loops", "neurons", "lists", "line")
"""Kinds in which the steps of single layers are not written out."""


def draw(rng: Random) -> tuple[Plan, list[str]]:
    """A plan with one mistake in it, and the names that are right for it."""
    kind = weighted(rng, KINDS)
    for wanted in rng.sample(list(FAMILIES), len(FAMILIES)):
        for _ in range(60):
            plan = plans.draw(rng, kind)
            if options := list(FAMILIES[wanted](plan)):
                name, at, names, changes = rng.choice(options)
                return planted(plan, name, at, **changes), names
    raise AssertionError(f"no mistake fits a program of kind {kind}")


def _slope_scopes(p: Plan) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Where a slope can be wrong: in the output layer, in the hidden layers, in every layer, in one of several."""
    hidden = tuple(layer for layer in p.layers if layer < p.depth and p.slope_at(layer))
    output = (p.depth,) if p.slope_at(p.depth) not in ("", "relu") else ()
    actual: list[tuple[str, tuple[int, ...]]] = [("hidden", hidden), ("output", output)]
    actual += [("every", (*hidden, *output))] if hidden and output else []
    actual += [("hidden", (layer,)) for layer in hidden] if len(hidden) > 1 else []
    yield from ((scope, at) for scope, at in actual if at and _possible(p, at))


def _possible(p: Plan, at: tuple[int, ...]) -> bool:
    """Whether exactly these layers can have it: one class of layers, or one loop, serves several."""
    if p.kind in plans.LAYERED:
        shared = {p.activations[layer - 1] for layer in at}
        return all(layer in at for layer in p.layers if p.activations[layer - 1] in shared)
    if p.kind == "loops":
        hidden = set(p.layers[:-1])
        return hidden <= set(at) or not hidden & set(at)
    return True


def _all_or_each(p: Plan) -> list[tuple[int, ...]]:
    """The sets of layers in which a dense layer's own step can be wrong."""
    everywhere = [tuple(p.layers)] if p.depth > 1 else []
    if p.kind in (*plans.LAYERED, "loops"):
        return [tuple(p.layers)]
    return [*((layer,) for layer in p.layers), *everywhere]


def _named(scope: str, kind: str, at: tuple[int, ...]) -> list[str]:
    return [f"slope-{kind}-{scope}", f"slope-{kind}-{'-'.join(map(str, at))}", f"slope-{kind}-layer-{at[0]}"]


def _only(p: Plan, at: tuple[int, ...], *names: str) -> bool:
    return all(p.activations[layer - 1] in names for layer in at)


def _needs_cost(p: Plan, at: tuple[int, ...]) -> bool:
    """Whether only the program's own cost tells that it is wrong: σ without its slope is right for cross-entropy."""
    return p.depth in at and p.activations[-1] == "sigmoid" and not _upstream(p)


def _upstream(p: Plan) -> bool:
    """Whether the gradient of the loss is given to the program from outside."""
    return p.kind == "layers" or (p.kind == "network" and p.split == "gradients, update")


def _shows_cost(p: Plan) -> bool:
    if p.kind == "functions" and p.result.startswith("loss"):
        return p.layout != "sample"
    has_function = p.kind in ("class", "fit", "functions", "dict", "train", "globals")
    return has_function and p.cost and p.layout != "sample" and (not p.penalty or p.kind in ("class", "fit"))


def missing_slope(p: Plan) -> Iterator[Option]:
    for scope, at in _slope_scopes(p):
        if not _needs_cost(p, at) or _shows_cost(p):
            yield "none", at, _named(scope, "none", at), {}


def slope_of_z(p: Plan) -> Iterator[Option]:
    for scope, at in _slope_scopes(p) if p.layout != "lists" else ():
        if _only(p, at, "sigmoid", "tanh"):
            yield "of-z", at, _named(scope, "of-z", at), {"slopes": "inline"}


def slope_of_a(p: Plan) -> Iterator[Option]:
    for scope, at in _slope_scopes(p) if p.layout != "lists" else ():
        if _only(p, at, "sigmoid", "tanh"):
            yield "of-a", at, _named(scope, "of-a", at), {"slopes": "of_z", "helpers": "function"}


def slope_of_another(p: Plan) -> Iterator[Option]:
    for scope, at in _slope_scopes(p):
        if _only(p, at, "sigmoid"):
            yield "of-tanh", at, _named(scope, "of-tanh", at), {}
        if _only(p, at, "tanh"):
            yield "of-sigmoid", at, _named(scope, "of-sigmoid", at), {}


def extra_slope(p: Plan) -> Iterator[Option]:
    if p.loss.family == "squared" or p.explicit or (p.loss.family == "binary" and not _shows_cost(p)):
        return
    names = ["slope-extra-output", "extra-slope", "slope-extra", "slope-twice-output"]
    yield "extra-slope", (p.depth,), names, {}


def bias_missing(p: Plan) -> Iterator[Option]:
    if not p.biased or p.penalty_on_biases:
        return
    for at in _all_or_each(p):
        yield "bias-missing", at, [f"{_which(at)}-missing"], {}


def _which(at: tuple[int, ...]) -> str:
    return f"b{at[0]}" if len(at) == 1 else "biases"


def sign(p: Plan) -> Iterator[Option]:
    stored = p.kind in plans.LAYERED and p.split == "gradients, update"
    if not stored and (not p.gives_gradients or not (p.penalty or p.explicit)):
        yield "sign", (), ["sign"], {}


def layer_sign(p: Plan) -> Iterator[Option]:
    planting = "layer-sign" if p.gives_gradients else "update-sign"
    if p.depth > 1 and p.kind not in FIXED:
        yield from ((planting, (layer,), [f"layer-{layer}-sign"], {}) for layer in p.layers)


def updated_first(p: Plan) -> Iterator[Option]:
    kinds = ("class", "fit", "arrays", "train", "globals", "lists", *plans.LAYERED)
    if p.depth > 1 and p.kind in kinds and _steps(p):
        yield "updated-first", (), ["back-updated-first"], {}


def _steps(p: Plan) -> bool:
    """Whether the program's updates stand where its deltas stand."""
    return (p.layout != "sample" or p.optimizer == "rows") and (
        p.kind not in ("class", *plans.LAYERED) or p.split != "gradients, update"
    )


def bias_scale(p: Plan) -> Iterator[Option]:
    """A constant of a bias only; Adam and RMSprop do not see constants."""
    if not p.biased or p.layout in ("sample", "lists") or p.optimizer in ("adam", "rmsprop"):
        return
    if p.kind == "line" and p.loss.divisor:
        yield "bias-summed", (1,), ["b1-summed"], {}
        return
    for at in _all_or_each(p):
        yield "bias-averaged", at, [f"{_which(at)}-averaged"], {}
        divided = p.loss.divisor == "rows" and p.scale_place in ("gradient", "update")
        if divided and p.kind != "line" and not p.penalty_on_biases:
            yield "bias-summed", at, [f"{_which(at)}-summed"], {}


def bias_scalar(p: Plan) -> Iterator[Option]:
    if p.biased and p.layout not in ("sample", "flat", "lists"):
        for at in _all_or_each(p):
            wide = tuple(layer for layer in at if p.sizes[layer] > 1)
            if len(at) == len(wide) or (wide and p.kind in (*plans.LAYERED, "loops")):
                yield "bias-scalar", at, [f"{_which(wide)}-scalar", f"{_which(at)}-scalar"], {}


def bias_last_row(p: Plan) -> Iterator[Option]:
    if p.biased and p.layout in ("rows", "columns"):
        yield from (("bias-last-row", at, [f"{_which(at)}-last-row"], {}) for at in _all_or_each(p))


def last_row(p: Plan) -> Iterator[Option]:
    if p.layout == "sample" and p.optimizer in ("plain", "none") and not p.penalty:
        yield "last-row-only", (), ["last-row-only"], {}


def _of_last_step(p: Plan, name: str) -> list[str]:
    """The names of a mistake in the first step back from the output; with one hidden layer it is the only step."""
    return [name] if p.depth == 2 else [f"{name}-{p.depth - 1}", name]


def raw_error_back(p: Plan) -> Iterator[Option]:
    if p.depth > 1 and p.kind not in FIXED and p.slope_at(p.depth) not in ("", "relu"):
        yield "back-without-slope", (), _of_last_step(p, "back-without-slope"), {}


def without_weights(p: Plan) -> Iterator[Option]:
    if (
        p.depth > 1
        and p.kind not in FIXED
        and p.layout in ("rows", "columns")
        and p.sizes[-1] == 1
        and p.slope_at(p.depth - 1)
    ):
        yield "back-without-weights", (p.depth - 1,), _of_last_step(p, "back-without-weights"), {}


def transposed(p: Plan) -> Iterator[Option]:
    if p.kind != "class" or p.layout != "rows":
        return
    n = max(2, p.sizes[-1])
    square = {"sizes": (n,) * (p.depth + 1), "constructor": "fixed"}
    if p.depth > 1:
        layers = tuple(layer for layer in p.layers if layer < p.depth)
        yield "untransposed", layers, ["back-untransposed-weights"], square
        yield from (("transposed", (layer,), [f"W{layer}-transposed"], square) for layer in p.layers)
    yield "transposed", tuple(p.layers), ["weights-transposed", "W1-transposed"], square


def from_z(p: Plan) -> Iterator[Option]:
    for layer in p.layers if p.kind not in FIXED else ():
        if layer > 1 and p.activations[layer - 2] != "identity":
            yield "from-z", (layer,), [f"W{layer}-from-z"], {}


def wrong_error(p: Plan) -> Iterator[Option]:
    if p.loss.family == "squared" and p.activations[-1] != "relu" and p.layout != "lists" and not _upstream(p):
        yield "absolute-error", (), ["absolute-error"], {}
        if p.kind != "line":
            yield "squared-error", (), ["squared-error"], {}


def flat_target(p: Plan) -> Iterator[Option]:
    """The targets are flat where the predictions are a column."""
    if p.kind == "line":
        yield "flat-target", (), ["flat-target", "flat-target-table"], {}


def bias_ignored(p: Plan) -> Iterator[Option]:
    """The training loop has a forward pass of its own, without the bias."""
    if p.biased and (p.kind == "fit" or (p.kind == "class" and p.split == "one")):
        yield from (("bias-ignored", (layer,), [f"b{layer}-ignored"], {}) for layer in p.layers)


def penalty_sign(p: Plan) -> Iterator[Option]:
    if p.penalty:
        yield "penalty-sign", (), ["penalty-sign", "decay-sign", "penalty-negative"], {}


def accumulates(p: Plan) -> Iterator[Option]:
    stored = p.kind in plans.LAYERED and p.split == "gradients, update"
    if stored or (p.kind == "functions" and p.layout != "sample"):
        yield "accumulates", (), ["accumulates"], {}


FAMILIES: dict[str, Callable[[Plan], Iterator[Option]]] = {
    function.__name__: function
    for function in (
        missing_slope,
        slope_of_z,
        slope_of_a,
        slope_of_another,
        extra_slope,
        bias_missing,
        bias_ignored,
        sign,
        layer_sign,
        updated_first,
        bias_scale,
        bias_scalar,
        bias_last_row,
        last_row,
        raw_error_back,
        without_weights,
        transposed,
        from_z,
        wrong_error,
        flat_target,
        penalty_sign,
        accumulates,
    )
}
