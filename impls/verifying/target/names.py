"""Names: what people call the things of a network, and how to tell from a name what it holds.

A guess from a name is only ever a first try: what does not fit by shape is discarded, and flags overrule both.
"""

# ruff: noqa: E501  (the tables of names read best unbroken)

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


class Tensor(NamedTuple):
    """A name read as that of a parameter or of its gradient."""

    kind: str
    """W or b."""
    rank: float
    """Orders the layers: the number in the name, or 1 for "hidden", 99 for "output", else SOMEWHERE."""
    gradient: bool


SOMEWHERE = 50.0

GRADIENT_PREFIX = re.compile(
    r"^(d_?(?:l|loss|j|e|c|cost|err|error)_?_?d_?|(?:partial|nabla|gradients?|grads?|deltas?|diff|del)_?(?:of_)?|d_?|g_?)"
)
GRADIENT_SUFFIX = re.compile(r"_?(gradients?|grads?|deltas?|updates?|adjustments?|adj|change|derivative)(?=\d*$)")
STATE = re.compile(r"^(v|m|s|vel|velocity|mom|momentum|prev|previous|old|cache|last|best|sum|acc|init|initial)_?[wb]")

_PLACE = (
    r"(?:(?:input|inp|in|i|x)?_?(?:to|2)?_?(?:hidden|hid|h)(?:_?layer)?_?\d*"
    r"|(?:hidden|hid|h)?_?(?:to|2)?_?(?:outputs?|out|o|y)(?:_?layer)?_?\d*"
    r"|h\d_?(?:to)?_?(?:h\d|o)|(?<=_)0_1|[1-9]_(?:to_)?[1-9]|mid(?:dle)?|(?:input|in|i|x)(?:_?layer)?|layer_?\d*|(?:l|fc|dense|linear|lin|affine|d|n|lyr)_?\d+|\d+|first|second|third|last|final)"
)
_WORD = {
    "W": r"weights?|slope|omega|wts?|w|theta|synapses?|synaptic_weights?|syn|kernels?|coefs?|coefficients?|wgts?|weight_?(?:matrix|matrices|mat)|w_?mat",
    "b": r"biases|bias|b|thresholds?|intercepts?|offsets?|(?:theta|beta|alpha|w|weights?)(?:0(?=_)|_0(?=_(?!\d)))|beta(?=_?\d)|bias_?(?:vector|vec|terms?|weights?)",
}
_FORWARD = {kind: re.compile(rf"^(?:{word})s?_?(?P<place>{_PLACE})?_?$") for kind, word in _WORD.items()}
_REVERSED = {
    kind: re.compile(rf"^(?P<place>{_PLACE})_?(?:layer_?)?(?:{word})_?(?P<more>\d*)$") for kind, word in _WORD.items()
}
_LATE = re.compile(r"(\do$|out|output|last|final|second|ho|^o|_o|^y|hy)")


IN_GRADIENTS = re.compile(r"(^|[._\['\"])(d|grads?|gradients?|deltas?|derivatives?)\d*[.\[]", re.IGNORECASE)
IN_STATE = re.compile(
    r"(^|[._\['\"])(cache|velocity|velocities|v|m|s|momentum|moments?|state|adam|optimi[sz]er|history|old|best)[.\[]"
)


def tensor(name: str) -> Tensor | None:
    """Read a name such as W1, b_hidden, wout, dW2, bias_output_grad, params['W1']; None if it is no tensor's."""
    if IN_STATE.search(name):
        return None
    parsed = _tensor(_plain(name))
    if parsed and parsed.rank == SOMEWHERE:
        parsed = parsed._replace(rank=_rank_of_holder(name))
    return parsed._replace(gradient=True) if parsed and IN_GRADIENTS.search(name) else parsed


def _rank_of_holder(name: str) -> float:
    """The rank that the object which holds a tensor has by its name: l1.w, layers[0].W, hidden[*].weights."""
    holder = re.sub(r"\[\*\]|(\.\w+|\['\w+'\])$", "", name.lower())
    if holder == name.lower():
        return SOMEWHERE
    if digits := re.findall(r"\d+", holder):
        return float(digits[0])
    if re.search(r"hid", holder):
        return 1.0
    return 99.0 if re.search(r"out", holder) else SOMEWHERE


def _tensor(text: str) -> Tensor | None:
    if STATE.match(text) and not _parse(text):
        return None
    if parsed := _parse(text):
        return Tensor(*parsed, gradient=False)
    stripped = GRADIENT_SUFFIX.sub("", text)
    if stripped != text and (parsed := _parse(stripped)):
        return Tensor(*parsed, gradient=True)
    shorter = GRADIENT_PREFIX.sub("", stripped, count=1)
    if shorter != stripped and (parsed := _parse(shorter)):
        return Tensor(*parsed, gradient=True)
    return None


