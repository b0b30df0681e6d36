"""One way of using a target, judged: what is right though it looks strange, and what cannot be judged."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from samegrad.impls.parameters import tensors
from samegrad.impls.verifying.conventions import MSE
from samegrad.impls.verifying.verify import run
from samegrad.impls.verifying.writing import untested
from tests.impls.verifying.observed import candidate, each, noise, probes

pytestmark = pytest.mark.usefixtures("in_this_process")

HEAD = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))
"""
FUNCTION = (
    HEAD
    + """
def forward(x, W1, b1, W2, b2):
    return sigmoid(np.tanh(x @ W1 + b1) @ W2 + b2)

def gradients(x, y, W1, b1, W2, b2):
    h = np.tanh(x @ W1 + b1)
    o = sigmoid(h @ W2 + b2)
    d2 = (o - y) / len(x) * o * (1 - o)
    d1 = d2 @ W2.T * (1 - h * h)
    dW1, db1, dW2, db2 = x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
    return dW1, db1, dW2, db2
"""
)
CLASS = (
    HEAD
    + """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.RandomState(0)
        self.W1, self.b1 = rng.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = rng.randn(n_hidden, n_out), np.zeros(n_out)

    def forward(self, x):
        self.h = np.tanh(x @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def step(self, x, y, lr):
        d2 = (self.forward(x) - y) / len(x)
        d1 = d2 @ self.W2.T * (1 - self.h ** 2)
        self.apply(lr, x.T @ d1, d1.sum(axis=0), self.h.T @ d2, d2.sum(axis=0))

    def apply(self, lr, *grads):
        for p, g in zip((self.W1, self.b1, self.W2, self.b2), grads):
            p -= lr * g

    def train(self, x, y, lr):
        self.step(x, y, lr)
"""
)
WITHOUT_BIAS = "x.T @ d1, 0 * self.b1,"


def judged(program, text, name="Net.train", **options):
    return run(program(text, name), **options)


def notes(report):
    return " ".join([report.headline, *report.notes, *report.untested])


def test_the_programs_of_this_file_are_right_without_a_change(program):
    """So that what is changed below is what makes the outcome."""
    for text, name in ((FUNCTION, "gradients"), (CLASS, "Net.train"), (CLASS, "Net")):
        report = judged(program, text, name)
        assert (report.verdict, report.convention) == ("right", "half-row-mean") and report.forward_known


# Right, though it looks strange --------------------------------------------------------------------------------------


