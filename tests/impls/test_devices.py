"""Devices by name, and whether what was found is what was asked for."""

from __future__ import annotations

import importlib.util

import pytest

from samegrad.impls.child import call
from samegrad.impls.devices import is_on, joined, split_device
from samegrad.impls.errors import BadInput, Unavailable


@pytest.mark.parametrize(
    ("name", "parts"), [("cpu", ("cpu", 0)), ("gpu", ("gpu", 0)), ("cuda:1", ("cuda", 1)), ("mps", ("mps", 0))]
)
def test_a_name_is_a_kind_and_a_number(name, parts):
    assert split_device(name) == parts


@pytest.mark.parametrize("name", ["", "tpu", "cuda:", "cuda:-1", "cuda:one", "cpu:0", "mps:1", "GPU", ":1"])
def test_other_names_are_refused(name):
    with pytest.raises(BadInput, match="unknown device"):
        split_device(name)


@pytest.mark.parametrize(
    ("actual", "asked"),
    [("cpu", "cpu"), ("gpu:0", "gpu"), ("gpu:0", "cuda"), ("gpu:1", "cuda:1"), ("mps:0", "mps"), ("mps:0", "gpu")],
)
def test_what_was_asked_for(actual, asked):
    assert is_on(actual, asked)


@pytest.mark.parametrize(
    ("actual", "asked"),
    [
        ("cpu", "gpu"),
        ("cpu", "cuda:1"),
        ("gpu:0", "cpu"),
        ("gpu:0", "cuda:1"),
        ("gpu:1", "gpu"),
        ("gpu:0", "mps"),
        ("mps:0", "cuda"),
        ("cpu and gpu:0", "gpu"),
        ("cpu and gpu:0", "cpu"),
        ("gpu:0 and gpu:1", "gpu"),
        ("", "cpu"),
    ],
)
def test_what_was_not(actual, asked):
    assert not is_on(actual, asked)


def test_several_places_are_reported_together():
    assert joined(["gpu:0", "cpu", "cpu"]) == "cpu and gpu:0" and joined(["cpu", "cpu"]) == "cpu"


@pytest.mark.slow
@pytest.mark.parametrize("platforms", ["cuda", "nonsense"])
def test_a_variable_that_hides_the_cpu_from_jax_is_named(platforms):
    """JAX itself raises an AssertionError in the first case."""
    if not importlib.util.find_spec("jax"):
        pytest.skip("needs jax")
    find, alone = "samegrad.impls.on_jax.shared:find_device", {"JAX_PLATFORMS": platforms}
    with pytest.raises(Unavailable, match=f"sees no 'cpu' device, for JAX_PLATFORMS={platforms} shows it others only"):
        call(find, {"name": "cpu"}, timeout_s=120, environment=alone)