def numbered(read: Mapping[str, Tensor]) -> dict[str, str]:
    """The tensor of each name, W1, b1, W2, …: in the order of their ranks, and of the names where these are equal.

    Where there are fewer biases than weights, a bias goes with the weights of the same number or word.
    """
    order = {kind: sorted((n for n in read if read[n].kind == kind), key=lambda n: read[n].rank) for kind in "Wb"}
    tensors = {name: f"{kind}{i}" for kind in "Wb" for i, name in enumerate(order[kind], start=1)}
    if len(order["b"]) < len(order["W"]):
        weights = {read[n].rank: tensors[n] for n in order["W"]}
        tensors.update({n: "b" + weights[read[n].rank][1:] for n in order["b"] if read[n].rank in weights})
    return tensors


NEW = re.compile(r"^(new|updated|next)_|_(new|updated|next)$")
"""Of the names of parameters after a step."""
NOW = re.compile(r"_?(current|curr|now)$|^(starting|start|initial|init)_")
"""Of the names of parameters before a step."""


HISTORY = re.compile(r"_?(history|hist|log|list|all|s)$")
"""Of a list that gets something after every epoch."""


def is_new(name: str) -> bool:
    """Is it called like a parameter after a step: new_b?"""
    return bool(NEW.search(name))


def last(name: str) -> str:
    """The part of a place's name that tells it from the others there: grads['W1'], self.W1_ → w1."""
    return re.split(r"[.\[]", name)[-1].strip("]'\"_").lower()


def without_gradient(name: str, bare: bool = False) -> str:
    """The last part of a name without what says that it is a gradient, or new: g_omega1, self.m_gradient → omega1, m.

    With `bare`, of a name that is no gradient's: only without what says that it is the present value.
    """
    text = NOW.sub("", last(name))
    if bare:
        return text
    if is_new(text):
        return NEW.sub("", text)
    stripped = GRADIENT_SUFFIX.sub("", text)
    return stripped if stripped != text else GRADIENT_PREFIX.sub("", text, count=1)


def _plain(name: str) -> str:
    """The last part of a path in lower case, with the index of a list before it: "self.weights[0]" → "weights0"."""
    text = re.sub(r"\[(\*|1:|:-1|-1)\]|\[0\]$", "", name) if "[*]" in name or ":" in name else name
    text = re.sub(r"\[['\"]([^'\"]*)['\"]\]", r".\1", text)
    layer = re.search(r"\[(\d+)\]", text)
    text = re.sub(r"\[\d+\]", "", text).split(".")[-1]
    text = NOW.sub("", snake(text))
    if layer and not re.search(r"\d", text):
        text += layer.group(1)
    return text


def _parse(text: str) -> tuple[str, float] | None:
    for kind in "Wb":
        for pattern in (_FORWARD[kind], _REVERSED[kind]):
            if match := pattern.match(text):
                place = (match.group("place") or "") + (match.groupdict().get("more") or "")
                return kind, _rank(place)
    if match := re.fullmatch(r"(w|b)[hijklqxy]{1,2}", text):  # wij, bj, wxh: between units, in the order they are made
        return match[1].replace("w", "W"), 1.0 + "xijklhqy".index(text[1])
    return None


def _rank(place: str) -> float:
    if digits := re.search(r"\d+$", place):
        return float(digits.group())
    if not place:
        return SOMEWHERE
    return 99.0 if _LATE.search(place) else 1.0


