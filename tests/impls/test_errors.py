"""A wrong name is answered with what was found, what is allowed, and the nearest of it."""

from __future__ import annotations

import pytest

from samegrad.impls.errors import BadInput, choose

FRUIT = ("apple", "pear", "cherry")


@pytest.mark.parametrize("name", FRUIT)
def test_a_right_name_is_returned(name):
    assert choose("fruit", name, iter(FRUIT)) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aple", "unknown fruit 'aple'; allowed: apple, pear, cherry. Did you mean 'apple'?"),
        ("zzz", "unknown fruit 'zzz'; allowed: apple, pear, cherry."),
        ("", "unknown fruit ''; allowed: apple, pear, cherry."),
        (None, "unknown fruit None; allowed: apple, pear, cherry."),
    ],
)
def test_a_wrong_name_is_refused_in_one_line(name, message):
    """With a hint only where something is near."""
    with pytest.raises(BadInput) as refused:
        choose("fruit", name, FRUIT)
    assert str(refused.value) == message


def test_bad_input_can_be_caught_as_a_value_error():
    with pytest.raises(ValueError):
        choose("fruit", "plum", FRUIT)
