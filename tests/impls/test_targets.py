"""Targets: what people write is found, called and read, whatever its names and layouts."""

from __future__ import annotations

import inspect
import itertools
import textwrap

import numpy as np
import pytest

from impls.errors import BadInput
from impls.verifying import differences, messages, probe, verify
from impls.verifying.targets import assign, constructor, leaves, names, process, signature, source, structure
from impls.verifying.targets.layouts import DATA_LAYOUTS, PARAMETER_LAYOUTS, VECTOR_LAYOUTS, ParameterLayout, Slot
from impls.verifying.targets.reading import reading_of_change

# Programs, generated: names × layouts × kinds × mistakes -------------------------------------------------------------

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
    step = [f"{held[key]} -= rate * g_{key}" for key in gradients]
    head = "import numpy as np\ndef sigmoid(z): return 1 / (1 + np.exp(-z))\n"
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


@pytest.fixture
def in_this_process(monkeypatch):
    """Observe targets here, and not in a process each: the same answers, through the same messages."""

    def observe(request, time_limit_s):
        return messages.loads(messages.dumps(process.answer(messages.loads(messages.dumps(request)))))

    monkeypatch.setattr(verify, "observe_in_process", observe)


@pytest.mark.parametrize(("naming", "layout", "kind", "mistake"), PROGRAMS, ids="/".join)
def test_a_program_is_read_whatever_its_names_and_layout(in_this_process, tmp_path, naming, layout, kind, mistake):
    """Right programs are right for ½·Σ; wrong ones are named. Four mistakes are dealt out over all combinations."""
    text, name = write(naming, layout, kind, mistake)
    path = tmp_path / f"program_{abs(hash((naming, layout, kind)))}.py"
    path.write_text(text)
    report = verify.run(f"{path}:{name}", frameworks=False)
    found = report.findings[0].name if report.findings else None
    assert (report.status, found) == ("wrong" if mistake else "right", MISTAKES[mistake]), (report, text)
    assert report.convention == "half-sse"


# Names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W1", ("W", 1, False)),
        ("self.bias2", ("b", 2, False)),
        ("wout", ("W", 99, False)),
        ("bh", ("b", 1, False)),
        ("weights_hidden_output", ("W", 99, False)),
        ("params['W1']", ("W", 1, False)),
        ("grads['W1']", ("W", 1, True)),
        ("self.layers[1].weights", ("W", 1, False)),
        ("dW2", ("W", 2, True)),
        ("gb1", ("b", 1, True)),
        ("bias_output_grad", ("b", 99, True)),
        ("nabla_w[0]", ("W", 0, True)),
        ("hiddenBias", ("b", 1, False)),
        ("batch", None),
        ("beta", None),
        ("best", None),
        ("vW1", None),
        ("width", None),
        ("velocity['W1']", None),
    ],
)
def test_a_name_says_what_it_holds(name, expected):
    found = names.tensor(name)
    assert (found and tuple(found)) == expected


@pytest.mark.parametrize(
    ("name", "role"),
    [("X", "x"), ("x_train", "x"), ("targets", "y"), ("y_true", "y"), ("learning_rate", "rate"), ("eta", "rate"),
     ("n_iters", "epochs"), ("y_hat", "output"), ("grad_output", "upstream"), ("cache", "cache"), ("verbose", "quiet"),
     ("something", None)],
)  # fmt: skip
def test_an_argument_has_a_role(name, role):
    every = ("x", "y", "rate", "epochs", "params", "cache", "output", "upstream", "batch", "seed", "quiet")
    assert names.role(name, every) == role


def test_methods_are_found_by_their_names():
    assert names.methods(["train", "feedForward", "back_propagation"], names.BACKWARD)[0] == "back_propagation"
    assert names.methods(["train", "feedForward"], names.FORWARD) == ["feedForward"]
    assert names.methods(["helper"], names.TRAIN) == []


# Layouts and assignment ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [*PARAMETER_LAYOUTS, *VECTOR_LAYOUTS], ids=str)
def test_a_layout_and_back_is_where_it_was(layout):
    sizes, biases = (4, 5, 1), [True, True]
    layers, _, _ = probe.make(sizes, 3, 0, biases)
    for slot in layout.slots(sizes, biases):
        value = layers[int(slot.tensor[1]) - 1][slot.tensor[0] == "b"]
        assert np.array_equal(slot.decode(slot.encode(value)), value)
        assert slot.encode(value).shape == slot.shape


def test_a_transposed_gradient_stays_visible():
    """It keeps a shape that is not the parameter's, in either orientation."""
    for layout in (ParameterLayout(False, "flat"), ParameterLayout(True, "flat")):
        slot = layout.slots((4, 5), [False])[0]
        assert slot.decode(np.zeros(slot.shape[::-1])).shape == (5, 4)


