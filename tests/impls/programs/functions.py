"""Functions: that return gradients, with a dict of parameters and a cache, that train."""

from __future__ import annotations

from dataclasses import replace

from tests.impls.programs import exercise
from tests.impls.programs.names import LINES
from tests.impls.programs.parts import STEPS, Parts, function, functions_scope, rate_of, rowwise, steps_of, whole
from tests.impls.programs.plan import DECAY
from tests.impls.programs.writing import Scope, Writer, indented

# Functions that return gradients


def functions_program(w: Writer, start: list[str]) -> Parts:
    p, s = w.p, functions_scope(w)
    if p.layout == "sample":
        local = replace(s, x="xi", y="yi")
        body = [*w.rows_line(s), *w.accumulated(s, w.forward(local), "xi", "yi")]
    else:
        body = [*w.rows_line(s), *w.forward(s), *w.backward(s)]
    with_loss = p.result.startswith("loss") and p.layout != "sample"
    if with_loss:
        value = w.cost(s, w.a(s, p.depth)) + w.penalty_cost(s, w.count(s.x))
        body.append(f"loss = {value}")
    grouped = w.rng.random() < 0.15
    names = w.gradient_names(s)
    names = [*names[::2], *names[1::2]] if grouped and p.biased else names
    stems = {g: stem for layer in p.layers for g, stem in zip(w.gradients(s, layer), p.habit.stems(layer), strict=True)}
    returned = _returned(w, names, stems)
    body.append(f"return loss, {returned}" if with_loss else f"return {returned}")
    arguments, unpack, call = parameter_arguments(w, s)
    first = [s.x, s.y]
    arguments = [*arguments, *first] if w.rng.random() < 0.25 and not p.penalty else [*first, *arguments]
    decay = [f"{p.words.decay}={DECAY}"] if p.penalty and p.decay_place == "argument" else []
    name = p.words.backward
    lines = function(name, [*arguments, *decay], [*unpack, *body], "Gradients of the loss." if p.docstrings else "")
    state = [line for g in names for line in [f"{g} = 0.0"]] if w.has("accumulates") else []
    lines = [*_pile(w, state, names, lines), *cost_function(w, s)] if not with_loss else _pile(w, state, names, lines)
    keywords = ", ".join([f"{s.x}={exercise.inputs(p)}", f"{s.y}={exercise.targets(p)}", *call])
    code = [
        *start,
        *made_parameters(w),
        *[f"_result = {name}({keywords})"] * 2,
        *(["_result = _result[1]"] if with_loss else []),
        *_read(w, names, stems),
        exercise.noted(exercise.layers(p, own_names(w)), exercise.layers(p, w.gradient_names(Scope(gradient="_g_{}")))),
    ]
    return Parts(lines, name, code)


def _pile(w: Writer, state: list[str], names: list[str], lines: list[str]) -> list[str]:
    """Global gradients that are added to, where that is the mistake."""
    if not state:
        return lines
    return [*state, "", "", lines[0], f"    global {', '.join(names)}", *lines[1:]]


def _returned(w: Writer, names: list[str], stems: dict[str, str]) -> str:
    how = w.p.result
    if "dict" in how:
        keys = names if w.short_sum else [stems[name] for name in names]
        return "{" + ", ".join(f'"{key}": {name}' for key, name in zip(keys, names, strict=True)) + "}"
    if how == "list" or len(names) == 1:
        return f"[{', '.join(names)}]" if how == "list" else names[0]
    return f"({', '.join(names)})" if how.startswith("loss") else ", ".join(names)


def _read(w: Writer, names: list[str], stems: dict[str, str]) -> list[str]:
    """Lines that take the gradients out of what was returned."""
    if "dict" in w.p.result:
        keys = names if w.short_sum else [stems[name] for name in names]
        return [f'_g_{name} = _result["{key}"]' for key, name in zip(keys, names, strict=True)]
    if len(names) == 1 and w.p.result != "list":
        return [f"_g_{names[0]} = _result"]
    return [f"{', '.join(f'_g_{name}' for name in names)}{',' if len(names) == 1 else ''} = _result"]


