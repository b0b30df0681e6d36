"""Layers as objects: a list of them, a network that holds them; and networks that loop over lists of weights."""

from __future__ import annotations

from dataclasses import replace

from tests.impls.programs import exercise
from tests.impls.programs.parts import (
    Parts,
    class_scope,
    class_text,
    constructor,
    epoch_loop,
    made_call,
    method,
    object_exercise,
    rate_of,
    steps_of,
    train_arguments,
    trained,
)
from tests.impls.programs.writing import Scope, Writer, indented

LAYER_CLASSES = ("Dense", "Linear", "Layer", "FullyConnected", "FCLayer", "Affine", "DenseLayer")
ACTIVATION_CLASSES = {
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "softplus": "Softplus",
    "elu": "ELU",
    "identity": "",
}
UPSTREAM = ("grad", "upstream", "output_gradient", "dout", "output_error", "grad_output")


class LayerWriter:
    """The classes of a dense layer and of the activations, which step at once or keep their gradients."""

    def __init__(self, w: Writer, *, steps: bool) -> None:
        self.w, self.p, self.steps = w, w.p, steps
        self.dense = w.rng.choice(LAYER_CLASSES)
        self.upstream = w.rng.choice(UPSTREAM)
        self.rate = w.p.words.rate
        self.x = w.rng.choice(["x", "inputs", "input", "X"])
        self.weight, self.bias = w.p.habit.weight(1), w.p.habit.bias(1)
        self.names = tuple(w.p.words.gradient.format(s=name) for name in (self.weight, self.bias))

    def text(self) -> list[str]:
        """All classes, with the helper functions before them."""
        lines = self._dense()
        for name in dict.fromkeys(self.p.activations):
            lines += self._activation(name) if ACTIVATION_CLASSES[name] else []
        return lines

    def listed(self, sizes: list[str]) -> list[str]:
        """The expressions that make the layers in their order."""
        made = []
        for layer in self.p.layers:
            made.append(f"{self.dense}({sizes[layer - 1]}, {sizes[layer]})")
            activation = ACTIVATION_CLASSES[self.p.activations[layer - 1]]
            made += [f"{activation}()"] if activation else []
        return made

    def positions(self) -> list[int]:
        """Where in the list the dense layers stand."""
        actual, position = [], 0
        for name in self.p.activations:
            actual.append(position)
            position += 2 if ACTIVATION_CLASSES[name] else 1
        return actual

    def arguments(self) -> list[str]:
        """The arguments of `backward`."""
        return [self.upstream, self.rate] if self.steps else [self.upstream]

    def _dense(self) -> list[str]:
        w, weight, bias = self.w, f"self.{self.weight}", f"self.{self.bias}"
        w_text, b_text = w.born(["n_in", "n_out"])[0]
        init = [f"{weight} = {w_text}", *([f"{bias} = {b_text}"] if self.p.biased else [])]
        if w.has("accumulates"):
            init += [f"self.{self.names[0]} = np.zeros_like({weight})"]
            init += [f"self.{self.names[1]} = np.zeros_like({bias})"] if self.p.biased else []
        forward = [f"self.{self.x} = {self.x}", f"return {w.affine(self.x, weight, bias)}"]
        body = [
            *method("__init__", ["n_in", "n_out"], init),
            *method("forward", [self.x], forward),
            *method("backward", self.arguments(), self._dense_backward(weight, bias)),
        ]
        return [f"class {self.dense}:", *indented(body), ""]

    def _dense_backward(self, weight: str, bias: str) -> list[str]:
        w = self.w
        gradients = w.outer(f"self.{self.x}", self.upstream), w.bias_gradient(1, self.upstream)
        below = w.back(self.upstream, weight)
        biased = self.p.biased and not w.has("bias-missing")
        if not self.steps:
            plus = "+=" if w.has("accumulates") else "="
            lines = [f"self.{self.names[0]} {plus} {gradients[0]}"]
            lines += [f"self.{self.names[1]} {plus} {gradients[1]}"] if biased else []
            if self.p.biased and not biased:
                lines.append(f"self.{self.names[1]} = np.zeros_like({bias})")
            return [*lines, f"return {below}"]
        sign = "+" if w.has("sign") else "-"
        updates = [f"{weight} {sign}= {self.rate} * {gradients[0]}"]
        updates += [f"{bias} {sign}= {self.rate} * {gradients[1]}"] if biased else []
        if w.has("updated-first"):
            return [*updates, f"return {below}"]
        return [f"below = {below}", *updates, "return below"]

    def _activation(self, name: str) -> list[str]:
        w = self.w
        layer = self.p.activations.index(name) + 1
        s = Scope(fixed=("self.z", "self.out"))
        lines = ["self.z = z"] if w.slope_source(layer) == "z" else []
        forward = [*lines, f"self.out = {w.apply(s, layer, 'z')}", "return self.out"]
        slope = w.slope(s, layer)
        result = f"{self.upstream} * {slope}" if slope else self.upstream
        body = [*method("forward", ["z"], forward), *method("backward", self.arguments(), [f"return {result}"])]
        return [f"class {ACTIVATION_CLASSES[name]}:", *indented(body), ""]


