"""Around a target that cannot be used: lines for its author to complete, with what is known filled in."""

from __future__ import annotations

from pathlib import Path

from samegrad.impls.verifying.target import adapter, serve


class Layered:
    def __init__(self, first_layer, rate, n_hidden):
        self.first_layer, self.rate = first_layer, rate

    def fit(self, x, y):
        self.first_layer.weights -= self.rate * y


def test_the_lines_have_what_the_constructor_says_and_leave_the_rest_open():
    text = adapter.around(Layered, "Layered", Path("their_net.py"))
    assert "from their_net import Layered" in text
    assert "Layered(first_layer=…, rate=1.0, n_hidden=W1.shape[1])" in text and "net.fit(x, y)" in text
    assert text.endswith("samegrad verify adapter.py:step") and len(text.splitlines()) <= 14


def test_they_go_with_the_reason_why_it_could_not_be_used(tmp_path):
    path = tmp_path / "their_net.py"
    path.write_text(
        "class Net:\n    def __init__(self, solver):\n        self.w = solver.weights\n"
        "    def train(self, x, y):\n        self.w -= x.T @ y\n"
    )
    request = {"path": str(path), "name": "Net", "init": None, "parameters": None, "arguments": None, "sizes": None}
    *_, last = serve.answer(request)
    assert last["error"] == "traceback" and "def step(x, y, W1, b1, W2, b2)" in last["adapter"]