@pytest.mark.parametrize("layout", DATA_LAYOUTS, ids=lambda layout: layout.name)
def test_predictions_come_back_as_rows(layout):
    x = np.arange(4.0).reshape(1, 4) if layout.single else np.arange(12.0).reshape(3, 4)
    y = x[:, :1] if "flat" in layout.name else x[:, :2]
    if "numbers" in layout.name:
        x = x[:, :1]
    _, encoded = layout.encode(x, y)
    assert np.array_equal(layout.predictions(encoded, *y.shape), y)
    assert layout.predictions("nothing", 3, 2) is None and layout.predictions(np.zeros(5), 3, 2) is None


def slots(*sizes):
    return ParameterLayout(False, "flat").slots(sizes, [True] * (len(sizes) - 1))


def named(*pairs):
    return [(name, np.asarray(value, dtype=float)) for name, value in pairs]


def test_gradients_are_assigned_by_name_before_order():
    W, b = np.ones((4, 3)), np.ones(3)
    found = assign.assign(named(("db1", b), ("dW1", W), ("loss", 0.5)), slots(4, 3))
    assert found.gradients["W1"].shape == (4, 3) and found.loss == 0.5 and found.labelled


def test_gradients_are_assigned_by_order_then_shape():
    first, second = np.ones((4, 5)), np.ones((5, 3))
    for order in ((first, np.ones(5), second, np.ones(3)), (second, np.ones(3), first, np.ones(5))):
        found = assign.assign(named(*(("", value) for value in order)), slots(4, 5, 3))
        assert found.gradients["W1"].shape == (4, 5) and found.gradients["b2"].shape == (3,)


def test_a_number_beside_the_gradients_is_the_loss_and_one_vector_is_all_of_them():
    found = assign.assign(named(("", 0.25), ("", np.ones((4, 3))), ("", np.ones(3))), slots(4, 3))
    assert found.loss == 0.25
    found = assign.assign(named(("", np.arange(15.0))), slots(4, 3))
    assert np.array_equal(found.gradients["b1"], [12, 13, 14])


def test_too_little_is_not_assigned():
    assert assign.assign(named(("", np.ones(3))), slots(4, 3)) is None
    assert assign.assign([], slots(4, 3)) is None


# Leaves, structure, constructor, signature ------------------------------------------------------------------------


class Layer:
    def __init__(self):
        self.weights = np.zeros((2, 3))
        self.bias = np.zeros(3)


class Holder:
    rate = 0.1

    def __init__(self):
        self.layers = [Layer(), Layer()]
        self.table = {"W9": np.ones((1, 2)), "name": "text"}
        self.itself = self


def test_leaves_are_found_below_objects_lists_and_dictionaries_and_can_be_set():
    holder = Holder()
    found = {leaf.name: leaf for leaf in leaves.of_object(holder, __name__)}
    assert {"layers[0].weights", "layers[1].bias", "table['W9']", "rate"} <= set(found)
    alias = holder.layers[0].weights
    found["layers[0].weights"].set(np.full((2, 3), 7.0))
    assert alias[0, 0] == 7  # in place: other names for the array see it too
    found["table['W9']"].set(np.zeros((2, 2)))
    assert holder.table["W9"].shape == (2, 2)


def test_only_numbers_are_arrays():
    for value in (None, "text", True, [1, "a"], {"a": 1}, np.array(["a"]), print):
        assert leaves.to_array(value) is None
    assert leaves.to_array([[1, 2], [3, 4]]).shape == (2, 2)


@pytest.mark.parametrize(
    ("shapes", "sizes", "expected"),
    [
        ([(2, 4), (4, 1)], None, [False]),
        ([(4, 2), (1, 4)], None, [True]),
        ([(2, 2), (2, 2)], None, [False, True]),
        ([(4, 5), (3, 4)], (5, 4, 3), [True]),
        ([(2, 4), (3, 1)], None, []),
    ],
)
def test_weights_chain_in_one_orientation_or_both(shapes, sizes, expected):
    assert structure.orientations(shapes, sizes) == expected


def test_a_constructor_gets_the_sizes_that_it_asks_for():
    class Sized:
        def __init__(self, input_size, hidden_size, output_size, lr=0.1, seed=None):
            self.got = (input_size, hidden_size, output_size, lr)

    class Listed:
        def __init__(self, layer_sizes):
            self.got = layer_sizes

    class Strange:
        def __init__(self, colour):
            pass

    make = constructor.Constructor(Sized, source.Path(__file__), {})
    assert make.sizeable and make.make((4, 5, 3), None).got == (4, 5, 3, probe.RATE)
    assert constructor.Constructor(Listed, source.Path(__file__), {}).make((4, 5, 3), None).got == [4, 5, 3]
    with pytest.raises(Exception, match="--init"):
        constructor.Constructor(Strange, source.Path(__file__), {}).make((4, 5, 3), None)


def nested(params, x, y):
    (W1, b1), (W2, b2) = params
    return W1, b1, W2, b2, x, y