def test_updates_after_every_row_are_right_and_reported(program):
    text = CLASS.replace(
        "        self.step(x, y, lr)\n", "        for a, b in zip(x, y):\n            self.step(a[None], b[None], lr)\n"
    )
    report = judged(program, text)
    assert report.verdict == "right" and "after every row" in notes(report)
    wrong = judged(program, text.replace("x.T @ d1, d1.sum(axis=0),", WITHOUT_BIAS))
    assert (wrong.verdict, wrong.mistakes[0].name) == ("wrong", "b1-missing") and "after every row" in notes(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("constant", ["0.1", "3.0"])
def test_a_constant_factor_is_no_mistake(program, constant):
    """1 − β of a momentum at its first step; the note says how large it is beside the loss."""
    report = judged(program, CLASS.replace("p -= lr * g", f"p -= lr * {constant} * g"))
    assert report.verdict == "right" and "constant of your own" in notes(report)
    assert f"{float(constant):g} times" in notes(report) or report.constant == pytest.approx(float(constant), rel=1e-6)
    wrong = CLASS.replace("p -= lr * g", f"p -= lr * {constant} * g").replace("- self.h ** 2", "- self.h")
    assert judged(program, wrong).verdict != "right"


def test_a_demanded_loss_is_met_at_any_learning_rate_of_the_program_s_own(program):
    """What is right but for a factor that nobody can know is right, and not a matter of roundings."""
    text = CLASS.replace("p -= lr * g", "p -= 0.1 * g").replace(", lr", "").replace("lr, ", "")
    report = judged(program, text, loss="half-mse")
    assert report.verdict == "right" and "the step 0.3 that fits" in notes(report) and "rounds" not in notes(report)
    assert judged(program, text.replace("- self.h ** 2", "- self.h"), loss="half-mse").verdict == "wrong"


LIKELIHOOD = (
    HEAD
    + """
def predict(x, W, b):
    return sigmoid(x @ W + b)

def log_likelihood(x, y, W, b):
    p = predict(x, W, b)
    return np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))

def gradient(x, y, W, b):
    d = y - predict(x, W, b)
    return x.T @ d, d.sum(axis=0)
"""
)


def test_the_gradient_of_a_likelihood_points_uphill_and_is_right(program):
    """Only where the program speaks of a likelihood or of ascent; elsewhere it is a sign that is wrong."""
    report = judged(program, LIKELIHOOD, "gradient")
    assert report.verdict == "right" and "uphill" in notes(report)
    elsewhere = LIKELIHOOD.replace("log_likelihood", "cost").replace("return np.sum(", "return -np.sum(")
    report = judged(program, elsewhere, "gradient")
    assert report.verdict == "wrong" and report.mistakes[0].name == "sign"


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [2, 4, 7])
def test_rounded_results_are_right_to_their_decimals(program, decimals):
    text = FUNCTION.replace(
        "    return dW1,",
        f"    dW1, db1, dW2, db2 = (np.round(g, {decimals}) for g in (dW1, db1, dW2, db2))\n    return dW1,",
    )
    report = judged(program, text, "gradients")
    assert report.verdict == "right" and f"rounded to {decimals} decimals" in notes(report)
    if decimals > 2:  # a wrong one is not within what rounding may move
        assert judged(program, text.replace("1 - h * h", "1 - h"), "gradients").verdict != "right"


@pytest.mark.slow
def test_a_tiny_number_in_a_denominator_costs_digits_and_no_verdict(program):
    """The cross-entropy's derivative by its two factors, kept finite by an ε."""
    text = FUNCTION.replace("(o - y) / len(x) *", "((1 - y) / (1 - o + 1e-9) - y / (o + 1e-9)) / len(x) *")
    report = judged(program, text, "gradients")
    assert report.verdict == "right" and "cross-entropy" in report.headline and "seven digits" in notes(report)
    too_much = text.replace("1e-9", "1e-3")
    assert judged(program, too_much, "gradients").verdict != "right"


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("0.01 * W1", "L2"),
        ("0.01 / len(x) * W1", "/N"),
        ("0.01 * np.sign(W1)", "L1"),
        ("0.01 * W1 + 0.02 * np.sign(W1)", "elastic"),
    ],
)
def test_a_penalty_on_the_weights_is_right_and_reported(program, term, words):
    text = FUNCTION.replace(
        "return dW1, db1, dW2, db2", f"return dW1 + {term}, db1, dW2 + {term.replace('W1', 'W2')}, db2"
    )
    report = judged(program, text, "gradients")
    assert report.verdict == "right" and words in report.headline and "0.01" in report.headline
    climbing = text.replace("0.01", "-0.01").replace("0.02", "-0.02")
    assert judged(program, climbing, "gradients").verdict != "right"


# Wrong, and shown to be ----------------------------------------------------------------------------------------------


def test_gradients_that_pile_up_are_named(program):
    text = (
        CLASS.replace("rng = np", "self.g = [0, 0, 0, 0]\n        rng = np")
        .replace("p -= lr * g", "pass")
        .replace("for p, g in", "self.g = [old + new for old, new in zip(self.g, grads)]\n        for p, g in")
    )
    text = text.replace("            pass", "            pass\n        self.dW1, self.db1, self.dW2, self.db2 = self.g")
    report = judged(program, text, "Net.step")
    assert (report.verdict, report.mistakes[0].name) == ("wrong", "accumulates")


