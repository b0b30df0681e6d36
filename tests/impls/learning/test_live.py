"""The progress display in a terminal of 80 columns: what it says at each stage, each line in one line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from samegrad.impls.learning.live import SHOWN, Live
from samegrad.impls.learning.trainer import TRAINERS

NAMES = ["shadows", *TRAINERS]


def shown(states, epochs=10_000, width=80):
    """The lines that a terminal shows after these states."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, legacy_windows=False)
    with Live(console, list(states), epochs) as live:
        live.show(states)
        plain = Console(file=io.StringIO(), width=width)
        plain.print(live.bars.get_renderable())
    return plain.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"stage": "waiting"}, ("epoch 0 of 10,000", "waiting")),
        ({"stage": "running"}, ("epoch 0 of 10,000", "starting")),
        ({"stage": "running", "epoch": 860, "loss": 0.2492871}, ("epoch 860 of 10,000", "loss 0.249287")),
        ({"stage": "running", "epoch": 860}, ("epoch 860 of 10,000",)),
        ({"stage": "running", "epoch": 860, "converged": 0.254}, ("epoch 860 of 10,000", "25.4% converged")),
        ({"stage": "done", "epoch": 9850, "loss": 0.0038}, ("epoch 10,000 of 10,000", "loss 0.003800")),
        ({"stage": "failed", "epoch": 860, "loss": 0.2}, ("epoch 860 of 10,000", "no result")),
    ],
)
def test_every_stage_is_reported_in_one_line_of_80_columns(state, words):
    """For the longest name too."""
    lines = shown({name: state for name in NAMES})
    assert len(lines) == len(NAMES)
    for name, line in zip(NAMES, lines, strict=True):
        assert SHOWN.get(name, name) in line and all(part in line for part in words) and "…" not in line


def test_without_a_terminal_nothing_is_shown():
    console = Console(file=io.StringIO())
    with Live(console, ["numpy"], 10) as live:
        live.show({"numpy": {"stage": "running", "epoch": 3, "loss": 0.5}})
    assert console.file.getvalue() == ""
