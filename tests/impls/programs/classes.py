"""Classes that train in place: by methods in various splits, by fit, on their own data, by a helper of train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.impls.programs import exercise
from tests.impls.programs.parts import (
    STEPS,
    Constructor,
    Parts,
    batches,
    class_scope,
    class_text,
    constructor,
    cost_method,
    epoch_loop,
    forward_method,
    init_method,
    made_call,
    method,
    object_exercise,
    predict_method,
    rate_of,
    rowwise,
    shown_cost,
    steps_of,
    train_arguments,
    trained,
    whole,
)
from tests.impls.programs.plan import DECAY
from tests.impls.programs.writing import Scope, Writer

# A class with forward, backward and train, in various splits


def class_program(w: Writer, start: list[str]) -> Parts:
    p = w.p
    made = constructor(w)
    methods = SPLITS[p.split](w)
    body = [*init_method(w, made), *methods, *cost_method(w), *predict_method(w)]
    call = object_exercise(w, start, made_call(w, made), [trained(w, f"_net.{p.words.train}")])
    return Parts(class_text(w, body), p.name, call, rate_of(w), steps_of(w))


def _forward_backward_train(w: Writer) -> list[str]:
    p, s = w.p, class_scope(w, cached=True)
    rate = [p.words.rate] if p.rate_place == "argument" else []
    inside = replace(s, last="output") if w.takes_output else s
    output = ["output"] if w.takes_output else []
    backward = method(p.words.backward, [s.x, s.y, *output, *rate], [*w.rows_line(s), *w.step(inside)])

    def calls(x: str, y: str) -> list[str]:
        forward = f"{'output = ' if output else ''}self.{p.words.forward}({x})"
        return [forward, f"self.{p.words.backward}({', '.join([x, y, *output, *rate])})"]

    loop = epoch_loop(w, _over_data(w, s, calls), shown_cost(w, s))
    return [*forward_method(w, s), *backward, *method(p.words.train, train_arguments(w), loop)]


def _over_data(w: Writer, s: Scope, calls: Callable[[str, str], list[str]]) -> list[str]:
    """The calls on all rows, on batches of them, or on one after the other."""
    if w.p.layout == "sample":
        return rowwise(w, calls("xi", "yi"))
    if w.p.minibatch:
        return batches(w, s, lambda local: calls(local.x, local.y))
    return calls(s.x, s.y)


def _gradients_update(w: Writer) -> list[str]:
    p, s = w.p, class_scope(w, cached=True, stored=True)
    rate = [p.words.rate] if p.rate_place == "argument" else []
    backward = method(p.words.backward, [s.x, s.y], [*w.rows_line(s), *w.backward(s)])
    update = method(UPDATE, rate, [*w.tick(s), *w.updates(s)])

    def calls(x: str, y: str) -> list[str]:
        update_call = f"self.{UPDATE}({', '.join(rate)})"
        return [f"self.{p.words.forward}({x})", f"self.{p.words.backward}({x}, {y})", update_call]

    loop = epoch_loop(w, _over_data(w, s, calls), shown_cost(w, s))
    return [*forward_method(w, s), *backward, *update, *method(p.words.train, train_arguments(w), loop)]


UPDATE = "update"


def _forward_train(w: Writer) -> list[str]:
    p, s = w.p, class_scope(w, cached=True)
    if p.minibatch:
        forward = f"self.{p.words.forward}"
        loop = epoch_loop(w, batches(w, s, lambda here: [*w.rows_line(here), f"{forward}({here.x})", *w.step(here)]))
    elif p.layout != "sample":
        lines = [f"self.{p.words.forward}({s.x})", *w.step(s)]
        loop = [*w.rows_line(s), *epoch_loop(w, lines, shown_cost(w, s))]
    elif p.optimizer == "rows":
        local = replace(s, x="xi", y="yi")
        loop = epoch_loop(w, rowwise(w, [f"self.{p.words.forward}(xi)", *w.step(local)]))
    else:
        inner = w.accumulated(s, [f"self.{p.words.forward}(xi)"], "xi", "yi")
        loop = [*w.rows_line(s), *epoch_loop(w, [*inner, *w.updates(s)])]
    return [*forward_method(w, s), *method(p.words.train, train_arguments(w), loop)]


def _all_in_train(w: Writer) -> list[str]:
    p, s = w.p, class_scope(w, cached=False)
    return [*method(p.words.train, train_arguments(w), whole(w, s)), *forward_method(w, s)]


SPLITS: dict[str, Callable[[Writer], list[str]]] = {
    "forward, backward, train": _forward_backward_train,
    "gradients, update": _gradients_update,
    "forward, train": _forward_train,
    "one": _all_in_train,
}


# A class whose fit makes the weights


def fit_program(w: Writer, start: list[str]) -> Parts:
    p, s = w.p, class_scope(w, cached=w.two_lines)
    hidden = list(p.size_words[1:-1])
    out = [p.size_words[-1]] if p.integers else []
    arguments = [f"{p.words.rate}={p.rate}", f"{p.words.epochs}=1000"]
    arguments += [f"{name}={n}" for name, n in zip(hidden, p.sizes[1:-1], strict=True)]
    arguments += [f"{name}={p.sizes[-1]}" for name in out]
    arguments += [f"{p.words.decay}={DECAY}"] if p.penalty and p.decay_place == "argument" else []
    kept = [argument.split("=")[0] for argument in arguments]
    init = method("__init__", arguments, [f"self.{name} = {name}" for name in kept])
    features = f"{s.x}.shape[{0 if p.layout == 'columns' else 1}]"
    last = f"self.{out[0]}" if out else "1" if p.layout == "flat" else f"{s.y}.shape[1]"
    sizes = [features, *(f"self.{name}" for name in hidden), last]
    body = [*w.initial(s, sizes), *w.optimizer_state(s), *whole(w, s)]
    body = [line.replace(f"range({p.words.epochs})", f"range(self.{p.words.epochs})") for line in body]
    body = [line.replace(f"max(1, {p.words.epochs} ", f"max(1, self.{p.words.epochs} ") for line in body]
    fit = method("fit", [s.x, s.y], [*body, "return self"] if w.short_sum else body)
    call = [*start, *_fitted(w, "_first", 0), *_fitted(w, "_last", STEPS)]
    before, after = (exercise.layers(p, w.parameters(Scope(parameter=f"{name}.{{}}"))) for name in ("_first", "_last"))
    lines = [*init, *fit, *forward_method(w, replace(s, value="{}")), *cost_method(w), *predict_method(w)]
    return Parts(class_text(w, lines), p.name, [*call, exercise.noted(before, after)], p.rate, STEPS)


def _fitted(w: Writer, name: str, steps: int) -> list[str]:
    p = w.p
    sizes = [f"{word}={n}" for word, n in zip(p.size_words[1:-1], p.sizes[1:-1], strict=True)]
    sizes += [f"{p.size_words[-1]}={p.sizes[-1]}"] if p.integers else []
    arguments = ", ".join([f"{p.words.rate}={p.rate}", f"{p.words.epochs}={steps}", *sizes])
    return [
        "np.random.seed(3)",
        f"{name} = {p.name}({arguments})",
        f"{name}.fit({exercise.inputs(p)}, {exercise.targets(p)})",
    ]


# A class with the data in its constructor


def arrays_program(w: Writer, start: list[str]) -> Parts:
    p = w.p
    x, y = p.size_words
    s = replace(class_scope(w, cached=True), x=f"self.{x}", y=f"self.{y}")
    axis = 0 if p.layout == "columns" else 1
    made = Constructor([x, y], [f"{x}.shape[{axis}]", str(p.sizes[1]), f"{y}.shape[{axis}]"], [])
    init = init_method(w, made, [f"self.{x} = {x}", f"self.{y} = {y}"])
    forward = method(p.words.forward, [], [*w.forward(s), f"return {w.a(s, p.depth)}"])
    backward = method(p.words.backward, [], [*w.rows_line(s), *w.step(s)])
    calls = [f"self.{p.words.forward}()", f"self.{p.words.backward}()"]
    train = method(p.words.train, [f"{p.words.epochs}=1000"], epoch_loop(w, calls, shown_cost(w, s)))
    made_text = f"{p.name}({exercise.inputs(p)}, {exercise.targets(p)})"
    call = object_exercise(w, start, made_text, [f"_net.{p.words.train}({steps_of(w)})"])
    return Parts(class_text(w, [*init, *forward, *backward, *train]), p.name, call, rate_of(w), steps_of(w))


# A class whose backprop is a helper of train


def helper_program(w: Writer, start: list[str]) -> Parts:
    p, s = w.p, class_scope(w, cached=False)
    made = constructor(w)
    outputs = [w.a(s, layer) for layer in p.layers]
    sums = [w.z(s, layer) for layer in p.layers if w.keeps_sum(layer)]
    values = [*sums, *outputs]
    forward = method(p.words.forward, [s.x], [*w.forward(s), f"return {', '.join(values)}"])
    body = (_helper_of_rows if p.layout == "sample" else _helper_of_batch)(w, s, values)
    call = object_exercise(w, start, made_call(w, made), [trained(w, f"_net.{p.words.train}")])
    return Parts(class_text(w, [*init_method(w, made), *forward, *body]), p.name, call, rate_of(w), steps_of(w))


def _helper_of_batch(w: Writer, s: Scope, values: list[str]) -> list[str]:
    p = w.p
    names = ", ".join(w.gradient_names(s))
    backward = method(p.words.backward, [s.x, s.y, *values], [*w.rows_line(s), *w.backward(s), f"return {names}"])
    forward_call = f"{', '.join(values)} = self.{p.words.forward}({s.x})"
    call = f"{names} = self.{p.words.backward}({', '.join([s.x, s.y, *values])})"
    loop = [*w.rows_line(s), *epoch_loop(w, [forward_call, call, *w.updates(s)])]
    return [*backward, *method(p.words.train, train_arguments(w), loop)]


def _helper_of_rows(w: Writer, s: Scope, values: list[str]) -> list[str]:
    p = w.p
    local, names = replace(s, x="xi", y="yi"), w.gradient_names(s)
    made = w.accumulated(s, [], "xi", "yi")
    start = next(i for i, line in enumerate(made) if line.startswith("for "))
    end = next((i for i in range(start + 1, len(made)) if not made[i].startswith(" ")), len(made))
    zeros, inner, finish = made[:start], [line[4:] for line in made[start + 1 : end]], made[end:]
    arguments = [local.x, local.y, *values, *names]
    helper = method(p.words.backward, arguments, [*inner, f"return {', '.join(names)}"])
    looped = rowwise(w, [
        f"{', '.join(values)} = self.{p.words.forward}(xi)",
        f"{', '.join(names)} = self.{p.words.backward}({', '.join(arguments)})",
    ])  # fmt: skip
    loop = [*w.rows_line(s), *epoch_loop(w, [*zeros, *looped, *finish, *w.updates(s)])]
    return [*helper, *method(p.words.train, train_arguments(w), loop)]