def own_names(w: Writer) -> list[str]:
    return [f"_p{layer}{kind}" for layer in w.p.layers for kind in ("Wb" if w.p.biased else "W")]


def made_parameters(w: Writer) -> list[str]:
    """Lines that make random parameters `_p1W`, `_p1b`, … for the call code."""
    p, lines = w.p, []
    for layer, (n, h) in enumerate(zip(p.sizes[:-1], p.sizes[1:], strict=True), start=1):
        shape = f"{n}" if p.layout == "flat" else f"{h}, {n}" if p.turned else f"{n}, {h}"
        lines.append(f"_p{layer}W = _rng.normal(size=({shape}{',' if p.layout == 'flat' else ''}))")
        bias = {"columns": f"({h}, 1)", "flat": "()"}.get(p.layout, f"(1, {h})" if p.column_bias else f"({h},)")
        lines += [f"_p{layer}b = _rng.normal(size={bias})"] if p.biased else []
    return [*lines, *exercise.alive(p, f"_p{p.depth}W", f"_p{p.depth}b")]


def parameter_arguments(w: Writer, s: Scope) -> tuple[list[str], list[str], list[str]]:
    """How a function takes the parameters: arguments, lines that unpack them, keywords of the call."""
    p, habit = w.p, w.p.habit
    own = own_names(w)
    if habit.container == "dict":
        keys = [stem for layer in p.layers for stem in w.pair(*habit.stems(layer))]
        pairs = ", ".join(f'"{key}": {name}' for key, name in zip(keys, own, strict=True))
        return [habit.roots[0]], [], [f"{habit.roots[0]}={{{pairs}}}"]
    if habit.container == "list":
        kinds = "Wb" if p.biased else "W"
        roots = habit.roots[: len(kinds)]
        lists = [[f"_p{layer}{kind}" for layer in p.layers] for kind in kinds]
        return list(roots), [], [f"{root}=[{', '.join(actual)}]" for root, actual in zip(roots, lists, strict=True)]
    names = w.parameters(s)
    if len(names) > 1 and w.rng.random() < 0.15:
        return ["params"], [f"{', '.join(names)} = params"], [f"params=[{', '.join(own)}]"]
    return names, [], [f"{name}={value}" for name, value in zip(names, own, strict=True)]


def cost_function(w: Writer, s: Scope) -> list[str]:
    """The loss as a function of prediction and target, if the author has one."""
    p = w.p
    if not p.cost or p.layout == "sample" or p.penalty:
        return []
    rows = "out" if not p.integers else s.y
    count = {"columns": f"{rows}.shape[-1]"}.get(p.layout, f"len({rows})")
    text = w.cost(s, "out").replace(w.count(s.x), count)
    text = text.replace(f"np.arange({s.x}", f"np.arange({s.y}")
    return function(p.words.cost, ["out", s.y], [f"return {text}"])


# Functions with a dict of parameters and a cache