ROLES: dict[str, str] = {
    "x": r"x|xs|points|data_?points|data_?set|imgs?|images?|xb|batch_?x|x_?in|data_?x|x_?batch|x_?train(ing)?|train_?x|x_?data|xi|x_i|inputs?|inp|in_?data|data|features?|samples?|a0|a_0"
    r"|input_?(data|vector|values|array|batch|list)|inputs_?(list|array)|training_?(inputs?|data|set)(_inputs)?|input_x|row|example|train|pairs|datasets|df|data_?frame|table",
    "y": r"y|ys|yb|batch_?y|y_?out|data_?y|y_?batch|y_?train(ing)?|train_?y|y_?data|yi|y_i|t|d|targets?|target_?(data|vector|values|array|batch|list|output)"
    r"|targets_?(list|array)|labels?|y_?true|truth|expected(_output)?s?|desired(_output)?s?|answers?|training_?(outputs?|labels?|targets?)",
    "rate": r"lr|learning_?rate|learn_?rate|l_?rate|alpha|eta|rate|step_?size|gamma|mu_lr|lr_rate|learningrate",
    "epochs": r"(n_?|num_?|number_of_?|max_?|no_|train(ing)?_?)?(epochs?|rounds?|iter(ation)?s?|iters?|steps|training_?(iterations|steps|epochs))(_num)?|niter|n_iter|(n_?|num_?|number_?of_?)?(rounds|cycles|passes|loops|repeats|repetitions)|(number_?of_?|num_?)(training_?)?(iterations|epochs|steps)|train_?(steps|iters|epochs|iterations)|epoch_?(num|count|number|s)?|maxiter|max_?it",
    "output": r"o|out|outputs?|y_?hat|y_?pred(icted)?|pred|preds|predictions?|predicted(_output)?|a_?out(put)?|final_?outputs?|a_?2|al",
    "upstream": r"grad_?out(put)?s?|d_?out(put)?|d_?a(2|l|_?out)?|upstream(_grad(ient)?)?|loss_?grad(ient)?|output_?(gradient|grad|error)"
    r"|gradient|grad|d_?loss|d_?y|cotangent|err(or)?|delta|dl_?d(a|y|out)|accum_?grad",
    "cache": r"caches?|memory|intermediates?|activations?|forward_?(cache|pass|result)|saved|store|context|tape|layers?_?outputs",
    "params": r"params?|parameters?|p|net(work)?|model|weights_and_biases|theta|ws|layers|wb",
    "batch": r"batch_?size|m|n|n_?samples|num_?samples|minibatch_?size",
    "seed": r"(random_?)?(seed|state)|rng_?seed",
    "quiet": r"verbose|print.*|log.*|debug|display|show.*|plot.*|shuffle",
    "x_more": r"x_?(val(id(ation)?)?|test|dev|eval)|(val(id(ation)?)?|test|dev)_?(x|inputs?|data|set|images|features)",
    "y_more": r"y_?(val(id(ation)?)?|test|dev|eval)|(val(id(ation)?)?|test|dev)_?(y|outputs?|targets?|labels)",
    "penalty": r"l|reg(ulari[sz]ation)?(_?(strength|param(eter)?|rate|factor|lambda|coeff?))?|_?lambd(a)?_?|lam|lmbda|l2(_?(reg|lambda|penalty))?|weight_?decay|decay",
    "momentum": r"momentum|mu|beta",
    "depth": r"(n|num|number)_?(of_?)?layers|depth",
    "inputs_size": r"nn_in(put)?_?(dims?|size)|i_?nodes|num_?in|in_?features|n_?dims?|dims?|inp_?(size|dim)|n_?in(puts?)?|in(put)?_?(size|dims?|nodes|neurons|units|features|layer_?size|layer|number|count)|inputs|inputnodes"
    r"|num_?(of_?)?inputs?(_nodes|_neurons)?|d_?in|n_?x|n_?input_(nodes|neurons|units)|ni|n_?i|input_?layer_?(neurons|nodes)|n_?features|num_?features",
    "hidden_size": r".*hid.*|h_?nodes_?\d*|n_?h\d?|h\d?|d_?h|nh|(nn?_?)?h_?(dims?|size|units|layer)|nodes|(n_?|num_?|number_?of_?)(nodes|units|neurons)_?\d*|(units|neurons|nodes)_?\d",
    "outputs_size": r"o_?nodes|nn_out(put)?_?(dims?|size)|out|num_?out|out_?features|n_?out(puts?)?|out(put)?_?(size|dims?|nodes|neurons|units|features|layer_?size|layer|number|count)|outputs|outputnodes"
    r"|num_?(of_?)?outputs?(_nodes|_neurons)?|d_?out|n_?y|n_?output_(nodes|neurons|units)|no|n_?o|output_?layer_?(neurons|nodes)|(n_?|num_?|number_?of_?)?classes|(n_?|num_?)labels|k",
    "sizes": r"(layer_?|net(work)?_?)?(sizes?|dims?|dimensions|architecture|topology|structure|shape|layout|units|neurons|nodes)|layers|layers?_?(sizes?|dims?)|.*_(per|each|every)_layer|nn_?architecture|arch|model|(layer|network|net)_?(config|spec|structure|list|nodes|units|neurons)|n_?nodes_?list|layers_?(units|nodes|neurons|structure)|size_?list",
}
_COMPILED = {role: re.compile(rf"^(?:{pattern})$") for role, pattern in ROLES.items()}


