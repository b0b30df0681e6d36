"""Watching: the arrays that a program computes on the way, and the losses that it computes or prints."""

from __future__ import annotations

import builtins
import contextlib
import sys

import numpy as np
import pytest

from samegrad.impls.verifying.target.trace import LARGEST, Watch


def watched(function, *arguments, own=True):
    with Watch(lambda file: own and file == __file__) as watch:
        function(*arguments)
    return watch


def helper(x):
    squared = x * x
    return squared + 1.0


def program(x):
    inner = helper(x)
    train_loss = float(np.mean(inner))
    history_of_losses = [9.0, train_loss]
    too_large = np.zeros(LARGEST + 1)
    name = "text"
    return history_of_losses, too_large, name


def test_local_variables_and_results_are_seen_as_functions_return():
    x = np.array([[1.0, 2.0]])
    watch = watched(program, x)
    seen = [array.tolist() for array in watch.arrays]
    assert [[1.0, 4.0]] in seen and [[2.0, 5.0]] in seen  # helper's local variable, and what it returned
    assert watch.numbers["program.train_loss"] == 3.5
    assert all(array.size <= LARGEST for array in watch.arrays) and watch.locals["name"] == "text"


def test_what_is_kept_is_a_copy():
    """A program that goes on writing into its array does not change what was seen."""

    def first():
        values = kept
        return values

    kept = np.array([1.0, 2.0])
    with Watch(lambda file: file == __file__) as watch:
        first()
        kept[0] = 99.0
    assert watch.arrays[0].tolist() == [1.0, 2.0]


def test_only_the_users_own_functions_are_watched():
    assert not watched(program, np.ones((1, 2)), own=False).arrays


def test_a_number_that_is_printed_may_be_a_loss(capsys):
    """What is printed goes nowhere."""
    assert watched(lambda: print("after the last round:", np.float64(0.75))).numbers == {"print": 0.75}
    assert watched(lambda: print("the weights are 0.9")).numbers == {}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["epoch 3: loss = 0.12345", "Cost after iteration 10: 0.12345", "Loss: 0.12345"])
def test_a_loss_in_a_line_that_is_printed_is_seen(text):
    assert 0.12345 in watched(lambda: print(text)).numbers.values()


def test_everything_is_as_before_afterwards():
    """Also where the program raises."""
    before = builtins.print, sys.getprofile()
    with contextlib.suppress(ZeroDivisionError):
        watched(lambda: 1 / 0)
    assert (builtins.print, sys.getprofile()) == before


def test_derivatives_and_errors_of_layers_are_no_losses():
    def names_that_only_look_like_it():
        loss_derivative, error_rate, hidden_error = 0.1, 0.2, 0.3
        return loss_derivative, error_rate, hidden_error

    assert not watched(names_that_only_look_like_it).numbers
