"""`generate(seed, mistake)`: a training program as people write it, right by construction or with one known mistake.

The kinds of programs are in `kinds`, the choices in `plan`, the names in `names`, the lines in `writing`, the mistakes
in `mistakes`. `exercise` is call code with which a test measures whether the truth is as it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.impls.programs import kinds, mistakes
from tests.impls.programs.parts import Parts
from tests.impls.programs.plan import DECAY, DECAY_L1, Plan, draw
from tests.impls.programs.writing import Writer


@dataclass(frozen=True)
class Program:
    """A program's text and its truth. `mistake` lists the names that are right for it, the best first."""

    text: str
    files: dict[str, str]
    target: str
    flags: list[str]
    truth: str
    mistake: list[str] | None
    what: dict[str, Any]
    loss: str
    exercise: str


def generate(seed: int, mistake: bool) -> Program:
    """The program of a seed: a right one, or the same kind of program with exactly one mistake in it."""
    rng = Random(f"{seed} {mistake}")
    plan, names = mistakes.draw(rng) if mistake else (draw(rng), None)
    writer = Writer(plan, rng)
    parts = kinds.write(writer, seed)
    text = "\n".join(parts.lines).rstrip() + "\n"
    return Program(
        text=text,
        files=parts.files,
        target=parts.target,
        flags=[],
        truth="wrong" if mistake else "right",
        mistake=names,
        what=_what(plan, parts),
        loss=plan.loss.words,
        exercise="\n".join(parts.exercise) + "\n",
    )


def _what(plan: Plan, parts: Parts) -> dict[str, Any]:
    decays = {"l2": (DECAY, 0.0), "l1": (0.0, DECAY), "elastic": (DECAY, DECAY_L1)}
    return {
        "kind": plan.kind,
        "layout": plan.layout,
        "sizes": plan.sizes,
        "activations": plan.activations,
        "biased": plan.biased,
        "loss": plan.loss.name,
        "integers": plan.integers,
        "penalty": plan.penalty,
        "l2": decays.get(plan.penalty, (0.0, 0.0))[0],
        "l1": decays.get(plan.penalty, (0.0, 0.0))[1],
        "penalty_on_biases": plan.penalty_on_biases,
        "penalty_per_row": plan.penalty_per_row,
        "optimizer": plan.optimizer,
        "rate": parts.rate,
        "steps": parts.steps,
        "habit": plan.habit.title,
        "constructor": plan.constructor,
        "mistake": plan.mistake,
        "at": plan.at,
    }