@cache
def role(name: str, among: tuple[str, ...]) -> str | None:
    """Which of these roles an argument or attribute of that name plays: the first that its name fits."""
    text = snake(name)
    return next((choice for choice in among if _COMPILED[choice].match(text)), None)


def snake(name: str) -> str:
    """The words of a name in lower case: learningRate → learning_rate."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).strip("_").lower()


FORWARD = ("forward", "feedforward", "feed_forward", "forward_pass", "forward_propagation", "forward_prop", "forwardprop", "foward", "foward_pass", "propagate_forward", "forward_propagate", "predict", "think", "__call__", "query", "activate", "run", "propagate", "compute_output", "inference", "fwd", "fprop", "prop")  # fmt: skip
BACKWARD = ("backward", "backprop", "back_prop", "backpropagate", "back_propagate", "backpropagation", "back_propagation", "backward_pass", "backward_propagation", "backward_prop", "backwards", "gradients", "gradient", "grads", "grad", "compute_gradients", "compute_gradient", "get_gradients", "calculate_gradients", "compute_grads", "loss_and_grad", "loss_and_gradients", "value_and_grad", "bp", "propagate_back", "bwd", "bprop", "dprop")  # fmt: skip
TRAIN = ("train_step", "training_step", "train_on_batch", "train_batch", "partial_fit", "train", "fit", "learn", "train_network", "gradient_descent", "optimize", "training")  # fmt: skip
UPDATE = ("update", "step", "update_weights", "update_parameters", "update_params", "apply_gradients", "apply_grads", "apply", "optimize", "optimizer_step", "gradient_descent", "adjust_weights", "update_network")  # fmt: skip
LOSS = re.compile(r"(^|_)(loss|cost|error|err|mse|sse|bce|rmse|entropy|objective|criterion|nll|likelihood|j)(_|$|\d)")
NO_LOSS = re.compile(r"prime|deriv|grad|delta|back|history|plot|print|rate|_d$|^d_|dx|signal|hidden")


def is_loss(name: str) -> bool:
    """Is a function or a number of that name a loss? Not its derivative, nor a list of losses."""
    text = snake(name)
    return bool(LOSS.search(text) or "loss" in text or "cost" in text) and not NO_LOSS.search(text)


DISPLAY = re.compile(
    r"(^|_)(plot|graph|show|draw|print|display|report|save|load|animate|visuali[sz]e|checks?|checking|test|numerical|verify)(_|$)"
)
"""In the names of functions that train nothing, though they may be called get_train_graph or gradient_check."""

RETURNED_LOSS = re.compile(r"(^|_)(loss|cost|error|err|mse|sse|ell|j|c|e|objective|value)(_?value|_?total)?$")
"""Of a number that is returned beside gradients."""
RETURNED_RESULT = re.compile(r"(^|_)(a\d?|o|out|outputs?|y_?hat|y_?pred|pred(iction)?s?|z\d?|h\d?|hidden)$")
"""Of what is returned beside gradients and is none."""
SAYS_LOSS = re.compile(r"loss|cost|error|err\b|mse|entropy")
"""In a line that is printed."""
ALL_GRADIENTS = re.compile(r"grad|delta|nabla|updates?$")
"""Of an argument that takes what a backward pass returned."""
ZEROTH = re.compile(r"0|intercept|const")
"""Of a bias beside weights: theta0 beside theta1."""
HIDDEN_LIST = re.compile(r"hidden_?(sizes|layers|dims|units|nodes|neurons|units_list|layer_sizes|sizes_list)|hiddens")
SIZES_LIST = re.compile(r"sizes|layers|dims|list|hiddens")
TARGET_ARRAY = re.compile(r"out|target|label")
LETTERS = {"D": "inputs_size", "H": "hidden_size", "C": "outputs_size"}
"""Sizes as courses write them, beside a D."""

CLEAR = (
    "zero_grad",
    "zero_grads",
    "zero_gradients",
    "clear_gradients",
    "clear_grads",
    "reset_gradients",
    "reset_grads",
)


def methods(available: list[str], wanted: tuple[str, ...], near: bool = True) -> list[str]:
    """Those of `available` that are called like `wanted`, in its order; then, if `near`, those with such a word."""
    plain = {snake(name) or name: name for name in available}
    exact = [plain[name] for name in (w.strip("_") if w != "__call__" else "call" for w in wanted) if name in plain]
    if not near:
        return exact
    return exact + [
        name
        for text, name in plain.items()
        if name not in exact and any((len(w) > 4 and w in text) or w in text.split("_") for w in wanted)
    ]