DEEP = """
import numpy as np

class Net:
    def __init__(self, sizes):
        rng = np.random.RandomState(1)
        self.weights = [rng.randn(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros(n) for n in sizes[1:]]

    def forward(self, x):
        self.a = [x]
        for i, (W, b) in enumerate(zip(self.weights, self.biases)):
            z = self.a[-1] @ W + b
            self.a.append(np.tanh(z) if i < len(self.weights) - 1 else z)
        return self.a[-1]

    def train(self, x, y, lr):
        d = (self.forward(x) - y) / len(x)
        for i in reversed(range(len(self.weights))):
            gW, gb = self.a[i].T @ d, d.sum(axis=0)
            if i > 0:
                d = d @ self.weights[i].T SLOPE
            self.weights[i] -= lr * gW
            self.biases[i] -= lr * gb
"""


def test_a_mistake_in_the_second_hidden_layer_only_is_found(program):
    """At two layers there is no such layer, and the program is right there; at three it is wrong."""
    right = DEEP.replace("SLOPE", "* (1 - self.a[i] ** 2)")
    assert judged(program, right, "Net").verdict == "right"
    report = judged(program, DEEP.replace("SLOPE", "* (1 if i == 2 else 1 - self.a[i] ** 2)"), "Net")
    assert report.verdict == "wrong" and report.mistakes[0].name == "slope-none-2"
    assert "hidden layer 2" in report.headline and len(report.sizes) == 4


# Neither -------------------------------------------------------------------------------------------------------------


ADAM = """        self.t = getattr(self, "t", 0) + 1
        for i, (p, g) in enumerate(zip((self.W1, self.b1, self.W2, self.b2), grads)):
            m, v = 0.1 * g / (1 - 0.9), 0.001 * g * g / (1 - 0.999)
            p -= lr * m / (np.sqrt(v) + 1e-8)
"""


def test_adam_is_no_plain_step(program):
    """Every weight moves by the same amount, whatever the gradient: one step shows nothing of it."""
    start = CLASS.index("        for p, g in")
    text = CLASS[:start] + ADAM + CLASS[CLASS.index("\n    def train") :]
    report = judged(program, text)
    assert report.verdict == "cannot tell" and "Adam" in report.headline and report.exit_code == 2


@pytest.mark.slow
def test_several_steps_in_one_call_are_no_gradient(program):
    """The number of rows is named for one of the conventions that may be meant, so that it may be 3, 6 or 9 here."""
    text = CLASS.replace(
        "        self.step(x, y, lr)\n", "        for _ in range(3):\n            self.step(x, y, lr)\n"
    )
    report = judged(program, text)
    assert report.verdict == "cannot tell" and re.search(r"takes \d steps", report.headline)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        "dW1 = dW1 * len(calls)",
        "dW1 = dW1 + 0.01 * len(calls)",
        "dW1, db1, dW2, db2 = (g + 0.01 * len(calls) for g in (dW1, db1, dW2, db2))",
    ],
    ids=["times the calls", "one tensor", "every tensor"],
)
def test_a_result_that_varies_is_not_judged(program, change):
    """It depends on how often it was called. (What is drawn at random is drawn alike each time.)"""
    text = FUNCTION.replace("    return dW1,", f"    calls.append(1)\n    {change}\n    return dW1,") + "\ncalls = []\n"
    report = judged(program, text, "gradients")
    assert report.verdict == "cannot tell" and "another result" in report.headline


@pytest.mark.slow
def test_what_is_drawn_at_random_is_not_accused(program):
    """A dropout is no mistake, and no network that is known."""
    text = FUNCTION.replace("    o = sigmoid(h @", "    h = h * (np.random.rand(*h.shape) > 0.5)\n    o = sigmoid(h @")
    assert judged(program, text, "gradients").verdict == "cannot tell"


