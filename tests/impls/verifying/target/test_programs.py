"""Programs, generated: names × layouts × kinds × mistakes."""

from __future__ import annotations

import itertools

import pytest

from samegrad.impls.verifying import verify

NAMINGS = {
    "numbered": ("W1", "b1", "W2", "b2"),
    "words": ("weights1", "bias1", "weights2", "bias2"),
    "letters": ("wh", "bh", "wout", "bout"),
    "places": ("w_ih", "b_h", "w_ho", "b_o"),
    "long": ("hidden_weights", "hidden_bias", "output_weights", "output_bias"),
    "syn": ("syn0", "bias0", "syn1", "bias1"),
}
ROWS = {
    "forward": "h = sigmoid(x @ {W1} + {b1}); o = sigmoid(h @ {W2} + {b2})",
    "d1": "(d2 @ {W2}.T) * h * (1 - h)",
    "dW": ("x.T @ d1", "h.T @ d2"),
    "axis": 0,
    "shapes": ("(n_in, n_hidden)", "(1, n_hidden)", "(n_hidden, n_out)", "(1, n_out)"),
}
LAYOUTS = {
    "rows": ROWS,
    "transposed": {
        **ROWS,
        "forward": "h = sigmoid(x @ {W1}.T + {b1}); o = sigmoid(h @ {W2}.T + {b2})",
        "d1": "(d2 @ {W2}) * h * (1 - h)",
        "dW": ("d1.T @ x", "d2.T @ h"),
        "shapes": ("(n_hidden, n_in)", "(1, n_hidden)", "(n_out, n_hidden)", "(1, n_out)"),
    },
    "columns": {
        "forward": "h = sigmoid({W1} @ x + {b1}); o = sigmoid({W2} @ h + {b2})",
        "d1": "({W2}.T @ d2) * h * (1 - h)",
        "dW": ("d1 @ x.T", "d2 @ h.T"),
        "axis": 1,
        "shapes": ("(n_hidden, n_in)", "(n_hidden, 1)", "(n_out, n_hidden)", "(n_out, 1)"),
    },
}
MISTAKES = {"": None, "no hidden bias": "b1-missing", "no output slope": "slope-none-output", "sign": "sign"}


def write(naming, layout, kind, mistake):
    """The source of one program and the name of its target."""
    tensors = dict(zip(("W1", "b1", "W2", "b2"), NAMINGS[naming], strict=True))
    how = LAYOUTS[layout]
    held = {key: f"self.{name}" if kind == "class" else name for key, name in tensors.items()}
    slope = "" if mistake == "no output slope" else " * o * (1 - o)"
    error = "(y - o)" if mistake == "sign" else "(o - y)"
    gradients = {
        "W1": how["dW"][0],
        "b1": "0 * d1.sum(axis={0}, keepdims=True)"
        if mistake == "no hidden bias"
        else "d1.sum(axis={0}, keepdims=True)",
        "W2": how["dW"][1],
        "b2": "d2.sum(axis={0}, keepdims=True)",
    }
    gradients = {key: value.format(how["axis"]) for key, value in gradients.items()}
    body = [how["forward"].format(**held), f"d2 = {error}{slope}", f"d1 = {how['d1'].format(**held)}"]
    body += [f"g_{key} = {value}" for key, value in gradients.items()]
    if mistake == "no output slope":  # without a loss it would be right for the binary cross-entropy
        body.append("cost = squared(y, o)" if kind in ("tuple", "pairs") else "loss = np.mean((y - o) ** 2)")
    step = [f"{held[key]} -= rate * g_{key}" for key in gradients]
    head = "import numpy as np\ndef sigmoid(z): return 1 / (1 + np.exp(-z))\n"
    head += "def squared(y, o): return np.mean((y - o) ** 2)\n" if "squared(y, o)" in "".join(body) else ""
    if kind == "class":
        made = [f"{held[k]} = np.random.randn(*{s})" for k, s in zip(tensors, how["shapes"], strict=True)]
        lines = ["class Net:", "    def __init__(self, n_in, n_hidden, n_out):", *(f"        {line}" for line in made)]
        lines += ["    def train(self, x, y, rate=0.1):", *(f"        {line}" for line in [*body, *step])]
        return head + "\n".join(lines), "Net"
    if kind == "script":
        sizes = "n_in, n_hidden, n_out = 2, 3, 1\nrate = 0.1\n"
        made = "".join(
            f"{name} = np.random.randn(*{s})\n" for name, s in zip(tensors.values(), how["shapes"], strict=True)
        )
        lines = ["def train(x, y):", f"    global {', '.join(tensors.values())}"]
        return head + sizes + made + "\n".join([*lines, *(f"    {line}" for line in [*body, *step])]), "train"
    order = ", ".join(tensors.values())
    result = {
        "tuple": "return g_W1, g_b1, g_W2, g_b2",
        "backwards": "return g_W2, g_b2, g_W1, g_b1",
        "dict": "return {" + ", ".join(f"'d{name}': g_{key}" for key, name in tensors.items()) + "}",
        "pairs": "return [(g_W1, g_b1), (g_W2, g_b2)]",
    }[kind]
    return head + "\n".join([f"def grad(x, y, {order}):", *(f"    {line}" for line in [*body, result])]), "grad"


KINDS = ("tuple", "backwards", "dict", "pairs", "class", "script")
PROGRAMS = [
    (naming, layout, kind, list(MISTAKES)[number % len(MISTAKES)])
    for number, (naming, layout, kind) in enumerate([*itertools.product(NAMINGS, LAYOUTS, KINDS)][::2])
]


@pytest.mark.parametrize(("naming", "layout", "kind", "mistake"), PROGRAMS, ids="/".join)
def test_a_program_is_read_whatever_its_names_and_layout(in_this_process, tmp_path, naming, layout, kind, mistake):
    """Right programs are right for ½·Σ; wrong ones are named. Four mistakes are dealt out over all combinations."""
    text, name = write(naming, layout, kind, mistake)
    path = tmp_path / f"program_{abs(hash((naming, layout, kind)))}.py"
    path.write_text(text)
    report = verify.run(f"{path}:{name}")
    actual = report.mistakes[0].name if report.mistakes else None
    assert (report.verdict, actual) == ("wrong" if mistake else "right", MISTAKES[mistake]), (report, text)
    assert report.convention == "half-sse"


@pytest.mark.parametrize("kind", ["tuple", "class"])
def test_a_sigmoid_without_slope_is_right_for_the_cross_entropy_where_no_squared_error_is_computed(
    in_this_process, tmp_path, kind
):
    """a − y is the derivative of the binary cross-entropy; nothing in the file says that another loss is meant."""
    text, name = write("numbered", "rows", kind, "no output slope")
    text = "\n".join(line for line in text.splitlines() if "loss =" not in line and "squared" not in line)
    path = tmp_path / f"without_loss_{kind}.py"
    path.write_text(text)
    report = verify.run(f"{path}:{name}")
    assert (report.verdict, report.convention) == ("right", "bce-sum")
    assert any("If you mean the squared error, the slope" in note for note in report.notes)