# A list of layers


def layers_program(w: Writer, start: list[str]) -> Parts:
    """Layers with a forward and a backward each, in a list; the target is the list."""
    p, name = w.p, w.rng.choice(["network", "layers", "net", "model", "stack"])
    made = LayerWriter(w, steps=w.p.split != "gradients, update")
    sizes = [str(n) for n in p.sizes]
    text = made.text()
    listed = [f"{name} = [", *indented([f"{item}," for item in made.listed(sizes)]), "]"]
    if w.short_sum:
        listed = [f"{name} = [{', '.join(made.listed(sizes))}]"]
    lines, files = [*text, *listed, "", "", *_trainer(w, made)], {}
    if p.predict:
        module = w.rng.choice(["layers_module", "nn_layers", "parts"])
        imports = [made.dense, *dict.fromkeys(a for a in map(ACTIVATION_CLASSES.get, p.activations) if a)]
        files = {
            f"{module}.py": "\n".join(["import numpy as np", "", "", *w.helpers_text(False), *text]).rstrip() + "\n"
        }
        w.needs.clear()
        lines = [f"from {module} import {', '.join(imports)}", "", *listed, "", "", *_trainer(w, made)]
    call = _list_exercise(w, start, made, name)
    return Parts(lines, name, call, p.rate if made.steps else 0.0, 1 if made.steps else 0, files)


def _trainer(w: Writer, made: LayerWriter) -> list[str]:
    """A function that trains a list of layers, which is no target."""
    p = w.p
    if not p.cost or not made.steps:
        return []
    body = [
        f"for epoch in range({p.words.epochs}):",
        "    out = X",
        "    for layer in layers:",
        "        out = layer.forward(out)",
        "    grad = out - Y",
        "    for layer in reversed(layers):",
        f"        grad = layer.backward(grad, {made.rate})",
    ]
    return [f"def train(layers, X, Y, {p.words.epochs}=1000, {made.rate}={p.rate}):", *indented(body), ""]


def _list_exercise(w: Writer, start: list[str], made: LayerWriter, name: str) -> list[str]:
    p, x = w.p, exercise.inputs(w.p)
    parameters, gradients = _attributes(w, made, name)
    now = exercise.layers(p, parameters)
    rate = f", {p.rate}" if made.steps else ""
    once = [
        f"_out = {x}",
        *(f"for _layer_object in {name}:", "    _out = _layer_object.forward(_out)"),
        f"_grad = _out - {exercise.targets(p)}",
        *(f"for _layer_object in reversed({name}):", f"    _grad = _layer_object.backward(_grad{rate})"),
    ]
    return [
        *start,
        *exercise.randomised(parameters),
        *exercise.alive(p, *_last(w, parameters)),
        f"_before = {now}",
        *(once if made.steps else [*once, *once]),
        exercise.noted("_before", now if made.steps else exercise.layers(p, gradients)),
    ]


