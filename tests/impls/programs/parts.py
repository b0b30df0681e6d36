"""What all kinds of programs are put together from: scopes, constructors, methods, loops, and call code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.impls.programs import exercise
from tests.impls.programs.plan import DECAY
from tests.impls.programs.writing import Scope, Writer, indented

STEPS = 3


@dataclass(frozen=True)
class Parts:
    """A written program: its lines, the target's name, its call code, and what the call code finds."""

    lines: list[str]
    target: str
    exercise: list[str]
    rate: float = 0.0
    steps: int = 0
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Constructor:
    """A constructor's parameters, its first lines, the sizes as expressions, and the arguments of a call."""

    parameters: list[str]
    sizes: list[str]
    arguments: list[str]


def class_scope(w: Writer, *, cached: bool, stored: bool = False) -> Scope:
    """The scope of a method: parameters are attributes, and so are values if they are cached."""
    p = w.p
    places = {"argument": p.words.rate, "constructor": f"self.{p.words.rate}", "literal": str(p.rate), "none": ""}
    decay = {"argument": f"self.{p.words.decay}", "literal": str(DECAY), "module": p.words.decay.upper()}
    return Scope(
        parameter="self.{}",
        value="self.{}" if cached else "{}",
        gradient="self.{}" if stored else "{}",
        x=p.words.x,
        y=p.words.y,
        rate=places[p.rate_place],
        decay=decay[p.decay_place],
        rows=p.words.rows,
        method=True,
    )


def functions_scope(w: Writer) -> Scope:
    """The scope of a function: everything is local."""
    p = w.p
    decay = {"argument": p.words.decay, "literal": str(DECAY), "module": p.words.decay.upper()}[p.decay_place]
    return Scope(x=p.words.x, y=p.words.y, rate=p.words.rate, decay=decay, rows=p.words.rows)


def rate_of(w: Writer) -> float:
    """The number that the steps of this program are multiplied by, in its call code."""
    return 1.0 if w.p.rate_place == "none" else w.p.rate


def steps_of(w: Writer) -> int:
    """How many steps the call code takes: one where the rate is 1, since more would run away."""
    return 1 if w.p.rate_place == "none" else STEPS


def constructor(w: Writer) -> Constructor:
    """How the sizes come into the constructor."""
    p = w.p
    numbers = [str(n) for n in p.sizes]
    if p.constructor == "fixed":
        return Constructor([], numbers, [])
    if p.constructor in ("list", "star"):
        name = p.size_words[0]
        sizes = [f"{name}[{i}]" for i in range(len(numbers))]
        if p.constructor == "star":
            return Constructor([f"*{name}"], sizes, numbers)
        return Constructor([name], sizes, [f"[{', '.join(numbers)}]"])
    words = list(p.size_words)
    if p.constructor == "defaults":
        return Constructor([f"{a}={n}" for a, n in zip(words, numbers, strict=True)], words, [])
    if p.sizes[-1] == 1 and not p.integers and w.rng.random() < 0.15:
        return Constructor(words[:-1], [*words[:-1], "1"], numbers[:-1])
    return Constructor(words, words, numbers)


def init_method(w: Writer, made: Constructor, first: Sequence[str] = ()) -> list[str]:
    """`__init__` with the parameters in it."""
    p, s = w.p, class_scope(w, cached=True)
    arguments, lines = ["self", *made.parameters], list(first)
    if p.rate_place == "constructor":
        star = p.constructor == "star"
        arguments.append(
            f"{p.words.rate}={p.rate}" if star or p.constructor == "defaults" or w.two_lines else p.words.rate
        )
        lines.append(f"self.{p.words.rate} = {p.words.rate}")
    if p.penalty and p.decay_place == "argument":
        arguments.append(f"{p.words.decay}={DECAY}")
        lines.append(f"self.{p.words.decay} = {p.words.decay}")
    lines += w.initial(s, made.sizes) + w.optimizer_state(s)
    return [f"def __init__({', '.join(_defaults_last(arguments))}):", *indented(lines), ""]


def _defaults_last(arguments: list[str]) -> list[str]:
    if any(a.startswith("*") for a in arguments):
        return arguments
    return [a for a in arguments if "=" not in a] + [a for a in arguments if "=" in a]


def made_call(w: Writer, made: Constructor) -> str:
    """The call of the constructor."""
    p = w.p
    rate = [f"{p.words.rate}={p.rate}"] if p.rate_place == "constructor" else []
    return f"{p.name}({', '.join([*made.arguments, *rate])})"


def method(name: str, arguments: list[str], lines: list[str], doc: str = "") -> list[str]:
    """A method."""
    return [f"def {name}({', '.join(['self', *arguments])}):", *indented([*_doc(doc), *lines]), ""]


def function(name: str, arguments: list[str], lines: list[str], doc: str = "") -> list[str]:
    """A function."""
    return [f"def {name}({', '.join(arguments)}):", *indented([*_doc(doc), *lines]), "", ""]


def _doc(doc: str) -> list[str]:
    return [f'"""{doc}"""'] if doc else []


def forward_method(w: Writer, s: Scope) -> list[str]:
    """The forward pass as a method that returns the prediction."""
    lines = [*w.forward(s), f"return {w.a(s, w.p.depth)}"]
    return method(w.p.words.forward, [s.x], lines, "Compute the output of the network." if w.p.docstrings else "")