def keyed(p, x, y):
    return p["W_hidden"], p["b_hidden"], p["W_out"], x, y


def dotted(params, x, y):
    return params.W1, params.W2, x, y


@pytest.mark.parametrize(
    ("function", "layers", "biases"),
    [(nested, 2, [True, True]), (keyed, 2, [True, False]), (dotted, 2, [False, False])],
)
def test_containers_are_built_as_the_function_uses_them(function, layers, biases):
    spec = signature.read_signature(function, inspect.getmodule(np.linalg), None)
    assert (spec.layers, spec.biases) == (layers, biases)


def test_a_step_is_read_within_its_slack():
    """The gradient that is recovered from p′ = p − rate·g is within the slack of g, also where g is tiny."""
    rng = np.random.default_rng(0)
    slot = Slot("W1", (4, 3), (4, 3))
    for scale in (1.0, 1e-8):
        p, g = rng.standard_normal((4, 3)), scale * rng.standard_normal((4, 3))
        reading = reading_of_change([slot], {"W1": p}, {"W1": p - 0.1 * g}, 0.1, True)
        error = abs(reading.gradients["W1"] - g)
        assert np.all(error <= reading.slack["W1"])
        assert np.any(error > 1e-3 * reading.slack["W1"])  # a bound, and not a blank cheque


# Source --------------------------------------------------------------------------------------------------------------


def test_a_traceback_is_the_users_own(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text("def inner():\n    return 1 / 0\n\ndef outer():\n    return inner()\n")
    module = source.load(path)
    with pytest.raises(source.UserError) as caught, source.own_errors(path):
        module.outer()
    text = str(caught.value)
    assert text.startswith("Traceback") and "theirs.py" in text and text.endswith("ZeroDivisionError: division by zero")
    assert "test_targets" not in text and caught.value.depth == 5


def test_a_file_that_is_not_there_and_a_name_that_is_not_in_it(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        source.load(tmp_path / "absent.py")
    path = tmp_path / "small.py"
    path.write_text("def backward(): pass\n")
    with pytest.raises(BadInput, match="Did you mean 'backward'"):
        source.find(source.load(path), "backwards", path)


def test_names_are_read_off_the_source(tmp_path):
    path = tmp_path / "read.py"
    path.write_text(
        textwrap.dedent("""
        def f(params, theta, p):
            a, b = params
            c = theta[:3]
            for w in p: pass
            return c, a, b + 1
        """)
    )
    function = source.load(path).f
    assert source.returned_names(function) == ["c", "a", ""]
    assert source.unpacked(function, "params") == ["a", "b"]
    assert [source.used_as(function, n) for n in ("params", "theta", "p")] == ["list", "flat", "list"]
    assert source.activations("np.tanh(z); np.exp(-z)") == ["sigmoid", "tanh"]
    assert source.literals("lr = 0.25\nx = True") == [0.25]


# Differences ---------------------------------------------------------------------------------------------------------


def test_the_complex_step_is_taken_where_it_can_be_and_is_exact():
    theta = np.array([0.3, -1.2])
    found = differences.derivative(lambda t: np.exp(t[0]) * np.sin(t[1]), theta)
    exact = np.exp(0.3) * np.array([np.sin(-1.2), np.cos(-1.2)])
    assert found.method == "complex step" and np.all(abs(found.gradient - exact) <= found.bound)
    assert np.all(found.bound <= 1e-13)


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: abs(t[0]) ** 3 + t[1],
        lambda t: np.real(t[0]) ** 3 + np.real(t[1]),
        lambda t: t[0] ** 3 + np.real(t[1]),
    ],
    ids=["abs", "real only", "half of it real"],
)
def test_differences_take_over_where_the_loss_is_not_analytic(loss):
    """Also where the complex step runs and is silently wrong."""
    found = differences.derivative(loss, np.array([0.7, 0.2]))
    assert found.method == "differences"
    assert np.all(abs(found.gradient - [3 * 0.49, 1]) <= found.bound) and np.all(found.bound < 1e-9)


def test_the_bound_of_differences_is_honest_for_a_rough_loss():
    """With noise of 1e-10 in the loss, the error grows and the bound with it."""
    rng = np.random.default_rng(0)
    found = differences.richardson(lambda t: np.sin(t[0]) + 1e-10 * rng.standard_normal(), np.array([0.5]))
    assert abs(found.gradient[0] - np.cos(0.5)) <= found.bound[0]


def test_messages_keep_every_bit():
    value = {"a": np.array([[1 / 3, np.pi], [1e-300, -0.0]]), "b": [1, "text", None, {"c": np.float64(0.1)}]}
    found = messages.loads(messages.dumps(value))
    assert np.array_equal(found["a"], value["a"]) and found["b"][3]["c"] == 0.1 and found["b"][:3] == [1, "text", None]
