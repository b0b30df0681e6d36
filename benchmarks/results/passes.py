"""The label of a pass: its name, and after a colon the variant in which it was called (`value_and_grad:host`).

A variant is another way of calling the same pass, or of what it updates by: `host` hands the input over from the host
at every call and fetches the result, `pipelined` enqueues many calls and waits once, and a training step may name an
optimizer. Any other variant is called by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable

RESULT = {
    "forward": "forward pass",
    "value_and_grad": "gradient",
    "train_step": "training step",
    "train_loop": "training step in a loop",
}
"""The name of what one call of a pass computes."""
WORDS = {"host": "input from the host", "pipelined": "pipelined", "shapes": "changing batch from the host"}
OPTIMIZERS = "optimizers"
"""The family of all training steps with an optimizer of their own."""


def split(label: str) -> tuple[str, str]:
    """The pass and its variant: `value_and_grad:host` → `value_and_grad`, `host`. A plain pass has an empty variant."""
    pass_, _, variant = label.partition(":")
    return pass_, variant


def title(label: str) -> str:
    """The pass as a title has it: `value_and_grad, input from the host`, `train_step with adam`."""
    pass_, variant = split(label)
    return _called(pass_, pass_, variant)


def unit(label: str) -> str:
    """What the time of a call is for: `gradient`, `gradient, input from the host`, `training step with adam`."""
    pass_, variant = split(label)
    return _called(RESULT.get(pass_, pass_), pass_, variant)


def _called(what: str, pass_: str, variant: str) -> str:
    if not variant:
        return what
    return f"{what} with {variant}" if _by_optimizer(pass_, variant) else f"{what}, {WORDS.get(variant, variant)}"


def _by_optimizer(pass_: str, variant: str) -> bool:
    return pass_.startswith("train_") and variant not in WORDS


def family(label: str) -> str:
    """The key of the labels that are drawn together: empty for the plain passes, else the variant or `optimizers`."""
    pass_, variant = split(label)
    return OPTIMIZERS if variant and _by_optimizer(pass_, variant) else variant


def heading(name: str) -> str:
    """A family in a title: empty, `input from the host`, `by optimizer`."""
    return "by optimizer" if name == OPTIMIZERS else WORDS.get(name, name)


def plain_first(labels: Iterable[str]) -> list[str]:
    """Every label once, the plain passes before the variants, else in the order given."""
    return sorted(dict.fromkeys(labels), key=lambda label: split(label)[1] != "")


def families(labels: Iterable[str]) -> list[str]:
    """Every family once, the plain passes' first if there are any."""
    return list(dict.fromkeys(family(label) for label in plain_first(labels)))
