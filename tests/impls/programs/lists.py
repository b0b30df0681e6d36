"""Networks of pure Python: neurons as objects, or functions on lists of lists; they take one sample at a time."""

from __future__ import annotations

from tests.impls.programs import exercise
from tests.impls.programs.parts import STEPS, Parts, function, method
from tests.impls.programs.writing import Writer, indented

ACTIVATE = {"sigmoid": "1 / (1 + math.exp(-z))", "tanh": "math.tanh(z)"}
SLOPE = {"sigmoid": "{a} * (1 - {a})", "tanh": "(1 - {a} ** 2)"}


def _slope(w: Writer, layer: int, a: str) -> str:
    """` * f′` in terms of a, or what stands there by mistake."""
    name = w.p.activations[layer - 1]
    if w.has("none", layer):
        return ""
    if w.has("of-tanh", layer):
        name = "tanh"
    if w.has("of-sigmoid", layer):
        name = "sigmoid"
    return " * " + SLOPE[name].format(a=a)


def _factor(w: Writer) -> str:
    return "2 * " if w.p.loss.factor == 2 else ""


# Neurons as objects


def neurons_program(w: Writer, start: list[str]) -> Parts:
    """A network of neuron objects, each with a list of weights and a bias; it trains row by row."""
    p = w.p
    hidden, output = w.rng.choice([("hidden", "output"), ("hidden_layer", "output_layer"), ("layer1", "layer2")])
    neuron = w.rng.choice(["Neuron", "Unit", "Node"])
    weights, bias = w.rng.choice([("weights", "bias"), ("w", "b"), ("weights", "b")])
    words = (hidden, output, neuron, weights, bias)
    lines = [*_neuron_class(w, words), "", f"class {p.name}:", *indented(_neuron_network(w, words))]
    layers = ", ".join(
        f"_layer([n.{weights} for n in _net.{layer}], [n.{bias} for n in _net.{layer}])" for layer in (hidden, output)
    )
    call = [
        *start,
        f"_net = {p.name}({', '.join(map(str, p.sizes))})",
        f"for _neuron in [*_net.{hidden}, *_net.{output}]:",
        f"    _neuron.{weights} = [float(v) for v in _rng.normal(size=len(_neuron.{weights}))]",
        f"    _neuron.{bias} = float(_rng.normal())",
        f"_before = [{layers}]",
        f"for _ in range({STEPS}):",
        "    for _row, _target in zip(_X.tolist(), _Y.tolist()):",
        f"        _net.{p.words.train}(_row, _target, {p.rate})",
        exercise.noted("_before", f"[{layers}]"),
    ]
    return Parts(lines, p.name, call, p.rate, STEPS)


def _neuron_class(w: Writer, words: tuple[str, ...]) -> list[str]:
    _, _, neuron, weights, bias = words
    random = w.rng.choice(["random.random()", "random.uniform(-1, 1)", "random.gauss(0, 1)"])
    names = dict.fromkeys(w.p.activations)
    texts = [f"if self.kind == '{name}':" for name in names]
    activate = [f"self.output = {ACTIVATE[w.p.activations[0]]}"]
    if len(names) > 1:
        first, last = names
        activate = [texts[0], f"    self.output = {ACTIVATE[first]}", "else:", f"    self.output = {ACTIVATE[last]}"]
    kind = [", kind"] if len(names) > 1 else [""]
    init = [f"self.{weights} = [{random} for _ in range(n_inputs)]", f"self.{bias} = {random}"]
    init += ["self.kind = kind"] if len(names) > 1 else []
    body = [
        f"def __init__(self, n_inputs{kind[0]}):",
        *indented(init),
        "",
        "def activate(self, inputs):",
        "    self.inputs = inputs",
        f"    z = sum(w * x for w, x in zip(self.{weights}, inputs)) + self.{bias}",
        *indented(activate),
        "    return self.output",
        "",
    ]
    return ["import math", "import random", "", "", f"class {neuron}:", *indented(body)]


def _neuron_network(w: Writer, words: tuple[str, ...]) -> list[str]:
    p, (hidden, output, neuron, _, _) = w.p, words
    kinds = [f", '{name}'" if len(set(p.activations)) > 1 else "" for name in p.activations]
    sizes = list(p.size_words)
    init = [
        f"self.{hidden} = [{neuron}({sizes[0]}{kinds[0]}) for _ in range({sizes[1]})]",
        f"self.{output} = [{neuron}({sizes[1]}{kinds[1]}) for _ in range({sizes[2]})]",
    ]
    forward = [
        f"hidden_outputs = [n.activate(x) for n in self.{hidden}]",
        f"return [n.activate(hidden_outputs) for n in self.{output}]",
    ]
    return [
        *method("__init__", sizes, init),
        *method(p.words.forward, ["x"], forward),
        *method(p.words.train, ["x", "y", f"{p.words.rate}={p.rate}"], _neuron_training(w, words)),
    ]


