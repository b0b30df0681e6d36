"""Generated programs are as right, or as wrong, as the generator says, by the derivative of the loss they mean."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tests.impls.programs.generate import generate
from tests.impls.programs.measure import TOLERANCE, central, difference, flat, gradient, run
from tests.impls.programs.names import HABITS

SEEDS = range(150)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_program_has_the_gradient_of_its_loss(seed: int, tmp_path: Path) -> None:
    """What it returns, or its steps, are those of the loss it means."""
    program = generate(seed, mistake=False)
    assert program.truth == "right" and program.mistake is None
    assert difference(program, tmp_path) < TOLERANCE, f"seed {seed}: {program.what}\n{program.text}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_program_with_a_mistake_has_another_gradient(seed: int, tmp_path: Path) -> None:
    """The planted mistake changes what comes out, far beyond the differences' own error."""
    program = generate(seed, mistake=True)
    assert program.truth == "wrong" and program.mistake
    assert not difference(program, tmp_path) < TOLERANCE, f"seed {seed}: {program.what}\n{program.text}"


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_the_derivative_of_the_loss_is_that_of_central_differences(seed: int, tmp_path: Path) -> None:
    """The complex step, by which programs are judged, and central differences are the same."""
    program = generate(seed, mistake=False)
    result = run(program, tmp_path)
    arguments = program.what, [p + 0.0123 for p in flat(result["before"])], result["X"], result["Y"]
    for exact, differences in zip(gradient(*arguments), central(*arguments), strict=True):
        if program.what["biased"] or exact.ndim == 2:
            np.testing.assert_allclose(differences, exact, rtol=1e-6, atol=1e-7)


def test_the_same_seed_is_the_same_program() -> None:
    """Nothing depends on what was generated before."""
    first = generate(7, mistake=True)
    random.random()
    generate(8, mistake=False)
    assert generate(7, mistake=True) == first


def test_the_naming_habits_are_many_and_all_used() -> None:
    """At least 60 ways of naming weights and biases, each found among 2,000 programs."""
    used = {generate(seed, mistake=False).what["habit"] for seed in range(2000)}
    assert len(HABITS) >= 60
    assert used == {habit.title for habit in HABITS}
