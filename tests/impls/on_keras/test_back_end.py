"""Which back end computes Keras is the implementation's choice, whatever the user's variable says."""

from __future__ import annotations

import importlib
import sys

import pytest

from samegrad.impls.child import call
from samegrad.impls.registry import REGISTRY

TRAINER = "samegrad.impls.learning.keras_trainer"


def back_end(name):
    if name == TRAINER:
        importlib.import_module(name)
    else:
        REGISTRY[name].load()
    return sys.modules["keras"].backend.backend()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "users", "expected"),
    [("keras-graph", "jax", "tensorflow"), (TRAINER, "jax", "tensorflow"), ("keras-jax", "tensorflow", "jax")],
)
def test_the_user_s_back_end_is_passed_over(name, users, expected):
    if reason := REGISTRY["keras-jax" if expected == "jax" else "keras-graph"].missing():
        pytest.skip(reason)
    response = call(f"{__name__}:back_end", {"name": name}, timeout_s=300, environment={"KERAS_BACKEND": users})
    assert response == expected