def _neuron_training(w: Writer, words: tuple[str, ...]) -> list[str]:
    p, (hidden, output, _, weights, bias) = w.p, words
    sign = "-" if p.descent != w.has("sign") else "+"
    error = "n.output - t" if p.descent else "t - n.output"
    delta = f"{_factor(w)}({error}){_slope(w, 2, 'n.output')}"
    update = [
        "for n, delta in zip(neurons, deltas):",
        "    for i, value in enumerate(n.inputs):",
        f"        n.{weights}[i] {sign}= {p.words.rate} * delta * value",
    ]
    if not w.has("bias-missing"):
        update.append(f"    n.{bias} {sign}= {p.words.rate} * delta")
    elif w.p.at != (1, 2):
        spared = hidden if w.p.at == (1,) else output
        update += [f"    if neurons is not self.{spared}:", f"        n.{bias} {sign}= {p.words.rate} * delta"]
    return [
        f"self.{p.words.forward}(x)",
        f"output_deltas = [{delta} for n, t in zip(self.{output}, y)]",
        "hidden_deltas = []",
        f"for j, n in enumerate(self.{hidden}):",
        f"    error = sum(d * m.{weights}[j] for d, m in zip(output_deltas, self.{output}))",
        f"    hidden_deltas.append(error{_slope(w, 1, 'n.output')})",
        f"for neurons, deltas in ((self.{output}, output_deltas), (self.{hidden}, hidden_deltas)):",
        *indented(update),
    ]


# Functions on lists of lists


def lists_program(w: Writer, start: list[str]) -> Parts:
    """A function that trains lists of lists, in place, row by row."""
    p = w.p
    names = [name for layer in p.layers for name in (p.habit.weight(layer), p.habit.bias(layer))]
    name = p.words.train
    x, y = p.words.x, p.words.y
    body = [f"for xi, yi in zip({x}, {y}):", *indented(_list_step(w, names))]
    lines = ["import math", "", "", *_list_functions(w)]
    lines += function(name, [x, y, *names, f"{p.words.rate}={p.rate}"], [*body, f"return {', '.join(names)}"])
    made = [f"{target} = _rng.normal(size={shape}).tolist()" for target, shape in zip(names, _shapes(w), strict=True)]
    prefixed = [f"_p{line}" for line in made]
    now = exercise.layers(p, [f"_p{target}" for target in names])
    call = [
        *start,
        *prefixed,
        f"_before = {now}",
        f"for _ in range({STEPS}):",
        f"    {', '.join(f'_p{target}' for target in names)} = {name}"
        f"(_X.tolist(), _Y.tolist(), {', '.join(f'_p{target}' for target in names)}, {p.rate})",
        exercise.noted("_before", now),
    ]
    return Parts(lines, name, call, p.rate, STEPS)


def _shapes(w: Writer) -> list[str]:
    n, h, m = w.p.sizes
    return [f"({h}, {n})", f"{h}", f"({m}, {h})", f"{m}"]


def _list_functions(w: Writer) -> list[str]:
    lines: list[str] = []
    for name in dict.fromkeys(w.p.activations):
        lines += function(name, ["z"], [f"return {ACTIVATE[name]}"])
    return lines


def _list_step(w: Writer, names: list[str]) -> list[str]:
    p = w.p
    first, first_bias, second, second_bias = names
    f, g = p.activations
    sign = "-" if p.descent != w.has("sign") else "+"
    error = "out[k] - yi[k]" if p.descent else "yi[k] - out[k]"
    forward = [
        f"h = [{f}(sum(w * v for w, v in zip({first}[j], xi)) + {first_bias}[j]) for j in range(len({first}))]",
        f"out = [{g}(sum(w * v for w, v in zip({second}[k], h)) + {second_bias}[k]) for k in range(len({second}))]",
    ]
    deltas = [f"d_out = [{_factor(w)}({error}){_slope(w, 2, 'out[k]')} for k in range(len(out))]"]
    back = f"sum(d_out[k] * {second}[k][j] for k in range(len(out)))"
    hidden = [f"d_h = [{back}{_slope(w, 1, 'h[j]')} for j in range(len(h))]"]
    upper = _list_update(w, 2, "k", "out", (second, second_bias, "d_out", "h"), sign)
    lower = _list_update(w, 1, "j", "h", (first, first_bias, "d_h", "xi"), sign)
    if w.has("updated-first"):
        return [*forward, *deltas, *upper, *hidden, *lower]
    return [*forward, *deltas, *hidden, *upper, *lower]


def _list_update(w: Writer, layer: int, i: str, over: str, words: tuple[str, ...], sign: str) -> list[str]:
    weights, bias, delta, source = words
    rate = w.p.words.rate
    lines = [
        f"for {i} in range(len({over})):",
        f"    for i in range(len({source})):",
        f"        {weights}[{i}][i] {sign}= {rate} * {delta}[{i}] * {source}[i]",
    ]
    skip = w.has("bias-missing", layer)
    return lines if skip else [*lines, f"    {bias}[{i}] {sign}= {rate} * {delta}[{i}]"]