BORN_AT_ZERO = """
import numpy as np

class Line:
    def fit(self, X, y, lr=0.01):
        self.w, self.b = np.zeros((X.shape[1], y.shape[1])), np.zeros(y.shape[1])
        miss = X @ self.w + self.b - y
        self.w = self.w - lr * X.T @ miss
        self.b = self.b - lr * miss.sum(axis=0)

    def predict(self, X):
        return X @ self.w + self.b
"""


def test_what_is_seen_at_zero_weights_only_is_not_called_right(program):
    """One step from zero, and no number of epochs to see a second: a forgotten bias or a penalty would not show."""
    report = judged(program, BORN_AT_ZERO, "Line")
    assert report.verdict == "cannot tell" and "zero" in report.headline
    later = BORN_AT_ZERO.replace("lr=0.01", "lr=0.01, epochs=5").replace(
        "        miss", "        for _ in range(epochs):\n            miss"
    )
    later = later.replace("        self.w = self.w", "            self.w = self.w").replace(
        "        self.b = self.b", "            self.b = self.b"
    )
    report = judged(program, later, "Line")
    assert report.verdict == "right" and "after 1 epochs" in notes(report).replace("after 1 epoch ", "after 1 epochs ")


@pytest.mark.slow
def test_a_forward_pass_that_is_none_of_the_known_is_not_accused(program):
    """Softplus, with its right slope: nothing is known of it, and the answer names the option to give."""
    text = FUNCTION.replace("np.tanh(x @ W1 + b1)", "np.log1p(np.exp(x @ W1 + b1))").replace(
        "1 - h * h", "1 - np.exp(-h)"
    )
    report = judged(program, text, "gradients")
    assert report.verdict == "cannot tell" and "--loss" in report.headline
    report = judged(program, text, "gradients", loss="squared-error")
    assert report.verdict == "right" and "of its own forward pass" in report.headline
    report = judged(program, text.replace("1 - np.exp(-h)", "np.exp(-h)"), "gradients", loss="squared-error")
    assert report.verdict == "wrong"


@pytest.mark.slow
def test_an_optimizer_s_state_that_turns_the_step_is_not_accused(program):
    """Gradient clipping by its norm, where it is active: a right direction of another length in each batch."""
    text = CLASS.replace(
        "        for p, g in",
        "        n = np.sqrt(sum(np.sum(g * g) for g in grads))\n"
        "        grads = [g / n * 0.01 for g in grads]\n"
        "        for p, g in",
    )
    assert judged(program, text).verdict != "wrong"


# Never accuse of what was read wrongly ------------------------------------------------------------------------------


def test_twice_nothing_is_no_pile_up(in_this_process, program):
    """A dead unit gives zero gradients, and so does a second call."""
    text = """
        import numpy as np

        def gradients(x, y, W1, W2):
            dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
            for xi, yi in zip(x, y):
                s = xi @ W1
                h = np.maximum(0, s)
                d = h @ W2 - yi
                dW1 += np.outer(xi, (W2 @ d) * (s > 0))
                dW2 += np.outer(h, d)
            return dW1, dW2
    """
    assert run(program(text)).verdict == "right"


def test_a_gradient_with_a_few_roundings_more_is_right(in_this_process, program):
    """τ of some units is no float32: that would be off by a hundred million roundings."""
    text = """
        import numpy as np

        def forward(x, W1, b1):
            return np.exp(x @ W1 + b1) / (1 + np.exp(x @ W1 + b1))

        def gradients(x, y, W1, b1):
            a = forward(x, W1, b1)
            d = (a - y) * a * (1 - a) / len(x)
            error = 1 + {off} * 2.0**-53
            return x.T @ d * error, d.sum(axis=0)
    """
    few, many = (run(program(text.replace("{off}", off))) for off in ("200", "2e9"))
    assert few.verdict == "right" and "times the bound" in notes(few)
    assert many.verdict == "right" and "seven digits" in notes(many)


