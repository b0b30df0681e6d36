"""The lines of a forward pass, of the deltas, the gradients and the updates, in the words of a plan.

A mistake is planted here, where the quantity is written that it concerns.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from tests.impls.programs.plan import DECAY_L1, Plan

PRODUCTS = {
    ("rows", False): (("{a}", "{W}"), ("{a}.T", "{d}"), ("{d}", "{W}.T")),
    ("rows", True): (("{a}", "{W}.T"), ("{d}.T", "{a}"), ("{d}", "{W}")),
    ("columns", True): (("{W}", "{a}"), ("{d}", "{a}.T"), ("{W}.T", "{d}")),
    ("sample", False): (("{a}", "{W}"), ("", ""), ("{W}", "{d}")),
    ("sample", True): (("{W}", "{a}"), ("", ""), ("{W}.T", "{d}")),
    ("flat", False): (("{a}", "{W}"), ("{a}.T", "{d}"), ("{d}", "{W}.T")),
}
"""(layout, weights stored as outputs × inputs) → the factors of z, of dW and of the error passed back."""

FUNCTIONS = {
    "sigmoid": ("1 / (1 + np.exp(-{z}))", "np.exp({z}) / (1 + np.exp({z}))"),
    "tanh": ("np.tanh({z})",),
    "relu": ("np.maximum(0, {z})", "np.maximum({z}, 0)", "{z} * ({z} > 0)"),
    "leaky_relu": ("np.where({z} > 0, {z}, 0.01 * {z})", "np.maximum(0.01 * {z}, {z})"),
    "softplus": ("np.log(1 + np.exp({z}))", "np.log1p(np.exp({z}))"),
    "elu": ("np.where({z} > 0, {z}, np.exp({z}) - 1)",),
}
SLOPES_OF_A = {"sigmoid": "{a} * (1 - {a})", "tanh": "1 - {a} ** 2", "relu": "{a} > 0"}
SLOPES_OF_Z = {
    "relu": "{z} > 0",
    "leaky_relu": "np.where({z} > 0, 1, 0.01)",
    "softplus": "1 / (1 + np.exp(-{z}))",
    "elu": "np.where({z} > 0, 1, np.exp({z}))",
    "tanh": "1 - np.tanh({z}) ** 2",
}
OWN_FUNCTIONS = ("softplus", "elu", "leaky_relu", "softmax")
"""Activations that are always written as a function of their own."""


@dataclass(frozen=True)
class Scope:
    """How parameters, values of the forward pass and gradients are reached where a piece of the program stands."""

    parameter: str = "{}"
    value: str = "{}"
    gradient: str = "{}"
    x: str = "x"
    y: str = "y"
    rate: str = ""
    decay: str = ""
    rows: str = ""
    method: bool = False
    last: str = ""
    """What the prediction is called where it is an argument of its own."""

    fixed: tuple[str, str] = ("", "")
    """What z and a are called in a layer's own class, whatever the layer; nothing elsewhere."""

    def of(self, name: str) -> str:
        """A parameter's expression."""
        return self.parameter.format(name)

    def kept(self, name: str) -> str:
        """The expression of a value of the forward pass."""
        return self.value.format(name)