def dict_program(w: Writer, start: list[str]) -> Parts:
    p = w.p
    root = w.rng.choice(["params", "parameters"])
    inside = w.two_lines
    s = replace(functions_scope(w), parameter=root + '["{}"]')
    local = replace(s, parameter="{}") if inside else s
    unpacked = [f'{name} = {root}["{name}"]' for name in w.parameters(Scope())] if inside else []
    values = [name for layer in p.layers for name in (p.words.sum(layer), p.words.output(layer))]
    cached = ", ".join(f'"{name}": {name}' for name in values)
    forward = function(
        p.words.forward,
        [s.x, root],
        [*unpacked, *w.forward(local, split=True), f"cache = {{{cached}}}", f"return {w.a(s, p.depth)}, cache"],
    )
    lines, arguments = _dict_backward(w, local, unpacked, root)
    update = _dict_update(w, root, s)
    cost = cost_function(w, s)
    init = _dict_init(w, root)
    by_name = {"X": exercise.inputs(p), "Y": exercise.targets(p), "P": "_params", "C": "_cache"}
    keys = [stem for layer in p.layers for stem in p.habit.stems(layer)]
    pairs = ", ".join(f'"{key}": {name}' for key, name in zip(keys, own_names(w), strict=True))
    names = w.gradient_names(s)
    code = [
        *start,
        *made_parameters(w),
        f"_params = {{{pairs}}}",
        f"_, _cache = {p.words.forward}({exercise.inputs(p)}, _params)",
        f"_result = {p.words.backward}({', '.join(by_name[letter] for letter in arguments)})",
        *(f'_g_{name} = _result["{name}"]' for name in names),
        exercise.noted(exercise.layers(p, own_names(w)), exercise.layers(p, [f"_g_{name}" for name in names])),
    ]
    return Parts([*init, *forward, *cost, *lines, *update], p.words.backward, code)


def _dict_init(w: Writer, root: str) -> list[str]:
    p = w.p
    names = [*w.rng.choice([("n_x", "n_h", "n_y"), ("n_in", "n_hidden", "n_out")])]
    pairs = w.born([names[0], *([names[1]] * (p.depth - 1)), names[2]])
    lines = []
    for layer, (w_text, b_text) in zip(p.layers, pairs, strict=True):
        lines += [f'"{p.habit.weight(layer)}": {w_text},', f'"{p.habit.bias(layer)}": {b_text},']
    return function("initialize_parameters", names, ["return {", *indented(lines), "}"]) if w.short_sum else []


def _dict_backward(w: Writer, s: Scope, unpacked: list[str], root: str) -> tuple[list[str], str]:
    p = w.p
    from_cache = replace(s, value='cache["{}"]')
    order = w.rng.choice(["PCXY", "XYCP", "XYPC", "CPXY"])
    names = {"X": s.x, "Y": s.y, "P": root, "C": "cache"}
    body = w.backward(from_cache)
    if w.short_sum:
        used = [name for layer in p.layers for name in (p.words.sum(layer), p.words.output(layer))]
        takes = [f'{name} = cache["{name}"]' for name in used if any(f'cache["{name}"]' in line for line in body)]
        body = [*takes, *w.backward(s)]
    decay = [f"{p.words.decay}={DECAY}"] if p.penalty and p.decay_place == "argument" else []
    pairs = ", ".join(f'"{name}": {name}' for name in w.gradient_names(s))
    lines = [*w.rows_line(s), *unpacked, *body]
    lines += [f"grads = {{{pairs}}}", "return grads"] if w.rng.random() < 0.5 else [f"return {{{pairs}}}"]
    return function(p.words.backward, [*(names[letter] for letter in order), *decay], lines), order


def _dict_update(w: Writer, root: str, s: Scope) -> list[str]:
    p = w.p
    lines = []
    for name, gradient in zip(w.parameters(Scope()), w.gradient_names(s), strict=True):
        lines.append(f'{root}["{name}"] = {root}["{name}"] - {s.rate} * grads["{gradient}"]')
    return function("update_parameters", [root, "grads", f"{p.words.rate}={p.rate}"], [*lines, f"return {root}"])


# A function that trains