def train_arguments(w: Writer) -> list[str]:
    """x, y, the number of epochs and the rate, in some order."""
    p = w.p
    epochs = f"{p.words.epochs}={w.rng.choice(['100', '1000', '10000'])}"
    rate = [f"{p.words.rate}={p.rate}"] if p.rate_place == "argument" else []
    return [p.words.x, p.words.y, *([*rate, epochs] if w.rng.random() < 0.3 else [epochs, *rate])]


def epoch_loop(w: Writer, lines: list[str], shown: str = "") -> list[str]:
    """The loop over the epochs, which prints now and then."""
    p = w.p
    variable = "epoch" if shown or w.rng.random() < 0.5 else "_"
    report = []
    if shown:
        every = w.rng.choice(["100", "1000", f"max(1, {p.words.epochs} // 10)"])
        report = [f"if epoch % {every} == 0:", f'    print("Epoch", epoch, "loss", {shown})']
    return [f"for {variable} in range({p.words.epochs}):", *indented([*lines, *report])]


def shown_cost(w: Writer, s: Scope) -> str:
    """The loss to be printed in a training loop, if there is one to print."""
    if not w.p.prints or w.p.layout == "sample" or w.p.minibatch:
        return ""
    if w.prints_mean and w.p.loss.family == "squared":
        return f"np.mean(({s.y} - {w.a(s, w.p.depth)}) ** 2)"
    return w.cost(s, w.a(s, w.p.depth))


def cost_method(w: Writer) -> list[str]:
    """The loss as a method, if the author has one."""
    p = w.p
    if not p.cost or p.layout == "sample":
        return []
    s = class_scope(w, cached=False)
    rows = w.count(s.x)
    lines = [f"out = self.{p.words.forward}({s.x})", f"return {w.cost(s, 'out')}{w.penalty_cost(s, rows)}"]
    return method(p.words.cost, [s.x, s.y], lines)


def predict_method(w: Writer) -> list[str]:
    """A method that rounds the output, if the author has one."""
    p = w.p
    if not p.predict:
        return []
    x = p.words.x
    axis = {"columns": 0, "sample": None}.get(p.layout, 1)
    rounded = "(out > 0.5).astype(int)" if p.activations[-1] == "sigmoid" else "out"
    rounded = f"np.argmax(out, axis={axis})" if p.activations[-1] == "softmax" else rounded
    return method(p.words.predict, [x], [f"out = self.{p.words.forward}({x})", f"return {rounded}"])


def object_exercise(w: Writer, start: list[str], made: str, calls: list[str]) -> list[str]:
    """The call code of an object that trains in place."""
    s = Scope(parameter="_net.{}")
    parameters = w.parameters(s)
    now = exercise.layers(w.p, parameters)
    return [
        *start,
        f"_net = {made}",
        *exercise.randomised(parameters),
        *exercise.alive(w.p, w.weight(s, w.p.depth), w.bias(s, w.p.depth)),
        f"_before = {now}",
        *calls,
        exercise.noted("_before", now),
    ]


def trained(w: Writer, train: str) -> str:
    """The call of a training method on the data."""
    p = w.p
    rate = f", {p.words.rate}={p.rate}" if p.rate_place == "argument" else ""
    return f"{train}({exercise.inputs(p)}, {exercise.targets(p)}, {p.words.epochs}={steps_of(w)}{rate})"


def class_text(w: Writer, body: list[str]) -> list[str]:
    helpers = w.helpers_text(as_methods=True) if w.p.helpers == "method" else []
    doc = ['"""A feed-forward network."""', ""] if w.p.docstrings else []
    return [f"class {w.p.name}:", *indented([*doc, *body, *helpers])]


def rowwise(w: Writer, calls: list[str]) -> list[str]:
    """The loop over the rows, for an author who sees one sample at a time."""
    return [f"for xi, yi in zip({w.p.words.x}, {w.p.words.y}):", *indented(calls)]


def batches(w: Writer, s: Scope, lines: Callable[[Scope], list[str]]) -> list[str]:
    """The loop over minibatches, shuffled or not; few rows are one batch."""
    size, local = w.rng.choice([16, 32, 64]), replace(s, x="xb", y="yb")
    shuffle = [f"order = np.random.permutation(len({s.x}))"] if w.shuffles else []
    place = f"order[start:start + {size}]" if w.shuffles else f"start:start + {size}"
    taken = f"xb, yb = {s.x}[{place}], {s.y}[{place}]"
    return [*shuffle, f"for start in range(0, len({s.x}), {size}):", *indented([taken, *lines(local)])]


def whole(w: Writer, s: Scope) -> list[str]:
    """Forward, backward and update, in a loop over the epochs."""
    if w.p.minibatch:
        return epoch_loop(
            w, batches(w, s, lambda local: [*w.rows_line(local), *w.forward(local, honest=False), *w.step(local)])
        )
    if w.p.layout != "sample":
        return [*w.rows_line(s), *epoch_loop(w, [*w.forward(s, honest=False), *w.step(s)], shown_cost(w, s))]
    local = replace(s, x="xi", y="yi")
    if w.p.optimizer == "rows":
        return epoch_loop(w, rowwise(w, [*w.forward(local, honest=False), *w.step(local)]))
    inner = w.accumulated(s, w.forward(local, honest=False), "xi", "yi")
    return [*w.rows_line(s), *epoch_loop(w, [*inner, *w.updates(s)])]
