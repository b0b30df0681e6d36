"""Messages: JSON that keeps every bit."""

from __future__ import annotations

import numpy as np

from samegrad.impls.verifying import messages


def test_messages_keep_every_bit():
    value = {"a": np.array([[1 / 3, np.pi], [1e-300, -0.0]]), "b": [1, "text", None, {"c": np.float64(0.1)}]}
    actual = messages.loads(messages.dumps(value))
    assert (
        np.array_equal(actual["a"], value["a"]) and actual["b"][3]["c"] == 0.1 and actual["b"][:3] == [1, "text", None]
    )