def train_program(w: Writer, start: list[str]) -> Parts:
    p, s = w.p, functions_scope(w)
    decay = [f"{p.words.decay}={DECAY}"] if p.penalty and p.decay_place == "argument" else []
    given = w.rng.random() < 0.5
    hidden = list(p.size_words[1:-1])
    if given:
        arguments, unpack, call = parameter_arguments(w, s)
        first = unpack
    else:
        axis = 0 if p.layout == "columns" else 1
        last = "1" if p.layout == "flat" else str(p.sizes[-1]) if p.integers else f"{s.y}.shape[{axis}]"
        arguments, call = hidden, [f"{name}={n}" for name, n in zip(hidden, p.sizes[1:-1], strict=True)]
        first = w.initial(s, [f"{s.x}.shape[{axis}]", *hidden, last])
    returned = p.habit.roots[: 2 if p.biased else 1] if p.habit.container else w.parameters(s)
    if p.habit.container == "dict":
        returned = p.habit.roots[:1]
    body = [*first, *w.optimizer_state(s), *whole(w, s), f"return {', '.join(returned)}"]
    ends = [f"{p.words.epochs}=1000", f"{p.words.rate}={p.rate}"]
    ends = ends[::-1] if w.short_sum else ends
    lines = function(p.words.train, [s.x, s.y, *arguments, *ends, *decay], body)
    forward = function(
        p.words.forward, [s.x, *(p.habit.roots if p.habit.container else w.parameters(s))],
        [*w.forward(s), f"return {w.a(s, p.depth)}"],
    ) if w.two_lines and (p.biased or p.habit.container != "list") else []  # fmt: skip
    keywords = ", ".join(
        [f"{s.x}={exercise.inputs(p)}", f"{s.y}={exercise.targets(p)}", *call, f"{p.words.rate}={p.rate}"]
    )
    code = [*start, *(made_parameters(w) if given else [])]
    for name, steps in (("_before", 0), ("_after", STEPS)):
        copies = [f"{own} = {own} * 1.0" for own in own_names(w)] if given else []
        read = f"{name} = {exercise.layers(p, w.parameters(s))}"
        code += [
            *copies,
            "np.random.seed(3)",
            f"{', '.join(returned)} = {p.words.train}({keywords}, {p.words.epochs}={steps})",
            read,
        ]
    return Parts(
        [*forward, *lines, *cost_function(w, s)],
        p.words.train,
        [*code, exercise.noted("_before", "_after")],
        p.rate,
        STEPS,
    )


# A script whose functions use global weights


def globals_program(w: Writer, start: list[str]) -> Parts:
    """A script with data, weights and a function that takes a step on them."""
    p, own_data = w.p, w.rng.random() < 0.5 and w.p.layout != "sample"
    rate = p.words.rate.upper() if w.two_lines else p.words.rate
    s = replace(functions_scope(w), rate={"module": rate, "argument": p.words.rate, "none": ""}[p.rate_place])
    numbers = [str(n) for n in p.sizes]
    lines = [f"{p.words.decay} = {DECAY}"] if p.penalty and p.decay_place == "argument" else []
    lines += [f"{rate} = {p.rate}"] if p.rate_place == "module" else []
    lines += [*(_data(w) if own_data else []), *w.initial(s, numbers), "", ""]
    names = list(p.habit.roots) if p.habit.container else w.parameters(s)
    arguments = [] if own_data else [s.x, s.y]
    arguments += [f"{p.words.rate}={p.rate}"] if p.rate_place == "argument" else []
    step = function(p.words.train, arguments, [f"global {', '.join(names)}", *_step_of_script(w, s)])
    forward = function(p.words.forward, [s.x], [*w.forward(s), f"return {w.a(s, p.depth)}"]) if p.predict else []
    main = ['if __name__ == "__main__":', "    for epoch in range(1000):", f"        {p.words.train}()"]
    code = _script_exercise(w, s, start, own_data)
    lines += [*forward, *step, *cost_function(w, s), *(main if own_data else [])]
    return Parts(lines, p.words.train, code, rate_of(w), steps_of(w))


def _script_exercise(w: Writer, s: Scope, start: list[str], own_data: bool) -> list[str]:
    p, parameters = w.p, w.parameters(s)
    now = exercise.layers(p, parameters)
    data = f"{exercise.inputs(p)}, {exercise.targets(p)}"
    return [
        *start,
        *exercise.randomised(parameters),
        *exercise.alive(p, w.weight(s, p.depth), w.bias(s, p.depth)),
        f"_before = {now}",
        *([f"{s.x}, {s.y} = {data}"] if own_data else []),
        *[f"{p.words.train}({'' if own_data else data})"] * steps_of(w),
        exercise.noted("_before", now),
    ]