class Writer:
    """Lines in the words of one plan; what helper functions they need is in `needs`."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self.p, self.rng = plan, rng
        self.needs: dict[str, list[str]] = {}
        self.function_texts = {name: rng.choice(texts) for name, texts in FUNCTIONS.items()}
        self.sigmoid_name = rng.choice(["sigmoid", "sigmoid", "sigmoid", "logistic", "sigma", "_sigmoid"])
        self.relu_of_z = rng.random() < 0.5
        self.two_lines = rng.random() < 0.4
        self.short_sum = rng.random() < 0.5
        self.copy_labels = rng.random() < 0.5
        self.shuffles = rng.random() < 0.5
        self.prints_mean = rng.random() < 0.2 and not plan.penalty
        self.takes_output = rng.random() < 0.25

    def has(self, mistake: str, layer: int | None = None) -> bool:
        """Whether that mistake is planted, at that layer."""
        return self.p.mistake == mistake and (layer is None or layer in self.p.at)

    # Names

    def weight(self, s: Scope, layer: int) -> str:
        return s.of(self.p.habit.weight(layer))

    def bias(self, s: Scope, layer: int) -> str:
        return s.of(self.p.habit.bias(layer))

    def z(self, s: Scope, layer: int) -> str:
        return s.fixed[0] or s.kept(self.p.words.sum(layer))

    def a(self, s: Scope, layer: int) -> str:
        if layer == 0:
            return s.x
        if s.last and layer == self.p.depth:
            return s.last
        return s.fixed[1] or s.kept(self.p.words.output(layer))

    def d(self, layer: int) -> str:
        return self.p.words.delta(layer)

    def gradients(self, s: Scope, layer: int) -> tuple[str, str]:
        """The names of dW and db of a layer."""
        w, b = (self.p.words.gradient.format(s=stem) for stem in self.p.habit.stems(layer))
        return s.gradient.format(w), s.gradient.format(b)

    def parameters(self, s: Scope) -> list[str]:
        """W1, b1, W2, … as they are reached."""
        return [name for layer in self.p.layers for name in self.pair(self.weight(s, layer), self.bias(s, layer))]

    def gradient_names(self, s: Scope) -> list[str]:
        """dW1, db1, dW2, …"""
        return [name for layer in self.p.layers for name in self.pair(*self.gradients(s, layer))]

    def pair(self, w: str, b: str) -> tuple[str, ...]:
        return (w, b) if self.p.biased else (w,)

    # Algebra

    def product(self, left: str, right: str) -> str:
        """A matrix product, as this author writes one."""
        if self.p.product == "@":
            return f"{left} @ {right}"
        if self.p.product == ".dot":
            return f"{left}.dot({right})"
        return f"{self.p.product}({left}, {right})"

    def sum_expression(self, s: Scope, layer: int, honest: bool = True) -> str:
        """a W + b of a layer; in a training loop the bias may be left out by mistake."""
        ignored = not honest and self.has("bias-ignored", layer)
        return self.affine(self.a(s, layer - 1), self.weight(s, layer), "" if ignored else self.bias(s, layer))

    def affine(self, a: str, weight: str, bias: str) -> str:
        """a W + b, without b where it is empty."""
        left, right = PRODUCTS[self.p.layout, self.p.turned][0]
        product = self.product(left.format(a=a, W=weight), right.format(a=a, W=weight))
        return f"{product} + {bias}" if self.p.biased and bias else product

    def weight_gradient(self, s: Scope, layer: int) -> str:
        """dW of a layer, summed over the rows."""
        source = self.z(s, layer - 1) if self.has("from-z", layer) else self.a(s, layer - 1)
        return self.outer(source, self.d(layer), transposed=self.has("transposed", layer))

    def outer(self, a: str, d: str, *, transposed: bool = False) -> str:
        """aᵀ δ, summed over the rows."""
        if self.p.layout == "sample":
            pair = (d, a) if self.p.turned else (a, d)
            return f"np.outer({', '.join(pair[::-1] if transposed else pair)})"
        left, right = (side.format(a=a, d=d) for side in PRODUCTS[self.p.layout, self.p.turned][1])
        return self.product(_flip(right), _flip(left)) if transposed else self.product(left, right)

    def passed_back(self, s: Scope, layer: int, error: str) -> str:
        """The error at the outputs of a layer, from that of the layer above."""
        return self.back(error, self.weight(s, layer + 1), untransposed=self.has("untransposed", layer))

    def back(self, d: str, weight: str, *, untransposed: bool = False) -> str:
        """δ Wᵀ."""
        sides = [side.format(d=d, W=weight) for side in PRODUCTS[self.p.layout, self.p.turned][2]]
        left, right = (side if side == d or not untransposed else _flip(side) for side in sides)
        return self.product(left, right)

    def bias_gradient(self, layer: int, d: str = "") -> str:
        """db of a layer, summed over the rows."""
        d, p = d or self.d(layer), self.p
        if p.layout == "sample":
            return d
        if p.layout == "flat":
            return f"np.mean({d})" if self.has("bias-averaged", layer) else f"np.sum({d})"
        keep = ", keepdims=True" if p.layout == "columns" or p.column_bias else ""
        axis = 1 if p.layout == "columns" else 0
        if self.has("bias-averaged", layer):
            return f"np.mean({d}, axis={axis}{keep})"
        if self.has("bias-scalar", layer):
            return f"np.sum({d})"
        if self.has("bias-last-row", layer):
            return {"columns": f"{d}[:, -1:]", "rows": f"{d}[-1:]" if p.column_bias else f"{d}[-1]"}[p.layout]
        return f"{d}.sum(axis={axis}{keep})" if self.short_sum else f"np.sum({d}, axis={axis}{keep})"

    def count(self, x: str) -> str:
        """How many rows `x` has."""
        if self.p.layout == "columns":
            return f"{x}.shape[1]"
        return f"len({x})" if self.short_sum else f"{x}.shape[0]"

    # Activations

    def apply(self, s: Scope, layer: int, z: str) -> str:
        """The activation of a layer at `z`."""
        name = self.p.activations[layer - 1]
        if name == "identity":
            return z
        if name in OWN_FUNCTIONS or (name in ("sigmoid", "relu") and self.p.helpers != "inline"):
            return self.call(s, name, z)
        text = self.function_texts[name]
        bare = re_atom(z) or not any(operator in text for operator in ("-{z}", "{z} *", "{z} >"))
        return text.format(z=z if bare else f"({z})")

    def call(self, s: Scope, name: str, argument: str) -> str:
        """A call of a helper, which is noted as needed."""
        called = self.sigmoid_name if name == "sigmoid" else name
        if called not in self.needs:
            self.needs[called] = self._definition(name, called)
        return f"{self._prefix(s)}{called}({argument})"

    def _prefix(self, s: Scope) -> str:
        return "self." if s.method and self.p.helpers == "method" else ""

    def _definition(self, name: str, called: str) -> list[str]:
        if name == "softmax":
            axis = {"rows": "axis=1, keepdims=True", "columns": "axis=0, keepdims=True"}.get(self.p.layout, "")
            return [f"def {called}(z):", f"    e = np.exp(z - np.max(z{', ' if axis else ''}{axis}))",
                    f"    return e / np.sum(e{', ' if axis else ''}{axis})"]  # fmt: skip
        if name == "sigmoid" and self.p.slopes == "flag":
            return [f"def {called}(x, deriv=False):", "    if deriv:", "        return x * (1 - x)",
                    "    return 1 / (1 + np.exp(-x))"]  # fmt: skip
        return [f"def {called}(z):", f"    return {self.function_texts[name].format(z='z')}"]

    def slope_source(self, layer: int) -> str:
        """`a`, `z` or nothing: what the slope written at that layer is computed from."""
        name = self.p.slope_at(layer)
        if self.has("extra-slope", layer) or self.has("of-tanh", layer) or self.has("of-sigmoid", layer):
            return "a"
        if not name or self.has("none", layer):
            return ""
        if self.has("of-z", layer):
            return "z"
        if self.has("of-a", layer):
            return "a"
        return "z" if self._from_z(name) else "a"

    def _from_z(self, name: str) -> bool:
        if name == "relu":
            return self.relu_of_z
        return name in OWN_FUNCTIONS or self.p.slopes == "of_z"

    def slope(self, s: Scope, layer: int) -> str:
        """The factor f′(z) of δ, or nothing."""
        source = self.slope_source(layer)
        if not source:
            return ""
        name, a = self.p.activations[layer - 1], self.a(s, layer)
        value = a if source == "a" else self.z(s, layer)
        if self.has("extra-slope", layer) or self.has("of-sigmoid", layer):
            return f"{a} * (1 - {a})"
        if self.has("of-tanh", layer):
            return f"(1 - {a} ** 2)"
        if self._from_z(name) or self.has("of-a", layer):
            return self._slope_from_z(s, name, value)
        return self._slope_from_a(s, name, value)

    def _slope_from_a(self, s: Scope, name: str, a: str) -> str:
        if self.p.slopes == "flag" and name == "sigmoid" and self.p.helpers != "inline":
            return self.call(s, "sigmoid", f"{a}, deriv=True")
        if self.p.slopes == "inline" or name == "relu" or self.p.helpers == "inline":
            text = SLOPES_OF_A[name].format(a=a)
            return text if name == "sigmoid" else f"({text})"
        return self._slope_call(s, name, [f"return {SLOPES_OF_A[name].format(a='x')}"], a)

    def _slope_from_z(self, s: Scope, name: str, z: str) -> str:
        if name == "relu" and self.p.slopes == "inline":
            return f"({SLOPES_OF_Z[name].format(z=z)})"
        if name == "sigmoid":
            inner = self.call(s, "sigmoid", "x")
            return self._slope_call(s, name, [f"s = {inner}", "return s * (1 - s)"], z)
        return self._slope_call(s, name, [f"return {SLOPES_OF_Z[name].format(z='x')}"], z)

    def _slope_call(self, s: Scope, name: str, body: list[str], argument: str) -> str:
        called = self.p.derivative.format(f=self.sigmoid_name.strip("_") if name == "sigmoid" else name)
        self.needs.setdefault(called, [f"def {called}(x):", *(f"    {line}" for line in body)])
        return f"{self._prefix(s)}{called}({argument})"

    # The passes

    def keeps_sum(self, layer: int) -> bool:
        """Whether z of that layer is needed on the way back."""
        above = layer < self.p.depth and self.has("from-z", layer + 1)
        return self.slope_source(layer) == "z" or above

    def forward(self, s: Scope, *, split: bool | None = None, honest: bool = True) -> list[str]:
        """z = …, a = … for every layer; not `honest` where a training loop has a forward pass of its own."""
        lines: list[str] = []
        for layer in self.p.layers:
            z = self.sum_expression(s, layer, honest)
            two = self.keeps_sum(layer) or (self.two_lines if split is None else split)
            if two:
                lines.append(f"{self.z(s, layer)} = {z}")
                z = self.z(s, layer)
            lines.append(f"{self.a(s, layer)} = {self.apply(s, layer, z)}")
        return lines

    def deltas(self, s: Scope, layer: int) -> list[str]:
        """The lines that compute δ of a layer."""
        if layer == self.p.depth:
            return self._output_delta(s)
        error = "error" if self.has("back-without-slope") and layer == self.p.depth - 1 else self.d(layer + 1)
        back = error if self.has("back-without-weights", layer) else self.passed_back(s, layer, error)
        slope = self.slope(s, layer)
        if not slope:
            return [f"{self.d(layer)} = {back}"]
        if self.two_lines:
            name = f"{self.p.words.output(layer)}_error"
            return [f"{name} = {back}", f"{self.d(layer)} = {name} * {slope}"]
        back = f"({back})" if " @ " in back else back
        return [f"{self.d(layer)} = {back} * {slope}"]

    def _output_delta(self, s: Scope) -> list[str]:
        m = self.p.depth
        before, error = self.error(s)
        if self.p.explicit:
            before, error = self.explicit_error(s)
        slope = self.slope(s, m)
        scaled = self.scaled(s, error)
        if not slope:
            if self.has("back-without-slope"):
                raise AssertionError("no slope to forget")
            return [*before, f"{self.d(m)} = {scaled}"]
        if self.two_lines or self.has("back-without-slope"):
            return [*before, f"error = {scaled}", f"{self.d(m)} = error * {slope}"]
        scaled = scaled if _is_product(scaled) else f"({scaled})"
        return [*before, f"{self.d(m)} = {scaled} * {slope}"]

    def error(self, s: Scope) -> tuple[list[str], str]:
        """Lines before it, and a − y (or y − a, where the author adds what others subtract)."""
        a, y, before = self.a(s, self.p.depth), s.y, list[str]()
        descent = self.p.descent != (self.has("sign") and self.p.gives_gradients)
        if self.p.integers:
            if self.p.layout == "rows" and descent and self.copy_labels:
                lines = [f"hot = {a}.copy()", f"hot[np.arange({self.count(s.x)}), {y}] -= 1"]
                return lines, "hot"
            before, y = [f"hot = np.zeros_like({a})", f"hot[{self._label_index(s, y)}] = 1"], "hot"
        text = f"{a} - {y}" if descent else f"{y} - {a}"
        if self.has("absolute-error"):
            text = f"np.abs({text})"
        if self.has("squared-error"):
            text = f"({text}) ** 2"
        return before, text

    def _label_index(self, s: Scope, y: str) -> str:
        if self.p.layout == "sample":
            return y
        pair = (y, f"np.arange({self.count(s.x)})")
        return ", ".join(pair if self.p.layout == "columns" else pair[::-1])

    def explicit_error(self, s: Scope) -> tuple[list[str], str]:
        """The derivative of the binary cross-entropy in a, as it stands in the books."""
        a, y = self.a(s, self.p.depth), s.y
        return [], f"({a} - {y}) / ({a} * (1 - {a}))" if self.p.descent else f"{y} / {a} - (1 - {y}) / (1 - {a})"

    def divisor(self, s: Scope) -> str:
        """What the loss is divided by, in a step that sees all rows; nothing for one row."""
        divisor = self.p.loss.divisor
        if self.p.per_row:
            return f"{s.y}.size" if divisor == "all" and self.p.sizes[-1] > 1 else ""
        if divisor == "all" and self.p.layout != "sample":
            return f"{s.y}.size"
        if divisor == "all" and self.p.sizes[-1] > 1:
            return f"({s.rows} * {self.p.sizes[-1]})"
        return s.rows if divisor else ""

    def scaled(self, s: Scope, error: str) -> str:
        """The error with the loss's constant, and divided where that stands in δ."""
        factor = self.p.loss.factor
        divisor = self.divisor(s) if self.p.scale_place == "delta" else ""
        if factor == 1 and not divisor:
            return error
        inner = error if re_atom(error) else f"({error})"
        text = f"{factor} * {inner}" if factor != 1 else inner
        return f"{text} / {divisor}" if divisor else text

    def gradient_expressions(self, s: Scope, layer: int) -> tuple[str, str]:
        """dW and db of a layer, with what is divided and added."""
        w, b = self.weight_gradient(s, layer), self.bias_gradient(layer)
        return self.finished(s, layer, w, b)

    def finished(self, s: Scope, layer: int, w: str, b: str) -> tuple[str, str]:
        """dW and db from their sums over the rows: divided, and with the penalty."""
        divisor = self.divisor(s) if self.p.scale_place == "gradient" else ""
        if divisor:
            w = f"{w} / {divisor}"
            b = b if self.has("bias-summed", layer) else f"{b} / {divisor}"
        w = self.penalised(s, w, self.weight(s, layer))
        b = self.penalised(s, b, self.bias(s, layer)) if self.p.penalty_on_biases and self.p.biased else b
        if self.has("layer-sign", layer):
            w, b = (f"-({text})" if " " in text else f"-{text}" for text in (w, b))
        return w, b

    def penalised(self, s: Scope, gradient: str, parameter: str) -> str:
        """The gradient plus that of the penalty on a parameter."""
        if not self.p.penalty:
            return gradient
        factor = f"({s.decay} / {s.rows})" if self.p.penalty_per_row else s.decay
        terms = {
            "l2": [f"{factor} * {parameter}"],
            "l1": [f"{factor} * np.sign({parameter})"],
            "elastic": [f"{factor} * {parameter}", f"{DECAY_L1} * np.sign({parameter})"],
        }[self.p.penalty]
        plus = "+" if self.p.descent != self.has("penalty-sign") else "-"
        return f" {plus} ".join([gradient, *terms])

    def update(self, s: Scope, layer: int, w: str, b: str) -> list[str]:
        """The lines that move W and b of a layer along their gradients."""
        lines = [] if self.has("W-missing", layer) else self.move(s, layer, 0, self.weight(s, layer), w)
        if self.p.biased and not self.has("bias-missing", layer):
            lines += self.move(s, layer, 1, self.bias(s, layer), b)
        return lines

    def move(self, s: Scope, layer: int, which: int, parameter: str, gradient: str) -> list[str]:
        """The lines that move one parameter."""
        stem = self.p.habit.stems(layer)[which]
        lines, moved = self._optimised(s, stem, gradient)
        sign = "-" if self.p.descent else "+"
        if self.has("sign") or self.has("update-sign", layer):
            sign = {"-": "+", "+": "-"}[sign]
        divisor = self.divisor(s) if self.p.scale_place == "update" else ""
        if which and self.has("bias-summed", layer):
            divisor = ""
        rate = f"{s.rate} / {divisor}" if divisor and s.rate else s.rate
        amount = moved
        if divisor and not s.rate:
            amount = f"{_grouped(moved)} / {divisor}"
        elif rate:
            amount = f"{rate} * {_grouped(moved)}"
        if self.p.in_place:
            return [*lines, f"{parameter} {sign}= {amount}"]
        return [*lines, f"{parameter} = {parameter} {sign} {_grouped(amount)}"]

    def _optimised(self, s: Scope, stem: str, gradient: str) -> tuple[list[str], str]:
        state = s.parameter if not self.p.habit.container else ("self.{}" if s.method else "{}")
        v, m, square = (state.format(f"{prefix}_{stem}") for prefix in ("v", "m", "s"))
        if self.p.optimizer == "momentum":
            return [f"{v} = 0.9 * {v} + {gradient}"], v
        if self.p.optimizer == "rmsprop":
            return [f"{square} = 0.9 * {square} + 0.1 * ({gradient}) ** 2"], f"{gradient} / (np.sqrt({square}) + 1e-8)"
        if self.p.optimizer == "adam":
            t = state.format("t_step")
            return [
                f"{m} = 0.9 * {m} + 0.1 * {gradient}",
                f"{square} = 0.999 * {square} + 0.001 * {gradient} ** 2",
            ], f"({m} / (1 - 0.9 ** {t})) / (np.sqrt({square} / (1 - 0.999 ** {t})) + 1e-8)"
        return [], gradient

    def optimizer_state(self, s: Scope) -> list[str]:
        """The lines that make what the optimizer keeps, at zero."""
        prefixes = {"momentum": ["v"], "rmsprop": ["s"], "adam": ["m", "s"]}.get(self.p.optimizer, [])
        state = s.parameter if not self.p.habit.container else ("self.{}" if s.method else "{}")
        lines = [f"{state.format('t_step')} = 0"] if self.p.optimizer == "adam" else []
        for layer in self.p.layers:
            names = self.pair(self.weight(s, layer), self.bias(s, layer))
            for stem, name in zip(self.p.habit.stems(layer), names, strict=False):
                lines += [f"{state.format(f'{prefix}_{stem}')} = np.zeros_like({name})" for prefix in prefixes]
        return lines

    def tick(self, s: Scope) -> list[str]:
        """The line that counts Adam's steps."""
        state = s.parameter if not self.p.habit.container else ("self.{}" if s.method else "{}")
        return [f"{state.format('t_step')} += 1"] if self.p.optimizer == "adam" else []

    # Blocks

    def rows_line(self, s: Scope) -> list[str]:
        """`m = X.shape[0]`, where something is divided by it under that name."""
        divided = self.p.loss.divisor == "rows" or (self.p.loss.divisor and self.p.layout == "sample")
        needs = (divided and not self.p.per_row) or self.p.penalty_per_row
        return [f"{s.rows} = {self.count(s.x)}"] if needs and s.rows == self.p.words.rows else []

    def backward(self, s: Scope) -> list[str]:
        """δ and the gradients of all layers, the last layer first."""
        lines, comment = [], self.p.comments
        for layer in reversed(self.p.layers):
            lines += [f"# layer {layer}"] if comment and self.p.order == "interleaved" else []
            lines += self.deltas(s, layer)
            if self.p.order == "interleaved":
                lines += self.assigned_gradients(s, layer)
        if self.p.order != "interleaved":
            lines += ["# gradients"] if comment else []
            for layer in reversed(self.p.layers):
                lines += self.assigned_gradients(s, layer)
        return lines

    def assigned_gradients(self, s: Scope, layer: int) -> list[str]:
        """dW = …, db = … of a layer."""
        w, b = self.gradient_expressions(s, layer)
        name, bias_name = self.gradients(s, layer)
        plus = "+=" if self.has("accumulates") else "="
        lines = [f"{name} {plus} {w}"]
        if self.p.biased and self.has("bias-missing", layer) and (self.p.gives_gradients or self.p.kind == "helper"):
            lines.append(f"{bias_name} = np.zeros_like({self.bias(s, layer)})")
        elif self.p.biased and not self.has("bias-missing", layer):
            lines.append(f"{bias_name} {plus} {b}")
        return lines

    def updates(self, s: Scope) -> list[str]:
        """All updates, from gradients that have names."""
        lines = ["# update"] if self.p.comments else []
        for layer in self.p.layers:
            lines += self.update(s, layer, *self.gradients(s, layer))
        return lines

    def step(self, s: Scope) -> list[str]:
        """The way back with the updates in it."""
        if self.has("updated-first"):
            lines: list[str] = []
            for layer in reversed(self.p.layers):
                lines += self.deltas(s, layer) + self._direct_update(s, layer)
            return [*self.tick(s), *lines]
        if self.p.order == "direct" and self.p.optimizer in ("plain", "rows"):
            lines = [line for layer in reversed(self.p.layers) for line in self.deltas(s, layer)]
            return lines + [line for layer in reversed(self.p.layers) for line in self._direct_update(s, layer)]
        return [*self.backward(s), *self.tick(s), *self.updates(s)]

    def _direct_update(self, s: Scope, layer: int) -> list[str]:
        if self.p.optimizer not in ("plain", "rows"):
            return self.assigned_gradients(s, layer) + self.update(s, layer, *self.gradients(s, layer))
        return self.update(s, layer, *self.gradient_expressions(s, layer))

    def accumulated(self, s: Scope, forward: list[str], x: str, y: str) -> list[str]:
        """The gradients as sums in a loop over the rows, one sample at a time."""
        local = replace(s, x=x, y=y)
        names = [(*self.gradients(s, layer),) for layer in self.p.layers]
        lines = []
        for layer, (w, b) in zip(self.p.layers, names, strict=True):
            lines.append(f"{w} = np.zeros_like({self.weight(s, layer)})")
            lines += [f"{b} = np.zeros_like({self.bias(s, layer)})"] if self.p.biased else []
        inner = [*forward, *(line for layer in reversed(self.p.layers) for line in self.deltas(local, layer))]
        plus = "=" if self.has("last-row-only") else "+="
        for layer, (w, b) in zip(self.p.layers, names, strict=True):
            inner.append(f"{w} {plus} {self.weight_gradient(local, layer)}")
            skip = not self.p.biased or self.has("bias-missing", layer)
            inner += [] if skip else [f"{b} {plus} {self.bias_gradient(layer)}"]
        lines += [f"for {x}, {y} in zip({s.x}, {s.y}):", *indented(inner)]
        for layer, (w, b) in zip(self.p.layers, names, strict=True):
            done_w, done_b = self.finished(s, layer, w, b)
            lines += [f"{w} = {done_w}"] if done_w != w else []
            skip = not self.p.biased or done_b == b or (self.has("bias-missing", layer) and self.p.penalty == "")
            lines += [] if skip else [f"{b} = {done_b}"]
        return lines

    # The rest of a program

    def cost(self, s: Scope, a: str) -> str:
        """The loss as an expression in the prediction `a`."""
        y, loss = s.y, self.p.loss
        if self.p.integers:
            picked = f"{a}[{self._label_index(s, y)}]"
            total = f"-np.sum(np.log({picked}))"
        elif loss.family == "softmax":
            total = f"-np.sum({y} * np.log({a}))"
        elif loss.family == "binary":
            total = f"-np.sum({y} * np.log({a}) + (1 - {y}) * np.log(1 - {a}))"
        elif loss.name == "mse":
            return f"np.mean(({y} - {a}) ** 2)"
        elif loss.name == "half-mse":
            return f"0.5 * np.mean(({a} - {y}) ** 2)"
        else:
            total = f"np.sum(({a} - {y}) ** 2)"
            total = f"0.5 * {total}" if loss.factor == 1 else total
        return f"{total} / {self.count(s.x)}" if loss.divisor == "rows" else total

    def penalty_cost(self, s: Scope, rows: str) -> str:
        """What the penalty adds to the cost; nothing without one."""
        if not self.p.penalty:
            return ""
        parameters = [self.weight(s, layer) for layer in self.p.layers]
        if self.p.penalty_on_biases and self.p.biased:
            parameters += [self.bias(s, layer) for layer in self.p.layers]
        factor = f"{s.decay} / {rows}" if self.p.penalty_per_row else s.decay
        squares = f"0.5 * {factor} * ({' + '.join(f'np.sum({name} ** 2)' for name in parameters)})"
        sizes = " + ".join(f"np.sum(np.abs({name}))" for name in parameters)
        return {
            "l2": f" + {squares}",
            "l1": f" + {factor} * ({sizes})",
            "elastic": f" + {squares} + {DECAY_L1} * ({sizes})",
        }[self.p.penalty]

    def helpers_text(self, as_methods: bool) -> list[str]:
        """The helper functions that were needed, or methods."""
        lines: list[str] = []
        for text in self.needs.values():
            head, *body = text
            head = head.replace("(", "(self, ", 1) if as_methods else head
            lines += [head, *body, ""] if as_methods else [head, *body, "", ""]
        return lines

    def random(self, rows: str, columns: str) -> str:
        """An expression that makes a random matrix."""
        return {
            "randn": f"np.random.randn({rows}, {columns})",
            "rand": f"np.random.rand({rows}, {columns})",
            "uniform": f"np.random.uniform(-1, 1, ({rows}, {columns}))",
            "rng": f"np.random.default_rng({self.p.depth}).normal(size=({rows}, {columns}))",
            "random": f"2 * np.random.random(({rows}, {columns})) - 1",
            "scaled": f"np.random.randn({rows}, {columns}) * 0.5",
            "state": f"np.random.RandomState(1).randn({rows}, {columns})",
        }[self.p.born]

    def born(self, sizes: list[str]) -> list[tuple[str, str]]:
        """(weights, bias) expressions of every layer, from the expressions of the sizes."""
        actual = []
        for n, h in itertools.pairwise(sizes):
            if self.p.layout == "flat":
                actual.append((f"np.zeros({n})", "0.0"))
                continue
            shape = (h, n) if self.p.turned else (n, h)
            bias = f"({h}, 1)" if self.p.layout == "columns" else f"(1, {h})" if self.p.column_bias else h
            actual.append((self.random(*shape), f"np.zeros({bias})"))
        return actual

    def initial(self, s: Scope, sizes: list[str]) -> list[str]:
        """The lines that make the parameters."""
        habit, pairs = self.p.habit, self.born(sizes)
        names = [(habit.weight(layer), habit.bias(layer)) for layer in self.p.layers]
        if habit.container == "slice":
            return [f"{s.of(habit.roots[0])} = np.zeros(1 + {sizes[0]})"]
        if not habit.container:
            lines = []
            for (w, b), (w_text, b_text) in zip(names, pairs, strict=True):
                lines.append(f"{s.of(w)} = {w_text}")
                lines += [f"{s.of(b)} = {b_text}"] if self.p.biased else []
            return lines
        if habit.container == "dict":
            lines = [f"{s.of(habit.roots[0])} = {{"]
            for layer, (w_text, b_text) in zip(self.p.layers, pairs, strict=True):
                w, b = habit.stems(layer)
                lines.append(f'    "{w}": {w_text},')
                lines += [f'    "{b}": {b_text},'] if self.p.biased else []
            return [*lines, "}"]
        lists = [habit.roots[0], habit.roots[1]]
        texts = [", ".join(pair[i] for pair in pairs) for i in range(2 if self.p.biased else 1)]
        return [f"{s.of(name)} = [{text}]" for name, text in zip(lists, texts, strict=False)]


def re_atom(text: str) -> bool:
    """Whether an expression needs no parentheses as a factor."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character in " -":
            return False
    return True


def _is_product(text: str) -> bool:
    """Whether `text * f` means what it says without parentheses."""
    return not _has_sum(text)


def _has_sum(text: str) -> bool:
    depth = 0
    for i, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and (text[i : i + 3] in (" + ", " - ") or (i == 0 and character == "-")):
            return True
    return False


def _grouped(text: str) -> str:
    return f"({text})" if _has_sum(text) else text


def _flip(text: str) -> str:
    return text[:-2] if text.endswith(".T") else f"{text}.T"


def indented(lines: Iterable[str], by: int = 1) -> list[str]:
    """The lines, moved to the right."""
    return [textwrap.indent(line, "    " * by) for line in lines]