def test_momentum_from_zero_weights_is_no_penalty(in_this_process, program):
    """From zero, the weights are −rate times the first gradient, so that the momentum looks like λ·W with λ < 0."""
    text = """
        import numpy as np

        def train(X, y, epochs=1000, lr=0.1):
            w, b = np.zeros(X.shape[1]), 0.0
            v, u = np.zeros_like(w), 0.0
            for epoch in range(epochs):
                p = np.tanh(X @ w + b)
                d = 2 * (p - y) / y.size * (1 - p**2) {mistake}
                v = 0.9 * v + X.T @ d
                u = 0.9 * u + np.sum(d)
                w, b = w - lr * v, b - lr * u
            return w, b

        def loss(p, y):
            return np.mean((p - y) ** 2)
    """
    outcome = run(program(text.replace("{mistake}", ""), "train"))
    assert outcome.verdict == "right" and "momentum" in notes(outcome)
    assert run(program(text.replace("{mistake}", "* (p + 2)"), "train")).verdict != "right"


def test_without_biases_none_is_missing_row_by_row(in_this_process, program):
    text = """
        import numpy as np

        class Net:
            def __init__(self, n_in=2, n_hidden=4, n_out=1, lr=0.01):
                self.lr = lr
                self.w = [np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)]

            def predict(self, x):
                self.h = np.tanh(x @ self.w[0])
                return np.tanh(self.h @ self.w[1])

            def train(self, X, Y, epochs=1000):
                for epoch in range(epochs):
                    for x, y in zip(X, Y):
                        p = self.predict(x)
                        d2 = 2 * (p - y) * (1 - p**2)
                        d1 = self.w[1] @ d2 * (1 - self.h**2)
                        self.w[1] -= self.lr * np.outer(self.h, d2)
                        self.w[0] -= self.lr * np.outer(x, d1)
    """
    assert run(program(text, "Net")).verdict == "right"


def test_a_program_for_any_number_of_outputs_is_not_right_for_being_so_with_one(in_this_process, program):
    """A bias takes the sum over everything with one output only; beside a penalty on it no mistake explains that."""
    text = """
        import numpy as np

        class Net:
            def __init__(self, n_inputs, n_outputs, rate=0.1):
                self.rate, self.W, self.b = rate, np.random.randn(n_inputs, n_outputs), np.zeros(n_outputs)

            def forward(self, x):
                return np.tanh(x @ self.W + self.b)

            def train(self, x, y):
                a = self.forward(x)
                d = (a - y) / len(x) * (1 - a * a)
                self.W -= self.rate * (x.T @ d + 0.01 * self.W)
                self.b -= self.rate * (d.sum(axis=0) + 0.01 * self.b)
    """
    assert run(program(text, "Net")).verdict == "right"
    report = run(program(text.replace("axis=0", ""), "Net"))
    assert report.verdict == "cannot tell" and report.sizes[-1] > 1 and "With one output" in notes(report)
    for_one = text.replace("axis=0", "").replace("n_inputs, n_outputs, rate", "n_inputs, rate")
    assert run(program(for_one.replace("n_outputs", "1"), "Net")).verdict == "right"


def test_a_penalty_beside_a_mistake_is_named_too(in_this_process, program):
    text = """
        import numpy as np

        def forward(x, W1, b1, W2, b2):
            h = np.tanh(x @ W1 + b1)
            return h, h @ W2 + b2

        def gradients(x, y, W1, b1, W2, b2):
            h, a = forward(x, W1, b1, W2, b2)
            d2 = (a - y) / len(x)
            d1 = d2 @ W2.T
            return x.T @ d1 + 0.01 * W1, d1.sum(axis=0), h.T @ d2 + 0.01 * W2, d2.sum(axis=0)
    """
    outcome = run(program(text))
    assert outcome.mistakes[0].name == "slope-none-hidden"
    assert "an L2 penalty" in notes(outcome) and "0.01" in notes(outcome)