def _step_of_script(w: Writer, s: Scope) -> list[str]:
    if w.p.layout != "sample":
        return [*w.rows_line(s), *w.forward(s), *w.step(s)]
    local = replace(s, x="xi", y="yi")
    if w.p.optimizer == "rows":
        return rowwise(w, [*w.forward(local), *w.step(local)])
    return [*w.rows_line(s), *w.accumulated(s, w.forward(local), "xi", "yi"), *w.updates(s)]


def _data(w: Writer) -> list[str]:
    """Data of the script's own."""
    p, m = w.p, w.p.sizes[-1]
    turn = ".T" if p.layout == "columns" else ""
    targets = {
        "squared": f"np.random.rand(8, {m})",
        "binary": f"(np.random.rand(8, {m}) > 0.5).astype(float)",
        "softmax": f"np.eye({m})[np.random.randint({m}, size=8)]",
    }[p.loss.family]
    targets = f"np.random.randint({m}, size=8)" if p.integers else f"{targets}{turn}"
    return [f"{p.words.x} = np.random.rand(8, {p.sizes[0]}){turn}", f"{p.words.y} = {targets}"]


# A straight line


def line_program(w: Writer, start: list[str]) -> Parts:
    """The gradient of a straight line in two numbers, by elementwise products; its data are in the file."""
    p, (slope, offset) = w.p, w.rng.choice(LINES)
    flat = w.has("flat-target") or not w.short_sum
    column = w.has("flat-target") or w.short_sum
    shape, noise = "100, 1" if column else "100", "100" if flat else "100, 1"
    data = [
        f"x = np.random.rand({shape})",
        f"y = 3 * x{'[:, 0]' if w.has('flat-target') else ''} + 1 + 0.1 * np.random.randn({noise})",
    ]
    name = p.words.backward
    code = [
        *start,
        "_w, _b = _rng.normal(size=2)",
        f"_x, _y = _X{'' if column else '.ravel()'}, _Y{'.ravel()' if flat else ''}",
        f"_found = {name}(_x, _y, _w, _b)",
        exercise.noted("[_layer([_w], _b)]", "[_layer([_found[0]], _found[1])]"),
    ]
    text = function(name, ["x", "y", slope, offset], _line_gradient(w, slope, offset))
    return Parts([*data, "", "", *text, *_line_training(w, slope, offset)], name, code)


def _line_gradient(w: Writer, slope: str, offset: str) -> list[str]:
    p = w.p
    dw, db = (p.words.gradient.format(s=name) for name in (slope, offset))
    predicted = f"{slope} * x + {offset}" if w.two_lines else f"({slope} * x + {offset})"
    error = f"y - ({slope} * x + {offset})" if w.has("sign") else f"{predicted} - y"
    error = f"np.abs({error})" if w.has("absolute-error") else error
    mean = "np.mean" if p.loss.divisor else "np.sum"
    two = "2 * " if p.loss.factor == 2 else ""
    bias_mean = "np.mean" if w.has("bias-averaged") else "np.sum" if w.has("bias-summed") else mean
    bias = "0.0" if w.has("bias-missing") else f"{two}{bias_mean}(error)"
    return [f"error = {error}", f"{dw} = {two}{mean}(error * x)", f"{db} = {bias}", f"return {dw}, {db}"]


def _line_training(w: Writer, slope: str, offset: str) -> list[str]:
    p = w.p
    if not p.predict:
        return []
    loop = [
        f"{slope}, {offset} = 0.0, 0.0",
        f"for _ in range({p.words.epochs}):",
        f"    step = {p.words.backward}(x, y, {slope}, {offset})",
        f"    {slope} -= {p.words.rate} * step[0]",
        f"    {offset} -= {p.words.rate} * step[1]",
        f"return {slope}, {offset}",
    ]
    return function("gradient_descent", ["x", "y", f"{p.words.rate}={p.rate}", f"{p.words.epochs}=1000"], loop)