def _attributes(w: Writer, made: LayerWriter, root: str) -> tuple[list[str], list[str]]:
    """The parameters, and the gradients, as attributes of the layers in a list."""
    parameters: list[str] = []
    gradients: list[str] = []
    for position in made.positions():
        place = f"{root}[{position}]"
        parameters += w.pair(f"{place}.{made.weight}", f"{place}.{made.bias}")
        gradients += w.pair(f"{place}.{made.names[0]}", f"{place}.{made.names[1]}")
    return parameters, gradients


def _last(w: Writer, parameters: list[str]) -> tuple[str, str]:
    return (parameters[-2], parameters[-1]) if w.p.biased else (parameters[-1], "")


# A network with `.layers`


def network_program(w: Writer, start: list[str]) -> Parts:
    """A network that holds its layers, and either trains or passes a gradient back."""
    p = w.p
    trains = p.split != "gradients, update"
    made, sizes = LayerWriter(w, steps=trains), constructor(w)
    text = made.text()
    layers = [f"self.layers = [{', '.join(made.listed(sizes.sizes))}]"]
    constructed = p.rate_place == "constructor" and trains
    arguments = [*sizes.parameters, *([f"{p.words.rate}={p.rate}"] if constructed else [])]
    init = [f"self.{p.words.rate} = {p.words.rate}"] if constructed else []
    forward = ["for layer in self.layers:", f"    {p.words.x} = layer.forward({p.words.x})", f"return {p.words.x}"]
    rate = f", {_network_rate(w)}" if trains else ""
    passed = ["for layer in reversed(self.layers):", f"    grad = layer.backward(grad{rate})"]
    body = [*method("__init__", arguments, [*init, *layers]), *method(p.words.forward, [p.words.x], forward)]
    if trains:
        body += method(p.words.train, train_arguments(w), _network_training(w, passed))
    else:
        body += method("backward", ["grad"], [*passed, "return grad"])
    lines = [*text, f"class {p.name}:", *indented(body)]
    call = f"{p.name}({', '.join([*sizes.arguments, *([f'{p.words.rate}={p.rate}'] if constructed else [])])})"
    code = _network_exercise(w, start, made, call, trains)
    return Parts(lines, p.name, code, rate_of(w) if trains else 0.0, steps_of(w) if trains else 0)


def _network_rate(w: Writer) -> str:
    """How the rate is called inside `train`."""
    rate = w.p.words.rate
    return {"argument": rate, "constructor": f"self.{rate}", "literal": str(w.p.rate), "none": "1.0"}[w.p.rate_place]


def _network_training(w: Writer, passed: list[str]) -> list[str]:
    s = replace(class_scope(w, cached=False), fixed=("", "out"))
    _, error = w.explicit_error(s) if w.p.explicit else w.error(s)
    lines = [f"out = self.{w.p.words.forward}({s.x})", f"grad = {w.scaled(s, error)}", *passed]
    shown = w.cost(s, "out") if w.p.prints else ""
    return [*w.rows_line(s), *epoch_loop(w, lines, shown)]


def _network_exercise(w: Writer, start: list[str], made: LayerWriter, call: str, trains: bool) -> list[str]:
    p = w.p
    parameters, gradients = _attributes(w, made, "_net.layers")
    now = exercise.layers(p, parameters)
    passes = [f"_net.backward(_net.{p.words.forward}({exercise.inputs(p)}) - {exercise.targets(p)})"] * 2
    return [
        *start,
        f"_net = {call}",
        *exercise.randomised(parameters),
        *exercise.alive(p, *_last(w, parameters)),
        f"_before = {now}",
        *([trained(w, f"_net.{p.words.train}")] if trains else passes),
        exercise.noted("_before", now if trains else exercise.layers(p, gradients)),
    ]


# A class that loops over lists of weights


