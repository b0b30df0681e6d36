"""What a generated program is: every choice that is made before a line of it is written."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, replace
from random import Random

from tests.impls.programs import names
from tests.impls.programs.names import HABITS, Habit, Words

KINDS = {
    "class": 22,
    "fit": 9,
    "arrays": 6,
    "helper": 5,
    "functions": 16,
    "dict": 12,
    "train": 10,
    "layers": 6,
    "network": 6,
    "globals": 6,
    "loops": 5,
    "neurons": 3,
    "lists": 2,
    "line": 3,
}
"""Kinds of programs, and how many of a hundred are so."""

LAYOUTS = {
    "class": {"rows": 6, "columns": 2, "sample": 2},
    "fit": {"rows": 5, "flat": 4, "sample": 2},
    "arrays": {"rows": 8, "columns": 1},
    "helper": {"rows": 4, "sample": 4},
    "functions": {"rows": 6, "columns": 3, "sample": 2, "flat": 1},
    "dict": {"columns": 6, "rows": 4},
    "train": {"rows": 6, "columns": 2, "sample": 2, "flat": 1},
    "layers": {"rows": 6, "columns": 2},
    "network": {"rows": 6, "columns": 1},
    "globals": {"rows": 5, "columns": 2, "sample": 1},
    "loops": {"rows": 6, "columns": 3},
    "neurons": {"lists": 1},
    "lists": {"lists": 1},
    "line": {"flat": 1},
}


@dataclass(frozen=True)
class Loss:
    """A loss: its family, the constant of its derivative in a − y, what it is divided by (``, `rows`, `all`)."""

    name: str
    words: str
    family: str
    factor: int
    divisor: str


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("half-sse", "half the sum of squares", "squared", 1, ""),
        Loss("sse", "the sum of squares", "squared", 2, ""),
        Loss("mse", "the mean of squares over all numbers", "squared", 2, "all"),
        Loss("row-mean", "the mean over the rows of the sum of squares", "squared", 2, "rows"),
        Loss("half-row-mean", "half the mean over the rows of the sum of squares", "squared", 1, "rows"),
        Loss("half-mse", "half the mean of squares over all numbers", "squared", 1, "all"),
        Loss("bce-sum", "the sum of the binary cross-entropy", "binary", 1, ""),
        Loss("bce-mean", "the mean over the rows of the binary cross-entropy", "binary", 1, "rows"),
        Loss("sce-sum", "the sum of the cross-entropy of a softmax", "softmax", 1, ""),
        Loss("sce-mean", "the mean over the rows of the cross-entropy of a softmax", "softmax", 1, "rows"),
    )
}
LOSS_WEIGHTS = (
    ("half-sse", 22),
    ("sse", 6),
    ("mse", 14),
    ("row-mean", 5),
    ("half-row-mean", 10),
    ("half-mse", 3),
    ("bce-sum", 6),
    ("bce-mean", 16),
    ("sce-sum", 5),
    ("sce-mean", 13),
)
GRADIENT_KINDS = ("functions", "dict", "line")
"""Kinds that return gradients; the others change their parameters."""

LAYERED = ("layers", "network")
MINIBATCHES = (("class", "rows"), ("fit", "rows"), ("train", "rows"))
STATEFUL = ("class", "fit", "train")
DECAY, DECAY_L1 = 0.01, 0.003


@dataclass(frozen=True)
class Plan:
    """The choices. `activations` are one per layer; `sizes` one more; `mistake` is planted at the layers `at`."""

    kind: str
    layout: str
    turned: bool
    column_bias: bool
    biased: bool
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: Loss
    integers: bool
    penalty: str
    penalty_on_biases: bool
    penalty_per_row: bool
    decay_place: str
    optimizer: str
    habit: Habit
    words: Words
    size_words: tuple[str, ...]
    constructor: str
    born: str
    rate_place: str
    rate: float
    scale_place: str
    slopes: str
    order: str
    split: str
    result: str
    product: str
    descent: bool
    in_place: bool
    helpers: str
    derivative: str
    cost: bool
    docstrings: bool
    comments: bool
    prints: bool
    predict: bool
    name: str
    explicit: bool = False
    minibatch: bool = False
    mistake: str = ""
    at: tuple[int, ...] = ()

    @property
    def depth(self) -> int:
        """How many layers of weights."""
        return len(self.activations)

    @property
    def layers(self) -> range:
        """1, …, depth."""
        return range(1, self.depth + 1)

    @property
    def per_row(self) -> bool:
        """Whether one step sees one row: no constant depends on N then."""
        return self.optimizer == "rows"

    @property
    def gives_gradients(self) -> bool:
        """Whether the target returns gradients, and does not change parameters."""
        return self.kind in GRADIENT_KINDS

    def slope_at(self, layer: int) -> str:
        """The activation whose slope belongs into δ of that layer; `` where it is 1 or has cancelled."""
        if layer == self.depth and self.loss.family != "squared" and not self.explicit:
            return ""
        name = self.activations[layer - 1]
        return "" if name == "identity" else name


def draw(rng: Random, kind: str | None = None) -> Plan:
    """A plausible plan; the same for the same state of `rng`."""
    while True:
        plan = _draw(rng, kind)
        if not clashes(plan):
            return plan


def weighted(rng: Random, options: dict[str, int]) -> str:
    """One of the keys, as often as its number says."""
    return rng.choices(list(options), weights=list(options.values()))[0]


def _draw(rng: Random, given: str | None) -> Plan:
    kind = given or weighted(rng, KINDS)
    layout = weighted(rng, LAYOUTS[kind])
    depth = _depth(rng, kind, layout)
    loss = _loss(rng, kind, layout)
    split = rng.choice(["forward, backward, train", "forward, train", "gradients, update", "one"])
    away = kind in ("class", "network") and split == "gradients, update"
    if kind == "layers" or (kind == "network" and away):
        loss = LOSSES["half-sse"]  # of the upstream gradient that the call code gives
    hidden = _hidden(rng, kind, depth)
    bounded = set(hidden) <= {"sigmoid", "tanh"}  # where a does not come so near to 0 or 1 that 1/(a(1 − a)) drowns
    if kind in LAYERED and loss.family == "binary" and not bounded:
        loss = LOSSES["mse"]
    activations = (*hidden, _output(rng, loss, kind, hidden))
    habit = _habit(rng, kind, depth, layout)
    optimizer = _optimizer(rng, kind, layout)
    penalty = _penalty(rng, kind, layout)
    scale_place = rng.choice(["delta", "gradient", "update"])
    if kind in GRADIENT_KINDS or penalty or away or optimizer not in ("plain", "rows"):
        scale_place = rng.choice(["delta", "gradient"])
    if kind in LAYERED or (kind == "loops" and scale_place == "update"):
        scale_place = "delta"
    if kind == "helper" and layout == "sample":
        scale_place = "gradient"
    softmax = activations[-1] == "softmax"
    constructor = _constructor(rng, kind, habit)
    return Plan(
        kind=kind,
        layout=layout,
        turned=layout in ("columns", "lists") or (layout in ("rows", "sample") and rng.random() < 0.15),
        column_bias=layout == "rows" and rng.random() < 0.5,
        biased=kind in ("fit", "neurons", "lists", "loops", "dict") or layout == "flat" or rng.random() < 0.87,
        sizes=_sizes(rng, kind, depth, activations[-1], layout),
        activations=activations,
        loss=loss,
        integers=softmax
        and kind in ("class", "fit", "functions", "dict", "train", "globals", "loops")
        and rng.random() < 0.4,
        penalty=penalty,
        penalty_on_biases=bool(penalty) and rng.random() < 0.25,
        penalty_per_row=bool(penalty) and optimizer != "rows" and rng.random() < 0.35,
        decay_place=rng.choice(["argument", "literal", "module"]),
        optimizer=optimizer,
        habit=habit,
        words=_words(rng, kind, depth, steps=kind in ("class", "arrays") and not away),
        size_words=_size_words(rng, depth, constructor),
        constructor=constructor,
        born=rng.choice(["randn", "rand", "uniform", "rng", "random", "scaled", "state"]),
        rate_place=_rate_place(rng, kind, optimizer, activations[-1]),
        rate=rng.choice([0.01, 0.02, 0.05, 0.1, 0.1]),
        scale_place=scale_place,
        slopes=weighted(rng, {"inline": 5, "of_a": 3, "of_z": 3, "flag": 1}),
        order=rng.choice(["deltas first", "interleaved", "direct"]),
        split="forward, train" if layout == "sample" and optimizer == "plain" else split,
        result=weighted(rng, {"tuple": 5, "dict": 4, "list": 1, "loss and tuple": 2, "loss and dict": 2}),
        product=weighted(rng, {"@": 5, "np.dot": 5, ".dot": 3, "np.matmul": 1}),
        descent=kind in GRADIENT_KINDS or kind in LAYERED or optimizer not in ("plain", "rows") or rng.random() < 0.6,
        in_place=rng.random() < 0.6,
        helpers=rng.choice(["function", "function", "method", "inline"]),
        derivative=rng.choice(
            ["{f}_derivative", "d{f}", "{f}_prime", "{f}_grad", "d_{f}", "{f}_deriv", "{f}Derivative"]
        ),
        cost=rng.random() < 0.45,
        docstrings=rng.random() < 0.3,
        comments=rng.random() < 0.35,
        prints=rng.random() < 0.4,
        predict=rng.random() < 0.4,
        name=rng.choice(names.CLASSES),
        minibatch=(kind, layout) in MINIBATCHES and optimizer == "plain" and rng.random() < 0.15,
        explicit=loss.family == "binary"
        and bounded
        and (kind in LAYERED or (optimizer in ("plain", "none") and rng.random() < 0.15)),
    )


def _depth(rng: Random, kind: str, layout: str) -> int:
    if layout == "flat":
        return 1
    if kind in ("arrays", "dict", "neurons", "lists"):
        return 2
    if kind == "loops":
        return rng.choice([2, 2, 3])
    return int(weighted(rng, {"1": 15, "2": 65, "3": 20}))


def _loss(rng: Random, kind: str, layout: str) -> Loss:
    while True:
        loss = LOSSES[weighted(rng, dict(LOSS_WEIGHTS))]
        if loss.family == "softmax" and (layout in ("flat", "lists") or kind in (*LAYERED, "arrays")):
            continue
        if layout == "lists" and loss.name not in ("half-sse", "sse"):
            continue
        if kind == "line" and loss.family != "squared":
            continue
        return loss


def _hidden(rng: Random, kind: str, depth: int) -> tuple[str, ...]:
    usual = {"sigmoid": 42, "tanh": 24, "relu": 22, "leaky_relu": 4, "softplus": 3, "elu": 3, "identity": 1}
    if kind in ("neurons", "lists"):
        usual = {"sigmoid": 3, "tanh": 1}
    first = weighted(rng, usual)
    if depth == 3 and kind != "loops" and rng.random() < 0.3:
        return first, weighted(rng, usual)
    return (first,) * (depth - 1)


def _output(rng: Random, loss: Loss, kind: str, hidden: tuple[str, ...]) -> str:
    if loss.family == "binary":
        return "sigmoid"
    if loss.family == "softmax":
        return "softmax"
    if kind in ("neurons", "lists"):
        return "sigmoid"
    if kind == "line":
        return "identity"
    positive = kind not in ("fit", "train") and bool(hidden) and hidden[-1] in ("sigmoid", "relu", "softplus")
    return weighted(rng, {"sigmoid": 6, "identity": 4, "tanh": 1, "relu": int(positive)})


def _habit(rng: Random, kind: str, depth: int, layout: str) -> Habit:
    def fits(habit: Habit) -> bool:
        if habit.container == "slice":
            return kind == "fit" and layout == "flat"
        if kind in LAYERED:
            return not habit.any_depth and habit.fits(1)
        if kind == "loops":
            return habit.container == "list"
        if kind == "dict":
            return not habit.container and habit.fits(depth)
        if kind in ("globals", "neurons", "lists"):
            return not habit.container and habit.fits(depth) and (kind == "globals" or habit.any_depth)
        if kind in ("fit", "helper", "arrays"):
            return habit.container != "list" and habit.fits(depth)
        return habit.fits(depth)

    fitting = [habit for habit in HABITS if fits(habit)]
    weights = [3 if habit.container == "slice" else 0.15 if habit.any_depth and depth == 1 else 1 for habit in fitting]
    return rng.choices(fitting, weights=weights)[0]


def _optimizer(rng: Random, kind: str, layout: str) -> str:
    if kind in GRADIENT_KINDS:
        return "none"
    if layout == "sample" and kind != "helper":
        return weighted(rng, {"rows": 7, "plain": 3})
    if kind in ("neurons", "lists"):
        return "rows"
    if kind in STATEFUL and layout != "sample":
        return weighted(rng, {"plain": 80, "momentum": 8, "adam": 7, "rmsprop": 3})
    return "plain"


def _penalty(rng: Random, kind: str, layout: str) -> str:
    if kind in (*LAYERED, "loops", "neurons", "lists", "helper", "arrays", "line"):
        return ""
    return weighted(rng, {"": 82, "l2": 14, "l1": 2, "elastic": 2})


def _constructor(rng: Random, kind: str, habit: Habit) -> str:
    if kind == "arrays":
        return "arrays"
    if kind == "loops":
        return rng.choice(["list", "list", "star"])
    if kind in ("class", "helper", "network"):
        return weighted(rng, {"sizes": 6, "defaults": 2, "list": 2, "fixed": 2})
    if kind in ("fit", "neurons"):
        return "sizes"
    return "fixed"


def _rate_place(rng: Random, kind: str, optimizer: str, output: str) -> str:
    """Where the learning rate comes from; without one, a network with an unbounded output would run away."""
    place = _any_rate_place(rng, kind, optimizer)
    if place == "none" and kind not in GRADIENT_KINDS and output in ("identity", "relu"):
        return {"arrays": "literal", "globals": "module"}.get(kind, "argument")
    return place


def _any_rate_place(rng: Random, kind: str, optimizer: str) -> str:
    if kind in GRADIENT_KINDS:
        return "none"
    if kind == "arrays":
        return rng.choice(["none", "none", "literal"])
    if kind in ("class", "helper", "network", "loops"):
        return weighted(
            rng, {"argument": 5, "constructor": 4, "literal": 1, "none": int(optimizer == "plain" and kind != "loops")}
        )
    if kind == "fit":
        return "constructor"
    if kind == "globals":
        return weighted(rng, {"module": 4, "argument": 2, "none": 1})
    return "argument"


def _sizes(rng: Random, kind: str, depth: int, output: str, layout: str) -> tuple[int, ...]:
    if kind == "line":
        return (1, 1)
    last = rng.choice([2, 3]) if output == "softmax" else rng.choice([1, 1, 1, 2])
    hidden = [rng.choice([3, 4, 5]) for _ in range(depth - 1)]
    return (rng.choice([2, 2, 3]), *hidden, 1 if layout == "flat" else last)


def _size_words(rng: Random, depth: int, constructor: str) -> tuple[str, ...]:
    if constructor in ("list", "star"):
        return (rng.choice(names.SIZE_LISTS),)
    if constructor == "arrays":
        return rng.choice(names.ARRAYS)
    first, hidden, last = rng.choice(names.SIZES)
    middle = {1: [], 2: [hidden], 3: [f"{hidden}1", f"{hidden}2"]}[depth]
    return (first, *middle, last)


def _words(rng: Random, kind: str, depth: int, *, steps: bool) -> Words:
    """Words that fit together; `steps` says whether `backward` changes the parameters."""

    def fitting(options: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
        return [option for option in options if _fits(option, depth)]

    pairs = [pair for pair in names.SUMS_AND_OUTPUTS if _fits(pair[1], depth)]
    sums, outputs = rng.choice(pairs)
    x, y = rng.choice(names.PAIRS) if rng.random() < 0.6 else (rng.choice(names.INPUTS), rng.choice(names.TARGETS))
    backward: tuple[str, ...] = names.GRADIENT_FUNCTIONS if kind in ("functions", "lists", "line") else names.BACKWARD
    if not steps:
        backward = tuple(name for name in backward if name not in ("learn", "update_weights"))
    return Words(
        sums=sums,
        outputs=outputs,
        deltas=rng.choice(fitting(names.DELTAS)),
        gradient=rng.choice(names.GRADIENTS),
        x=x,
        y=y,
        rate=rng.choice(names.RATES),
        epochs=rng.choice(names.EPOCHS),
        rows=rng.choice(names.ROWS),
        decay=rng.choice(names.DECAYS),
        forward=rng.choice(names.FORWARD),
        backward=rng.choice(backward),
        train="fit" if kind == "fit" else rng.choice(names.TRAIN),
        cost=rng.choice(names.COSTS),
        predict=rng.choice(names.PREDICT),
    )


def _fits(option: tuple[str, ...], depth: int) -> bool:
    return "{" in option[0] or len(option) == depth


def words_of(plan: Plan) -> list[str]:
    """Every name that the program gives to something, with repetitions where two things are called the same."""
    w, habit = plan.words, plan.habit
    layers = plan.layers if plan.kind not in LAYERED else range(1, 2)
    stems = [stem for layer in layers for stem in habit.stems(layer)]
    actual = [*stems, *(w.gradient.format(s=stem) for stem in stems)]
    actual += [name for layer in plan.layers for name in (w.sum(layer), w.output(layer), w.delta(layer))]
    if habit.container and plan.kind not in LAYERED:
        actual += habit.roots
    actual += [
        w.x,
        w.y,
        w.rate,
        w.rate.upper(),
        w.epochs,
        w.rows,
        w.decay,
        w.forward,
        w.backward,
        w.train,
        w.cost,
        w.predict,
    ]
    return [*actual, *set(plan.size_words if plan.constructor != "arrays" else ())]


RESERVED = {
    "np",
    "error",
    "xi",
    "yi",
    "xb",
    "yb",
    "start",
    "grads",
    "cache",
    "hot",
    "rng",
    "epoch",
    "sigmoid",
    "relu",
    "tanh",
    "softmax",
}


def clashes(plan: Plan) -> bool:
    """Whether two things would be called the same, or something is called as Python's own."""
    actual = words_of(plan)
    return (
        len(set(actual)) < len(actual)
        or any(keyword.iskeyword(name) or not re.fullmatch(r"\w+", name) for name in actual)
        or bool(RESERVED & set(actual))
    )


def planted(plan: Plan, mistake: str, at: tuple[int, ...], **changes: object) -> Plan:
    """The plan with a mistake in it."""
    return replace(plan, mistake=mistake, at=at, **changes)  # type: ignore[arg-type]