# From gradients at hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_known", [False, True])
def test_an_observation_is_what_was_answered_of_its_probe(rate_known):
    """A learning rate that the target was not given is 1."""
    some = [replace(o, loss=2.0, rate=0.375) for o in probes()]
    for o, answered in zip(candidate(some, rate_known=rate_known).observations, some, strict=True):
        assert (o.loss, o.rate) == (2.0, 0.375 if rate_known else 1.0)
        assert (o.parameters, o.x is answered.x, o.y is answered.y) == (answered.parameters, True, True)
        assert (o.gradients, o.slack, o.predictions is answered.predictions) == (
            answered.gradients,
            answered.slack,
            True,
        )


def test_what_is_answered_of_every_probe_is_true_of_the_whole():
    way = candidate(probes(), kind="whole", reading={"dtype": "float32", "loss_is_given": True, "absent": ["b1"]})
    assert (way.kind, way.dtype, way.allowed, way.loss_known, way.absent) == ("whole", "float32", [MSE], True, {"b1"})
    usual = candidate(probes(), asked={"dtype": "float32"})
    assert usual.dtype == "float32" and candidate(probes()).dtype == "float64"
    assert len(usual.allowed) > 1 and not usual.loss_known and usual.absent == set()
    rounded = each(probes(), lambda n, g, o: noise(g, 1e-8))
    for dtype in ("float32", "float64"):
        assert candidate(rounded, asked={"dtype": dtype}).diagnose(depth="right").right == (dtype == "float32")


@pytest.mark.parametrize("per_row", [False, True])
@pytest.mark.parametrize(("kind", "term"), [("L2", lambda W: W), ("L1", np.sign)])
def test_a_penalty_beside_a_mistake_in_all_of_a_single_layer(kind, term, per_row):
    """Its λ is written in the source, and the biases, which have no penalty, show the mistake."""
    some = []
    for o in probes(("identity",), (4, 3)):
        size = 0.05 / (len(o.x) if per_row else 1)
        g = {"W1": size * term(o.parameters[0].W) - o.gradients["W1"], "b1": -o.gradients["b1"]}
        some.append(replace(o, gradients=g))
    diagnosis = candidate(some, sizes=(4, 3), source={"literals": (2.0, 0.05)}).explained
    assert diagnosis.explanations[0].mistake.name == "sign" and diagnosis.penalty.kind == kind
    assert not diagnosis.penalty.with_biases
    assert diagnosis.penalty.coefficients == tuple((len(o.x), 0.05 / (len(o.x) if per_row else 1)) for o in some)
    unknown = candidate(some, sizes=(4, 3), source={"literals": (2.0,)}).explained
    assert unknown.penalty is None and not unknown.explanations
    strange = [replace(o, gradients={**o.gradients, "b1": 1.3 * o.gradients["b1"] + 0.1}) for o in some]
    assert candidate(strange, sizes=(4, 3), source={"literals": (0.05,)}).explained.penalty is None


def forgotten_beside(size, **changes):
    """A bias that is forgotten, and λ·W in the gradients of the weights."""

    def change(n, g, o):
        return 0 * g if n == "b1" else g + size * tensors(o.parameters)[n] if n[0] == "W" else g

    return each(probes(**changes), change)