def loops_program(w: Writer, start: list[str]) -> Parts:
    """A network of any depth, whose passes are loops over its lists of weights."""
    p, s = w.p, replace(class_scope(w, cached=True), fixed=("z", "a"))
    made = constructor(w)
    weights, biases = (f"self.{root}" for root in p.habit.roots)
    methods = [
        *_loop_forward(w, s, weights, biases),
        *_loop_backward(w, s, weights, biases),
        *_loop_train(w, s, weights, biases),
    ]
    init = _loop_init(w, made.parameters, weights, biases)
    call = object_exercise(w, start, made_call(w, made), [trained(w, f"_net.{p.words.train}")])
    return Parts(class_text(w, [*init, *methods]), p.name, call, rate_of(w), steps_of(w))


def _loop_init(w: Writer, parameters: list[str], weights: str, biases: str) -> list[str]:
    p, sizes = w.p, w.p.size_words[0]
    w_text, b_text = w.born(["n_in", "n_out"])[0]
    pairs = f"for n_in, n_out in zip({sizes}[:-1], {sizes}[1:])]"
    lines = [f"{weights} = [{w_text} {pairs}", f"{biases} = [{b_text} {pairs}"]
    rate = [f"{p.words.rate}={p.rate}"] if p.rate_place == "constructor" else []
    lines = [*([f"self.{p.words.rate} = {p.words.rate}"] if rate else []), *lines]
    return method("__init__", [*parameters, *rate], lines)


def _loop_forward(w: Writer, s: Scope, weights: str, biases: str) -> list[str]:
    p, x = w.p, w.p.words.x
    hidden, output = w.apply(s, 1, "z"), w.apply(s, p.depth, "z")
    chosen = hidden if hidden == output else f"{hidden} if i < len({weights}) - 1 else {output}"
    lines = [
        f"self.activations, self.zs = [{x}], []",
        f"for i in range(len({weights})):",
        f"    z = {w.affine('self.activations[-1]', f'{weights}[i]', f'{biases}[i]')}",
        "    self.zs.append(z)",
        f"    self.activations.append({chosen})",
        "return self.activations[-1]",
    ]
    return method(p.words.forward, [x], lines)


def _loop_backward(w: Writer, s: Scope, weights: str, biases: str) -> list[str]:
    """`backward(x, y)` that returns the two lists of gradients."""
    p = w.p
    last = replace(s, fixed=("self.zs[-1]", "self.activations[-1]"))
    below = replace(s, fixed=("self.zs[i - 1]", "self.activations[i]"))
    before, error = w.explicit_error(last) if p.explicit else w.error(last)
    slope, hidden = w.slope(last, p.depth), w.slope(below, 1)
    back = w.back("error" if w.has("back-without-slope") else "delta", f"{weights}[i]")
    back = f"({back})" if " @ " in back else back
    source = "(self.activations[i] if i == 0 else self.zs[i - 1])" if w.has("from-z") else "self.activations[i]"
    w_gradient, b_gradient = w.finished(s, 1, w.outer(source, "delta"), w.bias_gradient(1, "delta"))
    lines = [
        *w.rows_line(s),
        f"dws, dbs = [None] * len({weights}), [None] * len({biases})",
        *before,
        f"error = {w.scaled(s, error)}",
        f"delta = error * {slope}" if slope else "delta = error",
        f"for i in reversed(range(len({weights}))):",
        f"    dws[i] = {w_gradient}",
        f"    dbs[i] = np.zeros_like({biases}[i])" if w.has("bias-missing") else f"    dbs[i] = {b_gradient}",
        "    if i > 0:",
        f"        delta = {back}{f' * {hidden}' if hidden else ''}",
        *(["        error = delta"] if w.has("back-without-slope") else []),
        "return dws, dbs",
    ]
    return method(p.words.backward, [s.x, s.y], lines)


def _loop_train(w: Writer, s: Scope, weights: str, biases: str) -> list[str]:
    p = w.p
    sign = "+" if p.descent == w.has("sign") else "-"
    lines = [
        f"self.{p.words.forward}({s.x})",
        f"dws, dbs = self.{p.words.backward}({s.x}, {s.y})",
        f"for i in range(len({weights})):",
        f"    {weights}[i] {sign}= {s.rate} * dws[i]",
        f"    {biases}[i] {sign}= {s.rate} * dbs[i]",
    ]
    return method(p.words.train, train_arguments(w), epoch_loop(w, lines))