@pytest.mark.parametrize("size", [0.05, 0.99])
def test_a_penalty_is_taken_away_to_rounding_and_within_what_recovering_may_have_added(size):
    """A large one swallows digits of the gradient beside it, in float32 as in float64."""
    some = forgotten_beside(size, net=("sigmoid", "sigmoid"))
    single = each(some, lambda n, g, o: np.float64(np.float32(g)))
    asked, source = {"dtype": "float32"}, {"literals": (size,)}
    assert candidate(single, asked=asked, source=source).explained.explanations[0].mistake.name == "b1-missing"
    vague = [replace(o, slack={n: np.full(g.shape, 1e-6) for n, g in o.gradients.items()}) for o in some]
    for observations in (some, each(vague, lambda n, g, o: g + 0.9e-6 if n[0] == "W" else g)):
        diagnosis = candidate(observations, source={"literals": (size,)}).explained
        assert diagnosis.explanations[0].mistake.name == "b1-missing" and diagnosis.penalty.kind == "L2"
    far = each(vague, lambda n, g, o: g + 1.1e-6 if n == "W2" else g)
    assert candidate(far, source={"literals": (size,)}).explained.penalty is None


def test_a_number_is_no_penalty_s_from_1_on_nor_beside_a_gradient_of_another_shape():
    assert candidate(forgotten_beside(1.0), source={"literals": (1.0,)}).explained.penalty is None
    cut = each(forgotten_beside(0.05), lambda n, g, o: g[:, :2] if n == "W1" else g)
    assert candidate(cut, source={"literals": (0.05,)}).explained.penalty is None


def turned(net, sizes):
    """Gradients of the wrong sign, of a network that is not seen."""
    some = [replace(o, predictions=None) for o in probes(net, sizes)]
    return [replace(o, gradients={n: -g for n, g in o.gradients.items()}) for o in some]


def test_a_mistake_is_shown_without_the_forward_pass_where_there_is_a_hidden_layer():
    deep = candidate(turned(("tanh", "sigmoid"), (4, 5, 3)), source={"activations": ("tanh", "sigmoid")})
    assert deep.explained.explanations[0].mistake.name == "sign" and deep.shown_wrong
    line = candidate(turned(("sigmoid",), (4, 3)), sizes=(4, 3), source={"activations": ("sigmoid",)})
    assert line.explained.explanations and not line.shown_wrong


def test_what_cannot_be_judged_at_another_depth_is_told_by_its_sizes():
    at_rest = [replace(o, gradients={n: 0 * g for n, g in o.gradients.items()}) for o in probes()]
    other = candidate(at_rest, sizes=(4, 5, 3)).message
    reason = "every gradient is zero at the probes, which shows nothing"
    assert untested(candidate(probes(), deeper=[other])) == [f"4-5-3: {reason}"]


LAYER = {"sizes": (4, 3), "asked": {"activations": ("tanh",)}}


def two_mistakes(factor=1.0):
    """Weights that climb, and a bias that is forgotten."""
    some = probes(("tanh",), (4, 3), batches=(2, 1))
    return each(some, lambda n, g, o: -factor * g if n == "W1" else 0 * g)


@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("rate", [1.0, 0.07])
def test_two_mistakes_are_looked_for_when_asked(rate, asked_before):
    """What was concluded without them is concluded anew; a learning rate that is not known is found."""
    both = candidate(two_mistakes(rate), recovered=True, rate_known=rate == 1, **LAYER)
    assert not both.explained.explanations
    if asked_before:
        assert not both.shown_wrong
    both.look_for_two()
    assert both.explained.explanations[0].mistake.name == "sign+b1-missing" and both.shown_wrong
    assert both.explained.constant == pytest.approx(rate, rel=1e-9)


def test_two_mistakes_are_not_looked_for_where_they_could_not_be_shown():
    """What is right or explained is left as it is, as is what was not seen to predict, or varies."""
    some = two_mistakes()
    right = probes(("tanh",), (4, 3))
    for way in (
        candidate(right, **LAYER),
        candidate(each(right, lambda n, g, o: 0 * g if n == "b1" else g), **LAYER),
        candidate([replace(o, predictions=None) for o in some], **LAYER),
        candidate([replace(o, predictions=o.predictions**2) for o in some], **LAYER),
        candidate(some, repeat="varies", **LAYER),
    ):
        before = way.explained
        way.look_for_two()
        assert way.explained is before
